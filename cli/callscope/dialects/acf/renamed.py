"""Members that agents send under other names than the framework and its samples have for them.

Knows the names. Must not know what their values mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from callscope.core.values import JsonObject

ARGS: Final = "args"
TEXT_ARGS: Final = "arguments_str"
"""The arguments of a call, as an object in a step and as text in the second dialect."""

OTHER_NAMES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "assistant_thinking": {"content": ("text", "message", "thinking")},
    "text_delta": {"content": ("text", "delta")},
    "tool_call_start": {TEXT_ARGS: (ARGS, "arguments", "input")},
    "tool_result": {"id": ("tool_call_id",), "output": ("content", "result")},
    "stream_error": {"message": ("error",)},
    "tool_calls": {ARGS: (TEXT_ARGS, "arguments", "input")},
}
"""By the event of the second dialect, or the type of the step: each member, and the names it is sent under instead."""


class Renamed(NamedTuple):
    """The name that a member came under, and the one that was due."""

    member: str
    due: str


def documented(what: str, document: JsonObject) -> JsonObject:
    """The document with its members under the names that are due."""
    found = list(renamed(what, document))
    return {**document, **{due: document[member] for member, due in found}} if found else document


def renamed(what: str, document: JsonObject) -> Iterator[Renamed]:
    """The members that came under other names, and under their own not at all."""
    for due, others in OTHER_NAMES.get(what, {}).items():
        if _is_empty(document, due):
            yield from (Renamed(other, due) for other in _first(document, others))


def _first(document: JsonObject, others: tuple[str, ...]) -> list[str]:
    return [other for other in others if not _is_empty(document, other)][:1]


def _is_empty(document: JsonObject, member: str) -> bool:
    return document.get(member) in (None, "")
