"""The console that lines and tables are printed on."""

from __future__ import annotations

import io

import pytest

from callscope.ui.chrome import ChromeConsole
from callscope.ui.lines import chrome_console


def test_a_terminal_without_a_width_is_one_of_the_usual_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "0")
    out = io.StringIO()
    chrome_console(out).print("something to read")
    assert out.getvalue() == "something to read\n"


def test_a_width_that_is_given_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "34")
    assert ChromeConsole().width == 34
