"""What was typed before the prompt was there.

Knows that a terminal in its ordinary mode turns Enter into a line feed, which at our prompt is Ctrl-J: a person who
types ahead means Enter. Must not know what the keys do.
"""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.key_binding import KeyPress


def take_lines_typed_ahead(source: Input) -> None:
    """Have the next prompt read, as if they were typed now, the whole lines that wait in the terminal."""
    if not os.isatty(source.fileno()) or not (waiting := _whole_lines(source.fileno())):
        return
    from prompt_toolkit.input.typeahead import store_typeahead
    from prompt_toolkit.input.vt100_parser import Vt100Parser

    keys: list[KeyPress] = []
    parser = Vt100Parser(keys.append)
    parser.feed(waiting.replace("\n", "\r"))
    parser.flush()
    store_typeahead(source, keys)


def _whole_lines(descriptor: int) -> str:
    """The lines that ended with Enter: while the terminal is in its ordinary mode, only such lines can be read."""
    lines = bytearray()
    while select.select([descriptor], [], [], 0)[0]:
        line = os.read(descriptor, 65536)
        lines += line or b"\x04"  # Ctrl-D on a line of its own
        if not line:
            break
    return lines.decode("utf-8", "replace")
