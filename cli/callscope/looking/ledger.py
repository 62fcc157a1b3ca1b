"""What was decided, returned and complained about, for as long as the items it belongs to are there.

Knows what a conversation forgets: it carries the arguments that ran and the words that went back, and this keeps what
they were before. Must not know how any of it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from callscope.core.events import (
    CallAssembled,
    CallDecided,
    Diagnostic,
    ExchangeOpened,
    ItemsInserted,
    ResponseCompleted,
    ResponseFailed,
    ResponseStarted,
    ResultReviewed,
    Rewound,
    Stamped,
    ToolStarted,
)
from callscope.core.state import Conversation
from callscope.core.values import CallKey, DecidedBy, Decision, Edit, Item, ToolCall, ToolResult

MOST_DIAGNOSTICS = 200
"""Of one exchange: a stream may be wrong in each of a million frames."""


@dataclass(slots=True)
class CallEntry:
    """A call as it was proposed, what was decided on it, and what its tool gave where the person changed that."""

    proposed: str
    decision: Decision | None = None
    by: DecidedBy | None = None
    started: bool = False
    returned: ToolResult | None = None
    by_hand: bool = False

    @property
    def edited(self) -> bool:
        """Whether other arguments ran than were proposed."""
        return isinstance(self.decision, Edit) and self.decision.arguments != self.proposed


@dataclass(slots=True)
class ExchangeEntry:
    """An exchange: after how many items it stands, the model that answered, what was wrong, how it ended."""

    after: int
    model: str = ""
    finish_reason: str | None = None
    failure: ResponseFailed | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    more_diagnostics: int = 0

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic, or count it."""
        if len(self.diagnostics) < MOST_DIAGNOSTICS:
            self.diagnostics.append(diagnostic)
        else:
            self.more_diagnostics += 1


class Ledger:
    """A sink that keeps this."""

    def __init__(self) -> None:
        self.calls: dict[CallKey, CallEntry] = {}
        self.exchanges: dict[int, ExchangeEntry] = {}

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Take one event."""
        match stamped.event:
            case ExchangeOpened(exchange=number):
                self.exchanges[number] = ExchangeEntry(after=len(conversation.items))
            case CallAssembled(call=call):
                self.calls[call.key] = CallEntry(call.arguments)
            case CallDecided() | ToolStarted() | ResultReviewed():
                self._advance(stamped.event, conversation)
            case ResponseStarted() | ResponseCompleted() | ResponseFailed() | Diagnostic():
                self._respond(stamped.event, conversation)
            case ItemsInserted(items=items):
                self._insert(items)
            case Rewound(to=to):
                self._rewind(max(0, to), conversation)
            case _:
                pass

    def _advance(self, event: CallDecided | ToolStarted | ResultReviewed, conversation: Conversation) -> None:
        entry = self.calls.get(event.key)
        if entry is None:
            return
        match event:
            case CallDecided(decision=decision, by=by):
                entry.decision, entry.by = decision, by
            case ToolStarted():
                entry.started = True
            case ResultReviewed():
                record = conversation.calls.get(event.key)
                entry.returned = record.returned if record else None

    def _respond(
        self, event: ResponseStarted | ResponseCompleted | ResponseFailed | Diagnostic, conversation: Conversation
    ) -> None:
        entry = self.exchanges.get(conversation.exchange)
        if entry is None:
            return
        match event:
            case ResponseStarted(model=model):
                entry.model = model
            case ResponseCompleted(finish_reason=reason):
                entry.finish_reason = reason
            case ResponseFailed():
                entry.failure = event
            case Diagnostic():
                entry.add(event)

    def _insert(self, items: tuple[Item, ...]) -> None:
        for item in items:
            if isinstance(item, ToolCall):
                self.calls[item.key] = CallEntry(item.arguments, by_hand=True)

    def _rewind(self, to: int, conversation: Conversation) -> None:
        """Forget what stood behind the cut. An exchange that brought nothing belongs to the words before it."""
        there = {item.key for item in conversation.items if isinstance(item, ToolCall)}
        self.calls = {key: entry for key, entry in self.calls.items() if key in there}
        self.exchanges = {number: entry for number, entry in self.exchanges.items() if to and entry.after <= to}
