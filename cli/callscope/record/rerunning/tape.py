"""What came back in recorded exchanges, read from the file as it is needed, so that its size does not matter.

Knows that exchanges are asked for in the order of the file, or nearly. Must not know what is done with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from callscope.core.events import BytesRead, ExchangeEnded, ResponseHead
from callscope.record.file.reading import Entry, Recorded

from .script import Traffic


class Arrived(NamedTuple):
    """What came back in an exchange, with the line and the time it is recorded with."""

    line: int
    at: float
    wire: ResponseHead | BytesRead | ExchangeEnded


class Tape:
    """A recording that is read on from wherever it was read to; what lies before that is read from the beginning."""

    def __init__(self, recording: Recorded) -> None:
        self._recording = recording
        self._entries: Iterator[Entry] = iter(())
        self._line = 0
        self._started = False

    def play(self, exchange: int, traffic: Traffic) -> Iterator[Arrived]:
        """What came back in an exchange, in order."""
        if traffic.line <= self._line or not self._started:
            self._entries, self._started = iter(self._recording.entries), True
        if not traffic.last:
            return
        for entry in self._entries:
            self._line = entry.line
            wire = entry.event
            if (
                isinstance(wire, ResponseHead | BytesRead | ExchangeEnded)
                and wire.exchange == exchange
                and entry.line > traffic.line
            ):
                yield Arrived(entry.line, entry.at, wire)
            if entry.line >= traffic.last:
                return
