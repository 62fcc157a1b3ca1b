"""Which call a piece belongs to.

Knows the ways in which servers number, name and repeat calls. Must not know where the pieces come from, nor what is
made of them in the end (`assembly`). The order of calls is the order in which they came into sight.

The rules, in short: an index is a key, not a place. A new id with a name opens a call once the arguments before it are
whole; before that it belongs to the call that is growing. What has neither name nor id goes on with the call of its
index, else with the last one. An id that two calls share stays with the first.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import Any

from callscope.core.events import ArgumentsDelta, CallStarted, PeerEvent
from callscope.core.values import CallKey, Frame

from .arguments import problem_of, verdict
from .diagnostics import diagnostic, excerpt
from .fragments import Fragment, OpenCall, conflicts, grown_name, read

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
        self._last: OpenCall | None = None
        self._by_index: dict[Hashable, OpenCall] = {}
        self._by_id: dict[str, OpenCall] = {}
        self._with_id: dict[str, list[OpenCall]] = {}  # those that are still here
        self._reported: set[tuple[CallKey | None, str]] = set()

    def add(self, entries: Any, frame: Frame, out: list[PeerEvent]) -> None:
        """Take the `tool_calls` of a delta."""
        if isinstance(entries, dict):
            self._report(out, "calls_not_listed", None, frame)
            entries = [entries]
        elif not isinstance(entries, list):
            self._report(out, "member_odd", None, frame, member="tool_calls", text=excerpt(repr(entries)))
            return
        taken: list[OpenCall] = []
        for entry in entries:
            if not self._continue(entry, frame, out):
                if not isinstance(entry, dict):
                    self._report(out, "member_odd", None, frame, member="tool_calls", text=excerpt(repr(entry)))
                elif call := self._take(read(entry), taken, frame, out):
                    taken.append(call)
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
        call = self._by_index.get(index)
        if call is None:
            return False
        self._last = call
        call.pieces.append(piece)
        call.last_frame = frame
        out.append(ArgumentsDelta(call.key, piece, frame))
        return True

    def add_legacy(self, entry: Any, frame: Frame, out: list[PeerEvent]) -> None:
        """Take a `function_call` member, the form before `tool_calls`."""
        if not isinstance(entry, dict):
            self._report(out, "member_odd", None, frame, member=LEGACY, text=excerpt(repr(entry)))
        elif self.calls and LEGACY not in self._by_index:
            self._report(out, "function_call_repeated", None, frame)
        elif call := self._take(read({"index": LEGACY, "function": entry}), [], frame, out):
            self._report(out, "legacy_function_call", call.key, frame)

    def add_whole(self, entries: Any, frame: Frame, out: list[PeerEvent]) -> None:
        """Take the `tool_calls` of a whole message: what the deltas said already is compared, not added."""
        listed = entries if isinstance(entries, list) else [entries]
        for place, entry in enumerate(listed):
            fragment = read(entry) if isinstance(entry, dict) else None
            known = self._by_id.get(fragment.call_id) if fragment and fragment.call_id else None
            if known is None and place < len(self.calls):
                known = self.calls[place]
            if fragment is None or known is None:
                self.add([entry], frame, out)
                continue
            known.add_extra(fragment.extra)
            self._compare(known, fragment, frame, out)
            if known.started:
                known.snapshot = fragment.piece or None
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

    def _take(self, fragment: Fragment, taken: list[OpenCall], frame: Frame, out: list[PeerEvent]) -> OpenCall | None:
        """Give a fragment to its call; None where it says nothing and belongs to none."""
        call = self._find(fragment, taken, frame, out)
        if call is None:
            if not (fragment.call_id or fragment.name or fragment.piece):
                return None
            call = self._open(fragment, frame, out)
        elif fragment.call_id or fragment.name or fragment.piece or fragment.index in self._by_index:
            self._update(call, fragment, frame, out)
        elif fragment.index is not None and not fragment.extra:
            self._report(out, "call_says_nothing", None, frame)
        self._last = call
        call.add_extra(fragment.extra)
        self._say_odd(call, fragment, frame, out)
        if fragment.piece:
            self._grow(call, fragment.piece, frame, out)
        return call

    def _find(self, fragment: Fragment, taken: list[OpenCall], frame: Frame, out: list[PeerEvent]) -> OpenCall | None:
        by_id = self._by_id.get(fragment.call_id) if fragment.call_id else None
        if fragment.index is None:
            return self._find_without_index(fragment, by_id, taken, frame, out)
        at_index = self._by_index.get(fragment.index)
        if at_index is None:
            return self._find_at_new_index(fragment, by_id, taken, frame, out)
        if by_id is not None and by_id is not at_index and at_index.call_id != fragment.call_id:
            if self._opens_another(by_id, fragment):
                return None
            self._report(out, "index_shifted", by_id.key, frame)
            return by_id
        if at_index in taken and fragment.name:
            return None
        if fragment.call_id and at_index.call_id and fragment.call_id != at_index.call_id:
            return None if self._new_id_opens(at_index, fragment) else at_index
        return None if self._opens_another(at_index, fragment) else at_index

    def _find_at_new_index(
        self, fragment: Fragment, by_id: OpenCall | None, taken: list[OpenCall], frame: Frame, out: list[PeerEvent]
    ) -> OpenCall | None:
        known = by_id
        if known is not None and self._shares_id(known, fragment, taken):
            return None
        if known is None and not fragment.name and not fragment.call_id:
            known = self._last
        if known is not None and (fragment.piece or fragment.name or fragment.call_id):
            self._report(out, "index_shifted", known.key, frame)
            self._by_index[fragment.index] = known
        return known

    def _find_without_index(
        self, fragment: Fragment, by_id: OpenCall | None, taken: list[OpenCall], frame: Frame, out: list[PeerEvent]
    ) -> OpenCall | None:
        last = self._last
        if by_id is not None:
            return None if self._opens_another(by_id, fragment) else by_id
        if last is None or not (fragment.name or fragment.call_id):
            if last is not None and self.numbered and fragment.piece:
                self._report(out, "index_missing", last.key, frame)
            return last
        if fragment.call_id and last.call_id:
            return None if fragment.name and not self._grows(last, fragment) else self._unless_closed(last)
        if fragment.name and (last in taken or self._opens_another(last, fragment)):
            return None
        return last

    def _new_id_opens(self, call: OpenCall, fragment: Fragment) -> bool:
        """Whether another id at a known index is another call: it has a name and the arguments so far are whole."""
        if not fragment.name:
            return False
        return call.closed() or conflicts(call.name, fragment.name, self._offered)

    def _opens_another(self, call: OpenCall, fragment: Fragment) -> bool:
        """Whether a fragment with no new id is another call all the same: another tool, or another whole document."""
        if not fragment.name:
            return False
        if conflicts(call.name, fragment.name, self._offered):
            return True
        if not call.closed() or call.empty_object() or fragment.piece.lstrip()[:1] != "{":
            return False
        if fragment.call_id and problem_of(fragment.piece) is not None:
            return False  # the same id: only another whole document tells two calls apart
        return fragment.piece.strip() != call.text.strip() and verdict([call.text, fragment.piece]).repair is None

    def _shares_id(self, call: OpenCall, fragment: Fragment, taken: list[OpenCall]) -> bool:
        """Whether what has an index of its own is another call with the same id, and not the same call gone astray."""
        if not fragment.name:
            return False
        if call in taken or call.closed() or conflicts(call.name, fragment.name, self._offered):
            return True
        return not call.started and not fragment.piece

    def _grows(self, call: OpenCall, fragment: Fragment) -> bool:
        """Whether a call is in the middle of its arguments, so that a name said again is its own."""
        return call.name == fragment.name and call.started and not call.closed()

    def _unless_closed(self, call: OpenCall) -> OpenCall | None:
        return None if call.closed() else call

    @property
    def names(self) -> int:
        """How many ids and indexes calls are known by."""
        return len(self._by_id) + len(self._by_index)

    def _identify(self, call: OpenCall, call_id: str) -> None:
        self._by_id.setdefault(call_id, call)
        self._with_id.setdefault(call_id, []).append(call)

    def with_id(self, call_id: str) -> OpenCall | None:
        """The first of these calls that has this id."""
        found = self._with_id.get(call_id)
        return found[0] if found else None

    def give_up(self, call: OpenCall) -> None:
        """Let go of a call that turns out to be none of these."""
        self.calls.remove(call)
        if call.call_id:
            self._with_id[call.call_id].remove(call)

    def take_index(self) -> int:
        """The place of the next call, also for whoever finds one that is not ours to take here."""
        self._index += 1
        return self._index - 1

    @property
    def legacy(self) -> bool:
        """Whether the call came in the form before `tool_calls`."""
        return LEGACY in self._by_index

    # ---- growing ----------------------------------------------------------------------------------------------------

    def _open(self, fragment: Fragment, frame: Frame, out: list[PeerEvent]) -> OpenCall:
        key = CallKey(self._exchange, self.take_index())
        call = OpenCall(key, fragment.call_id, fragment.name, fragment.kind, frame)
        self.calls.append(call)
        if fragment.call_id:
            self._identify(call, fragment.call_id)
        out.append(CallStarted(key, fragment.call_id, fragment.name, fragment.kind, "local", frame))
        if fragment.index is None:
            if self.numbered:
                self._report(out, "index_missing", key, frame)
        else:
            if fragment.index in self._by_index:
                self._report(out, "index_reused", key, frame)
            elif fragment.index not in ((place := len(self.calls) - 1), LEGACY):
                self._report(
                    out, "index_odd", key, frame, text=f"{excerpt(repr(fragment.index))} where {place} was due"
                )
            self._by_index[fragment.index] = call
        return call

    def _name(self, call: OpenCall, call_id: str, frame: Frame, out: list[PeerEvent]) -> None:
        """Take an id that is said of a call in sight."""
        if not call_id or call_id == call.call_id:
            return
        if call.call_id:
            self._report(out, "id_changed", call.key, frame)
        else:
            call.call_id = call_id
            self._identify(call, call_id)
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
            call.pieces.append(text)
            call.last_frame = frame
            out.append(ArgumentsDelta(call.key, text, frame))

    def _report(self, out: list[PeerEvent], code: str, key: CallKey | None, frame: Frame | None, **facts: str) -> None:
        """Say it once for each call."""
        if (key, code) not in self._reported:
            self._reported.add((key, code))
            out.append(diagnostic(code, key, frame, **facts))
