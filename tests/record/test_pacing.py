from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from callscope.core.events import Continued, Stamped
from callscope.record.pacing import paced


class Clock:
    def __init__(self) -> None:
        self.time = 5.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def pauses(times: Sequence[float], speed: float | None, *, showing: float = 0.0) -> list[float]:
    """The pauses when events of these times are given, and showing each takes so long."""
    clock = Clock()

    async def watch() -> None:
        async for _ in paced([Stamped(0, at, Continued()) for at in times], speed, clock):
            clock.time += showing

    asyncio.run(watch())
    return clock.slept


def test_events_come_at_their_recorded_times() -> None:
    assert pauses([1.0, 1.5, 4.5], 1.0) == pytest.approx([1.0, 0.5, 3.0])


def test_at_twice_the_speed_pauses_are_half_as_long() -> None:
    assert pauses([1.0, 4.0], 2.0) == pytest.approx([0.5, 1.5])


def test_without_a_speed_there_is_no_pause() -> None:
    assert pauses([1.0, 400.0], None) == []


def test_the_time_that_showing_takes_is_taken_from_the_next_pause() -> None:
    assert pauses([1.0, 2.0, 2.1, 5.0], 1.0, showing=0.25) == pytest.approx([1.0, 0.75, 2.5])


def test_a_time_that_goes_back_is_no_pause() -> None:
    assert pauses([1.0, 0.5, 1.5], 1.0) == pytest.approx([1.0, 0.5])
