"""The items of one response while they grow: texts, calls, and what the server itself says each of them is.

Knows the members of an output item and how a text grows. Must not know events' names, nor which item one belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from callscope.core.values import CallKind, Channel, JsonObject
from callscope.dialects.documents import Halves
from callscope.dialects.fragments import OpenCall
from callscope.dialects.pieces import Pieces
from callscope.dialects.shapes import objects, text_of

CALLS: Final[dict[str, CallKind]] = {"function_call": "function", "custom_tool_call": "custom"}
"""Types of items that are calls for us to run."""

RAW: Final = {"function_call": "arguments", "custom_tool_call": "input"}
"""The member of a call that holds its raw text."""

CHANNELS: Final[dict[str, Channel]] = {
    "output_text": "output",
    "refusal": "refusal",
    "reasoning_summary_text": "reasoning",
    "reasoning_text": "reasoning",
}
"""Kinds of parts and where a person reads them; a summary's parts are named as the events name them."""


def type_of(document: Mapping[str, Any]) -> str:
    """The type of an item; "" where it has none."""
    return text_of(document.get("type"))


@dataclass(slots=True)
class Calls:
    """The calls that are ours to run, in the order in which they came into sight."""

    calls: list[OpenCall] = field(default_factory=list)
    remote_ids: set[str] = field(default_factory=set)  # of calls that the server ran itself
    damaged: bool = False


@dataclass(slots=True)
class Growing:
    """A text on its way."""

    pieces: Pieces = field(default_factory=Pieces)
    halves: Halves = field(default_factory=Halves)
    ended: bool = False


@dataclass(slots=True)
class OutputItem:
    """One item; `document` is what the server said of it last, `done` whether that is the last word."""

    kind: str
    item_id: str = ""
    index: Any = None
    document: JsonObject = field(default_factory=dict)
    done: bool = False
    announced: bool = False
    texts: dict[tuple[str, int], Growing] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    open_sizes: dict[str, int] = field(default_factory=dict)
    call: OpenCall | None = None
    raw_ended: bool = False  # the raw text of a call had an end of its own
    place: int = 0
    told: bool = False  # a call of the server's own was told with its result

    def may_be(self, call_id: str) -> bool:
        """Whether nothing says that this is another call than that of the id."""
        return self.call is None or not self.call.call_id or not call_id or self.call.call_id == call_id

    def growing(self, part: str, index: Any) -> Growing:
        """The text of a part; one without an index is the first."""
        return self.texts.setdefault((part, index if type(index) is int else 0), Growing())

    def grow(self, part: str, growing: Growing, text: str) -> None:
        """Add to a text. Sizes are counted, so that nothing is joined in vain however often the end of a text comes."""
        growing.pieces.append(text)
        self.sizes[part] = self.sizes.get(part, 0) + len(text)
        if not growing.ended:
            self.open_sizes[part] = self.open_sizes.get(part, 0) + len(text)

    def end(self, part: str, growing: Growing) -> None:
        """The end of a part came."""
        if not growing.ended:
            growing.ended = True
            self.open_sizes[part] = self.open_sizes.get(part, 0) - growing.pieces.size

    def last(self, part: str) -> Growing:
        """The text of the last part of a kind."""
        return self.growing(part, max((index for name, index in self.texts if name == part), default=0))

    def rest(self, part: str, whole: str) -> str | None:
        """What a whole text of all parts of a kind adds to what was said of them; None: it is another text."""
        size = self.sizes.get(part, 0)
        return whole[size:] if size <= len(whole) and whole.startswith(self._said(part, whole_parts=True)) else None

    def rest_of_open(self, part: str, whole: str) -> str | None:
        """The same of the parts whose end did not come, all of which end here; None also where there are none."""
        size = self.open_sizes.get(part, 0)
        if not size or size > len(whole) or not whole.startswith(self._said(part, whole_parts=False)):
            return None
        for (name, _), growing in self.texts.items():
            if name == part:
                self.end(part, growing)
        return whole[size:]

    def _said(self, part: str, *, whole_parts: bool) -> str:
        keys = sorted(key for key in self.texts if key[0] == part and (whole_parts or not self.texts[key].ended))
        return "".join(self.texts[key].pieces.text for key in keys)

    def text(self, part: str) -> str:
        """All text of the parts of a kind, in their order."""
        return self._said(part, whole_parts=True)


def whole_texts(document: JsonObject) -> Iterator[tuple[str, str]]:
    """The texts of an item as a whole, by the kind of their parts."""
    for part in objects(document.get("summary")):
        yield "reasoning_summary_text", text_of(part.get("text"))
    is_reasoning = type_of(document) == "reasoning"
    content = document.get("content")
    if isinstance(content, str):
        yield "reasoning_text" if is_reasoning else "output_text", content
    for part in objects(content):
        if part.get("type") == "refusal":
            yield "refusal", text_of(part.get("refusal"))
        else:
            yield "reasoning_text" if is_reasoning else "output_text", text_of(part.get("text"))


def odd_parts(document: JsonObject) -> Iterator[str]:
    """The types of the parts of a message that have no text."""
    for part in objects(document.get("content")):
        if part.get("type") != "refusal" and not isinstance(part.get("text"), str):
            yield str(part.get("type"))
