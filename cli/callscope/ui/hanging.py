"""Lines of chrome that are broken at words, with what follows hanging below their indent.

Knows how wide a terminal is. Must not know what is said. What does not go to a terminal is not broken at all.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from callscope.core.visible import visible


def hanging(console: Console, text: str, style: str = "", *, more: int = 2) -> Iterator[Text]:
    """The lines of a text; each goes on `more` columns further in than it begins."""
    for line in visible(text).split("\n"):
        said = line.lstrip(" ")
        indent = len(line) - len(said)
        if not console.is_terminal or ("\t" not in line and cell_len(line) <= console.width):
            yield Text(line, style)  # as it was written, columns and all
            continue
        rows = Text(said, style).wrap(console, max(console.width - indent - more, 10), tab_size=4)
        for number, row in enumerate(rows):
            row.rstrip()
            yield Text.assemble(" " * (indent + (more if number else 0)), row)
