"""Recorded events at the speed they came, or faster.

Knows recorded times and a clock. Must not know what an event is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from callscope.core.events import Stamped
from callscope.core.ports import Clock


async def paced(stamped: Iterable[Stamped], speed: float | None, clock: Clock) -> AsyncIterator[Stamped]:
    """Give each event at its recorded time divided by `speed`; None means without a pause.

    Time is measured from the start and not from the event before: what showing costs is taken from the next pause.
    """
    start = clock.now()
    for one in stamped:
        if speed is not None:
            early = one.at / speed - (clock.now() - start)
            if early > 0:
                await clock.sleep(early)
        yield one
