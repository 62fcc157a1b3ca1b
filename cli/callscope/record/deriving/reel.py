"""A recording as a film: its session's stream, derived as far as somebody looked, and the places worth stopping at.

Knows what can be seen of an event, where calls and diagnostics are, and when each event came. A place is a number of
events that have happened. Must not know a screen, a key, nor the time that passes now.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import Literal, TypeAlias

from callscope.core.events import (
    BytesRead,
    CallStarted,
    Diagnostic,
    ExchangeEnded,
    ExchangeOpened,
    ItemsInserted,
    MessagePassed,
    ResponseFailed,
    ResponseHead,
    ResponseStarted,
    SettingsChanged,
    Stamped,
    ThreadNamed,
    ToolsChanged,
)
from callscope.core.values import ToolCall

Kind: TypeAlias = Literal["step", "call", "diagnostic"]
"""What there is to stop at: anything that can be seen, a call that comes into sight, a complaint or a failure."""

UNSEEN = (
    BytesRead,
    ExchangeEnded,
    ExchangeOpened,
    MessagePassed,
    ResponseHead,
    ResponseStarted,
    SettingsChanged,
    ThreadNamed,
    ToolsChanged,
)
"""Events that change nothing on the screen but the footer."""


class Reel:
    """The events of a session in order; `complete`: all of them are derived."""

    def __init__(self, stream: Iterator[Stamped]) -> None:
        self._stream = stream
        self._times: list[float] = []
        self._places: dict[Kind, list[int]] = {"step": [], "call": [], "diagnostic": []}
        self.events: list[Stamped] = []
        self.complete = False

    def derive(self, count: int) -> None:
        """Derive so many events more, as far as there are any."""
        for stamped in islice(self._stream, count):
            self._take(stamped)
            count -= 1
        self.complete = self.complete or count > 0

    def finish(self) -> None:
        """Derive all that is left."""
        while not self.complete:
            self.derive(10_000)

    def reaches(self, place: int) -> bool:
        """Whether there are so many events, which are derived if need be."""
        while len(self.events) < place and not self.complete:
            self.derive(place - len(self.events))
        return len(self.events) >= place

    def time(self, place: int) -> float:
        """The recorded second at which a place is reached; it never steps back, though a read's own time may."""
        return self._times[place - 1] if place else 0.0

    def next(self, place: int, kind: Kind) -> int | None:
        """The first place of this kind after a place, as far as events are derived."""
        places = self._places[kind]
        index = bisect_right(places, place)
        return places[index] if index < len(places) else None

    def previous(self, place: int, kind: Kind) -> int:
        """The last place of this kind before a place; the beginning where there is none."""
        places = self._places[kind]
        index = bisect_left(places, place)
        return places[index - 1] if index else 0

    def _take(self, stamped: Stamped) -> None:
        self.events.append(stamped)
        self._times.append(max(stamped.at, self._times[-1] if self._times else 0.0))
        event, place = stamped.event, len(self.events)
        if not isinstance(event, UNSEEN):
            self._places["step"].append(place)
        if isinstance(event, Diagnostic | ResponseFailed):
            self._places["diagnostic"].append(place)
        elif isinstance(event, CallStarted) or (
            isinstance(event, ItemsInserted) and any(isinstance(item, ToolCall) for item in event.items)
        ):
            self._places["call"].append(place)
