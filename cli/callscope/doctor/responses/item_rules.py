"""Rules on the items of a Responses stream: how they are announced, grow and end, and what calls have.

Knows items, parts and deltas. Must not know the order of the events around them (`event_rules`). Where it takes more
than one look at an event to see what is wrong, the decoder's own complaints are the judge.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from callscope.core.visible import one_line
from callscope.doctor.call_rules import has_calls
from callscope.doctor.rule import Rule, Verdict, broken, held, rule
from callscope.doctor.seen import Seen, as_sent, shown

from .events import (
    ADDED,
    DONE,
    WHOLE,
    Growth,
    calls,
    came_whole,
    events,
    final,
    growths,
    has_events,
    items,
    name,
    output,
)

ITEM_RULES: Final[list[Rule]] = []
_NESTED: Final = ("response.content_part", "response.reasoning_summary_part", *WHOLE)


def _of_items(seen: Seen) -> Iterator[tuple[Any, Any]]:
    """The events within items, with the index that each names."""
    for said in seen.said:
        if name(said).rpartition(".")[0] in _NESTED:
            yield said, said.document.get("output_index")


@rule(
    ITEM_RULES,
    "responses.item_added",
    "required",
    "Each item is announced by response.output_item.added before anything of it comes.",
    breaks="the name of a call is said there alone: clients get arguments of they know not what",
    when=lambda seen: has_events(seen) and (next(_of_items(seen), None) is not None or any(items(seen, DONE))),
)
def _added(seen: Seen) -> Iterator[Verdict]:
    known: list[Any] = []
    for said in seen.said:
        index = said.document.get("output_index")
        if name(said) == ADDED:
            known.append(index)
        elif (name(said) == DONE or name(said).rpartition(".")[0] in _NESTED) and index not in known:
            yield broken(f"{name(said)} of the item {shown(index, 20)}, which was not announced", said.frame)
            return


@rule(
    ITEM_RULES,
    "responses.item_done",
    "required",
    "Each item that was announced ends with response.output_item.done, before the response does.",
    breaks="clients that run a call when its item is done never run it",
    when=lambda seen: came_whole(seen) and any(items(seen, ADDED)),
)
def _done(seen: Seen) -> Iterator[Verdict]:
    added = list(events(seen, ADDED))
    done = sum(1 for _ in events(seen, DONE))
    if done < len(added):
        yield broken(f"{len(added)} announced, {done} done", added[-1].frame)


@rule(
    ITEM_RULES,
    "responses.output_index",
    "required",
    "Each event within an item has its `output_index`: 0 for the first item, 1 for the second.",
    breaks="clients that key by it join two calls into one, or lose one",
    when=lambda seen: has_events(seen) and any(items(seen, ADDED, DONE)),
)
def _index(seen: Seen) -> Iterator[Verdict]:
    count = 0
    for said in seen.said:
        index = said.document.get("output_index")
        nested = name(said).rpartition(".")[0] in _NESTED
        if name(said) in (ADDED, DONE) or nested:
            if type(index) is not int:
                yield broken(f"{as_sent(said.document, 'output_index', 40)} in {name(said)}", said.frame)
                return
            if name(said) == ADDED and index != count:
                yield broken(f"`output_index` of the next item is {index}, not {count}", said.frame)
                return
        count += name(said) == ADDED


@rule(
    ITEM_RULES,
    "responses.item_id",
    "required",
    "An item has one `id`: in its announcement, as `item_id` in all events within it, and when it is done.",
    breaks="clients that key by it lose the arguments of the call",
    when=lambda seen: has_events(seen) and any(items(seen, ADDED)),
)
def _id(seen: Seen) -> Iterator[Verdict]:
    known: dict[str, Any] = {}
    for said in seen.said:
        index = str(said.document.get("output_index"))
        item = said.document.get("item")
        if name(said) in (ADDED, DONE) and isinstance(item, dict):
            found = item.get("id")
        elif name(said).rpartition(".")[0] in _NESTED:
            found = said.document.get("item_id")
        else:
            continue
        if not isinstance(found, str) or not found:
            yield broken(f"no id of the item in {name(said)}", said.frame)
            return
        if known.setdefault(index, found) != found:
            yield broken(f"{one_line(found, 40)} after {one_line(str(known[index]), 40)}", said.frame)
            return


# ---- deltas -------------------------------------------------------------------------------------------------------


def _grows(seen: Seen) -> bool:
    return came_whole(seen) and bool(growths(seen))


@rule(
    ITEM_RULES,
    "responses.deltas",
    "recommended",
    "Words and arguments come in deltas before they are done.",
    breaks="nobody sees the answer grow",
    when=lambda seen: came_whole(seen) and bool(seen.words or seen.calls),
)
def _deltas(seen: Seen) -> Iterator[Verdict]:
    grown = growths(seen)
    if not any(growth.pieces for growth in grown):
        yield broken("not one delta came", seen.said[-1].frame)
    else:
        yield held(f"{sum(len(growth.pieces) for growth in grown)} deltas")


@rule(
    ITEM_RULES,
    "responses.done_events",
    "recommended",
    "What grew by deltas is said once more, whole, in a done event.",
    breaks="clients that wait for it (as for function_call_arguments.done) never get the arguments",
    when=lambda seen: _grows(seen) and not seen.was_cut,
)
def _done_events(seen: Seen) -> Iterator[Verdict]:
    for growth in growths(seen):
        if growth.pieces and growth.done is None:
            yield broken(f"no {growth.stem}.done", growth.first)


@rule(
    ITEM_RULES,
    "responses.done_agrees",
    "required",
    "What is done is what the deltas made, in the item and in the response at the end, too.",
    breaks="clients that join deltas and clients that take what is done run different calls",
    when=_grows,
)
def _agrees(seen: Seen) -> Iterator[Verdict]:
    for growth in filter(_contradicts, growths(seen)):
        came = f"{shown(growth.whole, 40)} after deltas of {shown(''.join(growth.pieces), 40)}"
        yield broken(f"{growth.stem}.done has {came}", growth.done)
    for report in seen.reported("arguments_differ", "text_differs", "arguments_contradictory"):
        yield broken(one_line(report.message, 100), report.frame)


def _contradicts(growth: Growth) -> bool:
    return growth.done is not None and bool(growth.pieces) and "".join(growth.pieces) != growth.whole


@rule(
    ITEM_RULES,
    "responses.output",
    "required",
    "The response at the end has all items that came before it.",
    breaks="clients that take the answer from the response (response.output_text) find it empty",
    when=lambda seen: came_whole(seen) and bool(final(seen)) and any(items(seen, ADDED, DONE)),
)
def _output(seen: Seen) -> Iterator[Verdict]:
    done = [str(item.item.get("type")) for item in items(seen, DONE)] or ["?" for _ in items(seen, ADDED)]
    last = [str(item.get("type")) for item in output(seen)]
    if len(last) < len(done):
        yield broken(f"{len(done)} items came, {len(last)} are in it", seen.said[-1].frame)


# ---- calls --------------------------------------------------------------------------------------------------------


@rule(
    ITEM_RULES,
    "responses.call_id",
    "required",
    "Each call has a `call_id` of its own, from its announcement on.",
    breaks="its result cannot say which call it answers",
    when=has_calls,
)
def _call_id(seen: Seen) -> Iterator[Verdict]:
    known: set[str] = set()
    for frame, item in calls(seen):
        found = item.get("call_id")
        if not isinstance(found, str) or not found:
            yield broken(as_sent(item, "call_id", 40), frame)
        elif found in known:
            yield broken(f"two calls have {one_line(found, 40)}", frame)
        else:
            known.add(found)
    for frame, item in items(seen, ADDED):
        if item.get("type") in ("function_call", "custom_tool_call") and not (item.get("call_id") and item.get("name")):
            yield broken("the announcement has no call_id or no name", frame)


@rule(
    ITEM_RULES,
    "responses.arguments_text",
    "required",
    "`arguments` (and the `input` of a custom tool) are a text, in every event.",
    breaks="clients that join or parse a text fail",
    when=has_calls,
)
def _arguments(seen: Seen) -> Iterator[Verdict]:
    for frame, item in calls(seen):
        member = "input" if item.get("type") == "custom_tool_call" else "arguments"
        if not isinstance(item.get(member), str):
            yield broken(as_sent(item, member, 60), frame)


@rule(
    ITEM_RULES,
    "responses.no_leak",
    "required",
    "A call comes as an item of its own, not as words of the answer.",
    breaks="the person reads the model's own markup, and nothing runs",
    when=lambda seen: (has_events(seen) or bool(seen.whole)) and seen.is_good and bool(seen.tools),
)
def _no_leak(seen: Seen) -> Iterator[Verdict]:
    for report in seen.reported("leaked_tool_call", "call_malformed"):
        yield broken(one_line(report.message, 120), report.frame)
