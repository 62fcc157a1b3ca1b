"""Lines that an exchange has once, and that a recording has once more.

Knows which lines these are. No writer ever makes a second one, and readers would differ in which of them counts. Must
not know what a line means.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from callscope.record.file.reading import Entry

ONCE: Final = ("request", "response", "end", "assembled")
MOST: Final = 100
"""Lines that are named."""


class Again(NamedTuple):
    """A line that was there before, by its number, its kind and its exchange."""

    line: int
    kind: str
    exchange: int


class Repeated:
    """Takes all lines in order; `found` are those that should not be there."""

    def __init__(self) -> None:
        self.found: list[Again] = []
        self._seen: dict[int, int] = {}  # of each exchange a bit for each kind: a recording may have very many

    def take(self, entry: Entry) -> None:
        """Look at a line. Of exchange 0, the questions about a server, there may be any number."""
        kind = entry.kind
        if kind not in ONCE:
            return
        exchange = entry.members.get("exchange")
        if type(exchange) is not int:
            return
        seen = 0 if kind == "request" and exchange == 0 else self._seen.get(exchange, 0)
        bit = 1 << ONCE.index(kind)
        if seen & bit and len(self.found) < MOST:
            self.found.append(Again(entry.line, kind, exchange))
        self._seen[exchange] = seen | bit
