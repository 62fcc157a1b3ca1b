"""Identifiers that a server mints anew in every run: calls, threads. Which of this run stands for which recorded one.

Knows that they pair off one to one, by their first appearance at the same place. Must not know where ids stand.
"""

from __future__ import annotations

from .matching import Same


class Identifiers:
    """The pairs of one run so far.

    Ids are one to one within a scope: threads in the whole run, calls in their response, because servers that count
    their calls anew in each response use one id for several.
    """

    def __init__(self) -> None:
        self._scopes: dict[int, tuple[dict[str, str], dict[str, str]]] = {}
        self._pairs: set[tuple[str, str]] = set()
        self._recorded: set[str] = set()
        self._now: set[str] = set()

    def meet(self, recorded: str, now: str, exchange: int = 0) -> bool:
        """Take two ids that were minted at the same place for one; False where one of them stands for another.

        `exchange` is that of the response that a call came in, 0 for what is one to one in the whole run.
        """
        if not recorded or not now:
            return recorded == now
        by_recorded, by_now = self._scopes.setdefault(exchange, ({}, {}))
        if by_recorded.setdefault(recorded, now) != now or by_now.setdefault(now, recorded) != recorded:
            return False
        # a request tells calls with one id apart by the exchange that they came in
        for one in (recorded, f"{recorded}_{exchange}") if exchange else (recorded,):
            for other in (now, f"{now}_{exchange}") if exchange else (now,):
                self._pairs.add((one, other))
                self._recorded.add(one)
                self._now.add(other)
        return True

    def reading(self, same: Same) -> Same:
        """A comparison that takes an id of this run for a recorded one that it stands for, and for no other.

        It is meant for the places of ids: elsewhere the same text is no id.
        """

        def same_but_for_ids(recorded: str, now: str) -> bool:
            if (recorded, now) in self._pairs:
                return True
            if recorded in self._recorded and now in self._now:
                return False  # both are ids, and of different things
            return same(recorded, now)

        return same_but_for_ids
