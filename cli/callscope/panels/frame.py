"""The frame around a block: what of it stands in scrollback for good, and what is still drawn again and again.

    ╭─ title
    │ rows that grow, each of them fixed once it is full
    │ parts, each of them said once
    ╰─ how it stands

Knows rows and parts. Must not know what they say. There is no border on the right: a terminal that counts the width of
a character otherwise breaks nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.segment import Segment

from .flow import Flow, Prose, fit
from .look import STYLES, Look, Row

EDGE = 2
"""The columns that the left border takes."""

CORNER = 3
"""The columns that it takes in the first and the last row."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that belong together and are said once; the name tells them from other parts of the same block."""

    name: str
    rows: Sequence[Row]


class Content(Protocol):
    """What stands in a frame."""

    @property
    def done(self) -> bool:
        """Whether nothing more is to be expected."""
        ...

    def edge(self) -> str:
        """The style of the border; empty where there is no frame at all."""
        ...

    def title(self, *, again: bool) -> Row | None:
        """The first row, if there is one; `again` where the block was shown before and goes on."""
        ...

    def flow(self) -> Flow | None:
        """The rows that grow, with all that has come so far."""
        ...

    def parts(self) -> list[Part]:
        """What is said below them."""
        ...

    def closing(self, now: float) -> list[Row]:
        """The last rows: how it stands at this moment."""
        ...

    def status(self, now: float) -> Sequence[Row]:
        """How it stands, where it was shown before and nothing else is new; no row where that is no news."""
        ...

    def fit_to(self, look: Look) -> None:
        """From here on the terminal looks like this; what was dropped from the flow stays dropped."""
        ...


class Panel:
    """A block on its way into scrollback."""

    def __init__(self, content: Content, look: Look) -> None:
        self.content = content
        self._look = look
        self.begun = False  # its title stands in scrollback
        self._shown_before = False  # so does its closing row: it goes on in another frame
        self._told: set[str] = set()
        self._told_status = ""

    def fit_to(self, look: Look) -> None:
        """From here on the terminal looks like this."""
        self._look = look
        self.content.fit_to(look)

    def lines(self, now: float, most: int | None = None) -> list[Row]:
        """What is not in scrollback yet, or the last `most` rows of it."""
        parts = self._untold()
        if not self._has_news(parts):
            status = self._status(now)
            return status if most is None else status[max(0, len(status) - most) :]
        flow = self.content.flow()
        below = [self._edged(line) for part in parts for line in part.rows]
        if closing := self.content.closing(now):
            below += [self._edged(line) for line in closing[:-1]]
            below.append(self._bordered(self._look.marks.bottom, closing[-1]))
        rows = self._flow_rows(flow, None if most is None else most - len(below)) + below
        if not self.begun and (most is None or len(rows) < most):
            rows[:0] = self._title()
        return rows if most is None else rows[max(0, len(rows) - most) :]

    def _status(self, now: float) -> list[Row]:
        status = self.content.status(now)
        return list(status) if _text(status) != self._told_status else []

    def _untold(self) -> list[Part]:
        return [part for part in self.content.parts() if part.name not in self._told]

    def _has_news(self, parts: list[Part]) -> bool:
        flow = self.content.flow()
        return not self._shown_before or bool(parts) or bool(flow and (flow.rows or flow.open_row()))

    def overflow(self, most: int, now: float) -> list[Row]:
        """Let go into scrollback what can never change, as far as the panel has more than `most` rows."""
        flow = self.content.flow()
        if flow is None or not flow.rows:
            return []
        return self._let_go(flow, min(len(self.lines(now)) - most, len(flow.rows)))

    def all(self, now: float) -> list[Row]:
        """Let everything go into scrollback; what comes after it goes on in another frame."""
        flow = self.content.flow()
        if flow:
            flow.finish()
        rows = self.lines(now) if self.content.done or self._has_news(self._untold()) else []
        if rows:
            self._told_status = _text(self.content.status(now))
        if flow:
            flow.drop(len(flow.rows))
        self._told.update(part.name for part in self.content.parts())
        self.begun, self._shown_before = False, True
        return rows

    def _let_go(self, flow: Flow, count: int) -> list[Row]:
        if count <= 0:
            return []
        rows = [self._edged(line) for line in flow.rows[:count]]
        flow.drop(count)
        if not self.begun:
            rows[:0] = self._title()
            self.begun = True
        return rows

    def _flow_rows(self, flow: Flow | None, most: int | None) -> list[Row]:
        if flow is None or (most is not None and most <= 0):
            return []
        rows = flow.rows if most is None else flow.rows[-most:]
        last = flow.open_row()
        return [self._edged(line) for line in ([*rows, last] if last else rows)]

    def _title(self) -> list[Row]:
        title = self.content.title(again=self._shown_before)
        return [self._bordered(self._look.marks.top, title)] if title else []

    def _edged(self, line: Row) -> Row:
        return self._bordered(self._look.marks.side, line)

    def _bordered(self, border: str, line: Row) -> Row:
        edge = self.content.edge()
        return line.behind(border + " ", edge) if edge else line


def _text(rows: Sequence[Row]) -> str:
    return "\n".join(row.text for row in rows)


def paragraph(look: Look, text: str, style: str, mark: str = "", *, edge: int = EDGE) -> list[Row]:
    """Text as rows that hang below each other behind a mark, or below it where it would leave them little room.

    `edge` are the columns of the border beside it.
    """
    if len(mark) > look.width // 3:
        return [Row([Segment(mark, STYLES[style])]), *paragraph(look, text, style, " ", edge=edge)]
    indent = len(mark) + 1 if mark else 0
    prose = Prose(look, look.width - edge - indent, STYLES[style])
    prose.feed(text)
    prose.finish()
    rows = prose.rows or [Row([])]
    if not mark:
        return rows
    hanging = [mark + " ", *(" " * indent for _ in rows[1:])]
    return [Row([Segment(lead + line.text, STYLES[style])]) for lead, line in zip(hanging, rows, strict=True)]


def cropped(look: Look, line: Row) -> Row:
    """A title that fits beside its corner, and says where it was cut."""
    whole = _cut(line.segments, look.width - CORNER)
    if sum(len(segment.text) for segment in whole) == len(line.text):
        return line
    kept = _cut(line.segments, look.width - CORNER - len(look.marks.more))
    return Row([*kept, Segment(look.marks.more, kept[-1].style)])


def _cut(segments: Sequence[Segment], room: int) -> list[Segment]:
    """As much of the segments as takes no more than so many columns."""
    kept: list[Segment] = []
    for segment in segments:
        end, cells = fit(segment.text, 0, max(0, room))
        kept.append(Segment(segment.text[:end], segment.style))
        room -= cells
        if end < len(segment.text):
            break
    return kept
