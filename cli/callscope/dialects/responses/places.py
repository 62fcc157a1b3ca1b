"""Which item an event speaks of, also where ids and indexes are missing, shared or made up anew for each event.

Knows the names that events have for items. Must not know what an event adds to one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NamedTuple

from callscope.core.values import JsonObject
from callscope.dialects.shapes import text_of

from .items import OutputItem

NEAR: Final = 100
"""Open items: of more than so many a whole one without a name is not looked for."""


class Named(NamedTuple):
    """What an event calls its item; empty members say nothing."""

    item_id: str
    index: Any
    call_id: str


def named(event: JsonObject) -> Named:
    """The names in an event about a part of an item."""
    return Named(text_of(event.get("item_id")), _key(event.get("output_index")), text_of(event.get("call_id")))


def named_whole(index: Any, document: JsonObject) -> Named:
    """The names of an item as a whole."""
    return Named(text_of(document.get("id")), _key(index), text_of(document.get("call_id")))


@dataclass(frozen=True, slots=True)
class Found:
    """An item, and the code of what was odd about how it was named."""

    item: OutputItem
    odd: str = ""


class Places:
    """The items of a response by all their names."""

    def __init__(self) -> None:
        self.items: list[OutputItem] = []
        self._by_id: dict[str, OutputItem] = {}
        self._by_index: dict[Any, OutputItem] = {}
        self._by_call_id: dict[str, OutputItem] = {}
        self._open: dict[str, dict[int, OutputItem]] = {}  # by their kind, in the order in which they came

    def add(self, kind: str, name: Named) -> OutputItem:
        """A new item."""
        item = OutputItem(kind, name.item_id, name.index, place=len(self.items))
        self._open.setdefault(kind, {})[item.place] = item
        self.items.append(item)
        self.rename(item, name)
        return item

    def rename(self, item: OutputItem, name: Named) -> None:
        """Take note of further names of an item; of one that several have the newest has it."""
        if name.item_id:
            self._by_id[name.item_id] = item
        if name.call_id:
            self._by_call_id[name.call_id] = item
        if name.index is not None:
            self._by_index[name.index] = item

    @property
    def names(self) -> int:
        """How many ids and indexes items are known by."""
        return len(self._by_id) + len(self._by_index) + len(self._by_call_id)

    def close(self, item: OutputItem) -> None:
        """The item is whole."""
        item.done = True
        self._open.get(item.kind, {}).pop(item.place, None)

    def at(self, index: Any) -> OutputItem | None:
        """The item that an index means by now."""
        return self._by_index.get(index)

    def called(self, item_id: str) -> OutputItem | None:
        """The item that an id means by now."""
        return self._by_id.get(item_id)

    def announced(self, kind: str, name: Named) -> OutputItem | None:
        """An item that was announced, or spoken of, before under all the names that this announcement has."""
        item = self._by_id.get(name.item_id)
        if item is None or item.kind != kind or not item.may_be(name.call_id):
            return None
        return item if item.index in (None, name.index) or name.index is None else None

    def spoken_of(self, kinds: Sequence[str], name: Named) -> Found | None:
        """The item that an event about a part of it means, the first of the kinds being the likeliest."""
        at_index, by_id = self._by_index.get(name.index), self._by_id.get(name.item_id)
        if at_index is not None and at_index.kind in kinds and at_index.item_id == name.item_id != "":
            return Found(at_index)
        if by_id is not None and by_id.kind in kinds:
            odd = name.index is not None and by_id.index is not None and by_id.index != name.index
            return Found(by_id, "output_index_changed" if odd else "")
        if (called := self._by_call_id.get(name.call_id)) is not None and called.kind in kinds:
            return Found(called, "item_id_missing")
        item = at_index if at_index is not None and at_index.kind in kinds and not at_index.done else None
        for kind in kinds:
            item = item or next(reversed(self._open.get(kind, {}).values()), None)
        if item is None:
            return None
        odd = "item_id_missing" if not name.item_id else "item_id_differs" if item.item_id else ""
        return Found(item, odd)

    def whole(self, kind: str, name: Named) -> OutputItem | None:
        """The item that a whole one is the end of: by its names, else the oldest open one that it may be."""
        at_index, by_id = self._by_index.get(name.index), self._by_id.get(name.item_id)
        for item in (at_index if at_index is not by_id and _same_id(at_index, name) else None, by_id):
            if item is not None and item.kind == kind and (item.may_be(name.call_id) or not item.done):
                return item
        called = self._by_call_id.get(name.call_id)
        if called is not None and called.kind == kind:
            return called
        waiting = self._open.get(kind, {})
        if at_index is not None and at_index.place in waiting and at_index.may_be(name.call_id):
            return at_index
        return next((each for each in islice(waiting.values(), NEAR) if each.may_be(name.call_id)), None)


class Repeated:
    """The items of a response while its end repeats them: each is repeated once."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._left: dict[str, dict[int, OutputItem]] = {}
        for item in places.items:
            self._left.setdefault(item.kind, {})[item.place] = item

    def next(self, kind: str, name: Named) -> OutputItem | None:
        """The item that is repeated: by its names, else the oldest of its kind that was not."""
        left = self._left.get(kind, {})
        item = self._places.whole(kind, name)
        if item is None or item.place not in left:
            item = next(iter(left.values()), None)
        if item is not None:
            left.pop(item.place)
        return item


def _same_id(item: OutputItem | None, name: Named) -> bool:
    return item is not None and item.item_id == name.item_id != ""


def _key(index: Any) -> Any:
    return index if isinstance(index, int | str) else None
