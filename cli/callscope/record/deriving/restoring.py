"""A recorded session as it was left, so that it can go on.

Knows how to find what a killed session still owes its conversation. Must not know files.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace

from callscope.core.events import Event, ExchangeEnded, TurnEnded
from callscope.core.plan import settle
from callscope.core.state import Conversation, apply
from callscope.record.file.reading import Recorded

from .deriving import Deriving, DialectNamed


@dataclass(frozen=True, slots=True)
class Left:
    """A session as its recording leaves it; `owed` are the events that end a turn which it leaves open."""

    conversation: Conversation
    owed: tuple[Event, ...] = ()


def left_by(recording: Recorded, dialects: DialectNamed | None = None) -> Left:
    """The conversation that a recording comes to, and what it owes before the next turn can begin."""
    deriving, conversation = Deriving(recording.path, dialects), Conversation()
    for entry in recording.entries:
        if entry.event is not None:
            for event in deriving.feed(entry.event):
                conversation = apply(conversation, event)
    if conversation.turn is None or conversation.turn.ended:
        return Left(conversation)
    return Left(conversation, tuple(_owed(conversation, deriving)))


def _owed(conversation: Conversation, deriving: Deriving) -> list[Event]:
    owed: list[Event] = []
    if conversation.open_exchange:
        owed += deriving.feed(ExchangeEnded(conversation.exchange, "cancelled", "the session was stopped here"))
    # tried out on a copy: a response grows in place, and what is owed is still to come to it
    tried = replace(conversation, response=deepcopy(conversation.response))
    for event in owed:
        tried = apply(tried, event)
    return [*owed, *settle(tried), TurnEnded("interrupted")]
