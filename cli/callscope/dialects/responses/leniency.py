"""What of an item was read although it is not as the protocol says: its names, its place, its members.

Knows deviations that do no harm here, and are told all the same, as other clients may stumble. Must not know frames,
nor what is made of an item.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from callscope.core.values import JsonObject
from callscope.dialects.diagnostics import as_sent
from callscope.dialects.shapes import objects

from .items import OutputItem
from .places import Named, Places

PARTS: Final = {"message": ("output_text", "refusal"), "reasoning": ("reasoning_text",)}
"""The types of the parts that the content of an item has."""


class Oddity(NamedTuple):
    """A code, and its facts."""

    code: str
    text: str = ""
    known: str = ""


def odd_beginning(places: Places, kind: str, name: Named) -> Iterator[Oddity]:
    """How a new item is named and numbered, before it is one of the places."""
    due = len(places.items)
    if name.index is None:
        yield Oddity("output_index_missing")
    elif places.at(name.index) is not None:
        yield Oddity("output_index_shared", str(name.index))
    elif type(name.index) is not int or name.index > due:
        yield Oddity("output_index_odd", f"{as_sent(name.index)} where {due} was due")
    if places.called(name.item_id) is not None:
        yield Oddity("item_id_shared", name.item_id)
    elif kind in PARTS and not name.item_id:
        yield Oddity("item_nameless", kind)


def odd_end(item: OutputItem, name: Named, document: JsonObject) -> Iterator[Oddity]:
    """How an item is named and numbered by its own end, and what that end was to come after."""
    if name.index is None:
        yield Oddity("output_index_missing")
    elif item.index not in (None, name.index):
        yield Oddity("output_index_changed", str(name.index), str(item.index))
    if item.done:
        yield Oddity("item_repeated", name.item_id)
    elif item.announced and document.get("status") != "incomplete" and _lacks_ends(item):
        yield Oddity("part_unfinished", item.kind)


def odd_whole(item: OutputItem, name: Named, document: JsonObject) -> Iterator[Oddity]:
    """What is odd about an item that is whole, beside the words in it."""
    if item.item_id and not name.item_id:
        yield Oddity("item_nameless", item.kind)
    elif item.item_id and item.item_id != name.item_id:
        yield Oddity("item_renamed", name.item_id, item.item_id)
    if item.kind not in PARTS:
        return
    content = document.get("content")
    if isinstance(content, str):
        yield Oddity("content_as_text", item.kind)
    if document.get("summary", "") is None:
        yield Oddity("member_null", "summary")
    for part in objects(content):
        if isinstance(part.get("text"), str) and part.get("type") not in PARTS[item.kind]:
            yield Oddity("part_type_odd", str(part.get("type")), item.kind)


def _lacks_ends(item: OutputItem) -> bool:
    if item.call is not None:
        return bool(item.call.pieces) and not item.raw_ended
    return any(growing.pieces and not growing.ended for growing in item.texts.values())
