"""Comparing a run with the recorded one, event by event, until the first difference.

Knows which parts of an event have to be the same. Must not know how the run is driven, nor where its answers come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from callscope.core.events import (
    CallAssembled,
    CallDecided,
    Event,
    ExchangeOpened,
    ResponseCompleted,
    ResponseFailed,
    ResultReviewed,
    Stamped,
    ToolFinished,
    ToolStarted,
    TurnEnded,
)
from callscope.core.state import Conversation

from .format import Line, line_of
from .matching import ABSENT, Mismatch, but_for_masks, exactly, mismatch, mismatch_of_requests, mismatch_of_texts
from .script import Comparable, Fact, Identity, RecordedTurn, What, identity_of

_MAYBE_JSON = ("arguments", "output")


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first place where a run went another way: what it was, where in it (JSON path), and both sides.

    `line` is the recording's; 0 where it has none. A side that has nothing there is `ABSENT`.
    """

    what: What
    exchange: int
    index: int
    line: int
    path: str
    recorded: Any
    now: Any

    def __str__(self) -> str:
        place = {"request": f"request {self.exchange}", "response": f"response {self.exchange}", "turn": "end of turn"}
        where = place.get(self.what, f"{self.what} of call {self.exchange}.{self.index}")
        line = f" (line {self.line})" if self.line else ""
        return f"{where}{line}, {self.path}: recorded {self.recorded!r}, now {self.now!r}"


class Diverged(Exception):
    """Ends a run where it went another way."""

    def __init__(self, divergence: Divergence) -> None:
        super().__init__(str(divergence))
        self.divergence = divergence


class CutHere(Exception):
    """Ends a turn where its recording was cut off, in the middle of what takes no time.

    `before` is the conversation as it was there; what went on then did not happen.
    """

    def __init__(self, before: Conversation) -> None:
        super().__init__()
        self.before = before


class Comparer:
    """A sink that raises Diverged at the first event that is not the recorded one, and counts those that are.

    `live`: the answers are new ones, so that identifiers in them may differ.
    """

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._turn: RecordedTurn | None = None
        self._left: dict[Identity, Fact] = {}
        self._exchange = 0
        self._names: dict[str, str] = {}
        self._before = Conversation()
        self.same: dict[What, int] = {}
        self.interrupting = False

    def begin(self, turn: RecordedTurn) -> None:
        """Expect what happened in this turn."""
        self._turn, self._left, self.interrupting = turn, dict(turn.facts), False

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Compare one event. After an interruption only what is owed comes, and when it came was chance."""
        event = stamped.event
        if isinstance(event, ExchangeOpened):
            self._exchange = event.exchange
        before, self._before = self._before, conversation
        identity = identity_of(event, self._exchange)
        if identity is None or self._turn is None or self.interrupting:
            return
        if self._turn.cut and all(map(self._turn.is_owed, self._left.values())):
            self.interrupting = True
            raise CutHere(before)
        fact = self._left.pop(identity, None)
        if fact is None:
            raise Diverged(Divergence(*identity, 0, "$", ABSENT, _plain(event)))
        if found := self._mismatch(fact, event):
            raise Diverged(Divergence(*identity, fact.line, found.path, found.recorded, found.now))
        self.same[identity[0]] = self.same.get(identity[0], 0) + 1
        if isinstance(event, ResponseCompleted | ResponseFailed):
            self._missing([left for left in self._left.values() if left.identity[:2] == ("call", self._exchange)])
        elif isinstance(event, TurnEnded):
            self._missing(list(self._left.values()))

    def left(self) -> list[Fact]:
        """What the recording still has of this turn."""
        return sorted(self._left.values(), key=lambda fact: fact.line)

    def _missing(self, facts: list[Fact]) -> None:
        """What was recorded and did not happen again."""
        for fact in sorted(facts, key=lambda fact: fact.line):
            if self._turn is not None and not self._turn.is_owed(fact):
                raise Diverged(Divergence(*fact.identity, fact.line, "$", _plain(fact.event), ABSENT))

    def _mismatch(self, fact: Fact, event: Event) -> Mismatch | None:
        same = but_for_masks if fact.masked else exactly
        if isinstance(fact.event, ExchangeOpened) and isinstance(event, ExchangeOpened):
            return mismatch_of_requests(fact.event.request, event.request, same, self._names)
        if isinstance(fact.event, CallAssembled) and isinstance(event, CallAssembled) and self._live:
            self._names[event.call.call_id] = fact.event.call.call_id
        recorded, now = _plain(fact.event), _plain(event)
        for name in recorded | now:
            a, b = recorded.get(name, ABSENT), now.get(name, ABSENT)
            if name == "id" and self._live:
                continue
            texts = name in _MAYBE_JSON and isinstance(a, str) and isinstance(b, str)
            found = mismatch_of_texts(a, b, f"$.{name}", same) if texts else mismatch(a, b, f"$.{name}", same)
            if found:
                return found
        return None


def _plain(event: Event | Comparable) -> Line:
    """What of an event has to be the same again: not who decided, nor how long it took."""
    match event:
        case ExchangeOpened(request=request):
            return {"method": request.method, "url": request.url}
        case ResponseCompleted(finish_reason=finish_reason):
            return {"status": "completed", "finish_reason": finish_reason}
        case ResponseFailed():
            return {"status": "failed", "failure": event.kind, "http_status": event.status}
        case CallAssembled(call=call):
            line: Line = {"id": call.call_id, "name": call.name, "arguments": call.arguments, "kind": call.kind}
            return line | {"executor": call.executor, "fault": call.fault.code if call.fault else None}
        case CallDecided() | ToolStarted() | ToolFinished() | ResultReviewed() | TurnEnded():
            line = line_of(event)
            return {name: line[name] for name in line if name not in ("kind", "call", "by", "duration", "prints")}
        case _:
            return {}
