"""Deriving: what the decoder of a recorded exchange makes of each recorded event.

Knows which decoder reads what: the dialect and the tools that were in force when the exchange was opened. Must not
know how a decoder works, nor files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    ToolsChanged,
)
from callscope.core.ports import Decoder, Dialect
from callscope.core.values import Settings, ToolSpec
from callscope.record.file.format import RecordedEvent

DialectNamed = Callable[[str], Dialect]


class Deriving:
    """Takes recorded events in order and gives each with what its decoder makes of it."""

    def __init__(self, path: Path, dialects: DialectNamed | None = None) -> None:
        self._path = path
        self._dialects = dialects
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
            case ExchangeOpened(exchange=0):
                self._decoder = None  # a question about the server is no response of a model
            case ExchangeOpened():
                dialect = recorded_dialect(self._path, self._settings.dialect, self._dialects)
                self._decoder = dialect.decoder(event.exchange, self._tools)
                return self._decoder.feed(event)
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


def recorded_dialect(path: Path, name: str, dialects: DialectNamed | None = None) -> Dialect:
    """The dialect of this recorded name. Raises UnusableFile where there is none."""
    try:
        return (dialects or _registered)(name)
    except (CallscopeError, LookupError) as error:
        raise UnusableFile(f"{path}: the recorded dialect {name!r} cannot be read: {error}") from None


def _registered(name: str) -> Dialect:
    from callscope.dialects.registry import dialect_named

    return dialect_named(name)
