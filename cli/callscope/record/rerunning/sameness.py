"""What of two events has to be the same, and where it is not.

Knows the levels of likeness, which ids stand for which, and which texts differ for a reason that was told already. Must
not know how a run is driven, nor in which order things happen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from callscope.core.events import (
    CallAssembled,
    CallDecided,
    Event,
    ExchangeOpened,
    ResponseCompleted,
    ResponseFailed,
    ResultReviewed,
    ToolFinished,
    ToolStarted,
    TurnEnded,
)
from callscope.core.values import Request, ToolCall
from callscope.record.file.format import Line, line_of
from callscope.record.file.stored import with_body
from callscope.record.matching.hiding import hidden_request, hidden_text, shown
from callscope.record.matching.identifiers import Identifiers
from callscope.record.matching.ignoring import Ignored
from callscope.record.matching.matching import (
    ABSENT,
    Mismatch,
    Same,
    but_for_masks,
    but_for_stars,
    exactly,
    mismatches,
    mismatches_of_texts,
)
from callscope.record.matching.requests import Level, mismatches_of_requests
from callscope.record.matching.shapes import mismatches_of_text_shapes

from .script import Fact

_MAYBE_JSON = ("arguments", "output")
_NOT_COMPARED = ("kind", "call", "by", "duration", "prints")


@dataclass(frozen=True, slots=True)
class Terms:
    """How alike two runs must be, and what of them is left out.

    `slower`: whatever takes more than so many times as long as recorded is a divergence; None: time does not matter.
    """

    level: Level = "semantic"
    ignored: Ignored = field(default_factory=Ignored)
    slower: float | None = None


class Sameness:
    """Compares recorded with new events of one run.

    `url`: whether requests go to the recorded server; `mocked`: whether a mock's answer counts as a tool's.
    """

    def __init__(self, terms: Terms, *, url: bool = True, mocked: bool = False) -> None:
        self.terms = terms
        self.ids = Identifiers()
        self._url = url
        self._mocked = mocked
        self._recorded: set[str] = set()
        self._now: set[str] = set()

    def carry(self, recorded: Iterable[str], now: Iterable[str]) -> None:
        """Know these texts to differ: a later request that carries them along differs for no new reason."""
        self._recorded.update(recorded)
        self._now.update(now)

    def carry_left_out(self, recorded: Event, now: Event) -> None:
        """Know what was left out of two events that are otherwise the same; ids are paired and stay told apart."""
        if self.terms.ignored.paths:
            self.carry(_contents_of(recorded), _contents_of(now))

    def differences(self, fact: Fact, event: Event) -> Iterator[Mismatch]:
        """Where an event is not the recorded one."""
        if isinstance(fact.event, ExchangeOpened) and isinstance(event, ExchangeOpened):
            return self.of_requests(fact, event.request)
        if isinstance(fact.event, CallAssembled) and isinstance(event, CallAssembled):
            return self._of_calls(fact, fact.event.call, event.call)
        found = self._of_members(_hidden(fact), plain(event), self._same(fact))
        return self.terms.ignored.leave_out(_told(fact, found))

    def of_requests(self, fact: Fact, now: Request) -> Iterator[Mismatch]:
        """Where a request is not the recorded one."""
        assert isinstance(fact.event, ExchangeOpened)
        recorded = with_body(fact.event.request, fact.body, now)
        if fact.masked:
            body = recorded.body
            recorded = hidden_request(recorded, fact.hidden)
            recorded = replace(recorded, body=body) if body == now.body else recorded
        same, level = self._same(fact), self.terms.level
        ids = None if level == "wire" else self.ids.reading(same)
        found = mismatches_of_requests(recorded, now, same, level, url=self._url, ids=ids)
        return (one for one in self.terms.ignored.leave_out(_told(fact, found)) if not self._carried(one))

    def calls_alike(self, fact: Fact, event: CallAssembled) -> bool:
        """Whether two calls ask for the same, whatever their ids and places."""
        members = self._of_members(plain(fact.event), plain(event), self._same(fact))
        return next(self.terms.ignored.leave_out(members), None) is None

    def _of_calls(self, fact: Fact, recorded: ToolCall, now: ToolCall) -> Iterator[Mismatch]:
        members = self._of_members(plain(fact.event), plain(CallAssembled(now)), self._same(fact))
        yield from self.terms.ignored.leave_out(members)
        if self.terms.level == "wire":
            paired = recorded.call_id == now.call_id
        else:
            paired = self.ids.meet(recorded.call_id, now.call_id, recorded.key.exchange)
        if not paired:
            yield from self.terms.ignored.leave_out([Mismatch("$.id", recorded.call_id, now.call_id)])

    def _of_members(self, recorded: Line, now: Line, same: Same) -> Iterator[Mismatch]:
        for name in recorded | now:
            a, b = recorded.get(name, ABSENT), now.get(name, ABSENT)
            if name == "status" and self._mocked and "mocked" in (a, b):
                continue
            if name in _MAYBE_JSON and isinstance(a, str) and isinstance(b, str):
                yield from self._of_texts(a, b, f"$.{name}", same)
            else:
                yield from mismatches(a, b, f"$.{name}", same)

    def _of_texts(self, recorded: str, now: str, path: str, same: Same) -> Iterator[Mismatch]:
        if self.terms.level == "shape":
            yield from mismatches_of_text_shapes(recorded, now, path)
        elif self.terms.level == "semantic" or not same(recorded, now):
            found = list(mismatches_of_texts(recorded, now, path, same))
            wire = self.terms.level == "wire"  # the same JSON, written otherwise
            yield from found or ([Mismatch(path, recorded, now)] if wire else ())

    def _same(self, fact: Fact) -> Same:
        return exactly if not fact.masked else but_for_stars if fact.hidden is None else but_for_masks

    def _carried(self, found: Mismatch) -> bool:
        recorded, now = _text(found.recorded), _text(found.now)
        if recorded is None or now is None or not (recorded or now):
            return False
        return (not recorded or recorded in self._recorded) and (not now or now in self._now)


def _hidden(fact: Fact) -> Line:
    """What of a recorded event has to be the same again, the places of secrets marked in it."""
    places = fact.hidden if isinstance(fact.hidden, dict) else {}
    members = plain(fact.event)
    return {
        name: hidden_text(value, places[name]) if name in places and isinstance(value, str) else value
        for name, value in members.items()
    }


def _told(fact: Fact, found: Iterable[Mismatch]) -> Iterator[Mismatch]:
    """Differences with asterisks in place of the marks; where nothing is hidden, the same character is a tool's own."""
    return (replace(one, recorded=shown(one.recorded)) if fact.masked else one for one in found)


def _text(value: Any) -> str | None:
    """A text; empty for nothing, None for what is no text."""
    if value is ABSENT or value is None:
        return ""
    return value if isinstance(value, str) else None


def plain(event: Event) -> Line:
    """What of an event has to be the same again: not who decided, nor how long it took."""
    match event:
        case ExchangeOpened(request=request):
            return {"method": request.method, "url": request.url}
        case ResponseCompleted(finish_reason=finish_reason):
            return {"status": "completed", "finish_reason": finish_reason}
        case ResponseFailed():
            status = {} if event.status is None else {"http_status": event.status}
            return {"status": "failed", "failure": event.kind, **status}
        case CallAssembled(call=call):
            line: Line = {"name": call.name, "arguments": call.arguments, "kind": call.kind}
            return line | {"executor": call.executor, "fault": call.fault.code if call.fault else None}
        case CallDecided() | ToolStarted() | ToolFinished() | ResultReviewed() | TurnEnded():
            line = line_of(event)
            return {name: line[name] for name in line if name not in _NOT_COMPARED}
        case _:
            return {}


def texts_of(event: Event) -> list[str]:
    """What of an event later requests carry along."""
    match event:
        case ToolFinished(result=result):
            return [result.output]
        case ToolStarted(name=name, arguments=arguments):
            return [name, arguments]
        case CallAssembled(call=call):
            return [call.name, call.arguments, call.call_id]
        case _:
            return []


def _contents_of(event: Event) -> list[str]:
    match event:
        case CallAssembled(call=call):
            return [call.arguments]
        case _:
            return texts_of(event)


def texts_in(values: Iterable[Any]) -> list[str]:
    """The texts among the sides of a difference."""
    return [value for value in values if isinstance(value, str)]
