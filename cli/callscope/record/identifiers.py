"""Identifiers that a server mints anew in every run: calls, threads. Which of this run stands for which recorded one.

Knows that they pair off one to one, by their first appearance at the same place. Must not know where ids stand.
"""

from __future__ import annotations

from .matching import Same


class Identifiers:
    """The pairs of one run so far."""

    def __init__(self) -> None:
        self._recorded: dict[str, str] = {}
        self._now: dict[str, str] = {}

    def meet(self, recorded: str, now: str) -> bool:
        """Take two ids that were minted at the same place for one; False where one of them stands for another."""
        if now in self._recorded or recorded in self._now:
            return self._recorded.get(now) == recorded
        if not recorded or not now:
            return recorded == now
        self._recorded[now], self._now[recorded] = recorded, now
        return True

    def reading(self, same: Same) -> Same:
        """A comparison that takes an id of this run for the recorded one that it stands for, and for no other."""

        def same_but_for_ids(recorded: str, now: str) -> bool:
            if self._recorded.get(now) == recorded:
                return True
            if now in self._recorded and recorded in self._now:
                return False  # both are ids, and of different things
            return same(recorded, now)

        return same_but_for_ids
