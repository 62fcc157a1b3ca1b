"""One entry of `tool_calls`, as servers write it, read into one shape; and the call that grows from such pieces.

Knows the members of an entry and how a name or an argument text grows. Must not know which call an entry belongs to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from callscope.core.values import CallKey, CallKind, Frame

from .arguments import Said, problem_of, said_again, said_by, writes_again
from .diagnostics import as_sent, excerpt
from .documents import Halves
from .pieces import Spoken

OWN_MEMBERS = frozenset(("index", "id", "type", "function", "custom"))
PARTS = {"function": "arguments", "custom": "input"}


Odd: TypeAlias = tuple[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Fragment:
    """What one entry says; empty members say nothing. `odd` is what was unusual about it: codes, and their facts."""

    index: Hashable | None
    call_id: str
    name: str
    piece: str
    kind: CallKind
    extra: dict[str, Any]
    odd: tuple[Odd, ...] = ()


def read(entry: dict[str, Any]) -> Fragment:
    """An entry of `tool_calls`. null, "" and absent are the same."""
    kind: CallKind = "custom" if entry.get("custom") or entry.get("type") == "custom" else "function"
    part = entry.get(kind)
    odd = [*_odd_members(entry)]
    own = OWN_MEMBERS
    if not isinstance(part, dict):
        part = {}
        if "name" in entry or "arguments" in entry:
            part = {name: entry[name] for name in ("name", "arguments", "input") if name in entry}
            own = OWN_MEMBERS | part.keys()
            odd.append(("call_flat", {}))
    value = part.get(PARTS[kind])
    odd += _odd_parts(part, PARTS[kind])
    extra = {name: member for name, member in entry.items() if name not in own and member is not None}
    inner = {name: member for name, member in part.items() if name not in ("name", PARTS[kind]) and member is not None}
    if inner and own is OWN_MEMBERS:
        extra[kind] = inner
    index = entry.get("index")
    return Fragment(
        index if isinstance(index, Hashable) else None,
        _id(entry.get("id")),
        _name(part.get("name")),
        _text(value),
        kind,
        extra,
        tuple(odd),
    )


def _odd_members(entry: dict[str, Any]) -> Iterator[Odd]:
    """What is unusual about the members of an entry that say which call it is."""
    call_id, kind = entry.get("id"), entry.get("type")
    if type(call_id) in (int, float):
        yield "id_not_text", {"text": str(call_id)}
    elif call_id is not None and type(call_id) is not str:
        yield "member_odd", {"member": "id", "text": as_sent(call_id)}
    if kind and kind not in ("function", "custom"):
        yield "call_type_odd", {"text": excerpt(str(kind))}


def _odd_parts(part: dict[str, Any], member: str) -> Iterator[Odd]:
    """What is unusual about a name and about raw text."""
    name, raw = part.get("name"), part.get(member)
    if name == "null":
        yield "name_null", {}
    elif name is not None and type(name) is not str:
        yield "member_odd", {"member": "name", "text": as_sent(name)}
    if raw is None:
        if member in part:
            yield "member_null", {"text": member}
    elif type(raw) is not str:
        yield "arguments_as_object", {}


def _id(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if type(value) in (int, float) else ""


def _name(value: Any) -> str:
    return value if isinstance(value, str) and value != "null" else ""


def _text(value: Any) -> str:
    """Raw text of arguments; what is no text is written as compact JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# ---- a call on its way ----------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class OpenCall:
    """A call that is still growing; `frame` is the one that it began in.

    `snapshot` is the whole of its arguments where the server said it once more, in the frame `snapshot_frame`.
    """

    key: CallKey
    call_id: str
    name: str
    kind: CallKind
    frame: Frame | None
    extra: dict[str, Any] = field(default_factory=dict)
    pieces: Spoken = field(default_factory=Spoken)
    snapshot: str | None = None
    snapshot_frame: Frame | None = None
    halves: Halves = field(default_factory=Halves)
    _depth: Depth = field(default_factory=lambda: Depth())
    _measured: int = 0
    _said: Said | None = None
    _said_last: str = ""

    @property
    def text(self) -> str:
        """The arguments so far. Joins: not for the hot path."""
        return self.pieces.text

    @property
    def last_frame(self) -> Frame | None:
        """The frame in which the arguments grew last."""
        return self.pieces.last_frame

    def say_again(self, whole: str | None, frame: Frame) -> None:
        """Take the whole of the arguments, said once more; None where this time there were none."""
        self.snapshot, self.snapshot_frame = whole, replace(frame, data="")  # where it stands is enough

    @property
    def started(self) -> bool:
        """Whether any of the arguments came."""
        return bool(self.pieces)

    def closed(self) -> bool:
        """Whether the arguments so far are a whole object by their brackets; each piece is looked at once in all."""
        self._depth.add(self.pieces.after(self._measured))
        self._measured = len(self.pieces)
        return self._depth.closed or self._last_is_whole()

    def _last_is_whole(self) -> bool:
        """Whether the last piece is all so far, and a whole object (cumulative arguments)."""
        if len(self.pieces) < 2:
            return False
        last = self.pieces.last
        return last.rstrip()[-1:] == "}" and last.startswith(self.pieces.first) and problem_of(last) is None

    def repeats(self, piece: str) -> bool:
        """Whether a piece says all that was said so far once more; what was said is looked at once in all."""
        said = self._said
        if said is None or said.size != self.pieces.size or self._said_last != self.pieces.last:
            said = self._said = said_by(self.text)
            self._said_last = self.pieces.last
        if problem_of(piece) is not None:
            return len(piece) >= said.ink and piece.strip() == self.text.strip()
        if again := said_again(said, piece):
            self._said, self._said_last = again, piece  # as it will be with this piece
            return True
        return writes_again(said, lambda: self.text, piece)

    def empty_object(self) -> bool:
        """Whether the arguments so far are a document that says nothing, such as `{}`."""
        return len(self.pieces) <= 2 and self.text.strip() in ("{}", "null", '""')

    def add_extra(self, extra: dict[str, Any]) -> None:
        """Keep opaque members; texts of one member that come in several deltas stay as they came last."""
        for name, member in extra.items():
            known = self.extra.get(name)
            self.extra[name] = {**known, **member} if isinstance(known, dict) and isinstance(member, dict) else member


class Depth:
    """How deep in brackets a growing text is; linear in all, whatever the pieces.

    A bracket that closes one of the other kind shows that the text is no document by itself: it is never closed.
    """

    _OUTSIDE = re.compile(r'["{}\[\]]')
    _INSIDE = re.compile(r'["\\]')

    def __init__(self) -> None:
        self._open: list[str] = []  # what would close each open bracket
        self._opened = False
        self._broken = False
        self._in_string = False
        self._escaped = False

    @property
    def closed(self) -> bool:
        """Whether a bracket was opened and all that were are closed."""
        return self._opened and not self._open and not self._in_string and not self._broken

    def add(self, piece: str) -> None:
        """Take the next piece of the text."""
        at = 1 if self._escaped and piece else 0
        if piece:
            self._escaped = False
        while mark := (self._INSIDE if self._in_string else self._OUTSIDE).search(piece, at):
            at = mark.end()
            match mark.group():
                case '"':
                    self._in_string = not self._in_string
                case "\\":
                    self._escaped = at == len(piece)
                    at += 1
                case "{" | "[" as bracket:
                    self._opened = True
                    self._open.append("}" if bracket == "{" else "]")
                case bracket:
                    self._broken = self._broken or not self._open or self._open.pop() != bracket


# ---- names ----------------------------------------------------------------------------------------------------------


def grown_name(known: str, said: str, offered: Collection[str], *, grows: bool) -> str:
    """The name after one more was said: repeated, replaced by a longer one, or joined from pieces.

    `grows` is whether the name may still be growing, that is whether no arguments came yet.
    """
    joined = known + said
    if known not in offered and joined in offered:
        return joined
    if not said or said == known:
        return known
    if not known or (said.startswith(known) and known not in offered):
        return said
    if not grows:
        return known
    if known in offered and joined not in offered:
        return known
    if said in offered and joined not in offered:
        return said
    return joined


def conflicts(known: str, said: str, offered: Collection[str]) -> bool:
    """Whether two names are two tools, and not two pieces of one name, nor one name said twice."""
    if not known or not said or said == known or (said.startswith(known) and known not in offered):
        return False
    return (said in offered and known in offered) or (known + said not in offered and bool(offered) and said in offered)
