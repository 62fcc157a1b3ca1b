"""The console that lines and tables are printed on, where Rich's own would decide too much.

Knows what Rich does when nobody reads on, or when a terminal has no width. Must not know what is printed.
"""

from __future__ import annotations

from typing import Any, Final

from rich.console import Console

USUAL_COLUMNS: Final = 80


class ChromeConsole(Console):
    """A console that leaves it to the program how it ends when its reader has left; Rich would exit with 1."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if not self.width:  # COLUMNS=0, as some shells without a window have it: Rich would print nothing
            self.width = USUAL_COLUMNS

    def on_broken_pipe(self) -> None:
        """Raise again what was caught: https://rich.readthedocs.io/en/stable/reference/console.html."""
        raise  # Rich calls this while it handles the BrokenPipeError
