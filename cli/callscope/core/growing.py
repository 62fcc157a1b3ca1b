"""A text that grows by small pieces, in the room of a text.

Knows that a million pieces of a few characters are a million objects of some sixty bytes: they are joined in blocks as
they come. Must not know whose text it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

BLOCK = 1024
"""Pieces that wait to be joined. Larger blocks cost memory, smaller ones time."""


class GrowingText:
    """Text, append only; iterating gives it in parts that are not the pieces it came in."""

    __slots__ = ("_joined", "_newest")

    def __init__(self) -> None:
        self._joined: list[str] = []
        self._newest: list[str] = []

    def append(self, piece: str) -> None:
        """Add a piece."""
        self._newest.append(piece)
        if len(self._newest) >= BLOCK:
            self._joined.append("".join(self._newest))
            self._newest.clear()

    @property
    def text(self) -> str:
        """All of it, as one object however often it is asked for. Joins: not for the hot path."""
        if self._newest or len(self._joined) > 1:
            self._joined = ["".join((*self._joined, *self._newest))]
            self._newest.clear()
        return self._joined[0] if self._joined else ""

    def tail(self, size: int) -> str:
        """The last so many characters; the parts before them are not looked at."""
        parts: list[str] = []
        for part in chain(reversed(self._newest), reversed(self._joined)):
            if size <= 0:
                break
            parts.append(part[-size:])
            size -= len(part)
        return "".join(reversed(parts))

    def __iter__(self) -> Iterator[str]:
        yield from self._joined
        yield from self._newest
