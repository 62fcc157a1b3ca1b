"""Habits of a stream that the standard allows and that agents are refused for all the same.

Knows bytes and offsets. Must not know frames' meaning. However the bytes are cut, the same habits are found at the same
frames.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from callscope.core.values import Frame

_ID_LINE: Final = re.compile(rb"[\r\n]id *:")
_REACH: Final = 8
"""Bytes that are looked at again with the next read: more than the longest pattern."""


class Habits:
    """Bytes of a body in; for each event, the codes of what is first seen in it or before it."""

    def __init__(self) -> None:
        self._offset = 0
        self._tail = b""
        self._open = {"crlf", "id_line"}  # not seen yet
        self._seen: dict[str, int] = {}

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the (inflated) body."""
        if not self._open:
            return
        window = self._tail + data
        start = self._offset - len(self._tail)
        for code in tuple(self._open):
            at = _find(code, window, at_start=start == 0)
            if at >= 0:
                self._open.discard(code)
                self._seen[code] = start + at
        self._tail = window[-_REACH:]
        self._offset += len(data)

    def of(self, frame: Frame) -> Iterator[str]:
        """The codes of the habits that were first seen up to the end of this event, each once.

        Only for frames that a blank line has ended: of others it depends on the cut what was read already.
        """
        for code, at in sorted(self._seen.items()):
            if at <= frame.end:
                del self._seen[code]
                yield code


def _find(code: str, window: bytes, *, at_start: bool) -> int:
    if code == "crlf":
        return window.find(b"\r\n")
    if at_start and window.startswith((b"id:", b"\xef\xbb\xbfid:")):
        return 0
    found = _ID_LINE.search(window)
    return found.start() + 1 if found else -1
