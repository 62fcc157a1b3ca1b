"""The demo agent in the Responses API: `/v1/responses`.

Knows the way of an answer in this protocol, with the faults applied at their stages, and keeps the newest responses for
those who continue one. Must not import `callscope.dialects` or `callscope.session`: what is tested against it would
otherwise be tested against itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any, Final
from zlib import crc32

from callscope.core.values import Request
from callscope.serving.connection import Head
from callscope.serving.demo.answer import Answer
from callscope.serving.demo.ask import Ask, Refused, document
from callscope.serving.demo.deciding import decided, standing_faults
from callscope.serving.demo.faults.events import DONE
from callscope.serving.demo.faults.fault import EventFault, Fault, LineFault, Reply, as_a_whole
from callscope.serving.demo.faults.table import FAULTS, FaultTable

from .arguments import ARGUMENTS
from .contents import CONTENTS
from .documents import DocumentFault, is_stream, last_response
from .events import Document, Form, events, items, limited, numbered, response
from .faults import SHAPES
from .history import History, Item
from .request import Wanted, input_items, read, wanted

RESPONSE_FAULTS: Final[tuple[Fault, ...]] = (*SHAPES, *ARGUMENTS, *CONTENTS)
TABLE: Final = FaultTable((*FAULTS, *RESPONSE_FAULTS))
NOT_FOR_RESPONSES: Final = frozenset(("early end after the calls", "error as finish reason"))
"""Faults that go by members which these events do not have."""

REMEMBERED: Final = 100
"""Responses that can be continued; older ones are forgotten."""


class Responses:
    """The responses so far. `heals` leaves out the faults that a request has already met."""

    def __init__(self, heals: Callable[[Sequence[Fault], bytes], list[Fault]]) -> None:
        self._heals = heals
        self._kept: dict[str, list[Item]] = {}
        self._known: dict[str, frozenset[str]] = {}

    def reply(self, request: Request) -> Reply:
        """Answer one request; raises Refused."""
        data = document(request.body)
        want = wanted(data)
        history = self._history(want, input_items(data))
        ask = read(data, history)
        answer, asked = decided(ask, TABLE, as_told())
        faults = self._heals([*standing_faults(ask, request.headers, TABLE), *asked], request.body)
        digest = f"{crc32(request.body):08x}{'r' if answer.reasoning else ''}"
        form = Form(digest, ask.prompt_tokens, want.encrypted, want.echoed)
        sent, documents = _documents(ask, answer, form)
        effects: set[str] = set()
        spoilt = _spoilt(documents, faults, effects)
        if want.stored:
            told = last_response(spoilt or documents).get("output") or sent
            self._keep(f"resp_{digest}", [*history, *told], spoilt)
        return as_a_whole(_sent(spoilt, faults, effects, stream=ask.stream), faults, effects)

    def _history(self, want: Wanted, new: list[Any]) -> list[Item]:
        """What came before and what is new, checked as one."""
        if want.previous and want.previous not in self._kept:
            message = f"Previous response with id '{want.previous}' not found."
            raise Refused(400, message, "previous_response_id", "previous_response_not_found")
        before = self._kept.get(want.previous, [])
        history = History(frozenset().union(*self._known.values()))
        for item in before:
            history.recall(item)
        for place, item in enumerate(new):
            history.check(item, f"input[{place}]")
        history.end()
        return [*before, *new]

    def _keep(self, name: str, history: list[Item], spoilt: list[Document]) -> None:
        """Remember a response, and the ids of items as they left, whatever a fault made of them."""
        self._kept[name] = history
        self._known[name] = frozenset(_ids(history)) | frozenset(_ids(spoilt))
        for old in list(self._kept)[:-REMEMBERED]:
            del self._kept[old], self._known[old]


def _ids(value: Any) -> Iterator[str]:
    """Every id in a document, however deep it stands."""
    if isinstance(value, dict):
        if isinstance(value.get("id"), str):
            yield value["id"]
        value = list(value.values())
    for each in value if isinstance(value, list) else ():
        yield from _ids(each)


def as_markdown() -> str:
    """The faults that this protocol alone has, or has in a form of its own."""
    return "\n".join(f"- `{fault.name}`: {fault.sentence}" for fault in RESPONSE_FAULTS)


def as_told() -> str:
    """The table as the agent tells it."""
    return f"Ask for a fault by its name, as in `Weather in Paris, with item ids rotate`.\n\n{as_markdown()}"


# ---- how it leaves --------------------------------------------------------------------------------------------------


def _documents(ask: Ask, answer: Answer, form: Form) -> tuple[list[Item], list[Document]]:
    """The items of the honest answer, and the documents that carry them."""
    answer, cut = limited(answer)
    output = items(answer, form, cut=cut)
    if ask.stream:
        return output, events(answer, form, output, cut=cut)
    return output, [response(answer, form, output, status="incomplete" if cut else "completed")]


def _spoilt(documents: list[Document], faults: Sequence[Fault], effects: set[str]) -> list[Document]:
    chosen = sorted((each for each in faults if isinstance(each, DocumentFault)), key=lambda fault: fault.late)
    for fault in chosen:
        if not documents:
            break  # others have left nothing to spoil
        changed = fault.change([deepcopy(each) for each in documents])
        if is_stream(documents) and not fault.late:
            changed = numbered(changed)
        effects |= {fault.name} if changed != documents else set()
        documents = changed
    return documents


def _sent(spoilt: list[Document], faults: Sequence[Fault], effects: set[str], *, stream: bool) -> Reply:
    if not stream:
        return Reply(Head(200, (("content-type", "application/json"),)), [_json(spoilt[0])])
    headers = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-store"))
    return Reply(Head(200, headers), list(_events(spoilt, faults, effects)))


def _events(spoilt: Sequence[Document], faults: Sequence[Fault], effects: set[str]) -> Iterator[bytes]:
    """The documents as events. Where a fault of the bytes is at work, the `event:` lines are missing."""
    sent = [DONE if not each else b"data: %b\n\n" % _json(each) for each in spoilt]
    wrong = False
    for fault in sorted((each for each in faults if isinstance(each, EventFault)), key=FAULTS.index):
        changed = fault.change(list(sent)) if fault.name not in NOT_FOR_RESPONSES else sent
        if changed != sent:
            effects.add(fault.name)
            wrong = True
        sent = changed
    lines = [fault for fault in faults if isinstance(fault, LineFault)]
    for number, event in enumerate(sent):
        named = event if wrong else _named(event)
        for spoiling in lines:
            effects |= {spoiling.name} if spoiling.change(named, number) != named else set()
            named = spoiling.change(named, number)
        yield named


def _named(event: bytes) -> bytes:
    """The event with its `event:` line, which says what `type` says."""
    if event == DONE:
        return event
    return b"event: %b\n%b" % (json.loads(event.removeprefix(b"data: "))["type"].encode(), event)


def _json(data: Document) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")
