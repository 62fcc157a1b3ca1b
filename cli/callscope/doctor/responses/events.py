"""The parts of a Responses answer that the rules look at: events, items, and the response at the end.

Knows where the protocol has them (https://platform.openai.com/docs/api-reference/responses-streaming). Must not know
any rule. Whatever a server sends in a place, asking for it raises nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from callscope.core.values import Frame, JsonObject
from callscope.dialects.shapes import list_of, object_of, text_of
from callscope.doctor.http_rules import was_answered
from callscope.doctor.seen import Said, Seen

BEGINNINGS: Final = ("response.created", "response.queued")
ENDS: Final = ("response.completed", "response.incomplete", "response.failed")
ADDED: Final = "response.output_item.added"
DONE: Final = "response.output_item.done"
WHOLE: Final = {
    "response.output_text": "text",
    "response.refusal": "refusal",
    "response.function_call_arguments": "arguments",
    "response.custom_tool_call_input": "input",
    "response.reasoning_text": "text",
    "response.reasoning_summary_text": "text",
}
"""What grows by deltas, by the stem of its events, and the member of the done event that has it whole."""

CALLS: Final = ("function_call", "custom_tool_call")


class Item(NamedTuple):
    """An item of the output where it stands in an event."""

    frame: Frame
    item: JsonObject


@dataclass(slots=True)
class Growth:
    """What came of one text or of one call's arguments: its deltas and the done event that has it whole."""

    stem: str
    pieces: list[str] = field(default_factory=list)
    first: Frame | None = None
    whole: Any = None
    done: Frame | None = None


def name(said: Said) -> str:
    """What an event is: its `type`, else its `event:` line."""
    return text_of(said.document.get("type")) or said.frame.event


def is_error(said: Said) -> bool:
    """Whether a document tells of an error."""
    return (
        "error" in (name(said), said.frame.event)
        or name(said) == "response.failed"
        or said.document.get("error") not in (None, "", False)
    )


def has_events(seen: Seen) -> bool:
    """Whether a stream was asked for and came, with something in it."""
    return seen.wants_stream and seen.is_good and seen.streamed and bool(seen.said)


def came_whole(seen: Seen) -> bool:
    """Whether a stream came to its end without an error."""
    return has_events(seen) and seen.exchange.how == "complete" and not any(map(is_error, seen.said))


def is_whole(seen: Seen) -> bool:
    """Whether an answer in one piece was asked for and came."""
    return was_answered(seen) and not seen.wants_stream and bool(seen.whole) and not any(map(is_error, seen.said))


def events(seen: Seen, *names: str) -> Iterator[Said]:
    """The events of these names."""
    return (said for said in seen.said if name(said) in names)


def items(seen: Seen, *names: str) -> Iterator[Item]:
    """The items in the events of these names."""
    return (Item(said.frame, object_of(said.document.get("item"))) for said in events(seen, *names))


def final(seen: Seen) -> JsonObject:
    """The response at the end of a stream, or the one in one piece; empty where there is none."""
    if not seen.streamed:
        return seen.whole
    ends = list(events(seen, *ENDS))
    return object_of(ends[-1].document.get("response")) if ends else {}


def output(seen: Seen) -> list[JsonObject]:
    """The items in the response at the end."""
    return [object_of(item) for item in list_of(final(seen).get("output"))]


def calls(seen: Seen) -> Iterator[Item]:
    """The calls where they are whole: in the events that end items, or in the answer in one piece."""
    if seen.streamed:
        yield from (item for item in items(seen, DONE) if item.item.get("type") in CALLS)
    elif seen.said:
        yield from (Item(seen.said[0].frame, item) for item in output(seen) if item.get("type") in CALLS)


def growths(seen: Seen) -> list[Growth]:
    """Every text and every call's arguments, by the item and the part that the events name."""
    found: dict[tuple[str, ...], Growth] = {}
    for said in seen.said:
        stem, _, phase = name(said).rpartition(".")
        if stem not in WHOLE or phase not in ("delta", "done"):
            continue
        places = ("output_index", "content_index", "summary_index")
        key = (stem, *(str(said.document.get(place)) for place in places))
        growth = found.setdefault(key, Growth(stem))
        if phase == "delta":
            growth.first = growth.first or said.frame
            growth.pieces.append(text_of(said.document.get("delta")))
        else:
            growth.whole, growth.done = said.document.get(WHOLE[stem]), said.frame
    return list(found.values())
