"""The rows at the bottom of a terminal: after any drawing the screen shows what was left above, and then the rows."""

from __future__ import annotations

import io

import pyte
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from callscope.panels.look import row
from callscope.ui.region import Region

lines = st.lists(st.sampled_from(["one", "two", "three", "", "a longer row of words", "北京"]), max_size=5)


class Glass:
    """A terminal of 30×60 with a region in it."""

    def __init__(self, **environ: str) -> None:
        self.screen = pyte.HistoryScreen(30, 60, history=1000)
        self.stream = pyte.Stream(self.screen)
        self.file = io.StringIO()
        console = Console(file=self.file, force_terminal=True, color_system="standard", width=30)
        self.region = Region(console, environ)

    def draw(self, rows: list[str], above: list[str]) -> None:
        self.region.draw([row((text, "good")) for text in rows], [row(text) for text in above])
        self.look()

    def look(self) -> None:
        self.stream.feed(self.file.getvalue())
        self.file.seek(0)
        self.file.truncate()

    @property
    def shown(self) -> list[str]:
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip("\n").split("\n")


@given(st.lists(st.tuples(lines, lines), max_size=6))
@settings(max_examples=150)
def test_the_screen_shows_what_was_left_above_and_then_the_rows(frames: list[tuple[list[str], list[str]]]) -> None:
    glass, left, rows = Glass(), list[str](), list[str]()
    for rows, above in frames:
        glass.draw(rows, above)
        left += above
    assert "\n".join(glass.shown) == "\n".join([*left, *rows]).rstrip("\n")


def test_a_row_that_is_the_same_is_not_written_again() -> None:
    glass = Glass()
    glass.draw(["first", "second"], [])
    glass.region.draw([row(("first", "good")), row(("changed", "good"))])
    assert "first" not in glass.file.getvalue()
    glass.region.draw([row(("first", "good")), row(("changed", "good"))])
    before = glass.file.getvalue()
    glass.region.draw([row(("first", "good")), row(("changed", "good"))])
    assert glass.file.getvalue() == before


def test_leaving_gives_back_the_cursor_and_takes_the_rows_away() -> None:
    glass = Glass()
    glass.draw(["one", "two"], ["kept"])
    assert glass.screen.cursor.hidden
    glass.region.leave()
    glass.look()
    assert glass.shown == ["kept"]
    assert not glass.screen.cursor.hidden
    assert (glass.screen.cursor.y, glass.screen.cursor.x) == (1, 0)
    assert pyte.modes.DECAWM in glass.screen.mode


def test_a_row_that_is_wider_than_was_thought_does_not_move_the_others() -> None:
    glass = Glass()
    glass.draw(["x" * 45, "below"], [])
    glass.draw(["x" * 45, "again"], [])
    assert glass.shown[1:] == ["again"]


def test_a_narrower_terminal_that_breaks_rows_anew_is_cleared_of_all_of_them() -> None:
    glass = Glass(TMUX="yes")
    glass.draw(["y" * 30, "footer"], [])
    glass.region.resized(15)
    glass.region.draw([row("short")])
    assert "\x1b[2A" in glass.file.getvalue()


def test_the_cursor_stands_behind_the_last_row_even_where_that_did_not_change() -> None:
    glass = Glass()
    glass.draw(["clock 1", "footer"], [])
    glass.draw(["clock 2", "footer"], [])
    assert (glass.screen.cursor.y, glass.screen.cursor.x) == (1, len("footer"))


def test_a_narrower_terminal_that_cuts_rows_off_keeps_what_stood_above() -> None:
    glass = Glass()
    glass.draw(["y" * 30, "footer"], ["kept"])
    glass.screen.resize(60, 15)
    glass.region.resized(15)
    glass.draw(["short"], [])
    assert glass.shown == ["kept", "short"]


def test_after_somebody_else_wrote_nothing_of_theirs_is_touched() -> None:
    glass = Glass()
    glass.draw(["one", "two"], [])
    glass.region.leave()
    glass.file.write("a question\r\n")
    glass.region.forget()
    glass.draw(["three"], [])
    assert glass.shown == ["a question", "three"]
