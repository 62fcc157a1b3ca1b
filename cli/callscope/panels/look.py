"""How things look: widths, marks and colours, as far as a terminal can show them.

Knows what a terminal can do and how text becomes fit for it. Must not know what is shown.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.console import COLOR_SYSTEMS, Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style

from callscope.core.visible import visible

MOST_COLUMNS = 120
"""Lines longer than this are hard to read however wide the terminal is."""

FEWEST_COLUMNS = 20

STYLES: Final = {
    name: Style.parse(words)
    for name, words in {
        "plain": "none",
        "dim": "dim",
        "frame": "none",
        "bold": "bold",
        "user": "bold",
        "thought": "dim italic",
        "even": "none",
        "odd": "cyan",
        "cut": "dim",
        "wrong": "bold reverse red",
        "good": "green",
        "bad": "red",
        "worst": "bold red",
        "warning": "yellow",
        "arriving": "cyan",
        "held": "bold yellow",
        "running": "blue",
        "changed": "magenta",
        "key": "bold",
    }.items()
}


@dataclass(frozen=True, slots=True)
class Marks:
    """The characters that things are drawn with."""

    top: str = "╭─"
    side: str = "│"
    bottom: str = "╰─"
    cut: str = "┊"
    here: str = "▶"
    newline: str = "⏎"
    more: str = "…"
    arriving: str = "▸"
    held: str = "■"
    running: str = "●"
    good: str = "✓"
    bad: str = "✗"
    warning: str = "!"
    info: str = "i"
    back: str = "←"
    dot: str = "·"
    you: str = ">"
    becomes: str = "→"
    span: str = "–"
    dash: str = "—"


PLAIN_MARKS = Marks(
    "+-", "|", "+-", "|", ">>", "\\n", "...", ">", "=", "*", "ok", "x", "!", "i", "<-", "-", ">", "->", "-", "-"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """What a terminal can show: `columns` of it, in the characters of `encoding`."""

    columns: int = 80
    encoding: str = "utf-8"
    marks: Marks = field(default_factory=Marks)

    @classmethod
    def of(cls, console: Console) -> Look:
        """The look for the terminal behind a console."""
        encoding = "ascii" if _speaks_ascii(os.environ) else (console.encoding or "ascii").lower()
        return cls(console.width, encoding, Marks() if encoding.startswith("utf") else PLAIN_MARKS)

    @property
    def width(self) -> int:
        """The columns that a panel takes up."""
        return max(FEWEST_COLUMNS, min(self.columns, MOST_COLUMNS))

    def shown(self, text: str) -> str:
        """The text as this terminal can show it: nothing that commands it, hides, or cannot be written."""
        text = visible(text)
        if text.isascii() or self.encoding.startswith("utf"):
            return text
        return text.encode(self.encoding, "backslashreplace").decode(self.encoding)


def _speaks_ascii(environ: Mapping[str, str]) -> bool:
    """Whether the person asks for the C locale; Python writes UTF-8 all the same (https://peps.python.org/pep-0540/)."""
    names = (environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    return next((name for name in names if name), "") in ("C", "POSIX")


class Row:
    """One row of the screen, made once and painted often."""

    __slots__ = ("_behind", "_painted", "segments")

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = segments
        self._painted: str | None = None
        self._behind: tuple[str, str, Row] | None = None

    def behind(self, border: str, style: str) -> Row:
        """The row with a border on its left; the same row as long as the border is the same."""
        if self._behind is None or self._behind[:2] != (border, style):
            self._behind = (border, style, Row([Segment(border, STYLES[style]), *self.segments]))
        return self._behind[2]

    def painted(self, paint: Paint) -> str:
        """The row as a terminal is told it."""
        if self._painted is None:
            self._painted = "".join(paint(segment.text, segment.style) for segment in self.segments)
        return self._painted

    @property
    def text(self) -> str:
        """The row without colours."""
        return "".join(segment.text for segment in self.segments)


Paint = Callable[[str, "Style | None"], str]
"""Gives a text the escape sequences of a style."""


def painter(console: Console) -> Paint:
    """Paints with as many colours as a console has."""
    system = COLOR_SYSTEMS[console.color_system] if console.color_system else None
    colourless = console.no_color

    def paint(text: str, style: Style | None) -> str:
        if style is None or not style or system is None:
            return text
        return (style.without_color if colourless else style).render(text, color_system=system)

    return paint


def row(*parts: tuple[str, str] | str) -> Row:
    """A row of texts, each with the name of its style."""
    pairs = [(part, "plain") if isinstance(part, str) else part for part in parts]
    return Row([Segment(text, STYLES[style]) for text, style in pairs])


class Picture:
    """Rows as a Rich renderable: they are as wide as they are, nothing is wrapped."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = list(rows)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The segments of each row, and a line end."""
        for line in self.rows:
            yield from line.segments
            yield Segment.line()

    @property
    def text(self) -> str:
        """All rows without colours."""
        return "\n".join(line.text for line in self.rows)
