"""The calls of a response beside those that were recorded: which is which, and whether they came in order.

Knows that a call is known again by what it asks for, wherever it stands. Must not know when two calls ask for the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Then = TypeVar("Then")
Now = TypeVar("Now")


MOST = 100
"""Calls of a response up to which each is looked for at every place: beyond, that would take too long."""


@dataclass(frozen=True, slots=True)
class LinedUp(Generic[Then, Now]):
    """Pairs of the same call, pairs at the same place that differ, and what is left over on either side."""

    same: tuple[tuple[Then, Now], ...]
    unlike: tuple[tuple[Then, Now], ...]
    missing: tuple[Then, ...]
    extra: tuple[Now, ...]
    in_order: bool


def line_up(recorded: Sequence[Then], now: Sequence[Now], alike: Callable[[Then, Now], bool]) -> LinedUp[Then, Now]:
    """Pair each call with the first that is alike and not taken, the one at its own place before others."""
    pairs_in_place = enumerate(zip(recorded, now, strict=False))
    taken = {place: place for place, pair in pairs_in_place if alike(*pair)}
    for place, one in enumerate(now):
        if place not in taken and max(len(recorded), len(now)) <= MOST:
            free = (other for other in range(len(recorded)) if other not in taken.values())
            found = next((other for other in free if alike(recorded[other], one)), None)
            if found is not None:
                taken[place] = found
    places = sorted(taken)
    order = [taken[place] for place in places]
    rest = [other for other in range(len(recorded)) if other not in order]
    rest_now = [place for place in range(len(now)) if place not in taken]
    pairs = min(len(rest), len(rest_now))
    return LinedUp(
        tuple((recorded[taken[place]], now[place]) for place in places),
        tuple((recorded[a], now[b]) for a, b in zip(rest, rest_now, strict=False)),
        tuple(recorded[place] for place in rest[pairs:]),
        tuple(now[place] for place in rest_now[pairs:]),
        order == sorted(order),
    )
