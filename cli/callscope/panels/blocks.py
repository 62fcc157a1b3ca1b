"""What stands on the screen, as data: texts, calls and notices, in the order in which they appeared.

Knows what is kept of each, and how calls and exchanges move on. Must not know when they begin (`trace`) nor how they
are drawn (`panels`). Times are the clock's seconds; a moment that has not come is None.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, assert_never

from callscope.core.events import (
    CallDecided,
    CallHeld,
    Diagnostic,
    ExchangeEnded,
    ResponseCompleted,
    ResponseFailed,
    ResponseHead,
    ResponseStarted,
    ResultHeld,
    ResultReviewed,
    Rewound,
    ToolFinished,
    ToolStarted,
    TurnEnded,
)
from callscope.core.state import Conversation
from callscope.core.values import (
    CallKey,
    CallKind,
    DecidedBy,
    Decision,
    Ending,
    Executor,
    ToolCall,
    ToolResult,
    Usage,
)
from callscope.dialects.json_progress import JsonProgress

Voice: TypeAlias = Literal["user", "output", "reasoning", "refusal"]


@dataclass(slots=True)
class ExchangeTrace:
    """A request and its response in time: when what came, and how much of it."""

    number: int
    opened_at: float
    model: str = ""
    head_at: float | None = None
    status: int | None = None
    first_byte_at: float | None = None
    first_delta_at: float | None = None
    last_delta_at: float | None = None
    ended_at: float | None = None
    how: Ending | None = None
    detail: str = ""
    reads: int = 0
    bytes: int = 0
    deltas: int = 0
    finish_reason: str | None = None
    usage: Usage | None = None
    failure: ResponseFailed | None = None
    completed: bool = False

    def count_bytes(self, at: float, size: int) -> None:
        """A read came."""
        self.reads += 1
        self.bytes += size
        if self.first_byte_at is None:
            self.first_byte_at = at

    def count_delta(self, at: float) -> None:
        """Words or arguments came."""
        self.deltas += 1
        self.last_delta_at = at
        if self.first_delta_at is None:
            self.first_delta_at = at

    def follow(
        self, at: float, event: ResponseHead | ResponseStarted | ExchangeEnded | ResponseCompleted | ResponseFailed
    ) -> None:
        """The exchange went on."""
        match event:
            case ResponseHead():
                self.head_at, self.status = at, event.status
            case ResponseStarted():
                self.model = event.model or self.model
            case ExchangeEnded():
                self.ended_at, self.how, self.detail = at, event.how, event.detail
            case ResponseCompleted() | ResponseFailed():
                self.finish_reason, self.usage, self.completed = event.finish_reason, event.usage, True
                self.failure = event if isinstance(event, ResponseFailed) else None
            case _:
                assert_never(event)

    def deltas_a_second(self) -> float | None:
        """The pace of the deltas, from the first to the last; None where there is none to speak of."""
        if self.deltas < 2 or self.first_delta_at is None or self.last_delta_at is None:
            return None
        took = self.last_delta_at - self.first_delta_at
        return (self.deltas - 1) / took if took > 0 else None


@dataclass(slots=True)
class TextTrace:
    """Words: the person's, or those of one channel of a response without a break.

    `bytes` is their size in UTF-8, as that of arguments. `frames` are the offsets into the response body between which
    they came, where they are known.
    """

    voice: Voice
    exchange: int
    first_at: float
    last_at: float
    chunks: list[str] = field(default_factory=list)
    count: int = 0
    bytes: int = 0
    frames: tuple[int, int] | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    done: bool = False

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.chunks)


@dataclass(slots=True)
class CallTrace:
    """A call on its way from its first sign to its result.

    `deltas` are the pieces of its arguments as the server cut them, each with its time; `bytes` is their size in
    UTF-8. `call` is what was assembled of them; `result` what goes back, `returned` what the tool gave where the
    person changed it. `by_hand`: the person put the call into the conversation. `wire_id` is the id that the server
    gave, `call_id` the one that it goes by; `failure` is that of the response it came in.
    """

    key: CallKey
    name: str
    call_id: str
    first_at: float
    kind: CallKind = "function"
    executor: Executor = "local"
    by_hand: bool = False
    wire_id: str = ""
    failure: ResponseFailed | None = None
    deltas: list[tuple[float, str]] = field(default_factory=list)
    bytes: int = 0
    progress: JsonProgress = field(default_factory=JsonProgress)
    last_at: float | None = None
    call: ToolCall | None = None
    assembled_at: float | None = None
    held: bool = False
    held_at: float | None = None
    at_break: bool = False
    decision: Decision | None = None
    decided_by: DecidedBy | None = None
    decided_at: float | None = None
    effective: str | None = None
    started_at: float | None = None
    result: ToolResult | None = None
    returned: ToolResult | None = None
    finished_at: float | None = None
    result_held: bool = False
    reviewed_by: DecidedBy | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    done: bool = False

    @property
    def exchange(self) -> int:
        """The exchange it came in."""
        return self.key.exchange

    @property
    def arguments(self) -> str:
        """The arguments as the server made them: the assembled ones, else the deltas so far (raw text)."""
        return self.call.arguments if self.call else "".join(text for _, text in self.deltas)

    @property
    def count(self) -> int:
        """The number of deltas."""
        return len(self.deltas)

    @property
    def running(self) -> bool:
        """Whether it was started and has no result yet."""
        return self.started_at is not None and self.result is None

    def gap(self, now: float) -> float:
        """Seconds since the last sign of it."""
        return now - (self.last_at if self.last_at is not None else self.first_at)


@dataclass(frozen=True, slots=True)
class Retry:
    """A request left again after the one before it failed."""

    attempt: int


@dataclass(slots=True)
class Notice:
    """Something to be said that belongs to no text and no call; `unsent` results no request has carried yet."""

    at: float
    exchange: int
    event: Diagnostic | ResponseFailed | TurnEnded | Rewound | Retry
    done: bool = True
    unsent: int = 0


Block: TypeAlias = TextTrace | CallTrace | Notice


CallEvent: TypeAlias = CallHeld | CallDecided | ToolStarted | ToolFinished | ResultHeld | ResultReviewed


def ran(started: bool, result: ToolResult | None) -> bool:
    """Whether a call came to a result of its own."""
    return started and result is not None and result.status != "cancelled"


def assemble(trace: CallTrace, call: ToolCall, at: float) -> None:
    """The call is as whole as it will ever be."""
    trace.call, trace.assembled_at = call, at
    trace.name, trace.call_id, trace.kind, trace.executor = call.name, call.call_id, call.kind, call.executor


def advance(
    trace: CallTrace,
    at: float,
    event: CallEvent,
    conversation: Conversation,
) -> CallTrace:
    """Move a call on; the conversation already contains the event."""
    record = conversation.calls.get(trace.key)
    match event:
        case CallHeld():
            trace.held, trace.held_at = True, at
            trace.at_break = record is not None and record.at_break
        case CallDecided():
            trace.held = False
            trace.decision, trace.decided_by, trace.decided_at = event.decision, event.by, at
        case ToolStarted():
            trace.started_at, trace.effective = at, event.arguments
        case ToolFinished(result=result):
            if trace.result is None:  # each call has exactly one
                trace.result, trace.finished_at, trace.done = result, at, True
        case ResultHeld():
            trace.result_held, trace.done = True, False
        case ResultReviewed():
            trace.result_held, trace.reviewed_by, trace.done = False, event.by, True
            if record is not None and record.returned is not None:
                trace.returned, trace.result = record.returned, record.result
        case _:
            assert_never(event)
    return trace
