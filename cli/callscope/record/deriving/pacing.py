"""Recorded events at the speed they came, or faster.

Knows recorded times and a clock. Must not know what an event is.
"""

from __future__ import annotations

import time
from collections.abc import Callable

LONGEST = 86_400.0
"""Seconds: a recording that nobody vouches for may name a time that no clock can wait for."""


def pacing(
    speed: float, now: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
) -> Callable[[float], None]:
    """A function that waits until a recorded time, divided by `speed`, has come.

    Time is measured from the start and not from the event before: what showing costs is taken from the next pause.
    """
    start = now()

    def wait(at: float) -> None:
        early = at / speed - (now() - start)
        if early > 0:
            sleep(min(early, LONGEST))

    return wait
