from __future__ import annotations

from collections.abc import Sequence

import pytest

from callscope.record.deriving.pacing import LONGEST, pacing


class Clock:
    def __init__(self) -> None:
        self.time = 5.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def pauses(times: Sequence[float], speed: float, *, showing: float = 0.0) -> list[float]:
    """The pauses when events of these times are given, and showing each takes so long."""
    clock = Clock()
    wait = pacing(speed, clock.now, clock.sleep)
    for at in times:
        wait(at)
        clock.time += showing
    return clock.slept


def test_events_come_at_their_recorded_times() -> None:
    assert pauses([1.0, 1.5, 4.5], 1.0) == pytest.approx([1.0, 0.5, 3.0])


def test_at_twice_the_speed_pauses_are_half_as_long() -> None:
    assert pauses([1.0, 4.0], 2.0) == pytest.approx([0.5, 1.5])


def test_the_time_that_showing_takes_is_taken_from_the_next_pause() -> None:
    assert pauses([1.0, 2.0, 2.1, 5.0], 1.0, showing=0.25) == pytest.approx([1.0, 0.75, 2.5])


def test_a_time_that_goes_back_is_no_pause() -> None:
    assert pauses([1.0, 0.5, 1.5], 1.0) == pytest.approx([1.0, 0.5])


@pytest.mark.parametrize(("at", "speed"), [(9e10, 1.0), (1.0, 1e-320)])
def test_no_pause_is_longer_than_a_clock_can_wait(at: float, speed: float) -> None:
    assert pauses([at], speed) == [LONGEST]
