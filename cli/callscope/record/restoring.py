"""A recorded session as it was left, so that it can go on.

Knows how to find what a killed session still owes its conversation. Must not know files.
"""

from __future__ import annotations

from callscope.core.events import Event, ExchangeEnded, TurnEnded
from callscope.core.plan import settle
from callscope.core.state import Conversation, apply

from .deriving import Deriving, DialectNamed
from .reading import Recording


def restore(recording: Recording, dialects: DialectNamed | None = None) -> Conversation:
    """The conversation as the recording leaves it, perhaps in the middle of a turn: see `unfinished`."""
    return _replayed(recording, Deriving(recording.path, dialects))


def unfinished(recording: Recording, dialects: DialectNamed | None = None) -> list[Event]:
    """What a session that was stopped in mid-turn still owes, so that its conversation can go on; else nothing."""
    deriving = Deriving(recording.path, dialects)
    conversation = _replayed(recording, deriving)
    if conversation.turn is None or conversation.turn.ended:
        return []
    owed: list[Event] = []
    if conversation.open_exchange:
        owed += deriving.feed(ExchangeEnded(conversation.exchange, "cancelled", "the session was stopped here"))
    for event in owed:
        conversation = apply(conversation, event)
    return [*owed, *settle(conversation), TurnEnded("interrupted")]


def _replayed(recording: Recording, deriving: Deriving) -> Conversation:
    conversation = Conversation()
    for entry in recording.entries:
        if entry.event is not None:
            for event in deriving.feed(entry.event):
                conversation = apply(conversation, event)
    return conversation
