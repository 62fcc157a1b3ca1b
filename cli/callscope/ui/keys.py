"""The keys while a turn goes on: the terminal does not echo, and Ctrl-C is a key.

Knows which key means what, and keeps what else was typed for the next prompt. Must not know what a turn is. Raw mode
takes `^C` away from the screen and the signal with it: the loop has to read it, so nothing may block the loop.
prompt_toolkit is imported when somebody listens.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from prompt_toolkit.key_binding import KeyPress

STOP = ("c-c",)
ENTER = "c-m"
SUSPEND = "c-z"
HOLD = "b"


@dataclass(slots=True)
class Keys:
    """What is done when a key comes. `typed` holds the keys that mean nothing now."""

    stop: Callable[[], object]
    hold: Callable[[], object]
    suspend: Callable[[], object]
    typed: list[KeyPress] = field(default_factory=list)

    def take(self, presses: list[KeyPress]) -> None:
        """Do what these keys say."""
        for press in presses:
            name = str(getattr(press.key, "value", press.key))
            if name in STOP:
                self.typed.clear()
                self.stop()
            elif name == SUSPEND:
                self.suspend()
            elif name == HOLD and not self.typed:
                self.hold()
            elif name == ENTER and not self.typed:
                pass  # who answers a question with a key may still press Enter behind it
            elif not name.startswith("<"):  # a reply of the terminal is nobody's typing
                self.typed.append(press)

    @property
    def words(self) -> str:
        """What was typed ahead, as far as it is text."""
        return "".join(press.data for press in self.typed if press.data.isprintable())


class Taker(Protocol):
    """Whoever wants keys."""

    @property
    def stop(self) -> Callable[[], object]:
        """What is done when the terminal has gone."""
        ...

    def take(self, presses: list[KeyPress]) -> None:
        """Some keys came."""
        ...


Listen: TypeAlias = Callable[["Keys", Callable[[], object]], AbstractContextManager[None]]
"""Brings keys, and says that some came."""


@contextmanager
def listening(keys: Taker, came: Callable[[], object]) -> Iterator[None]:
    """Take keys from stdin, in raw mode, and say that some `came`; afterwards the terminal is as it was."""
    from prompt_toolkit.input import create_input

    source = create_input()

    def ready() -> None:
        keys.take(source.read_keys())
        keys.take(source.flush_keys())
        if source.closed:
            keys.stop()  # the terminal has gone
        came()

    with source.raw_mode(), source.attach(ready):
        yield


def hand_over(keys: Keys) -> None:
    """Give what was typed ahead to the next prompt."""
    from prompt_toolkit.input import create_input
    from prompt_toolkit.input.typeahead import store_typeahead

    if keys.typed:
        store_typeahead(create_input(), keys.typed)
        keys.typed = []


def suspend_job() -> None:
    """Stop the whole job, as the terminal itself does it on Ctrl-Z; gives back control when it goes on."""
    os.kill(0, signal.SIGTSTP)
