"""The live view: panels that grow while a turn goes on, and stand in scrollback when they are finished.

Knows when something is drawn. Must not know how a panel looks, what a key is for, or how a call is decided. While a
turn is `watched` the view owns the terminal; `aside` lends it to a question. A frame draws what changed since the last
one, however many events that were, and its cost does not depend on how long anything is.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console

from callscope.core.events import ItemsInserted, Rewound, Stamped, UserMessage
from callscope.core.ports import Clock
from callscope.core.state import Conversation
from callscope.panels import wording
from callscope.panels.blocks import Block, Notice, TextTrace
from callscope.panels.footer import footer, summary
from callscope.panels.frame import Panel
from callscope.panels.judging import Check
from callscope.panels.look import Look, Row, row
from callscope.panels.panels import content
from callscope.panels.trace import Trace

from .hanging import hanging
from .keys import Keys, Listen, hand_over, listening, suspend_job
from .region import Region

FRAME = 1 / 24
"""Seconds from one frame to the next while something changes."""

TICK = 0.1
"""Seconds from one frame to the next while only clocks go on."""

TAIL = 6
"""Rows that stay in motion of a panel whose beginning is in scrollback already."""


class LiveView:
    """A sink that draws; `check` says what is wrong with arguments by their schema, `listen` brings the keys."""

    def __init__(self, console: Console, clock: Clock, check: Check | None = None, listen: Listen = listening) -> None:
        self.trace = Trace()
        self.check = check
        self._console = console
        self._clock = clock
        self._listen = listen
        self._look = Look.of(console)
        self._rows = console.height
        self._region = Region(console, os.environ)
        self._panels: list[Panel] = []  # all that is not in scrollback yet, in order
        self._by_block: dict[int, Panel] = {}
        self._known = 0  # blocks that were looked at
        self._keys: Keys | None = None  # while a turn is watched
        self._owned: ExitStack | None = None  # while the terminal is ours
        self._timer: asyncio.TimerHandle | None = None
        self._due = False  # the timer is for a frame, and not for the clocks
        self._earliest = 0.0
        self._broken: Exception | None = None

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Take an event; it is drawn with the next frame."""
        if isinstance(stamped.event, UserMessage):
            self._forget()
        block = self.trace.handle(stamped, conversation)
        if len(self.trace.blocks) != self._known:
            self._add_panels(block)
        if block is not None:
            self._revive(block)
        if self._owned and not self._due:
            self._draw_soon()
        elif self._keys is None and isinstance(stamped.event, ItemsInserted):
            self.close()

    @contextmanager
    def watching(self, stop: Callable[[], object], hold: Callable[[], object]) -> Iterator[None]:
        """Own the terminal while a turn goes on; a key can `stop` it, or `hold` its next call."""
        keys = self._keys = Keys(stop, hold, self._suspend)
        self._broken = None
        try:
            self._acquire(keys)
            yield
        finally:
            self._keys = None
            self._release(self._rest())
            hand_over(keys)
        if self._broken:
            raise self._broken

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Lend the terminal to a question; all that is known stands in scrollback before it is asked."""
        if self._keys is None or self._owned is None:
            yield
            return
        self._release(self._all())
        try:
            yield
        finally:
            self._acquire(self._keys)

    def close(self) -> None:
        """Let everything that is left go into scrollback."""
        if rows := self._all():
            self._region.leave(rows)

    def say(self, text: str) -> None:
        """Tell the person something, also in the middle of a turn."""
        shown = self._look.shown(text).split("\n")
        lines = [row(piece.plain) for line in shown for piece in hanging(self._console, line)]
        if self._owned:
            self._region.draw((), lines)
            self._draw_soon()
        else:
            self._region.leave(lines)

    # ---- panels ---------------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        """Nothing of an earlier turn is kept: memory stays flat however long the session is."""
        self.trace.forget()
        self._panels, self._by_block, self._known = [], {}, 0

    def _add_panels(self, begun: Block | None) -> None:
        """Panels for the blocks that are new: the last ones, or the one that a failure put before its calls."""
        blocks = self.trace.blocks
        inserted = begun is not None and begun is not blocks[-1] and id(begun) not in self._by_block
        for block in [begun] if begun is not None and inserted else blocks[self._known :]:
            if not _said_elsewhere(block):
                panel = Panel(content(block, self._look, self.check), self._look)
                self._by_block[id(block)] = panel
                self._panels.insert(self._place_of(block) if inserted else len(self._panels), panel)
        self._known = len(blocks)

    def _place_of(self, block: Block) -> int:
        """Before the panels that follow it; what stands in scrollback in part has to be ended first."""
        place = next(number for number, other in enumerate(self.trace.blocks) if other is block)
        after = {id(self._by_block.get(id(other))) for other in self.trace.blocks[place + 1 :]}
        open_panels = enumerate(self._panels)
        return next(
            (number for number, panel in open_panels if id(panel) in after and not panel.begun), len(self._panels)
        )

    def _revive(self, block: Block) -> None:
        """Something came to be known of a block that may stand in scrollback already."""
        panel = self._by_block.get(id(block))
        if panel is not None and panel not in self._panels:
            self._panels.append(panel)

    def _all(self) -> list[Row]:
        """Everything, for scrollback; what is not done goes on later in another frame."""
        now = self._clock.now()
        rows = [line for panel in self._panels for line in panel.all(now)]
        self._panels = [panel for panel in self._panels if not panel.content.done]
        return rows

    def _rest(self) -> list[Row]:
        """What is left at the end of a turn, and what the turn comes to."""
        told = [summary(self.trace, self._look)] if self.trace.exchanges else []
        return [*self._all(), *told]

    # ---- frames ---------------------------------------------------------------------------------------------------

    def _draw_soon(self) -> None:
        loop = asyncio.get_running_loop()
        if self._timer:
            self._timer.cancel()
        self._due = True
        self._timer = loop.call_at(max(self._earliest, loop.time()), self._frame)

    def _draw_at_once(self) -> None:
        """A key came: its answer does not wait for its turn among the frames."""
        self._earliest = 0.0
        self._draw_soon()

    def _frame(self) -> None:
        """Draw, then wait at least as long as that took: the events come first."""
        loop = asyncio.get_running_loop()
        self._due = False
        began = loop.time()
        try:
            self._draw()
        except Exception as error:  # what a timer raises goes nowhere: the turn has to stop, and say why
            self._broken = error
            if self._keys:
                self._keys.stop()
            return
        took = loop.time() - began
        self._earliest = began + max(FRAME, 2 * took)
        self._timer = loop.call_at(began + max(TICK, 4 * took), self._frame)

    def _draw(self) -> None:
        now = self._clock.now()
        room = max(TAIL, self._rows - 2)
        above: list[Row] = []
        while self._panels and self._panels[0].content.done:
            above += self._panels.pop(0).all(now)
        others = self._tail(self._panels[1:], now, room)
        if self._panels:
            first = self._panels[0]
            above += first.overflow(TAIL if first.begun else max(TAIL, room - len(others)), now)
        rows = self._tail(self._panels[:1], now, room - len(others)) + others
        typed = self._keys.words if self._keys else ""
        self._region.draw([*rows, footer(self.trace, self._look, now, self._look.shown(typed))], above)

    def _tail(self, panels: list[Panel], now: float, room: int) -> list[Row]:
        """The last rows of these panels, as many as there is room for."""
        rows: list[Row] = []
        for panel in reversed(panels):
            if len(rows) >= room:
                break
            rows = panel.lines(now, room - len(rows)) + rows
        return rows

    # ---- the terminal ---------------------------------------------------------------------------------------------

    def _acquire(self, keys: Keys) -> None:
        loop = asyncio.get_running_loop()
        with ExitStack() as stack:
            stack.enter_context(self._listen(keys, self._draw_at_once))
            for number, handler in (
                (signal.SIGWINCH, self._resized),
                (signal.SIGTSTP, self._suspend),
                (signal.SIGCONT, self._continued),
            ):
                loop.add_signal_handler(number, handler)
                stack.callback(loop.remove_signal_handler, number)
            self._owned = stack.pop_all()
        self._region.forget()
        self._fit()
        self._draw_soon()

    def _release(self, rows: list[Row]) -> None:
        """Give the terminal back as it was, with these rows in scrollback."""
        owned, self._owned = self._owned, None
        if self._timer:
            self._timer.cancel()
            self._timer, self._due = None, False
        try:
            self._region.leave(rows)
        finally:
            if owned:
                owned.close()

    def _suspend(self) -> None:
        """Stop the job; when it goes on, the turn is drawn afresh."""
        if self._keys and self._owned:
            self._release([])
            began = self._clock.now()
            suspend_job()
            self._acquire(self._keys)
            self.say(f"{self._look.marks.info} suspended for {wording.clock(self._clock.now() - began)}")

    def _continued(self) -> None:
        """The job was stopped without our hearing of it: the terminal may be in any state."""
        if self._keys and self._owned:
            self._owned.close()
            self._acquire(self._keys)

    def _resized(self) -> None:
        self._region.resized(self._console.width)
        self._fit()
        self._draw_soon()

    def _fit(self) -> None:
        look, self._rows = Look.of(self._console), self._console.height
        if look != self._look:
            self._look = look
            for panel in self._by_block.values():
                panel.fit_to(look)


def _said_elsewhere(block: Block) -> bool:
    """The person's own words stand at the prompt, and what a command did is told by the command."""
    if isinstance(block, Notice):
        return isinstance(block.event, Rewound)
    return isinstance(block, TextTrace) and block.voice == "user"
