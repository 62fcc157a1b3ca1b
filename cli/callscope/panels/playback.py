"""The panels of a session as they stand at one place of it, which can be copied and gone on with.

Knows what is kept of earlier turns, and how to copy panels without the rows that never change again. Must not know
where the events come from, nor the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import replace

from callscope.core.events import ArgumentsDelta, Stamped, TextDelta, UserMessage
from callscope.core.state import Conversation, apply

from .blocks import Block, CallTrace, Notice, TextTrace
from .footer import Fact, facts_of, fitted, summary
from .frame import Panel
from .judging import Check
from .look import STYLES, Look, Row
from .panels import content, screen
from .trace import Trace

MOST_PANELS = 100
"""Panels of earlier turns that are kept: more than a screen can show."""

MOST_ROWS = 2_000
"""Rows of one growing text that are kept, twice as many as any screen has; the whole is drawn when it is left."""


STRIDE = 2_000
"""Events from one copy to the next."""

MOST_COPIES = 50
"""Where there would be more, the strides are twice as long."""


class Playback:
    """A sink that draws nothing; `rows` gives what a screen shows now. `place` counts the events taken."""

    def __init__(self, look: Look, check: Check | None = None) -> None:
        self.trace = Trace()
        self.look = look
        self.place = 0
        self._check = check
        self._conversation = Conversation()
        self._panels: list[tuple[Block, Panel]] = []
        self._known = 0  # blocks of this turn that have a panel

    @property
    def conversation(self) -> Conversation:
        """The conversation here, but for the words and arguments that are still growing."""
        return self._conversation

    def handle(self, stamped: Stamped) -> None:
        """Take the next event."""
        event = stamped.event
        if isinstance(event, UserMessage):
            self.trace.forget()
            self._known = 0
            del self._panels[:-MOST_PANELS]
        if not isinstance(event, TextDelta | ArgumentsDelta):  # the trace keeps these, and nobody asks for the items
            self._conversation = apply(self._conversation, event)
        self.trace.handle(stamped, self._conversation)
        for block in self.trace.blocks[self._known :]:
            self._panels.append((block, Panel(content(block, self.look, self._check), self.look)))
        self._known = len(self.trace.blocks)
        self.place += 1

    def rows(self, now: float, room: int) -> list[Row]:
        """The last rows, as many as there is room for."""
        rows: list[Row] = []
        for _, panel in reversed(self._panels):
            if len(rows) >= room:
                break
            rows = panel.lines(now, room - len(rows)) + rows
        return rows

    def footer(self, now: float, length: float, state: str, said: str, *, paused: bool) -> list[Row]:
        """What the latest exchange came to so far, and where one is: the recorded second of so many, and the keys."""
        arrows = "← →" if self.look.encoding.startswith("utf") else "n p"
        facts = [
            Fact(state, 0, "held" if paused else "running"),
            Fact(f"{now:.2f} s of {length:.2f} s", 1, "plain", f"{now:.2f} s"),
            Fact(said, 2, "warning"),
            Fact("space goes on" if paused else "space pauses", 4, short="space"),
            Fact(f"{arrows} step", 5, short=arrows),
            Fact("c next call", 6, short="c call"),
            Fact("d next diagnostic", 7, short="d"),
            Fact("+ - speed", 8, short="+ -"),
            Fact("q leaves", 3, short="q"),
        ]
        told = fitted(facts_of(self.trace, self.look, now), self.look)
        return [told, fitted([fact for fact in facts if fact.words], self.look)]

    def fit_to(self, look: Look) -> None:
        """From here on the terminal looks like this."""
        if look != self.look:
            self.look = look
            for _, panel in self._panels:
                panel.fit_to(look)

    def copy(self) -> Playback:
        """Another one at the same place, that shares with this one only what never changes."""
        memo: dict[int, object] = {id(style): style for style in STYLES.values()}
        memo[id(self.look)] = self.look
        response = self._conversation.response
        memo[id(self._conversation)] = replace(self._conversation, response=deepcopy(response))
        earlier = len(self._panels) - self._known
        for number, (block, panel) in enumerate(self._panels):
            if number < earlier or isinstance(block, Notice):
                memo |= {id(block): block, id(panel): panel}
            else:
                memo |= _shared(block, panel)
        return deepcopy(self, memo)


class Copies:
    """Copies of a playback on its way, so that it can go back; never so many that they fill the memory."""

    def __init__(self, first: Playback) -> None:
        self._stride = STRIDE
        self._kept = {first.place: first.copy()}

    def keep(self, playback: Playback) -> None:
        """Keep a copy where one is due."""
        if playback.place % self._stride or playback.place in self._kept:
            return
        self._kept[playback.place] = playback.copy()
        if len(self._kept) > MOST_COPIES:
            self._stride *= 2
            self._kept = {place: kept for place, kept in self._kept.items() if place % self._stride == 0}

    def before(self, place: int) -> Playback:
        """A playback at this place, or not far before it."""
        return self._kept[max(kept for kept in self._kept if kept <= place)].copy()


def whole(events: Iterable[Stamped], look: Look, now: float, check: Check | None = None) -> list[Row]:
    """All panels of these events, whole, and below each turn what it came to."""
    trace, conversation, rows = Trace(), Conversation(), list[Row]()
    for stamped in events:
        event = stamped.event
        if isinstance(event, UserMessage):
            rows += _turn(trace, look, now, check)
            trace.forget()
        if not isinstance(event, TextDelta | ArgumentsDelta):
            conversation = apply(conversation, event)
        trace.handle(stamped, conversation)
    return rows + _turn(trace, look, now, check)


def _turn(trace: Trace, look: Look, now: float, check: Check | None) -> list[Row]:
    told = [summary(trace, look)] if trace.exchanges else []
    return [*screen(trace.blocks, look, now, check).rows, *told]


def _shared(block: Block, panel: Panel) -> dict[int, object]:
    """What a copy need not copy one by one: full rows stay as they are, and so do the pieces they came of."""
    shared: dict[int, object] = {}
    flow = panel.content.flow()
    if flow is not None:
        flow.drop(max(0, len(flow.rows) - MOST_ROWS))
        shared |= {id(flow.rows): flow.rows.copy(), id(flow.starts): flow.starts.copy()}
    for part in panel.content.parts():
        shared[id(part.rows)] = part.rows
    match block:
        case CallTrace():
            shared[id(block.deltas)] = block.deltas.copy()
        case TextTrace():
            shared[id(block.chunks)] = block.chunks.copy()
        case Notice():
            pass
    return shared
