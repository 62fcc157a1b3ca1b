"""What was typed before the prompt was there.

Knows that a terminal in its ordinary mode turns Enter into a line feed, which at our prompt is Ctrl-J: a person who
types ahead means Enter. Must not know what the keys do.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.key_binding import KeyPress

_MEANT = {0x0A: "\r", 0x00: "\x04"}
"""What the ordinary mode made of Enter, and of Ctrl-D (which Linux keeps as NUL)."""


@contextmanager
def with_what_was_typed(source: Input) -> Iterator[None]:
    """Raw mode, in which the next prompt reads first what was typed before, as if it were typed now.

    Raw mode begins before the waiting bytes are read: a line that came in between would still end with a line feed.
    """
    if not os.isatty(source.fileno()):
        yield
        return
    with source.raw_mode():
        if waiting := _waiting(source.fileno()):
            _type(source, waiting.translate(_MEANT))
        yield


def _type(source: Input, text: str) -> None:
    from prompt_toolkit.input.typeahead import store_typeahead
    from prompt_toolkit.input.vt100_parser import Vt100Parser

    keys: list[KeyPress] = []
    parser = Vt100Parser(keys.append)
    parser.feed(text)
    parser.flush()
    store_typeahead(source, keys)


def _waiting(descriptor: int) -> str:
    """All that waits in the terminal; Ctrl-D where it has gone."""
    text = bytearray()
    while select.select([descriptor], [], [], 0)[0]:
        read = os.read(descriptor, 65536)
        text += read or b"\x04"
        if not read:
            break
    return text.decode("utf-8", "replace")
