"""One key from the terminal, with no Enter behind it.

Knows how a key arrives, and what must not be taken for one: what was typed before the question stood there, a paste,
a terminal's own reply. Must not know what any key means. prompt_toolkit is imported when a key is awaited.
"""

from __future__ import annotations

import asyncio
import os
import signal
import termios
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.key_binding import KeyPress

ENTER = ("c-m", "c-j")
STOP = ("c-c", "c-d")
SUSPEND = "c-z"
SEVERAL = "several"
"""What `read_key` gives for keys that came together: no key of any question."""

ESCAPE_ALONE = 0.1
"""Seconds after which an Escape is a key and no longer the beginning of a sequence."""


async def read_key(ask: Callable[[], None]) -> str:
    """The key that answers what `ask` shows: a character, the name of another key, or SEVERAL; empty for none yet.

    Ctrl-C, Ctrl-D and a terminal that has gone are a cancellation; Ctrl-Z suspends. An Enter is no key: who is used to
    one presses it behind the key, and it may come late.
    """
    from prompt_toolkit.input import create_input

    source = create_input()
    with source.raw_mode():
        _forget_typed(source)
        ask()
        while True:
            names = _names(await _burst(source))
            if not names or any(name in STOP for name in names):
                raise asyncio.CancelledError
            if SUSPEND in names:
                break
            if (key := key_of(names)) is not None:
                return key
    os.kill(0, signal.SIGTSTP)  # the whole job, as the terminal itself does it
    return ""


def _forget_typed(source: Input) -> None:
    """Drop what was typed before anybody could see the question: it must not answer it."""
    from prompt_toolkit.input.typeahead import clear_typeahead

    clear_typeahead(source)
    with suppress(termios.error):
        termios.tcflush(source.fileno(), termios.TCIFLUSH)


def key_of(names: Sequence[str]) -> str | None:
    """The one key of a burst, with or without Enter; None for what is no person's key."""
    keys = [name for name in names if name not in ENTER]
    if not keys or keys[0].startswith("<") or (keys[0] == "escape" and len(keys) > 1):
        return None  # Enter alone, a reply of the terminal, or a sequence that nobody knows
    return keys[0] if len(keys) == 1 else SEVERAL


def _names(burst: Sequence[KeyPress]) -> list[str]:
    """What the keys are called: a character by itself, any other by prompt_toolkit's name."""
    return [press.key.value if isinstance(press.key, Enum) else press.key for press in burst]


async def _burst(source: Input) -> list[KeyPress]:
    """The keys of one read; none where there will never be another."""
    loop = asyncio.get_running_loop()
    came: asyncio.Future[list[KeyPress]] = loop.create_future()

    def settle(keys: list[KeyPress]) -> None:
        if (keys or source.closed) and not came.done():
            came.set_result(keys)

    def ready() -> None:
        if not came.done():
            settle(source.read_keys())
            loop.call_later(ESCAPE_ALONE, lambda: settle(source.flush_keys()))

    with source.attach(ready):
        return await came
