"""The console that lines and tables are printed on."""

from __future__ import annotations

import io

import pytest

from callscope.ui.chrome import ChromeConsole
from callscope.ui.hanging import hanging
from callscope.ui.lines import chrome_console


def test_a_terminal_without_a_width_is_one_of_the_usual_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "0")
    out = io.StringIO()
    chrome_console(out).print("something to read")
    assert out.getvalue() == "something to read\n"


def test_a_width_that_is_given_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "34")
    assert ChromeConsole().width == 34


def test_a_line_that_fits_the_terminal_stays_as_its_columns_were_set() -> None:
    console = ChromeConsole(file=io.StringIO(), force_terminal=True, width=40)
    fits = "  /clear      forget what was said so f"
    assert len(fits) < 40
    assert [line.plain for line in hanging(console, fits)] == [fits]


def test_a_line_of_wide_characters_is_measured_by_its_columns() -> None:
    console = ChromeConsole(file=io.StringIO(), force_terminal=True, width=20)
    rows = [line.plain for line in hanging(console, "天気 天気 天気 天気 天気")]
    assert len(rows) == 2
    assert rows[1].startswith("  ")
