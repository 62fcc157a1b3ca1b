"""What a terminal shows after it was told some bytes: rows of text, scrollback too, and the modes it was left in."""

from __future__ import annotations

import io

import pyte
from pyte import modes

BRACKETED_PASTE = 2004 << 5
ALTERNATE_SCREEN = (47 << 5, 1047 << 5, 1049 << 5)


class SeenScreen:
    """A terminal of so many columns and rows."""

    def __init__(self, columns: int, rows: int = 40) -> None:
        self._screen = pyte.HistoryScreen(columns, rows, history=100_000, ratio=0.5)
        self._stream = pyte.ByteStream(self._screen)

    def feed(self, data: bytes) -> SeenScreen:
        """Tell the terminal this; it draws each part of a joined emoji, as many terminals do."""
        # pyte leaves out the rest of a text behind a character without width that is no accent
        self._stream.feed(data.replace("\u200d".encode(), b"").replace("\ufe0f".encode(), b""))
        return self

    def resize(self, columns: int, rows: int) -> None:
        """Other columns and rows; rows that stand there are cut, as in a terminal that does not break them anew."""
        self._screen.resize(rows, columns)

    @property
    def rows(self) -> list[str]:
        """What is in the window, without spaces at the ends."""
        return [row.rstrip() for row in self._screen.display]

    @property
    def lines(self) -> list[str]:
        """All that can be seen, what scrolled away included, without empty rows at the end."""
        columns = self._screen.columns
        above = ["".join(row[at].data for at in range(columns)).rstrip() for row in self._screen.history.top]
        lines = [*above, *self.rows]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)

    @property
    def unusual(self) -> list[str]:
        """What a shell would not expect of a terminal: modes that somebody forgot to take back."""
        mode = self._screen.mode
        found = {
            "the cursor is hidden": modes.DECTCEM not in mode,
            "long lines are cut": modes.DECAWM not in mode,
            "pastes come in brackets": BRACKETED_PASTE in mode,
            "the alternate screen is on": any(one in mode for one in ALTERNATE_SCREEN),
            "only some rows scroll": self._screen.margins is not None,
            "letters are coloured": self._screen.cursor.attrs != self._screen.default_char,
        }
        return [what for what, is_so in found.items() if is_so]


class Memory(io.StringIO):
    """A file that says it is a terminal, in an encoding of its own."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return True
