r"""The rows at the bottom of the terminal that are drawn again and again, and what goes above them for good.

Knows the terminal: which rows stand there, and how to change only those that differ. Must not know what they say.

One frame is one write. Rows are drawn with the terminal's line wrap off (`\x1b[?7l`): one that turns out wider than was
thought is cut, and the rows stay where they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import IO

from rich.cells import cell_len
from rich.console import Console

from callscope.panels.look import Row, painter

HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
WRAP_OFF, WRAP_ON = "\x1b[?7l", "\x1b[?7h"
ERASE_LINE, ERASE_BELOW = "\x1b[2K", "\x1b[J"

REFLOWING = (
    "TMUX",
    "VTE_VERSION",
    "KITTY_WINDOW_ID",
    "WEZTERM_PANE",
    "ALACRITTY_WINDOW_ID",
    "ITERM_SESSION_ID",
    "KONSOLE_VERSION",
    "GHOSTTY_RESOURCES_DIR",
    "WT_SESSION",
)
"""Variables of terminals that break long rows anew when they become narrower; the others cut them off."""


class Region:
    """Rows that belong to us, from wherever the cursor stood when the first of them was drawn."""

    def __init__(self, console: Console, environ: Mapping[str, str]) -> None:
        self._file: IO[str] = console.file
        self._paint = painter(console)
        self._drawn: list[str] = []
        self._texts: list[str] = []
        self._height = 0  # rows that the terminal shows of it; the cursor is in the last
        self._reflows = any(environ.get(name) for name in REFLOWING)

    def draw(self, rows: Sequence[Row], above: Sequence[Row] = ()) -> None:
        """Show these rows in place of the ones that stand there; those `above` stay for good."""
        painted = [row.painted(self._paint) for row in rows]
        if painted == self._drawn and not above:
            return
        first = self._first_to_write(painted) if not above else 0
        keeps = not above and len(painted) == self._height == len(self._drawn)
        out = [HIDE_CURSOR, self._up_to(first)]
        out += [f"{ERASE_LINE}{row.painted(self._paint)}\r\n" for row in above]
        out.append(WRAP_OFF)
        for number in range(first, len(painted)):
            last = number + 1 == len(painted)
            # the last one is always written: behind it the cursor goes where the row goes when a terminal breaks it
            same = keeps and not last and painted[number] == self._drawn[number]
            out.append("" if same else ERASE_LINE + painted[number])
            out.append("" if last else "\r\n")
        out += ["" if keeps else ERASE_BELOW, WRAP_ON]
        self._write("".join(out))
        self._drawn, self._texts, self._height = painted, [row.text for row in rows], len(painted)

    def leave(self, above: Sequence[Row] = ()) -> None:
        """Take the rows away, leave those `above`, and give the terminal back as it was."""
        if self._height or above:
            self.draw((), above)
        self._write(WRAP_ON + SHOW_CURSOR)

    def resized(self, columns: int) -> None:
        """The terminal has other columns: rows that no longer fit stand on more than one line there."""
        if self._reflows:
            self._height = sum(max(1, -(-cell_len(text) // columns)) for text in self._texts)
        self._drawn = []

    def forget(self) -> None:
        """Somebody else wrote: what stands there is no longer ours to change."""
        self._drawn, self._texts, self._height = [], [], 0

    def _first_to_write(self, painted: Sequence[str]) -> int:
        """The first row that differs; at least the last one is written, for the cursor has to end there."""
        if len(self._drawn) != self._height:
            return 0  # nobody knows what stands there
        pairs = zip(painted, self._drawn, strict=False)
        first = next((number for number, (new, old) in enumerate(pairs) if new != old), len(self._drawn))
        return max(0, min(first, len(painted) - 1, self._height - 1))

    def _up_to(self, number: int) -> str:
        up = self._height - 1 - number
        return "\r" + (f"\x1b[{up}A" if up > 0 else "")

    def _write(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()
