"""Draw the pictures of the README: screens of the real program in front of the demo agent. Run by `make screen`.

A pseudo-terminal of 100 columns is typed into; pyte keeps what it shows, Rich draws that as SVG.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from itertools import groupby
from pathlib import Path

import pexpect
import pyte
from rich.color import ANSI_COLOR_NAMES
from rich.console import Group
from rich.style import Style
from rich.text import Text

from callscope.panels.svg import svg

DOCS = Path(__file__).parent
COLUMNS, ROWS = 100, 80
AT_PROMPT = "\x1b[?2004h"
"""The prompt has the terminal: it asks for pastes in brackets."""
LOOKING = 1.2
"""Seconds that a person looks at a question."""


class Screen:
    """The REPL in a terminal of its own."""

    def __init__(self) -> None:
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.Stream(self._screen)
        folder = tempfile.mkdtemp()
        own = {"TERM": "xterm-256color", "EDITOR": "", "VISUAL": "", "PROMPT_TOOLKIT_NO_CPR": "1"}
        self._child = pexpect.spawn(
            sys.executable, ["-m", "callscope", "demo", "--no-record"], cwd=folder, dimensions=(ROWS, COLUMNS),
            encoding="utf-8", timeout=30, env={**os.environ, **own, "XDG_STATE_HOME": folder},
        )  # fmt: skip
        self.until(AT_PROMPT)

    def until(self, text: str) -> None:
        """Wait until the terminal is told this."""
        self._child.expect_exact(text)
        # pyte does not know faint letters: they are told apart from others as italics
        told = re.sub(r"(?<=[\[;])2(?=[;m])", "3", self._child.before + text)
        self._stream.feed(told)

    def answer(self, question: str, keys: str) -> None:
        """Answer a question after a look at it."""
        self.until(question)
        time.sleep(LOOKING)
        self._child.send(keys)

    def say(self, line: str) -> None:
        """Type a line, and wait for the next prompt."""
        self._child.send(f"{line}\r")

    def save(self, name: str, first: str, title: str) -> None:
        """Draw the rows from the one that begins with `first` to the last one."""
        rows = [Text.assemble(*self._pieces(number)) for number in range(ROWS)]
        plain = [row.plain.rstrip() for row in rows]
        begin = next(number for number, row in enumerate(plain) if row.startswith(first))
        end = max(number for number, row in enumerate(plain) if row)
        shown = rows[begin : end + 1]
        for row in shown:
            row.rstrip()
        (DOCS / name).write_text(svg(Group(*shown), columns=COLUMNS, title=title))

    def close(self) -> None:
        """End the program."""
        self._child.close(force=True)

    def _pieces(self, number: int) -> list[tuple[str, Style]]:
        cells = [self._screen.buffer[number][column] for column in range(COLUMNS)]
        return [("".join(cell.data for cell in group), style) for style, group in groupby(cells, _style)]


def _style(cell: pyte.screens.Char) -> Style:
    colour = {"brown": "yellow"}.get(cell.fg, cell.fg).replace("bright", "bright_").replace("__", "_")
    return Style(
        color=colour if colour in ANSI_COLOR_NAMES else None, bold=cell.bold, dim=cell.italics, reverse=cell.reverse
    )


def draw() -> None:
    """The three pictures."""
    screen = Screen()
    screen.say("What's the weather in Paris and Rome?")
    screen.answer("[?]", "e")
    screen.answer('"Paris"}', "\x15" + '{"city": "Oslo"}\r')
    screen.answer("[?]", "y")
    screen.until(AT_PROMPT)
    screen.save("screen.svg", "> What's", "callscope demo")
    screen.say("/timeline")
    screen.until(AT_PROMPT)
    screen.save("screen-timeline.svg", "> /timeline", "callscope demo: /timeline")
    screen.close()
    screen = Screen()
    screen.say('get_weather {"city": "Paris"} with cut arguments')
    screen.until(AT_PROMPT)
    screen.save("screen-fault.svg", "> get_weather", "callscope demo: a call that was cut")
    screen.close()


if __name__ == "__main__":
    draw()
