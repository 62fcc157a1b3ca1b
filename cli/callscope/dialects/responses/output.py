"""What a response has put out so far, and how an event adds to it.

Knows which item an event belongs to, also where ids and indexes are missing or wrong, and what to do where deltas, the
end of a part, the end of an item and the end of the response say the same thing differently. Must not know frames'
bytes, errors or how the exchange ends.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from itertools import islice
from typing import Any, Final

from callscope.core.events import ArgumentsDelta, CallStarted, PeerEvent, TextDelta
from callscope.core.values import CallKey, Channel, Frame, JsonObject
from callscope.dialects.arguments import problem_of
from callscope.dialects.diagnostics import diagnostic, excerpt
from callscope.dialects.fragments import OpenCall
from callscope.dialects.pieces import Pieces, Spoken

from .items import CALLS, CHANNELS, RAW, Growing, OutputItem, odd_parts, whole_texts

NEAR: Final = 100
"""Open items: of more than so many a whole one without an id is not looked for."""

OWN_MEMBERS: Final = frozenset(("type", "id", "status", "call_id", "name", "arguments", "input"))


class Calls:
    """The calls that are ours to run, in the order in which they came into sight."""

    def __init__(self) -> None:
        self.calls: list[OpenCall] = []
        self.damaged = False


class Output:
    """The items of one response while they come in."""

    def __init__(self, exchange: int, offered: Collection[str]) -> None:
        self.items: list[OutputItem] = []
        self.said: dict[Channel, Spoken] = {"output": Spoken(), "reasoning": Spoken(), "refusal": Spoken()}
        self.calls = Calls()
        self.offered = offered
        self.finish_reason: str | None = None
        self.usage: JsonObject | None = None
        self.whole = False  # the response came to an end of its own
        self._exchange = exchange
        self._next_call = 0
        self._by_id: dict[str, OutputItem] = {}
        self._by_index: dict[Any, OutputItem] = {}
        self._by_call_id: dict[str, OutputItem] = {}
        self._open: dict[str, dict[int, OutputItem]] = {}  # by their kind, in the order in which they came
        self._reported: set[str] = set()

    @property
    def silent(self) -> bool:
        """Whether nothing was put out."""
        return not any(
            item.call or item.told or any(text.pieces for text in item.texts.values()) for item in self.items
        )

    def text(self, channel: Channel) -> str:
        """All text of a channel so far."""
        parts = [part for part, its in CHANNELS.items() if its == channel]
        return "".join(item.said(part) for item in self.items for part in parts)

    def report(self, out: list[PeerEvent], code: str, frame: Frame | None, **facts: str) -> None:
        """Say it once."""
        if code not in self._reported:
            self._reported.add(code)
            out.append(diagnostic(code, None, frame, **facts))

    def take_usage(self, usage: Any) -> None:
        """Keep token counts; the last ones count."""
        if isinstance(usage, dict):
            self.usage = usage

    def take_key(self) -> CallKey:
        """The identity of the next call, ours or the server's."""
        self._next_call += 1
        return CallKey(self._exchange, self._next_call - 1)

    # ---- which item -------------------------------------------------------------------------------------------------

    def announce(self, index: Any, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> OutputItem:
        """Take the beginning of an item."""
        item_id = _text(document.get("id"))
        known = self._by_id.get(item_id) if item_id else None
        if known is not None:
            if known.announced:
                self.report(out, "item_repeated", frame, text=excerpt(item_id))
                return known
            item = known
        else:
            item = self._new(_text(document.get("type")), item_id, index)
        item.announced = True
        item.document = document
        self._look_at(item, frame, out)
        return item

    def find(self, kind: str, item_id: Any, index: Any, frame: Frame, out: list[PeerEvent]) -> OutputItem:
        """The item that an event of this kind speaks of; a new one where none was announced."""
        item_id = _text(item_id)
        item = self._by_id.get(item_id) if item_id else None
        if item is not None and item.kind == kind:
            return item
        item = self._by_index.get(_key(index))
        if item is None or item.kind != kind or item.done:
            item = next(reversed(self._open.get(kind, {}).values()), None)
        if item is None:
            self.report(out, "item_unannounced", frame, text=kind)
            item = self._new(kind, item_id, index)
            self._look_at(item, frame, out)
        elif not item_id:
            self.report(out, "item_id_missing", frame)
        elif item.item_id:
            self.report(out, "item_id_differs", frame, text=excerpt(item_id), known=excerpt(item.item_id))
        return item

    def _new(self, kind: str, item_id: str, index: Any) -> OutputItem:
        item = OutputItem(kind, item_id, index)
        self._open.setdefault(kind, {})[len(self.items)] = item
        item.place = len(self.items)
        self.items.append(item)
        if item_id:
            self._by_id.setdefault(item_id, item)
        self._by_index[_key(index)] = item
        return item

    def _match(self, index: Any, document: JsonObject) -> OutputItem | None:
        """The item that a whole one speaks of: by its id, its call_id, its place, or as the oldest open one."""
        kind, call_id = _text(document.get("type")), _text(document.get("call_id"))
        item = self._by_id.get(_text(document.get("id"))) or self._by_call_id.get(call_id)
        if item is not None and item.kind == kind:
            return item
        waiting = self._open.get(kind, {})
        item = self._by_index.get(_key(index))
        if item is not None and item.place in waiting and item.may_be(call_id):
            return item
        return next((each for each in islice(waiting.values(), NEAR) if each.may_be(call_id)), None)

    # ---- deltas -----------------------------------------------------------------------------------------------------

    def say(self, item: OutputItem, part: str, index: Any, piece: Any, frame: Frame, out: list[PeerEvent]) -> None:
        """Add words to a part of an item."""
        if type(piece) is not str:
            if piece is not None:
                self.report(out, "member_odd", frame, member="delta", text=excerpt(repr(piece)))
            return
        growing = item.growing(part, index if type(index) is int else 0)
        self._grow(growing, CHANNELS[part], growing.halves.joined(piece), frame, out)

    def _grow(self, growing: Growing, channel: Channel, text: str, frame: Frame | None, out: list[PeerEvent]) -> None:
        if text:
            growing.pieces.append(text)
            self.said[channel].say(text, frame)
            out.append(TextDelta(channel, text, frame))

    def add_arguments(self, item: OutputItem, piece: Any, frame: Frame, out: list[PeerEvent]) -> None:
        """Add to the raw text of a call."""
        call = item.call
        if call is None or piece is None:
            return
        if not isinstance(piece, str):
            self.report(out, "arguments_as_object", frame)
            piece = _written(piece)
        if text := call.halves.joined(piece):
            call.pieces.append(text)
            out.append(ArgumentsDelta(call.key, text, frame))

    # ---- what is whole ----------------------------------------------------------------------------------------------

    def end_part(self, item: OutputItem, part: str, index: Any, whole: Any, frame: Frame, out: list[PeerEvent]) -> None:
        """Take a text as it is at the end of its part."""
        if type(whole) is not str or not whole:
            return
        growing = item.growing(part, index if type(index) is int else 0)
        begins = growing.pieces.size <= len(whole) and whole.startswith(growing.pieces.text)
        self._settle(growing, whole[growing.pieces.size :] if begins else None, CHANNELS[part], frame, out)

    def end_arguments(self, item: OutputItem, whole: Any, frame: Frame, out: list[PeerEvent]) -> None:
        """Take the raw text of a call as it is at its end."""
        call = item.call
        if call is None or whole is None or whole == "":
            return
        if not isinstance(whole, str):
            self.report(out, "arguments_as_object", frame)
            whole = _written(whole)
        text = call.text if call.pieces.size <= len(whole) else None
        if whole in (text, call.snapshot):
            return
        if text is not None and whole.startswith(text):
            if text:
                self.report(out, "deltas_missing", frame)
            self.add_arguments(item, whole[len(text) :], frame, out)
        else:
            self._differ(call, whole, frame, out)

    def _differ(self, call: OpenCall, whole: str, frame: Frame, out: list[PeerEvent]) -> None:
        """Arguments that are not what the deltas said: taken only where the deltas are no arguments at all."""
        if call.snapshot is not None:
            return
        text = call.text
        facts = {"text": excerpt(text), "whole": excerpt(whole)}
        if call.kind == "function" and problem_of(text) is not None and problem_of(whole) is None:
            out.append(diagnostic("arguments_corrected", call.key, frame, **facts))
            call.pieces = Pieces((whole,))
        else:
            out.append(diagnostic("arguments_differ", call.key, frame, **facts))
        call.snapshot = whole

    def end_item(self, index: Any, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> OutputItem:
        """Take an item as it is at its end, from its own event or from the end of the response."""
        item = self._match(index, document)
        if item is None:
            item = self._new(_text(document.get("type")), _text(document.get("id")), index)
        if not item.done:
            item.document = document
            item.done = True
            self._open.get(item.kind, {}).pop(item.place, None)
        self._look_at(item, frame, out)
        if item.kind in ("message", "reasoning"):
            self._end_texts(item, document, frame, out)
        if item.call is not None:
            self.end_arguments(item, document.get(RAW[item.kind]), frame, out)
        return item

    def _end_texts(self, item: OutputItem, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        wholes: dict[str, list[str]] = {}
        for part, text in whole_texts(document):
            wholes.setdefault(part, []).append(text)
        for part, texts in wholes.items():
            if whole := "".join(texts):
                rest = whole[len(item.said(part)) :] if item.begins(part, whole) else None
                self._settle(item.growing(part, _last(item, part)), rest, CHANNELS[part], frame, out)
        for kind in odd_parts(document) if item.kind == "message" else ():
            self.report(out, "part_unknown", frame, text=excerpt(kind))

    def _settle(self, growing: Growing, rest: str | None, channel: Channel, frame: Frame, out: list[PeerEvent]) -> None:
        """Add the rest of a text that is whole now; None: it is another than the deltas said."""
        if rest is None:
            self.report(out, "text_differs", frame)
        elif rest:
            if growing.pieces:
                self.report(out, "deltas_missing", frame)
            self._grow(growing, channel, rest, frame, out)

    def _look_at(self, item: OutputItem, frame: Frame, out: list[PeerEvent]) -> None:
        """See whether an item is a call, and what it is called."""
        kind = CALLS.get(item.kind)
        if kind is None:
            return
        document = item.document
        call_id, name = _text(document.get("call_id")), _text(document.get("name"))
        if item.call is None:
            item.call = OpenCall(self.take_key(), call_id, name, kind, frame)
            self.calls.calls.append(item.call)
            out.append(CallStarted(item.call.key, call_id, name, kind, frame=frame))
            if item.announced and not item.done:
                self.add_arguments(item, document.get(RAW[item.kind]) or None, frame, out)
        call = item.call
        call.call_id = call.call_id or call_id
        if call_id:
            self._by_call_id.setdefault(call_id, item)
        call.name = call.name or name
        if call_id and call_id != call.call_id:
            self.report(out, "id_changed", frame)
        if name and name != call.name:
            out.append(diagnostic("name_changed", call.key, frame, text=excerpt(name)))
        call.add_extra({key: value for key, value in document.items() if key not in OWN_MEMBERS and value is not None})

    def flush(self, out: list[PeerEvent]) -> None:
        """Give the halves of characters that never met their other halves."""
        for item in self.items:
            for (part, _), growing in item.texts.items():
                if rest := growing.halves.rest():
                    out.append(diagnostic("lost_character"))
                    self._grow(growing, CHANNELS[part], rest, None, out)


def _last(item: OutputItem, part: str) -> int:
    return max((index for name, index in item.texts if name == part), default=0)


def _key(index: Any) -> Any:
    return index if isinstance(index, int | str) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
