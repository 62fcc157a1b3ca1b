"""The recordings of a folder as a table, in the columns that there are.

Knows which facts give way first where there is little room. Must not know how a recording is summed up. Neither a
recording nor its name is trusted: an escape sequence in it does not reach a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from callscope.core.visible import one_line
from callscope.panels.fitting import fitted, padded
from callscope.record.file.listing import Summary

GAP = "  "
LONGEST_WORDS = 40
"""Columns of the person's first words where there is room for all."""
SHORTEST_WORDS = 16
LONGEST_CELL = 200
"""Characters of a model's name or a file's that are looked at."""


@dataclass(frozen=True, slots=True)
class Column:
    """A fact of each recording; what has the highest `rank` gives way first, 0 never does."""

    heading: str
    rank: int
    cells: Sequence[str]
    to_the_right: bool = False

    @property
    def width(self) -> int:
        """The columns of its widest cell."""
        return max(map(cell_len, (self.heading, *self.cells)))


def table(summaries: Sequence[Summary], *, width: int | None, ascii_only: bool = False) -> Iterator[str]:
    """A line a recording, none wider than `width`, below their headings; None is no terminal, and has no headings."""
    if not summaries:
        return
    columns = _fitting(_columns(summaries), width)
    whole = [one_line(summary.words, LONGEST_WORDS * 2) for summary in summaries]
    room = LONGEST_WORDS if width is None else min(LONGEST_WORDS, width - _taken(columns))
    words = [fitted(each, room, ascii_only=ascii_only) for each in ("first words", *whole)]
    for number, said in enumerate(words):
        if not number and width is None:
            continue
        cells = [_cell(column, number, ascii_only=ascii_only) for column in columns]
        problem = summaries[number - 1].problem if number else ""
        told = [cells[0], f"unusable: {one_line(problem)}"] if problem else [*cells, said]
        line = GAP.join(told).rstrip()
        yield line if width is None else fitted(line, width, ascii_only=ascii_only)


def _columns(summaries: Sequence[Summary]) -> list[Column]:
    return [
        Column("recording", 0, [one_line(each.path.name, LONGEST_CELL) for each in summaries]),
        Column("begun (UTC)", 5, [one_line(each.created[:16].replace("T", " "), 16) for each in summaries]),
        Column("model", 7, [one_line(each.model or "-", LONGEST_CELL) for each in summaries]),
        Column("turns", 3, [f"{each.turns:,}" for each in summaries], to_the_right=True),
        Column("exchanges", 6, [f"{each.exchanges:,}" for each in summaries], to_the_right=True),
        Column("calls", 2, [f"{each.calls:,}" for each in summaries], to_the_right=True),
        Column("bytes", 4, [f"{each.size:,}" for each in summaries], to_the_right=True),
        Column("ended", 1, [one_line(each.ending, LONGEST_CELL) for each in summaries]),
    ]


def _fitting(columns: list[Column], width: int | None) -> list[Column]:
    """As many columns as leave the person's words some room."""
    while width is not None and len(columns) > 1 and _taken(columns) + SHORTEST_WORDS > width:
        columns = [column for column in columns if column.rank < max(each.rank for each in columns)]
    return columns


def _taken(columns: Sequence[Column]) -> int:
    return sum(column.width + len(GAP) for column in columns)


def _cell(column: Column, number: int, *, ascii_only: bool) -> str:
    """A cell, or the heading, which is number 0."""
    text = column.cells[number - 1] if number else column.heading
    if column.to_the_right:
        return text.rjust(column.width)
    return padded(text, column.width, ascii_only=ascii_only)
