"""Text becomes rows while it grows: each character is looked at once, and a row that is full never changes again.

Knows how wide characters are and where a row may end. Must not know what the text is. Widths are counted so that no
terminal takes more room than was thought, whatever it makes of joined emoji: each part is counted by itself.
"""

from __future__ import annotations

from rich.cells import cell_len, get_character_cell_size
from rich.segment import Segment
from rich.style import Style

from callscope.core.visible import escaped

from .look import STYLES, Look, Row

JOINER = "\u200d"
EMOJI_STYLE = "\ufe0f"
TAB = "    "
PICTURES = ("\U0001f000", "\U0001faff")
"""Terminals do not agree on these: each half of a flag is one cell in some, two in others."""


def fit(text: str, start: int, room: int) -> tuple[int, int]:
    """How far a text goes in this many cells, from `start`: the place where it has to stop, and the cells it takes."""
    stop = min(len(text), start + room)
    if text[start:stop].isascii():
        return stop, stop - start
    cells = border_cells = 0
    place = border = start
    most = min(len(text), start + 4 * room)  # marks that take no room could go on for ever
    for place in range(start, most):
        size = _cells(text, place)
        if not joins(text, place):
            border, border_cells = place, cells
        if cells + size > room:
            return (border, border_cells) if border > start else (place, cells)
        cells += size
    return most, cells


def joins(text: str, place: int) -> bool:
    """Whether the character here is drawn as one with the one before it."""
    character = text[place]
    if character.isascii():
        return False
    skin = "\U0001f3fb" <= character <= "\U0001f3ff"
    return skin or get_character_cell_size(character) == 0 or (place > 0 and text[place - 1] == JOINER)


def _cells(text: str, place: int) -> int:
    character = text[place]
    if PICTURES[0] <= character <= PICTURES[1]:
        return 2
    if character == EMOJI_STYLE and place > 0:
        return 2 - max(1, get_character_cell_size(text[place - 1]))
    return get_character_cell_size(character)


class Prose:
    """Words, broken at spaces where that can be. `start` is the place in the shown text that it begins at."""

    def __init__(self, look: Look, width: int, style: Style, start: int = 0) -> None:
        self.rows: list[Row] = []
        self.starts: list[int] = []  # where each row begins in the shown text
        self._look, self._width, self._style = look, width, style
        self._rest = ""  # what no row has yet
        self._return = ""
        self._place = start
        self._skip = start

    def feed(self, text: str) -> None:
        """Take more text."""
        text = self._return + text
        self._return = "\r" if text.endswith("\r") else ""  # what follows may make it a line end
        self._take(text.removesuffix("\r"))

    def _take(self, text: str) -> None:
        shown = self._look.shown(text.replace("\r\n", "\n")).replace("\t", TAB)
        if self._skip:
            self._skip, shown = max(0, self._skip - len(shown)), shown[self._skip :]
        buffer, start = self._rest + shown, 0
        while (ends := self._row_end(buffer, start)) is not None:
            self._add(buffer[start : ends[0]], ends[1] - start)
            start = ends[1]
        self._rest = buffer[start:]

    def open_row(self) -> Row | None:
        """The row that is not full yet."""
        return Row([Segment(self._rest, self._style)]) if self._rest else None

    def finish(self) -> None:
        """Nothing more is expected: what is open is a row of its own."""
        self._take(self._return)
        self._return = ""
        if self._rest:
            self._add(self._rest, len(self._rest))
            self._rest = ""

    def next_start(self) -> int:
        """Where the first row that is still here begins in the shown text."""
        return self.starts[0] if self.starts else self._place

    def drop(self, count: int) -> None:
        """Forget the first rows."""
        del self.rows[:count], self.starts[:count]

    def _add(self, text: str, length: int) -> None:
        self.rows.append(Row([Segment(text, self._style)]))
        self.starts.append(self._place)
        self._place += length

    def _row_end(self, text: str, start: int) -> tuple[int, int] | None:
        """Where the row ends and the next begins; None where more text may still go into it."""
        stop, _ = fit(text, start, self._width)
        newline = text.find("\n", start, stop + 1)
        if newline >= 0:
            return newline, newline + 1
        if stop == len(text):
            return None
        space = text.rfind(" ", start + 1, stop + 1)
        return (space, space + 1) if space > 0 else (stop, stop)


class Cuts:
    """Arguments with a mark wherever the server cut them. `start` is the place in what is shown that it begins at."""

    def __init__(self, look: Look, width: int, start: int = 0) -> None:
        self.rows: list[Row] = []
        self.starts: list[int] = []  # where each row begins, in all that is shown
        self._look, self._width, self._skip = look, width, start
        self._open: list[Segment] = []
        self._open_start = start
        self._used = 0  # cells of the open row
        self._place = 0
        self._deltas = 0
        self._characters = 0
        self._mark_cells = {look.marks.cut: cell_len(look.marks.cut)}
        # a mark that the arguments contain is no mark
        self._hidden = str.maketrans({look.marks.cut: escaped(look.marks.cut), "\t": escaped("\t")})

    def feed(self, text: str, wrong: int | None = None) -> None:
        """Take a delta; `wrong` is the first character that cannot stand there, counted over all deltas."""
        if self._deltas:
            self._put(self._look.marks.cut, STYLES["cut"])
        style = STYLES["odd" if self._deltas % 2 else "even"]
        spot = -1 if wrong is None else wrong - self._characters
        self._deltas += 1
        self._characters += len(text)
        if 0 <= spot < len(text):
            self._show(text[:spot], style)
            self._put(self._look.marks.here, STYLES["wrong"])
            self._show(text[spot], STYLES["wrong"])
            self._show(text[spot + 1 :], style)
        else:
            self._show(text, style)

    def open_row(self) -> Row | None:
        """The row that is not full yet."""
        return Row(list(self._open)) if self._open else None

    def finish(self) -> None:
        """Nothing more is expected: what is open is a row of its own."""
        self._end_row()

    def next_start(self) -> int:
        """Where the first row that is still here begins, in all that is shown."""
        return self.starts[0] if self.starts else self._open_start

    def drop(self, count: int) -> None:
        """Forget the first rows."""
        del self.rows[:count], self.starts[:count]

    def _show(self, text: str, style: Style) -> None:
        if text.isascii() and text.isprintable() and self._look.marks.cut not in text:
            self._put(text, style)  # most deltas: there is nothing to hide or to escape
            return
        if text and joins(text, 0):
            self._put(escaped(text[0]), style)  # else it would be drawn as one with the mark before it
            text = text[1:]
        for number, line in enumerate(text.split("\n")):
            if number:
                self._put(self._look.marks.newline, STYLES["cut"])
                self._end_row()
            self._put(self._look.shown(line).translate(self._hidden), style)

    def _put(self, text: str, style: Style) -> None:
        cells = len(text) if text.isascii() else self._mark_cells.get(text, self._width)
        if text and self._used + cells < self._width and self._place >= self._skip:
            self._add(text, style, cells)  # most pieces: there is nothing to measure or to break
            return
        start = min(len(text), max(0, self._skip - self._place))
        self._place += start
        while start < len(text):
            end, cells = fit(text, start, self._width - self._used)
            if end == start:
                self._end_row()
                continue
            self._add(text[start:end], style, max(cells, (end - start) // 4))  # marks without width end a row, too
            start = end
            if self._used >= self._width:
                self._end_row()

    def _add(self, text: str, style: Style, cells: int) -> None:
        self._open.append(Segment(text, style))
        self._used += cells
        self._place += len(text)

    def _end_row(self) -> None:
        if self._open:
            self.rows.append(Row(self._open))
            self.starts.append(self._open_start)
        self._open, self._used, self._open_start = [], 0, max(self._place, self._skip)


Flow = Prose | Cuts
