"""What shows a turn to a person, and which one: panels where the terminal can draw them, else lines.

Knows what a view has to offer. Must not know how either of them draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TextIO

from rich.console import Console

from callscope.core.events import (
    BytesRead,
    Diagnostic,
    ExchangeEnded,
    ExchangeOpened,
    ResponseHead,
    SettingsChanged,
    Stamped,
    ToolsChanged,
)
from callscope.core.ports import Clock, Sink
from callscope.core.state import Conversation

from .hanging import hanging
from .lines import LinesView

if TYPE_CHECKING:
    from callscope.panels.judging import Check

    from .live import LiveView


BEFORE_ANY_TURN = (SettingsChanged, ToolsChanged, Diagnostic, ExchangeOpened, ResponseHead, BytesRead, ExchangeEnded)
"""What a session begins with; of it a person hears only what has to be said, such as how the dialect is known."""


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
        for line in hanging(self.chrome, text):
            self.chrome.print(line)


class LaterPanels:
    """Panels that are made with the first turn: the first prompt does not wait for what draws them (17 ms)."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._check: Check | None = None
        self._console = console
        self._clock = clock

    @property
    def check(self) -> Check | None:
        """What is wrong with arguments by their schema."""
        return self._check

    @check.setter
    def check(self, check: Check | None) -> None:
        self._check = check
        if self._made:  # by what a session that goes on begins with, before its tools are known here
            self._panels.check = check

    @cached_property
    def _panels(self) -> LiveView:
        from .live import LiveView

        return LiveView(self._console, self._clock, self._check)

    @property
    def _made(self) -> bool:
        return "_panels" in vars(self)

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Draw the event, where it is one that can be seen."""
        event = stamped.event
        if self._made or conversation.turn is not None or not isinstance(event, BEFORE_ANY_TURN):
            self._panels.handle(stamped, conversation)
        elif isinstance(event, Diagnostic):
            self.say(event.message)

    def watching(self, stop: Callable[[], object], hold: Callable[[], object]) -> AbstractContextManager[None]:
        """Own the terminal while a turn goes on."""
        return self._panels.watching(stop, hold)

    def aside(self) -> AbstractContextManager[None]:
        """Lend the terminal to a question."""
        return self._panels.aside()

    def close(self) -> None:
        """Nothing is left half drawn."""
        if self._made:
            self._panels.close()

    def say(self, text: str) -> None:
        """Tell the person something, also in the middle of a turn."""
        if self._made:
            self._panels.say(text)
        else:
            for line in hanging(self._console, text):
                self._console.print(line)


def view_for(out: TextIO, console: Console, clock: Clock) -> View:
    """The view for the terminal behind a console."""
    if console.is_dumb_terminal or not console.is_terminal:
        return PlainView(out, console)
    return LaterPanels(console, clock)
