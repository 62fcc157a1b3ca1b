"""Comparing a run with the recorded one, event by event, and counting every place where it went another way.

Knows what is to be expected of a turn, and what of it did not come. Must not know when two events are the same, how the
run is driven, nor where its answers come from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice

from callscope.core.events import (
    CallAssembled,
    CallDecided,
    Event,
    ExchangeOpened,
    ResponseCompleted,
    ResponseFailed,
    Stamped,
    ThreadNamed,
    ToolFinished,
    ToolStarted,
    TurnEnded,
)
from callscope.core.naming import call_named
from callscope.core.state import Conversation
from callscope.core.values import CallKey, Request
from callscope.record.deriving.rederiving import Difference
from callscope.record.file.said import Said
from callscope.record.matching.matching import Mismatch

from .divergence import (
    KIND_OF,
    MOST_NAMED,
    Divergence,
    Found,
    Kind,
    divergence,
    of_damage,
    of_place,
    only_now,
    only_then,
)
from .lining_up import line_up
from .sameness import Sameness, plain, texts_in, texts_of
from .script import Fact, Identity, RecordedTurn, Script, identity_of
from .stopping import CutHere, Stopped

MOST_LIKE = 50
"""Recorded requests on either side of a place that are looked at for the one that is most like it."""

SHORTEST_WAIT = 0.1
"""Seconds: what is slower by less than this is no slower."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What of a run is new: a `live` server; calls that are answered whatever they are (`free`), by whoever it is."""

    live: bool = False
    free: bool = False


class Comparer:
    """A sink that hears a run beside its script."""

    def __init__(self, script: Script, sameness: Sameness, watched: Watched) -> None:
        self.found = Found()
        self.interrupting = False
        self.started: set[CallKey] = set()
        self._script = script
        self._sameness = sameness
        self._watched = watched
        self._turn: RecordedTurn | None = None
        self._left: dict[Identity, Fact] = {}
        self._exchange = 0
        self._opened_at = 0.0
        self._opened: set[int] = set()
        self._missed: set[int] = set()
        self.strayed: set[int] = set()
        self._adrift = False
        self._changed: set[tuple[int, int]] = set()
        self._calls: list[tuple[Fact | None, CallAssembled]] = []
        self._said = Said()
        self._conversation = Conversation()
        self._damages: dict[int, list[Difference]] = {}
        for damage in script.damages:
            self._damages.setdefault(damage.exchange, []).append(damage)

    def begin(self, turn: RecordedTurn) -> None:
        """Expect what happened in this turn."""
        self._turn, self._left, self.interrupting = turn, dict(turn.facts), False

    def left(self) -> list[Fact]:
        """What the recording still has of this turn."""
        return sorted(self._left.values(), key=lambda fact: fact.line)

    def expects(self, exchange: int) -> bool:
        """Whether this exchange was recorded in the turn at hand, so that there is an answer to it."""
        return self._turn is not None and ("request", exchange, 0) in self._turn.facts

    def note(self, one: Divergence) -> None:
        """Count a divergence; one of a call is told by what the call goes by."""
        self.found.note(replace(one, call=self._called(one)))

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Compare one event. After an interruption only what is owed comes, and when it came was chance."""
        event = stamped.event
        before, self._conversation = self._conversation, conversation
        self._hear(event, stamped.at)
        identity = identity_of(event, self._exchange)
        if identity is None or self._turn is None or self.interrupting:
            return
        if self._turn.cut and all(map(self._turn.is_owed, self._left.values())):
            self.interrupting = True
            raise CutHere(before)
        self._judge(identity, event, stamped.at)

    def miss_what_is_left(self) -> None:
        """Note what was recorded in this turn and did not happen again; of an exchange only the request."""
        facts = self.left()
        gone = {fact.identity[1] for fact in facts if fact.identity[0] == "request"}
        for fact in facts:
            what, exchange, index = fact.identity
            owed = self._turn is not None and self._turn.is_owed(fact)
            told = what == "start" and (exchange, index) in self._changed
            chosen = what == "decision" and self._watched.free
            if owed or told or chosen or exchange in self.strayed or (what != "request" and exchange in gone):
                continue
            self.note(only_then(fact.identity, plain(fact.event), fact.line))
        self._missed |= gone
        self._left = {}

    def finish(self) -> None:
        """The run came to its end: an exchange that nobody asked for, in whatever place of the file, is missing."""
        for exchange in sorted(self._script.exchanges.keys() - self._opened - self._missed - {0}):
            line = self._script.exchanges[exchange].line
            self.note(only_then(("request", exchange, 0), {"exchange": exchange}, line))

    def look_for_damages(self) -> None:
        """Note where the recording contradicts itself."""
        for damages in self._damages.values():
            self.note(of_damage(damages))

    # ---- what is heard --------------------------------------------------------------------------------------------

    def _hear(self, event: Event, at: float) -> None:
        match event:
            case ExchangeOpened(exchange=exchange):
                self._exchange, self._opened_at = exchange, at
                self._opened.add(exchange)
                self._calls, self._said = [], Said()
            case ThreadNamed(thread=thread) if self._exchange in self._script.minted:
                self._sameness.ids.meet(self._script.minted[self._exchange], thread)
            case ToolStarted(key=key):
                self.started.add(key)
            case _:
                pass
        if self._watched.live:
            self._said.hear(event)

    def _called(self, one: Divergence) -> str:
        """A call's tool and id: those of now, unless it did not come now."""
        fact = self._turn.facts.get(("call", one.exchange, one.index)) if self._turn else None
        then = fact.event.call if fact and isinstance(fact.event, CallAssembled) else None
        record = self._conversation.calls.get(CallKey(one.exchange, one.index))
        now = record.call if record else None
        call = then or now if one.kind == "missing" else now or then
        return call_named(call.name, call.call_id) if call else ""

    # ---- what is compared -----------------------------------------------------------------------------------------

    def _judge(self, identity: Identity, event: Event, at: float) -> None:
        fact = self._left.pop(identity, None)
        match event:
            case CallAssembled():
                self._calls.append((fact, event))
            case CallDecided() if self._watched.free:
                pass
            case ExchangeOpened():
                self._compare_request(fact, event)
            case ResponseCompleted() | ResponseFailed():
                self._compare_response(fact, identity, event, at)
            case TurnEnded():
                self._compare(fact, ("turn", self._exchange, 0), event)
                self.miss_what_is_left()
            case _ if identity[1] not in self.strayed:
                self._compare(fact, identity, event)
            case _:  # what comes of other calls is other for that reason
                self._sameness.carry(texts_of(fact.event) if fact else (), texts_of(event))

    def _compare(self, fact: Fact | None, identity: Identity, event: Event) -> bool:
        """Compare an event with what was recorded in its place; gives whether it is the same."""
        what, exchange, index = identity
        if fact is None:
            self.note(only_now(identity, plain(event), exchange or None))
            return False
        unlike = self._sameness.differences(fact, event)
        found = divergence(KIND_OF[what], identity, unlike, line=fact.line, nearest=exchange or None)
        if found is None:
            self.found.same[what] = self.found.same.get(what, 0) + 1
            self._sameness.carry_left_out(fact.event, event)
            if isinstance(fact.event, ToolFinished) and isinstance(event, ToolFinished):
                self._time(identity, fact, fact.event.result.duration, event.result.duration)
            return True
        self._changed.add((exchange, index))
        self._sameness.carry(texts_of(fact.event), texts_of(event))
        self.note(found)
        return False

    def _compare_request(self, fact: Fact | None, event: ExchangeOpened) -> None:
        identity: Identity = ("request", event.exchange, 0)
        if fact is not None and self._adrift:
            return
        if fact is not None and next(self._sameness.differences(fact, event), None) is None:
            self.found.same["request"] = self.found.same.get("request", 0) + 1
            return
        named = len(self.found.divergences) < MOST_NAMED
        nearest, unlike = self._most_alike(event.exchange, event.request) if named else (None, None)
        if fact is None:
            self.note(only_now(identity, plain(event), nearest))
            return
        kind: Kind = "order" if unlike == 0 else "request"
        found = divergence(kind, identity, self._sameness.differences(fact, event), line=fact.line, nearest=nearest)
        assert found is not None
        self.note(found)
        self._sameness.carry(
            texts_in(one.recorded for one in found.differences), texts_in(one.now for one in found.differences)
        )

    def _most_alike(self, exchange: int, request: Request) -> tuple[int | None, int | None]:
        """The recorded exchange whose request differs in the fewest places, and in how many."""
        best: tuple[int, int, int] | None = None
        facts = sorted(self._script.facts("request"), key=lambda fact: abs(fact.identity[1] - exchange))
        for fact in facts[:MOST_LIKE]:
            unlike = sum(1 for _ in islice(self._sameness.of_requests(fact, request), 1000))
            rank = (unlike, abs(fact.identity[1] - exchange), fact.identity[1])
            best = rank if best is None else min(best, rank)
        return (best[2], best[0]) if best else (None, None)

    def _compare_response(
        self, fact: Fact | None, identity: Identity, event: ResponseCompleted | ResponseFailed, at: float
    ) -> None:
        failed = isinstance(event, ResponseFailed) and fact is not None and isinstance(fact.event, ResponseCompleted)
        if self._watched.live and failed:
            self._compare(fact, identity, event)
            raise Stopped("It stopped there: the server did not answer.", unreachable=True)
        self._compare_calls(identity[1])
        self._compare(fact, identity, event)
        if not self._watched.live:
            return
        recorded = self._script.said.get(identity[1], Said())
        if recorded.text != self._said.text:
            self.found.other_words.append(identity[1])
        self._sameness.carry(recorded.carried, self._said.carried)
        self._time_response(fact, identity, at)
        if identity[1] in self.strayed and not self._watched.free:
            raise Stopped("It stopped there: nobody recorded what comes of other calls.")

    def _compare_calls(self, exchange: int) -> None:
        """Compare all calls of a response at once: only together do they have an order."""
        kept = [fact for fact, _ in self._calls if fact is not None]
        rest = [self._left.pop(known) for known in list(self._left) if known[:2] == ("call", exchange)]
        facts = sorted((*kept, *rest), key=lambda fact: fact.identity)
        lined = line_up(facts, [event for _, event in self._calls], self._sameness.calls_alike)
        count = self.found.count
        for fact, event in (*lined.same, *lined.unlike):
            self._compare(fact, ("call", exchange, event.call.key.index), event)
        for fact in lined.missing:
            self.note(only_then(fact.identity, plain(fact.event), fact.line))
        for event in lined.extra:
            self.note(only_now(("call", exchange, event.call.key.index), plain(event), exchange))
        # with more or fewer calls than recorded, no later request of a live conversation can be as it was
        self._adrift |= self._watched.live and bool(lined.missing or lined.extra)
        if not lined.in_order:
            order = [fact.identity[2] for fact, _ in lined.same]
            unlike = [Mismatch("$.calls", sorted(order), order)]
            self.note(of_place("order", ("response", exchange, 0), unlike, facts[0].line))
        if self.found.count > count:
            self.strayed.add(exchange)

    def _time_response(self, fact: Fact | None, identity: Identity, at: float) -> None:
        request = self._turn.facts.get(("request", identity[1], 0)) if self._turn else None
        if fact is not None and request is not None:
            self._time(identity, fact, fact.at - request.at, at - self._opened_at)

    def _time(self, identity: Identity, fact: Fact, recorded: float, now: float) -> None:
        factor = self._sameness.terms.slower
        if factor is not None and now > recorded * factor and now - recorded >= SHORTEST_WAIT:
            unlike = [Mismatch("$.duration", round(recorded, 3), round(now, 3))]
            self.note(of_place("timing", identity, unlike, fact.line))
