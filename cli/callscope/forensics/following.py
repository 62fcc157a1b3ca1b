"""The pieces in which the arguments of a call came, and the one that broke them.

Knows how raw text grows and where it stops being the beginning of JSON. Must not know how a call came out, nor how any
of it is shown. Memory is bounded: of many pieces the first, the last and those around the break are kept. Frames have
to be looked at while their bytes are still there, so pieces are read a batch at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from callscope.core.events import ArgumentsDelta
from callscope.core.values import CallKind, Frame
from callscope.dialects.json_progress import JsonProgress, State, in_string, utf8_size

from .placing import byte_of
from .tail import Tail

FIRST, LAST, NEAR = 30, 8, 3
"""How many pieces are kept of many: at the beginning, at the end, on either side of the break."""
BATCH = 256
LONGEST = 2_000
"""Characters of the wire that are kept of one piece."""


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
    """The arguments of one call while they come; `settle` before looking."""

    def __init__(self, kind: CallKind = "function") -> None:
        self.count = 0
        self.size = self.bytes = 0  # characters, and what they take in UTF-8
        self.broken: Break | None = None
        self.ends_at: int | None = None  # the offset in the body behind the last character, where JSON is left open
        self.open = ""  # what of the JSON is not closed yet, in words
        self.state: State = "empty"
        self._json = kind == "function"
        self._progress = JsonProgress()
        self._pending: list[tuple[float, int, ArgumentsDelta]] = []
        self._kept: dict[int, Fragment] = {}
        self._last: deque[Fragment] = deque(maxlen=LAST)

    def feed(self, at: float, tail: Tail, delta: ArgumentsDelta) -> None:
        """Take a piece, and the bytes that it came in."""
        self._pending.append((at, tail.reads, delta))
        if len(self._pending) >= BATCH:
            self.settle(tail)

    def settle(self, tail: Tail) -> None:
        """Look at what came since the last time."""
        pending, self._pending = self._pending, []
        for place, (at, read, delta) in enumerate(pending):
            self.count += 1
            self._progress.feed(delta.text)
            if self._wanted(place, len(pending)):
                self._keep(self.count, at, read, delta)
        if self._json and self.broken is None:
            self._find_break(pending, tail)
        self.size += sum(len(delta.text) for _, _, delta in pending)
        self.bytes += sum(utf8_size(delta.text) for _, _, delta in pending)
        self.state = self._progress.state
        self.open = _open(self._progress) if self.state == "incomplete" else ""
        if pending:
            last = pending[-1][2]
            is_open = self.state == "incomplete"
            self.ends_at = byte_in_body(last.frame, last.text, len(last.text), tail) if is_open else None

    def fragments(self) -> Sequence[Fragment]:
        """Those that are kept, in order; numbers that are missing were let go."""
        kept = self._kept | {fragment.number: fragment for fragment in self._last}
        return [kept[number] for number in sorted(kept)]

    @property
    def last(self) -> Fragment | None:
        """The last piece that came."""
        return self._last[-1] if self._last else None

    def _wanted(self, place: int, pending: int) -> bool:
        after = self.broken is not None and self.count <= self.broken.fragment.number + NEAR
        return after or self.count <= FIRST or place >= pending - LAST

    def _keep(self, number: int, at: float, read: int, delta: ArgumentsDelta) -> None:
        fragment = _fragment(number, at, read, delta)
        self._last.append(fragment)
        if number <= FIRST or (self.broken and number <= self.broken.fragment.number + NEAR):
            self._kept[number] = fragment

    def _find_break(self, pending: Sequence[tuple[float, int, ArgumentsDelta]], tail: Tail) -> None:
        wrong, byte = self._progress.invalid_character, self._progress.invalid_at
        if wrong is None or byte is None:
            return
        character = wrong - self.size
        for place, (at, read, delta) in enumerate(pending):
            if character < len(delta.text):
                number = self.count - len(pending) + place + 1
                fragment = _fragment(number, at, read, delta)
                self.broken = Break(fragment, character, byte, byte_in_body(delta.frame, delta.text, character, tail))
                self._keep_around(number, pending)
                return
            character -= len(delta.text)

    def _keep_around(self, number: int, pending: Sequence[tuple[float, int, ArgumentsDelta]]) -> None:
        first = self.count - len(pending) + 1
        for near in range(max(first, number - NEAR), min(self.count, number + NEAR) + 1):
            self._kept[near] = _fragment(near, *pending[near - first])


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
