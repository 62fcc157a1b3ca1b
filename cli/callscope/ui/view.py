"""What shows a turn to a person, and which one: panels where the terminal can draw them, else lines.

Knows what a view has to offer. Must not know how either of them draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.text import Text

from callscope.core.ports import Clock, Sink

from .judging import Check
from .lines import LinesView
from .visible import visible


class View(Sink, Protocol):
    """A sink in front of a person."""

    check: Check | None
    """What is wrong with arguments by their schema; None where nobody can tell."""

    def watching(self, stop: Callable[[], object], hold: Callable[[], object]) -> AbstractContextManager[None]:
        """A turn goes on; a key can `stop` it, or `hold` its next call."""
        ...

    def aside(self) -> AbstractContextManager[None]:
        """Somebody else has the terminal, to ask something."""
        ...

    def close(self) -> None:
        """Nothing is left half said."""
        ...

    def say(self, text: str) -> None:
        """Tell the person something."""
        ...


class PlainView(LinesView):
    """Lines, for terminals that cannot draw in place."""

    check: Check | None = None

    @contextmanager
    def watching(self, stop: Callable[[], object], hold: Callable[[], object]) -> Iterator[None]:
        """Lines need no keys: Ctrl-C is a signal."""
        yield

    @contextmanager
    def aside(self) -> Iterator[None]:
        """End the line that is open."""
        self.close()
        yield

    def say(self, text: str) -> None:
        """Write a line of its own."""
        self.close()
        self.chrome.print(Text(visible(text)))


def view_for(out: TextIO, console: Console, clock: Clock) -> View:
    """The view for the terminal behind a console."""
    if console.is_dumb_terminal or not console.is_terminal:
        return PlainView(out, console)
    from .live import LiveView

    return LiveView(console, clock)
