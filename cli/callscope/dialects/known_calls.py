"""Which call in sight a fragment belongs to, by its index, its id and its name.

Knows how servers number and name calls, and how they get it wrong. Must not know what a fragment adds to its call, nor
how any of it is told (`calls`).

The rules, in short: an index is a key, not a place. A new id with a name opens a call once the arguments before it are
whole; before that it belongs to the call that is growing. What has neither name nor id goes on with the call of its
index, else with the last one. An id that two calls share stays with the first.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Hashable
from typing import NamedTuple

from .arguments import problem_of
from .fragments import Fragment, OpenCall, conflicts


class Found(NamedTuple):
    """The call of a fragment, None where it opens one; and the code of what was odd about how it was found."""

    call: OpenCall | None
    odd: str = ""


class KnownCalls:
    """The calls of one response by their indexes and ids; `offered` are the names of the tools on offer."""

    def __init__(self, offered: Collection[str]) -> None:
        self.by_index: dict[Hashable, OpenCall] = {}
        self.by_id: dict[str, OpenCall] = {}
        self.last: OpenCall | None = None
        self._with_id: dict[str, list[OpenCall]] = {}  # those that are still here
        self._offered = offered

    @property
    def names(self) -> int:
        """How many ids and indexes calls are known by."""
        return len(self.by_id) + len(self.by_index)

    def identify(self, call: OpenCall, call_id: str) -> None:
        """Take note of the id of a call; one that several share stays with the first."""
        self.by_id.setdefault(call_id, call)
        self._with_id.setdefault(call_id, []).append(call)

    def with_id(self, call_id: str) -> OpenCall | None:
        """The first of the calls still here that has this id."""
        found = self._with_id.get(call_id)
        return found[0] if found else None

    def give_up(self, call: OpenCall) -> None:
        """Let go of a call that turns out to be none of these."""
        if call.call_id:
            self._with_id[call.call_id].remove(call)

    # ---- finding ----------------------------------------------------------------------------------------------------

    def find(self, fragment: Fragment, taken: Container[OpenCall], *, numbered: bool) -> Found:
        """The call of a fragment; `taken` are those that others of the same list belong to."""
        by_id = self.by_id.get(fragment.call_id) if fragment.call_id else None
        if fragment.index is None:
            return self._without_index(fragment, by_id, taken, numbered=numbered)
        at_index = self.by_index.get(fragment.index)
        if at_index is None:
            return self._at_new_index(fragment, by_id, taken)
        if by_id is not None and by_id is not at_index and at_index.call_id != fragment.call_id:
            return Found(None) if self._opens_another(by_id, fragment) else Found(by_id, "index_shifted")
        if at_index in taken and fragment.name:
            return Found(None)
        if fragment.call_id and at_index.call_id and fragment.call_id != at_index.call_id:
            return Found(None if self._new_id_opens(at_index, fragment) else at_index)
        return Found(None if self._opens_another(at_index, fragment) else at_index)

    def _at_new_index(self, fragment: Fragment, by_id: OpenCall | None, taken: Container[OpenCall]) -> Found:
        known = by_id
        if known is not None and self._shares_id(known, fragment, taken):
            return Found(None)
        if known is None and not fragment.name and not fragment.call_id:
            known = self.last
        if known is not None and (fragment.piece or fragment.name or fragment.call_id):
            self.by_index[fragment.index] = known
            return Found(known, "index_shifted")
        return Found(known)

    def _without_index(
        self, fragment: Fragment, by_id: OpenCall | None, taken: Container[OpenCall], *, numbered: bool
    ) -> Found:
        last = self.last
        if by_id is not None:
            return Found(None if self._opens_another(by_id, fragment) else by_id)
        if last is None or not (fragment.name or fragment.call_id):
            missing = last is not None and numbered and fragment.piece
            return Found(last, "index_missing" if missing else "")
        if fragment.call_id and last.call_id:
            opens = last.closed() or (fragment.name and not _grows(last, fragment))
            return Found(None if opens else last)
        if fragment.name and (last in taken or self._opens_another(last, fragment)):
            return Found(None)
        return Found(last)

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
        return not call.repeats(fragment.piece)

    def _shares_id(self, call: OpenCall, fragment: Fragment, taken: Container[OpenCall]) -> bool:
        """Whether what has an index of its own is another call with the same id, and not the same call gone astray."""
        if not fragment.name:
            return False
        if call in taken or call.closed() or conflicts(call.name, fragment.name, self._offered):
            return True
        return not call.started and not fragment.piece


def _grows(call: OpenCall, fragment: Fragment) -> bool:
    """Whether a call is in the middle of its arguments, so that a name said again is its own."""
    return call.name == fragment.name and call.started and not call.closed()
