"""The recordings of a folder as a table."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

from callscope.looking.recordings import table
from callscope.record.file.listing import Summary

LONG = Summary(
    Path("20261121T142449Z-349b4207.jsonl"), 54_060, "2026-11-21T14:24:49Z", 3.0, "callscope-demo",
    "What's the weather in Paris and Rome, and what time is it there?", 2, 4, 13, "completed",
)  # fmt: skip
SHORT = Summary(Path("北京.jsonl"), 900, "2026-11-21T14:24:50Z", 1.0, "qwen3", "北京天气" * 9, 1, 1, 0, "cut off")
BROKEN = Summary(Path("c.jsonl"), 12, problem="is no Callscope recording")
ALL = [LONG, SHORT, BROKEN]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_no_line_is_wider_than_the_terminal(width: int, ascii_only: bool) -> None:
    lines = list(table(ALL, width=width, ascii_only=ascii_only))
    assert len(lines) == 4
    assert max(map(cell_len, lines)) <= width


def test_the_cells_of_a_column_stand_below_each_other() -> None:
    heading, long, short, _ = table(ALL, width=160)
    assert long.index("completed") == heading.index("ended")
    assert cell_len(short[: short.index("cut off")]) == heading.index("ended")
    assert long[: heading.index("calls") + 5].endswith(" 13")


def test_at_80_columns_calls_and_ending_are_there_and_the_words_are_cut() -> None:
    heading, long, *_ = table(ALL, width=80)
    assert heading.split() == ["recording", "turns", "calls", "ended", "first", "words"]
    assert long.endswith("…")
    assert " completed  What's the weath" in long


def test_a_file_that_cannot_be_used_says_why_in_its_line() -> None:
    assert list(table(ALL, width=None))[2].split(maxsplit=1) == ["c.jsonl", "unusable: is no Callscope recording"]


def test_what_does_not_go_to_a_terminal_has_no_headings_and_all_columns() -> None:
    first = next(iter(table(ALL, width=None)))
    assert first.startswith("20261121T142449Z-349b4207.jsonl  2026-11-21 14:24  callscope-demo")


def test_escape_sequences_of_a_recording_are_shown_and_not_obeyed() -> None:
    hostile = Summary(Path("a\x1b[2J.jsonl"), model="\x1b[31m", words="\x1b]0;owned\x07", ending="\x9b1m")
    assert not any(sign in line for line in table([hostile], width=200) for sign in "\x1b\x07\x9b")


def test_an_empty_folder_has_no_table() -> None:
    assert list(table([], width=80)) == []
