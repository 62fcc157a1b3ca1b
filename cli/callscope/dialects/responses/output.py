"""What a response has put out so far, and how an event adds to it.

Knows what to do where deltas, the end of a part, the end of an item and the end of the response say the same thing
differently. Must not know events' names, frames' bytes, errors or how the exchange ends.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from callscope.core.events import ArgumentsDelta, CallStarted, PeerEvent, TextDelta
from callscope.core.values import CallKey, CallKind, Channel, Frame, JsonObject
from callscope.dialects.arguments import problem_of
from callscope.dialects.diagnostics import diagnostic, excerpt
from callscope.dialects.fragments import OpenCall
from callscope.dialects.pieces import Spoken
from callscope.dialects.shapes import text_of

from .items import CALLS, CHANNELS, RAW, Calls, Growing, OutputItem, odd_parts, whole_texts
from .leniency import odd_beginning, odd_end, odd_whole
from .places import Named, Places, named, named_whole
from .telling import Telling

OWN_MEMBERS: Final = frozenset(("type", "id", "status", "call_id", "name", "arguments", "input"))


class Output(Telling):
    """The items of one response while they come in; `kinds` are the tools on offer."""

    def __init__(self, exchange: int, kinds: Mapping[str, CallKind]) -> None:
        super().__init__()
        self.places = Places()
        self.said: dict[Channel, Spoken] = {"output": Spoken(), "reasoning": Spoken(), "refusal": Spoken()}
        self.calls = Calls()
        self.finish_reason: str | None = None
        self.incomplete = ""  # why the response ended before it was whole
        self.usage: JsonObject | None = None
        self.whole = False  # the response came to an end of its own
        self._exchange = exchange
        self._kinds = kinds
        self._next_call = 0

    @property
    def items(self) -> Sequence[OutputItem]:
        """The items in the order in which they came into sight."""
        return self.places.items

    @property
    def silent(self) -> bool:
        """Whether nothing was put out."""
        return not any(self.said.values()) and not any(item.call or item.told for item in self.items)

    @property
    def growing(self) -> bool:
        """Whether a call has begun and neither its raw text nor its item has come to an end."""
        return any(item.call is not None and not (item.done or item.raw_ended) for item in self.items)

    def take_key(self) -> CallKey:
        """The identity of the next call, ours or the server's."""
        self._next_call += 1
        return CallKey(self._exchange, self._next_call - 1)

    # ---- beginnings -------------------------------------------------------------------------------------------------

    def announce(self, index: Any, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """Take the beginning of an item."""
        name, kind = named_whole(index, document), text_of(document.get("type"))
        item = self.places.announced(kind, name)
        if item is not None and item.announced:
            self.report(out, "item_repeated", frame, text=excerpt(name.item_id))
            return
        if item is None:
            self.tell(odd_beginning(self.places, kind, name), frame, out)
            item = self.places.add(kind, name)
        item.announced = True
        item.document = document
        self._look_at(item, frame, out)
        if item.call is not None and (raw := document.get(RAW[item.kind])):
            self.add_arguments(item, raw, frame, out)

    def find(self, kinds: Sequence[str], event: JsonObject, frame: Frame, out: list[PeerEvent]) -> OutputItem:
        """The item that an event speaks of; a new one where none was announced."""
        name = named(event)
        if name.index is None:
            self.report(out, "output_index_missing", frame)
        found = self.places.spoken_of(kinds, name)
        if found is None:
            self.report(out, "item_unannounced", frame, text=kinds[0])
            item = self.places.add(kinds[0], name)
            self._look_at(item, frame, out)
            return item
        if found.item.kind != kinds[0]:
            self.report_of(found.item.call, out, "call_events_differ", frame, text=found.item.kind)
        if found.odd:
            self.report(out, found.odd, frame, text=excerpt(name.item_id), known=excerpt(found.item.item_id))
        return found.item

    def _look_at(self, item: OutputItem, frame: Frame, out: list[PeerEvent]) -> None:
        """See whether an item is a call, and what it is called; what it is called at its end counts."""
        kind = CALLS.get(item.kind)
        if kind is None:
            return
        document = item.document
        call_id, name = text_of(document.get("call_id")), text_of(document.get("name"))
        if item.call is None:
            item.call = OpenCall(self.take_key(), call_id, name, kind, frame)
            self.calls.calls.append(item.call)
            out.append(CallStarted(item.call.key, call_id, name, kind, frame=frame))
            if self._kinds.get(name, kind) != kind:
                out.append(diagnostic("call_kind_differs", item.call.key, frame, text=item.kind))
        call = item.call
        for known, given in ((call.call_id, call_id), (call.name, name)):
            if known and given and known != given:
                facts = {"text": excerpt(known), "whole": excerpt(given)}
                out.append(diagnostic("call_renamed", call.key, frame, **facts))
            elif given and not known:
                self.report_of(call, out, "call_named_late", frame, text=excerpt(given))
        call.call_id, call.name = call_id or call.call_id, name or call.name
        call.add_extra({key: value for key, value in document.items() if key not in OWN_MEMBERS and value is not None})

    # ---- deltas -----------------------------------------------------------------------------------------------------

    def say(self, item: OutputItem, part: str, index: Any, piece: Any, frame: Frame, out: list[PeerEvent]) -> None:
        """Add words to a part of an item."""
        if type(piece) is not str:
            if piece is None:
                self.report(out, "member_null", frame, text="delta")
            else:
                self.odd("delta", piece, frame, out)
            return
        if index is None:
            self.report(out, "part_index_missing", frame)
        growing = item.growing(part, index)
        text, code = growing.halves.joined(piece)
        if code:
            self.report(out, code, frame)
        self._grow(item, part, growing, text, frame, out)

    def _grow(
        self, item: OutputItem, part: str, growing: Growing, text: str, frame: Frame | None, out: list[PeerEvent]
    ) -> None:
        if text:
            channel = CHANNELS[part]
            item.grow(part, growing, text)
            self.said[channel].say(text, frame)
            out.append(TextDelta(channel, text, frame))

    def add_arguments(self, item: OutputItem, piece: Any, frame: Frame, out: list[PeerEvent]) -> None:
        """Add to the raw text of a call."""
        call = item.call
        if piece is None:
            self.report_of(call, out, "member_null", frame, text="delta")
        if call is None or piece is None:
            return
        if not isinstance(piece, str):
            self.report_of(call, out, "arguments_as_object", frame)
            piece = _written(piece)
        text, code = call.halves.joined(piece)
        if code:
            self.report_of(call, out, code, frame)
        if text:
            call.pieces.say(text, frame)
            out.append(ArgumentsDelta(call.key, text, frame))

    # ---- what is whole ----------------------------------------------------------------------------------------------

    def end_part(self, item: OutputItem, part: str, index: Any, whole: Any, frame: Frame, out: list[PeerEvent]) -> None:
        """Take a text as it is at the end of its part."""
        if type(whole) is not str:
            if whole is not None:
                self.odd(part, whole, frame, out)
            return
        growing = item.growing(part, index)
        if not whole:
            self.end_without_words(growing.pieces.size, frame, out)
            item.end(part, growing)
            return
        rest = None if growing.pieces else item.rest_of_open(part, whole)  # its deltas were counted as other parts
        if rest is not None:
            self.report(out, "part_index_odd", frame)
        if rest is None and growing.pieces.size <= len(whole) and whole.startswith(growing.pieces.text):
            rest = whole[growing.pieces.size :]
        item.end(part, growing)
        self._settle(item, part, growing, rest, frame, out)

    def end_arguments(self, item: OutputItem, whole: Any, frame: Frame, out: list[PeerEvent]) -> None:
        """Take the raw text of a call as it is at its end."""
        call = item.call
        if call is None:
            return
        if whole is None or whole == "":
            self.end_without_words(call.pieces.size, frame, out, call)
            return
        if not isinstance(whole, str):
            self.report_of(call, out, "arguments_as_object", frame)
            whole = _written(whole)
        text = call.text if call.pieces.size <= len(whole) else None
        if whole in (text, call.snapshot):
            return
        if text is not None and whole.startswith(text):
            self.say_missing(item, len(text), frame, out)
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
            call.pieces = Spoken()
            call.pieces.say(whole, frame)
        else:
            out.append(diagnostic("arguments_differ", call.key, frame, **facts))
        call.say_again(whole, frame)

    def end_item(self, index: Any, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> OutputItem:
        """Take an item as it is at its end."""
        name, kind = named_whole(index, document), text_of(document.get("type"))
        item = self.places.whole(kind, name)
        if item is None:
            self.report(out, "item_unannounced", frame, text=excerpt(kind))
            self.tell(odd_beginning(self.places, kind, name), frame, out)
        else:
            self.tell(odd_end(item, name, document), frame, out)
        return self.take_whole(item, name, document, frame, out)

    def take_whole(
        self, item: OutputItem | None, name: Named, document: JsonObject, frame: Frame, out: list[PeerEvent]
    ) -> OutputItem:
        """Take an item as its own end, or that of the response, says it; the first to say it counts."""
        item = item or self.places.add(text_of(document.get("type")), name)
        if not item.done:
            item.document = document
            self._look_at(item, frame, out)
            self.places.close(item)
        self.tell(odd_whole(item, name, document), frame, out)
        self.places.rename(item, name)
        self.update(item, document, frame, out)
        return item

    def update(self, item: OutputItem, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """Add what an item says that was not said before."""
        if item.kind in ("message", "reasoning"):
            self._update_texts(item, document, frame, out)
        if item.call is not None:
            self.end_arguments(item, document.get(RAW[item.kind]), frame, out)

    def _update_texts(self, item: OutputItem, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        wholes: dict[str, list[str]] = {}
        for part, text in whole_texts(document):
            wholes.setdefault(part, []).append(text)
        if item.kind == "message" and not any(map(any, wholes.values())):
            self.end_without_words(sum(item.sizes.values()), frame, out)
        for part, texts in wholes.items():
            if whole := "".join(texts):
                self._settle(item, part, item.last(part), item.rest(part, whole), frame, out)
        for kind in odd_parts(document) if item.kind == "message" else ():
            self.report(out, "part_unknown", frame, text=excerpt(kind))

    def _settle(
        self, item: OutputItem, part: str, growing: Growing, rest: str | None, frame: Frame, out: list[PeerEvent]
    ) -> None:
        """Add the rest of a text that is whole now; None: it is another than the deltas said."""
        if rest is None:
            self.report(out, "text_differs", frame)
        elif rest:
            self.say_missing(item, growing.pieces.size, frame, out)
            self._grow(item, part, growing, rest, frame, out)

    def flush(self, out: list[PeerEvent]) -> None:
        """Give the halves of characters that never met their other halves."""
        for item in self.items:
            for (part, _), growing in item.texts.items():
                if rest := growing.halves.rest():
                    out.append(diagnostic("lost_character"))
                    self._grow(item, part, growing, rest, None, out)


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
