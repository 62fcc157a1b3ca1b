"""When what happened in the latest turn: the requests, their bytes and deltas, the calls and what they waited for.

Knows moments and which exchange or call each belongs to. Must not know words, nor how time is drawn. Times are the
clock's seconds; a moment that has not come is None.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from callscope.core.events import (
    ArgumentsDelta,
    BytesRead,
    CallAssembled,
    CallDecided,
    CallHeld,
    CallStarted,
    Continued,
    Event,
    ExchangeEnded,
    ExchangeOpened,
    ResponseCompleted,
    ResponseFailed,
    ResponseHead,
    ResultHeld,
    ResultReviewed,
    Stamped,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    UserMessage,
)
from callscope.core.state import Conversation
from callscope.core.values import CallKey, Ending, ResultStatus

MOST_MOMENTS = 200_000
"""Of the deltas of one exchange or call; those that come later are only counted."""


@dataclass(slots=True)
class Deltas:
    """The moments of deltas, eight bytes each."""

    moments: array[float] = field(default_factory=lambda: array("d"))
    count: int = 0
    last: float | None = None

    def add(self, at: float) -> None:
        """One more came."""
        if self.count < MOST_MOMENTS:
            self.moments.append(at)
        self.count += 1
        self.last = at

    @property
    def first(self) -> float | None:
        """When the first came."""
        return self.moments[0] if self.moments else None


@dataclass(slots=True)
class CallTiming:
    """A call in time."""

    key: CallKey
    name: str
    first_at: float
    call_id: str = ""
    deltas: Deltas = field(default_factory=Deltas)
    assembled_at: float | None = None
    held_at: float | None = None
    decided_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    result_held_at: float | None = None
    reviewed_at: float | None = None
    status: ResultStatus | None = None


@dataclass(slots=True)
class ExchangeTiming:
    """A request and its response in time. `attempt` counts from 1 where a request that failed left again."""

    number: int
    attempt: int
    opened_at: float
    head_at: float | None = None
    status: int | None = None
    first_byte_at: float | None = None
    bytes: int = 0
    deltas: Deltas = field(default_factory=Deltas)
    ended_at: float | None = None
    how: Ending | None = None
    failure: ResponseFailed | None = None
    calls: list[CallTiming] = field(default_factory=list)


class TurnTiming:
    """A sink that keeps the moments of the latest turn."""

    def __init__(self) -> None:
        self.began_at: float | None = None
        self.ended_at: float | None = None
        self.exchanges: list[ExchangeTiming] = []
        self._calls: dict[CallKey, CallTiming] = {}

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Take one event."""
        at, event = stamped.at, stamped.event
        match event:
            case TextDelta() | ArgumentsDelta():
                self._delta(at, event)
            case BytesRead() | ResponseHead() | ExchangeEnded() | ResponseFailed() | ResponseCompleted():
                self._follow(at, event)
            case ExchangeOpened(exchange=number):
                attempts = conversation.turn.attempts if conversation.turn else 1
                self.exchanges.append(ExchangeTiming(number, attempts, at))
            case CallStarted() | CallAssembled() | CallHeld() | CallDecided():
                self._follow_call(at, event)
            case ToolStarted() | ToolFinished() | ResultHeld() | ResultReviewed():
                self._follow_call(at, event)
            case UserMessage():
                self.began_at, self.ended_at = at, None
                self.exchanges, self._calls = [], {}
            case Continued():
                self.began_at, self.ended_at = self.began_at if self.began_at is not None else at, None
            case TurnEnded():
                self.ended_at = at
            case _:
                pass

    def _delta(self, at: float, event: TextDelta | ArgumentsDelta) -> None:
        if self.exchanges:
            self.exchanges[-1].deltas.add(at)
        if isinstance(event, ArgumentsDelta) and event.key in self._calls:
            self._calls[event.key].deltas.add(at)

    def _follow(
        self, at: float, event: BytesRead | ResponseHead | ExchangeEnded | ResponseFailed | ResponseCompleted
    ) -> None:
        if not self.exchanges:
            return
        exchange = self.exchanges[-1]
        match event:
            case BytesRead(data=data):
                exchange.bytes += len(data)
                if exchange.first_byte_at is None:
                    exchange.first_byte_at = at
            case ResponseHead(status=status):
                exchange.head_at, exchange.status = at, status
            case ExchangeEnded(how=how):
                exchange.ended_at, exchange.how = at, how
            case ResponseFailed():
                exchange.failure = event
            case ResponseCompleted():
                pass

    def _follow_call(self, at: float, event: Event) -> None:
        match event:
            case CallStarted(key=key, name=name, call_id=call_id):
                self._begin(CallTiming(key, name, at, call_id))
            case CallAssembled(call=assembled):
                call = self._calls.get(assembled.key) or self._begin(CallTiming(assembled.key, assembled.name, at))
                call.name, call.call_id, call.assembled_at = assembled.name, assembled.call_id, at
            case ToolFinished(result=result):
                if finished := self._calls.get(result.key):
                    finished.finished_at, finished.status = at, result.status
            case CallHeld() | CallDecided() | ToolStarted() | ResultHeld() | ResultReviewed():
                if moved := self._calls.get(event.key):
                    _advance(moved, at, event)
            case _:
                pass

    def _begin(self, call: CallTiming) -> CallTiming:
        self._calls[call.key] = call
        if self.exchanges:
            self.exchanges[-1].calls.append(call)
        return call


def _advance(
    call: CallTiming, at: float, event: CallHeld | CallDecided | ToolStarted | ResultHeld | ResultReviewed
) -> None:
    match event:
        case CallHeld():
            call.held_at = at
        case CallDecided():
            call.decided_at = at
        case ToolStarted():
            call.started_at = at
        case ResultHeld():
            call.result_held_at = at
        case ResultReviewed():
            call.reviewed_at = at
