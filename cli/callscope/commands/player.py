"""A recording played in a terminal: the panels of the live view, with pause, steps both ways, and jumps.

Knows keys, speed, and where one is. Must not know how a recording is read, what stands in it, nor how a panel looks.
Going back takes the copy of the screen that was kept before the place, and goes on from there: what is wanted is there
after a few thousand events, however long the recording is.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from rich.console import Console

from callscope.panels.judging import Check
from callscope.panels.look import Look, Row
from callscope.panels.playback import Copies, Playback, whole
from callscope.record.deriving.reel import Kind, Reel
from callscope.ui.keys import Taker, listening, suspend_job
from callscope.ui.region import Region

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from prompt_toolkit.key_binding import KeyPress

FRAME = 1 / 24
"""Seconds from one frame to the next."""

SLICE = 2_000
"""Events that are derived or shown before the keys are looked at again: about 20 ms."""

SLOWEST, FASTEST = 1 / 64, 1024.0

Listen = Callable[[Taker, Callable[[], object]], "AbstractContextManager[None]"]


class Player:
    """Plays a reel in a terminal until the person leaves; unattended it leaves at the end.

    `speed` is a factor, infinity shows the end at once; `length` the recorded seconds of it all.
    """

    def __init__(
        self,
        reel: Reel,
        console: Console,
        *,
        length: float,
        speed: float = 1.0,
        paused: bool = False,
        check: Check | None = None,
        listen: Listen = listening,
    ) -> None:
        self.reel = reel
        self.speed = speed
        self.paused = paused
        self.interrupted = False
        self._console = console
        self._length = length
        self._check = check
        self._listen = listen
        self._region = Region(console, os.environ)
        self._playback = Playback(Look.of(console), check)
        self._copies = Copies(self._playback)
        self._goal: int | Kind | None = None
        self._pressed: deque[str] = deque()
        self._attended = paused
        self._leaving = False
        self._said = ""
        self._anchor = (0.0, 0.0)  # the loop's time, and the recorded time that it was then
        self._woken = asyncio.Event()
        self._owned: ExitStack | None = None

    async def run(self) -> None:
        """Play; whole panels of all that was seen are left in scrollback."""
        self._set_off()
        self._acquire()
        try:
            while not self._leaving:
                self._go_on()
                self._draw()
                await self._wait()
        finally:
            self._release()
            self._region.leave(self._whole() if self._leaving else ())

    @property
    def place(self) -> int:
        """How many events have happened."""
        return self._playback.place

    # ---- where it is ----------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Do a slice of what there is to do: go where the person wants to be, or show what is due."""
        if self._goal is None and self._pressed:
            self._said = ""
            ACTIONS[self._pressed.popleft()](self)
        if self._goal is not None:
            self._pursue(self._goal)
        elif self.paused:
            self.reel.derive(SLICE)  # so that it is there when it is wanted
        else:
            self._play()

    def _play(self) -> None:
        now, most = self._now(), self.place + SLICE
        while self.place < most and self.reel.reaches(self.place + 1):
            if self.reel.time(self.place + 1) > now:
                return
            self._show_next()
        if self.place == most:
            self._set_off()  # it is behind its time: then it is as fast as it can be, and no faster
        else:
            self.paused = True
            self._set_off()
            if not self._attended:
                self.leave()

    def _pursue(self, goal: int | Kind) -> None:
        place = goal if isinstance(goal, int) else self.reel.next(self.place, goal)
        if place is None and not self.reel.complete:
            self.reel.derive(SLICE)
            return
        if place is None:
            self._goal, self._said = None, f"no further {goal}"
            return
        if place < self.place:
            self._playback = self._copies.before(place)
            self._playback.fit_to(Look.of(self._console))
        while self.place < place and self.reel.reaches(self.place + 1):
            self._show_next()
            if self.place % SLICE == 0:
                return
        self._goal = None
        self._set_off()

    def _show_next(self) -> None:
        self._playback.handle(self.reel.events[self.place])
        self._copies.keep(self._playback)

    # ---- time -----------------------------------------------------------------------------------------------------

    def _now(self) -> float:
        """The recorded second that is shown; between two events it goes on."""
        began, at = self._anchor
        if self.paused:
            return at
        return self._length if self.speed == math.inf else at + (_loop_time() - began) * self.speed

    def _set_off(self, at: float | None = None) -> None:
        """Time runs on from here."""
        self._anchor = (_loop_time(), self.reel.time(self.place) if at is None else at)

    async def _wait(self) -> None:
        """Until the next frame, or until something happens that nobody can foresee."""
        if (
            self._goal is not None
            or self._pressed
            or self.speed == math.inf
            or (self.paused and not self.reel.complete)
        ):
            await asyncio.sleep(0)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(None if self.paused else FRAME):
                await self._woken.wait()
        self._woken.clear()

    # ---- keys -----------------------------------------------------------------------------------------------------

    def take(self, presses: list[KeyPress]) -> None:
        """Do what these keys say, one after the other: each begins where the one before it led."""
        for press in presses:
            name = str(getattr(press.key, "value", press.key))
            if name in AT_ONCE:
                AT_ONCE[name](self)
            elif name in ACTIONS:
                self._pressed.append(name)

    def stop(self) -> None:
        """Leave at once: Ctrl-C, or the terminal has gone."""
        self.interrupted = True
        self.leave()

    def leave(self) -> None:
        """Leave, having seen enough."""
        self._leaving = True
        self._woken.set()

    def _toggle(self) -> None:
        at = self._now()
        if not self.paused and self.reel.reaches(self.place + 1):
            at = min(at, self.reel.time(self.place + 1))  # what came since the last frame is not shown yet
        self.paused, self._attended, self._goal = not self.paused, True, None
        self.speed = min(self.speed, FASTEST)
        self._set_off(at)

    def _seek(self, goal: int | Kind) -> None:
        self.paused = self._attended = True
        self._goal = goal

    def _forward(self) -> None:
        self._seek("step")

    def _back(self) -> None:
        self._seek(self.reel.previous(self.place, "step"))

    def _change_speed(self, factor: float) -> None:
        at = self._now()
        self.speed = min(max(self.speed * factor, SLOWEST), FASTEST)
        self._set_off(at)

    # ---- the screen -----------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        playback, now = self._playback, min(self._now(), self._length)
        ended = self.reel.complete and self.place == len(self.reel.events)
        state = "the end" if ended and self.paused else "paused" if self.paused else f"{self.speed:g}x"
        below = playback.footer(now, self._length, state, self._said, paused=self.paused)
        self._region.draw([*playback.rows(now, max(1, self._console.height - 3)), *below])

    def _whole(self) -> list[Row]:
        seen, look = self.reel.events[: self.place], Look.of(self._console)
        return whole(seen, look, self.reel.time(self.place), self._check)

    # ---- the terminal ---------------------------------------------------------------------------------------------

    def _acquire(self) -> None:
        loop = asyncio.get_running_loop()
        with ExitStack() as stack:
            stack.enter_context(self._listen(self, self._woken.set))
            for number, handler in (
                (signal.SIGWINCH, self._resized),
                (signal.SIGTSTP, self._suspend),
                (signal.SIGCONT, self._continued),
                (signal.SIGTERM, self.stop),
            ):
                loop.add_signal_handler(number, handler)
                stack.callback(loop.remove_signal_handler, number)
            self._owned = stack.pop_all()

    def _release(self) -> None:
        owned, self._owned = self._owned, None
        if owned:
            owned.close()

    def _suspend(self) -> None:
        """Stop the job; when it goes on, the screen is drawn afresh."""
        if self._owned:
            self._region.leave()
            self._release()
            suspend_job()
            self._continued()

    def _continued(self) -> None:
        self._release()
        self._acquire()
        self._region.forget()
        self._resized()

    def _resized(self) -> None:
        self._region.resized(self._console.width)
        self._playback.fit_to(Look.of(self._console))
        self._woken.set()


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


ACTIONS: dict[str, Callable[[Player], None]] = {
    " ": Player._toggle,
    "right": Player._forward,
    "n": Player._forward,
    "left": Player._back,
    "p": Player._back,
    "c": lambda player: player._seek("call"),
    "d": lambda player: player._seek("diagnostic"),
    "+": lambda player: player._change_speed(2),
    "=": lambda player: player._change_speed(2),
    "-": lambda player: player._change_speed(0.5),
}
"""What each key does."""

AT_ONCE: dict[str, Callable[[Player], None]] = {"q": Player.leave, "c-c": Player.stop, "c-z": Player._suspend}
"""Keys that do not wait for the others."""
