"""The last bytes of a response body while it comes, so that what is found in it can be pointed at to the byte.

Knows reads and offsets. Must not know what the bytes mean. Secrets are overwritten, as in the recording.
"""

from __future__ import annotations

from collections import deque

from callscope.core.events import BytesRead

MOST = 256 * 1024
"""Bytes: more than the pieces of a call that are looked at together."""


class Tail:
    """What came last of a body; `size` are all its bytes, `reads` how many reads they came in."""

    def __init__(self) -> None:
        self.size = 0
        self.reads = 0
        self._kept: deque[tuple[int, bytes]] = deque()

    def take(self, *reads: BytesRead) -> None:
        """Take the next reads."""
        data = b"".join([read.shown for read in reads])
        self._kept.append((self.size, data))
        self.reads += len(reads)
        self.size += len(data)
        while self.size - self._kept[0][0] > MOST and len(self._kept) > 1:
            self._kept.popleft()

    def cut(self, start: int, end: int) -> bytes | None:
        """The bytes between two offsets; None where not all of them are here any more."""
        if not self._kept or start < self._kept[0][0] or end > self.size:
            return None
        pieces: list[bytes] = []
        for begin, data in reversed(self._kept):
            if begin < end:
                pieces.append(data[max(0, start - begin) : end - begin])
            if begin <= start:
                break
        return b"".join(reversed(pieces))

    def rest(self) -> tuple[int, bytes]:
        """All that is here, and the offset of its first byte."""
        return (self._kept[0][0] if self._kept else 0), b"".join(data for _, data in self._kept)
