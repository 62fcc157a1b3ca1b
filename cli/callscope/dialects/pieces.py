"""A text that comes in pieces, and what must be known of them when it ends: where each begins, and in which frame.

Knows how to keep a million pieces in four bytes each, and their frames in twelve. Must not know what the text means. A
list of the deltas themselves took 450 bytes each until the response ended.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import accumulate

from callscope.core.growing import GrowingText
from callscope.core.values import Frame

LONGEST = 0xFFFFFFFF
"""Bytes of a frame, as far as they are counted."""


class Pieces:
    """Pieces of a text, append only; none is empty."""

    __slots__ = ("_lengths", "_text", "first", "last", "size")

    def __init__(self, pieces: Iterable[str] = ()) -> None:
        self._text = GrowingText()
        self._lengths = array("I")
        self.first = ""
        self.last = ""
        self.size = 0
        """Characters in all."""
        for piece in pieces:
            self.append(piece)

    def append(self, piece: str) -> None:
        """Add a piece; an empty one adds nothing."""
        if not piece:
            return
        if not self.size:
            self.first = piece
        self.last = piece
        self.size += len(piece)
        self._lengths.append(len(piece))
        self._text.append(piece)

    @property
    def text(self) -> str:
        """All of it. Joins: not for the hot path."""
        return self._text.text

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[str]:
        """The pieces as they came, one at a time."""
        text, at = self.text, 0
        for length in self._lengths:
            yield text[at : at + length]
            at += length

    def after(self, count: int) -> str:
        """The text after so many pieces; those before are not looked at."""
        return self._text.tail(sum(self._lengths[count:]))


class Spoken(Pieces):
    """Pieces of a text that came in frames of a body."""

    __slots__ = ("_spans", "_starts", "last_frame")

    def __init__(self) -> None:
        super().__init__()
        self._starts = array("Q")
        self._spans = array("I")
        self.last_frame: Frame | None = None

    def say(self, piece: str, frame: Frame | None) -> None:
        """Add a piece that came in this frame; without one, in the frame of the piece before."""
        self.append(piece)
        frame = self.last_frame = frame or self.last_frame
        self._starts.append(frame.start if frame else 0)
        self._spans.append(min(frame.end - frame.start, LONGEST) if frame else 0)

    def frame_at(self, place: int) -> Frame | None:
        """The frame that holds this character, without its data: those are in the body, and no longer here."""
        last = self.last_frame
        for number, end in enumerate(accumulate(self._lengths)):
            if place < end and last is not None:
                start = self._starts[number]
                return replace(last, data="", start=start, end=start + self._spans[number])
        return None


def joined(pieces: Iterable[str]) -> str:
    """All of them as one text."""
    return pieces.text if isinstance(pieces, Pieces) else "".join(pieces)
