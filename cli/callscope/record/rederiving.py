"""Deriving a session again from its recording: truth from the lines, everything else from the recorded bytes.

Knows the recorded order of things and which decoder reads what. Must not know how a decoder works, nor a screen: the
stream it gives is the one that the session gave, so the same views show it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from callscope.core.errors import CallscopeError, UnusableFile
from callscope.core.events import (
    BytesRead,
    Event,
    ExchangeEnded,
    ExchangeOpened,
    PeerEvent,
    ResponseHead,
    SettingsChanged,
    Stamped,
    ToolsChanged,
    TurnEnded,
)
from callscope.core.plan import settle
from callscope.core.ports import Decoder, Dialect
from callscope.core.state import Conversation, apply
from callscope.core.values import Settings, ToolSpec

from .format import RecordedEvent
from .reading import Recording

DialectNamed = Callable[[str], Dialect]


def derive(recording: Recording, dialects: DialectNamed | None = None) -> Iterator[Stamped]:
    """The whole stream of the session again, with the recorded times (seconds since the header)."""
    deriving = Deriving(recording.path, dialects)
    seq = 0
    for entry in recording.entries:
        if entry.event is None:
            continue
        for event in deriving.feed(entry.event):
            seq += 1
            yield Stamped(seq, entry.at, event)


def restore(recording: Recording, dialects: DialectNamed | None = None) -> Conversation:
    """The conversation as the recording leaves it, perhaps in the middle of a turn: see `unfinished`."""
    conversation = Conversation()
    for stamped in derive(recording, dialects):
        conversation = apply(conversation, stamped.event)
    return conversation


def unfinished(recording: Recording, dialects: DialectNamed | None = None) -> list[Event]:
    """What a session that was killed in mid-turn still owes, so that its conversation can go on; else nothing."""
    deriving, conversation = Deriving(recording.path, dialects), Conversation()
    for event in _events(recording, deriving):
        conversation = apply(conversation, event)
    if conversation.turn is None or conversation.turn.ended:
        return []
    owed: list[Event] = []
    if conversation.open_exchange:
        owed += deriving.feed(ExchangeEnded(conversation.exchange, "cancelled", "the session was stopped here"))
    for event in owed:
        conversation = apply(conversation, event)
    return [*owed, *settle(conversation), TurnEnded("interrupted")]


def _events(recording: Recording, deriving: Deriving) -> Iterator[Event]:
    for entry in recording.entries:
        if entry.event is not None:
            yield from deriving.feed(entry.event)


class Deriving:
    """Takes recorded events in order and gives each with what its decoder makes of it."""

    def __init__(self, path: Path, dialects: DialectNamed | None = None) -> None:
        self._path = path
        self._dialects = dialects or _registered
        self._settings = Settings()
        self._tools: tuple[ToolSpec, ...] = ()
        self._decoder: Decoder | None = None

    def feed(self, event: RecordedEvent) -> list[Event]:
        """The event itself, then what it means."""
        return [event, *self.decode(event)]

    def decode(self, event: RecordedEvent) -> Sequence[PeerEvent]:
        """What the decoder of the exchange at hand makes of an event."""
        match event:
            case BytesRead(data=data):
                return self._decoder.feed(data) if self._decoder else ()
            case ResponseHead():
                return self._decoder.feed(event) if self._decoder else ()
            case ExchangeOpened():
                self._decoder = self._dialect().decoder(event.exchange, self._tools)
            case ExchangeEnded(how=how, detail=detail):
                decoder, self._decoder = self._decoder, None
                return decoder.close(how, detail) if decoder else ()
            case SettingsChanged():
                self._settings = event.settings
            case ToolsChanged():
                self._tools = event.tools
            case _:
                pass
        return ()

    def _dialect(self) -> Dialect:
        try:
            return self._dialects(self._settings.dialect)
        except (CallscopeError, LookupError) as error:
            raise UnusableFile(
                f"{self._path}: the recorded dialect {self._settings.dialect!r} cannot be read: {error}"
            ) from None


def _registered(name: str) -> Dialect:
    from callscope.dialects.registry import dialect_named

    return dialect_named(name)
