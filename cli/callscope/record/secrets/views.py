"""The readings of a text: as it stands, with the escapes of JSON strings undone up to three times, percent-decoded.

Knows how to find the way back from a byte of a reading to the bytes it was written with. Must not know what is looked
for. Lenient on purpose: the text may be JSON, hold JSON or be no JSON at all, and what is no escape stays as it is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from itertools import accumulate

DEPTH = 3
"""A string in the arguments of a call is JSON in JSON, and tools pass JSON in their arguments, too."""

JSON_ESCAPE = re.compile(
    rb"\\(?:[\"\\/bfnrt]"
    rb"|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|u(?![dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?\Z)[0-9a-fA-F]{4})"
)
"""The first half of a pair of surrogates is none yet where the text ends."""
PERCENT_ESCAPE = re.compile(rb"%[0-9A-Fa-f]{2}")

INCOMPLETE = re.compile(
    rb"(?:\\+(?:u[0-9a-fA-F]{0,3}|u[dD][89abAB][0-9a-fA-F]{2}(?:\\+(?:u[0-9a-fA-F]{0,3})?)?)?|%[0-9A-Fa-f]?)\Z"
)
"""An escape that the end of a reading cuts off; a run of backslashes may belong to an escape of a deeper reading."""
INCOMPLETE_REACH = 256
LONGEST_ESCAPE = 6

_SHORT = dict(zip(b'"\\/bfnrt', (b'"', b"\\", b"/", b"\b", b"\f", b"\n", b"\r", b"\t"), strict=True))


class View:
    """One reading of a text; offsets into `data` lead back to the text that it was made from."""

    def __init__(self, data: bytes, parent: View | None = None, escapes: list[tuple[int, int, int]] | None = None):
        """`escapes` are (start in the parent's data, end there, size here), in order."""
        self.data = data
        self.depth: int = parent.depth + 1 if parent else 0
        self._parent = parent
        escapes = escapes or []
        shrunk = accumulate((end - start - size for start, end, size in escapes), initial=0)
        self._ends = [end for _, end, _ in escapes]
        self._here = [start - less for (start, _, _), less in zip(escapes, shrunk, strict=False)]
        self._here_ends = [here + size for here, (_, _, size) in zip(self._here, escapes, strict=True)]
        at = parent.source if parent else _itself
        self._text_starts = [at(start) for start, _, _ in escapes]
        self._text_ends = [at(end) for end in self._ends]

    def source(self, index: int) -> int:
        """The offset in the text itself of an offset here; within an escape it is where the escape starts."""
        if self._parent is None:
            return index
        last = bisect_right(self._here, index) - 1
        if last < 0:
            return self._parent.source(index)
        if index < self._here_ends[last]:
            return self._text_starts[last]
        return self._parent.source(self._ends[last] + index - self._here_ends[last])

    def escaped(self, index: int) -> bool:
        """Whether the byte at an offset here was written as an escape."""
        last = bisect_right(self._here, index) - 1
        return last >= 0 and index < self._here_ends[last]

    def snap(self, start: int, end: int) -> tuple[int, int]:
        """A span of the text itself, grown so that it cuts no escape of this reading in two."""
        first = bisect_right(self._text_starts, start) - 1
        if first >= 0 and start < self._text_ends[first]:
            start = self._text_starts[first]
        last = bisect_right(self._text_starts, end) - 1
        if last >= 0 and self._text_starts[last] < end < self._text_ends[last]:
            end = self._text_ends[last]
        return start, end


def views(text: bytes) -> list[View]:
    """All readings of a text that differ; the first is the text as it stands."""
    readings = [View(text)]
    while len(readings) <= DEPTH and b"\\" in readings[-1].data:
        deeper = unescaped(readings[-1])
        if len(deeper.data) == len(readings[-1].data):
            break
        readings.append(deeper)
    in_urls = [view for view in readings[:DEPTH] if PERCENT_ESCAPE.search(view.data)]
    return readings + [_undone(view, PERCENT_ESCAPE.finditer(view.data), _unpercent) for view in in_urls]


def unescaped(view: View) -> View:
    """A reading with one level of JSON escapes undone.

    In a reading that has escapes undone, a quotation mark that was none of them ends a string: the backslash before it
    is the last character of that string.
    """
    found = [
        escape
        for escape in JSON_ESCAPE.finditer(view.data)
        if escape[0] != b'\\"' or view.depth == 0 or view.escaped(escape.start() + 1)
    ]
    return _undone(view, found, _unescape)


def incomplete(text: bytes) -> int:
    """Where the escape starts that the end of a text cuts off; the end where there is none."""
    if b"\\" not in text[-LONGEST_ESCAPE:] and b"%" not in text[-2:]:
        return len(text)
    found = INCOMPLETE.search(text, max(0, len(text) - INCOMPLETE_REACH))
    return found.start() if found else len(text)


def whole_from(text: bytes, offset: int) -> int:
    """The first offset, from `offset` on, that is inside no escape of any reading."""
    start = incomplete(text[:offset])
    if start < offset:
        readings = views(text[start:])
        while any(view.snap(offset - start, offset - start)[0] != offset - start for view in readings):
            offset += 1
    return offset


def _undone(view: View, found: Iterable[re.Match[bytes]], undo: Callable[[bytes], bytes]) -> View:
    pieces: list[bytes] = []
    escapes: list[tuple[int, int, int]] = []
    end = 0
    for escape in found:
        meant = undo(escape[0])
        pieces += (view.data[end : escape.start()], meant)
        end = escape.end()
        escapes.append((escape.start(), end, len(meant)))
    return View(b"".join(pieces) + view.data[end:], view, escapes)


def _unescape(escape: bytes) -> bytes:
    if escape[1] != ord("u"):
        return _SHORT[escape[1]]
    units = b"".join(bytes.fromhex(code.decode()) for code in escape.split(b"\\u")[1:])
    return units.decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass")


def _unpercent(escape: bytes) -> bytes:
    return bytes.fromhex(escape[1:].decode())


def _itself(index: int) -> int:
    return index
