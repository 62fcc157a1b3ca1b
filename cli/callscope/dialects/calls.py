"""The calls of a response while they grow: what each piece adds to its call, and what is odd about it.

Knows the members `tool_calls` and `function_call`. Must not know where the pieces come from, which call one belongs to
(`known_calls`), nor what is made of them in the end (`assembly`). The order of calls is the order in which they came
into sight.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from callscope.core.events import ArgumentsDelta, CallStarted, PeerEvent
from callscope.core.values import CallKey, Frame

from .diagnostics import as_sent, diagnostic, excerpt
from .fragments import Fragment, OpenCall, grown_name, read
from .known_calls import KnownCalls
from .limits import MOST_CALLS

LEGACY = "function_call"


class Calls:
    """The calls of one response while they grow. `offered` are the names of the tools on offer."""

    def __init__(self, exchange: int, offered: Collection[str]) -> None:
        self.calls: list[OpenCall] = []
        self.damaged = False  # an event that held a piece of a call could not be read
        self.halves = False  # characters may come in halves
        self.remote_ids: set[str] = set()  # of calls that the peer ran itself
        self.numbered = True  # deltas number their calls, a whole message lists them
        self._exchange = exchange
        self._index = 0
        self._offered = offered
        self._known = KnownCalls(offered)
        self._reported: set[tuple[CallKey | None, str]] = set()

    def add(self, entries: Any, frame: Frame, out: list[PeerEvent]) -> None:
        """Take the `tool_calls` of a delta."""
        if isinstance(entries, dict):
            self._report(out, "calls_not_listed", None, frame)
            entries = [entries]
        elif not isinstance(entries, list):
            self._report(out, "member_odd", None, frame, member="tool_calls", text=as_sent(entries))
            return
        taken: set[OpenCall] = set()
        for entry in entries:
            if len(self.calls) > MOST_CALLS:
                return
            if not self._continue(entry, frame, out):
                if not isinstance(entry, dict):
                    self._report(out, "member_odd", None, frame, member="tool_calls", text=as_sent(entry))
                elif call := self._take(read(entry), taken, frame, out):
                    taken.add(call)
                else:
                    self._report(out, "call_says_nothing", None, frame)

    def _continue(self, entry: Any, frame: Frame, out: list[PeerEvent]) -> bool:
        """The hot path: an index and a piece of arguments, nothing else."""
        if type(entry) is not dict or len(entry) != 2 or self.halves:
            return False
        function = entry.get("function")
        if type(function) is not dict or len(function) != 1:
            return False
        index = entry.get("index")
        piece = function.get("arguments")
        if type(index) is not int or type(piece) is not str or not piece:
            return False
        call = self._known.by_index.get(index)
        if call is None:
            return False
        self._known.last = call
        call.pieces.say(piece, frame)
        out.append(ArgumentsDelta(call.key, piece, frame))
        return True

    def add_legacy(self, entry: Any, frame: Frame, out: list[PeerEvent]) -> None:
        """Take a `function_call` member, the form before `tool_calls`."""
        if not isinstance(entry, dict):
            self._report(out, "member_odd", None, frame, member=LEGACY, text=as_sent(entry))
        elif self.calls and LEGACY not in self._known.by_index:
            self._report(out, "function_call_repeated", None, frame)
        elif call := self._take(read({"index": LEGACY, "function": entry}), set(), frame, out):
            self._report(out, "legacy_function_call", call.key, frame)

    def add_whole(self, entries: Any, frame: Frame, out: list[PeerEvent]) -> None:
        """Take the `tool_calls` of a whole message: what the deltas said already is compared, not added."""
        listed = entries if isinstance(entries, list) else [entries]
        for place, entry in enumerate(listed):
            fragment = read(entry) if isinstance(entry, dict) else None
            known = self._known.by_id.get(fragment.call_id) if fragment and fragment.call_id else None
            if known is None and place < len(self.calls):
                known = self.calls[place]
            if fragment is None or known is None:
                self.add([entry], frame, out)
                continue
            known.add_extra(fragment.extra)
            self._compare(known, fragment, frame, out)
            if known.started:
                known.say_again(fragment.piece or None, frame)
            elif fragment.piece:
                self._grow(known, fragment.piece, frame, out)

    def _compare(self, known: OpenCall, fragment: Fragment, frame: Frame, out: list[PeerEvent]) -> None:
        """Take the id and the name of a whole call where its deltas had none, and say where they are others."""
        self._say_odd(known, fragment, frame, out)
        self._name(known, fragment.call_id, frame, out)
        if not known.name and fragment.name:
            known.name = fragment.name
            self._report(out, "call_named_late", known.key, frame, text=excerpt(fragment.name))
        elif fragment.name and fragment.name != known.name:
            self._report(out, "name_changed", known.key, frame, text=excerpt(fragment.name))

    # ---- which call -------------------------------------------------------------------------------------------------

    def _take(self, fragment: Fragment, taken: set[OpenCall], frame: Frame, out: list[PeerEvent]) -> OpenCall | None:
        """Give a fragment to its call; None where it says nothing and belongs to none."""
        call, odd = self._known.find(fragment, taken, numbered=self.numbered)
        if call is not None and odd:
            self._report(out, odd, call.key, frame)
        if call is None:
            if not (fragment.call_id or fragment.name or fragment.piece):
                return None
            call = self._open(fragment, frame, out)
        elif fragment.call_id or fragment.name or fragment.piece or fragment.index in self._known.by_index:
            self._update(call, fragment, frame, out)
        elif fragment.index is not None and not fragment.extra:
            self._report(out, "call_says_nothing", None, frame)
        self._known.last = call
        call.add_extra(fragment.extra)
        self._say_odd(call, fragment, frame, out)
        if fragment.piece:
            self._grow(call, fragment.piece, frame, out)
        return call

    @property
    def names(self) -> int:
        """How many ids and indexes calls are known by."""
        return self._known.names

    def with_id(self, call_id: str) -> OpenCall | None:
        """The first of these calls that has this id."""
        return self._known.with_id(call_id)

    def give_up(self, call: OpenCall) -> None:
        """Let go of a call that turns out to be none of these."""
        self.calls.remove(call)
        self._known.give_up(call)

    def take_index(self) -> int:
        """The place of the next call, also for whoever finds one that is not ours to take here."""
        self._index += 1
        return self._index - 1

    @property
    def legacy(self) -> bool:
        """Whether the call came in the form before `tool_calls`."""
        return LEGACY in self._known.by_index

    # ---- growing ----------------------------------------------------------------------------------------------------

    def _open(self, fragment: Fragment, frame: Frame, out: list[PeerEvent]) -> OpenCall:
        key = CallKey(self._exchange, self.take_index())
        call = OpenCall(key, fragment.call_id, fragment.name, fragment.kind, frame)
        self.calls.append(call)
        if fragment.call_id:
            self._known.identify(call, fragment.call_id)
        out.append(CallStarted(key, fragment.call_id, fragment.name, fragment.kind, "local", frame))
        if fragment.index is None:
            if self.numbered:
                self._report(out, "index_missing", key, frame)
        else:
            if fragment.index in self._known.by_index:
                self._report(out, "index_reused", key, frame)
            elif fragment.index not in ((place := len(self.calls) - 1), LEGACY):
                self._report(out, "index_odd", key, frame, text=f"{as_sent(fragment.index)} where {place} was due")
            self._known.by_index[fragment.index] = call
        return call

    def _name(self, call: OpenCall, call_id: str, frame: Frame, out: list[PeerEvent]) -> None:
        """Take an id that is said of a call in sight."""
        if not call_id or call_id == call.call_id:
            return
        if call.call_id:
            self._report(out, "id_changed", call.key, frame)
        else:
            call.call_id = call_id
            self._known.identify(call, call_id)
            self._report(out, "call_named_late", call.key, frame, text=excerpt(call_id))

    def _say_odd(self, call: OpenCall, fragment: Fragment, frame: Frame, out: list[PeerEvent]) -> None:
        for code, facts in fragment.odd:
            self._report(out, code, call.key, frame, **facts)

    def _update(self, call: OpenCall, fragment: Fragment, frame: Frame, out: list[PeerEvent]) -> None:
        if (fragment.call_id and fragment.call_id == call.call_id) or (fragment.name and fragment.name == call.name):
            self._report(out, "head_repeated", call.key, frame)
        self._name(call, fragment.call_id, frame, out)
        if fragment.kind == "custom" and not call.started:
            call.kind = "custom"
        if fragment.name and fragment.name != call.name:
            name = grown_name(call.name, fragment.name, self._offered, grows=not call.started)
            if name == call.name:
                self._report(out, "name_changed", call.key, frame, text=excerpt(fragment.name))
            else:
                code = "name_in_pieces" if call.name else "call_named_late"
                self._report(out, code, call.key, frame, text=excerpt(fragment.name))
            call.name = name

    def _grow(self, call: OpenCall, piece: str, frame: Frame, out: list[PeerEvent]) -> None:
        text = piece
        if self.halves:
            text, code = call.halves.joined(piece)
            if code:
                self._report(out, code, call.key, frame)
        if text:
            call.pieces.say(text, frame)
            out.append(ArgumentsDelta(call.key, text, frame))

    def _report(self, out: list[PeerEvent], code: str, key: CallKey | None, frame: Frame | None, **facts: str) -> None:
        """Say it once for each call."""
        if (key, code) not in self._reported:
            self._reported.add((key, code))
            out.append(diagnostic(code, key, frame, **facts))
