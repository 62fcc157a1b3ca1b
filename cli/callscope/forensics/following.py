"""The pieces in which the arguments of a call came, and the one that broke them.

Knows how raw text grows and where it stops being the beginning of JSON. Must not know how a call came out, nor how any
of it is shown. Memory is bounded: of many pieces the first, the last and those around the break are kept. Frames have
to be looked at while their bytes are still there, so pieces come a batch at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from callscope.core.events import ArgumentsDelta
from callscope.core.values import CallKind, Frame
from callscope.dialects.json_progress import JsonProgress, State, in_string, utf8_size

from .placing import byte_of
from .tail import Tail

FIRST, LAST, NEAR = 30, 8, 3
"""How many pieces are kept of many: at the beginning, at the end, on either side of the break."""
LONGEST = 2_000
"""Characters of the wire that are kept of one piece."""


Piece: TypeAlias = tuple[float, int, ArgumentsDelta]
"""A delta, the seconds since the request left, and how many reads had come."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of arguments: its number from 1, seconds since the request left, the read that completed its frame.

    `start` and `end` are the offsets of its frame in the body (None where it is not known), `wire` is that frame.
    """

    number: int
    at: float
    read: int
    text: str
    start: int | None
    end: int | None
    wire: str = ""


@dataclass(frozen=True, slots=True)
class Break:
    """Where joined arguments stop being the beginning of JSON.

    `at` is the offset in the arguments (bytes of UTF-8), `character` that in the text of the fragment; `byte` the
    offset in the response body, None where the frame does not have the text word for word.
    """

    fragment: Fragment
    character: int
    at: int
    byte: int | None


class Following:
    """The arguments of one call while they come."""

    def __init__(self, kind: CallKind = "function") -> None:
        self.count = 0
        self.size = self.bytes = 0  # characters, and what they take in UTF-8
        self.broken: Break | None = None
        self._json = kind == "function"
        self._progress = JsonProgress()
        self._kept: dict[int, Fragment] = {}
        self._last: deque[tuple[int, Piece]] = deque(maxlen=LAST)
        self._end: bytes | None = None  # the frame of the last piece

    def take(self, pieces: Sequence[Piece], tail: Tail) -> None:
        """Take the next pieces, at least one, and the bytes that they came in."""
        text = "".join([delta.text for _, _, delta in pieces])
        self._progress.feed(text)
        self._keep_ends(pieces)
        if self._json and self.broken is None:
            self._find_break(pieces, tail)
        self.count += len(pieces)
        self.size += len(text)
        self.bytes += utf8_size(text)
        frame = pieces[-1][2].frame
        self._end = tail.cut(frame.start, frame.end) if frame else None

    @property
    def state(self) -> State:
        """What the arguments are as JSON."""
        return self._progress.state

    @property
    def open(self) -> str:
        """What of the JSON is not closed yet, in words."""
        return _open(self._progress) if self.state == "incomplete" else ""

    @property
    def ends_at(self) -> int | None:
        """The offset in the body behind the last character, where JSON is left open."""
        if self._end is None or self.state != "incomplete":
            return None
        delta = self._last[-1][1][2]
        place = byte_of(self._end, delta.text, len(delta.text))
        return delta.frame.start + place if delta.frame and place is not None else None

    def fragments(self) -> Sequence[Fragment]:
        """Those that are kept, in order; numbers that are missing were let go."""
        kept = self._kept | {number: _fragment(number, *piece) for number, piece in self._last}
        return [kept[number] for number in sorted(kept)]

    @property
    def last(self) -> Fragment | None:
        """The last piece that came."""
        return _fragment(self.count, *self._last[-1][1]) if self._last else None

    def _keep_ends(self, pieces: Sequence[Piece]) -> None:
        """Keep pieces at the beginning, those soon after a break, and the last of these."""
        first, last = self.count + 1, self.count + len(pieces)
        until = min(last, max(FIRST, self.broken.fragment.number + NEAR if self.broken else 0))
        for number in range(first, until + 1):
            self._kept[number] = _fragment(number, *pieces[number - first])
        self._last.extend(enumerate(pieces[-LAST:], max(first, last - LAST + 1)))

    def _find_break(self, pieces: Sequence[Piece], tail: Tail) -> None:
        wrong, byte = self._progress.invalid_character, self._progress.invalid_at
        if wrong is None or byte is None:
            return
        character = wrong - self.size
        for number, (at, read, delta) in enumerate(pieces, self.count + 1):
            if character < len(delta.text):
                fragment = _fragment(number, at, read, delta)
                self.broken = Break(fragment, character, byte, byte_in_body(delta.frame, delta.text, character, tail))
                self._keep_around(number, pieces)
                return
            character -= len(delta.text)

    def _keep_around(self, number: int, pieces: Sequence[Piece]) -> None:
        first, last = self.count + 1, self.count + len(pieces)
        for near in range(max(first, number - NEAR), min(last, number + NEAR) + 1):
            self._kept[near] = _fragment(near, *pieces[near - first])


def byte_in_body(frame: Frame | None, text: str, character: int, tail: Tail) -> int | None:
    """The offset in the body of a character of a text that came in this frame."""
    raw = tail.cut(frame.start, frame.end) if frame else None
    place = byte_of(raw, text, character) if raw is not None else None
    return frame.start + place if frame and place is not None else None


def _fragment(number: int, at: float, read: int, delta: ArgumentsDelta) -> Fragment:
    frame = delta.frame
    if frame is None:
        return Fragment(number, at, read, delta.text[:LONGEST], None, None)
    return Fragment(number, at, read, delta.text[:LONGEST], frame.start, frame.end, _around(frame.data, delta.text))


def _around(wire: str, text: str) -> str:
    """A frame, or the part of a long one that the text stands in."""
    if len(wire) <= LONGEST:
        return wire
    place = max(0, wire.find(text[:40]) - LONGEST // 4)
    return f"{'…' if place else ''}{wire[place : place + LONGEST]}…"


def _open(progress: JsonProgress) -> str:
    parts = ["a string"] if progress.step is in_string else []
    objects, arrays = progress.open.count(b"}"), progress.open.count(b"]")
    parts += [f"{objects:,} object{'' if objects == 1 else 's'}"] if objects else []
    parts += [f"{arrays:,} array{'' if arrays == 1 else 's'}"] if arrays else []
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:]))) or "a value"
