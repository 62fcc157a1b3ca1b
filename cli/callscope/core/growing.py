"""A text that grows by small pieces, in the room of a text.

Knows that a million pieces of a few characters are a million objects of some sixty bytes: they are joined in blocks as
they come, and blocks in chunks. Must not know whose text it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

BLOCK = 1024
"""Pieces that wait to be joined. Larger blocks cost memory, smaller ones time."""

BLOCKS = 256
"""Blocks that wait to be joined. Where blocks of 4 KB were, holes are left that the C library keeps, while a chunk of a
megabyte goes back to the system (measured: 8 MB less after a million deltas)."""


class GrowingText:
    """Text, append only; iterating gives it in parts that are not the pieces it came in."""

    __slots__ = ("_blocks", "_chunks", "_newest")

    def __init__(self) -> None:
        self._chunks: list[str] = []
        self._blocks: list[str] = []
        self._newest: list[str] = []

    def append(self, piece: str) -> None:
        """Add a piece."""
        self._newest.append(piece)
        if len(self._newest) >= BLOCK:
            self._join_newest()

    def append_block(self, block: str) -> None:
        """Add a piece that is as large as a block."""
        if self._newest:
            self._join_newest()
        self._add_block(block)

    def _join_newest(self) -> None:
        block = "".join(self._newest)
        self._newest.clear()
        self._add_block(block)

    def _add_block(self, block: str) -> None:
        self._blocks.append(block)
        if len(self._blocks) >= BLOCKS:
            self._chunks.append("".join(self._blocks))
            self._blocks.clear()

    @property
    def text(self) -> str:
        """All of it, as one object however often it is asked for. Joins: not for the hot path."""
        if self._newest or self._blocks or len(self._chunks) > 1:
            self._chunks = ["".join((*self._chunks, *self._blocks, *self._newest))]
            self._blocks.clear()
            self._newest.clear()
        return self._chunks[0] if self._chunks else ""

    def tail(self, size: int) -> str:
        """The last so many characters; the parts before them are not looked at."""
        parts: list[str] = []
        for part in chain(reversed(self._newest), reversed(self._blocks), reversed(self._chunks)):
            if size <= 0:
                break
            parts.append(part[-size:])
            size -= len(part)
        return "".join(reversed(parts))

    def __iter__(self) -> Iterator[str]:
        yield from self._chunks
        yield from self._blocks
        yield from self._newest
