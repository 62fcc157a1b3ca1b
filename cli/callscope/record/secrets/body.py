"""The end of a response body, inflated if it has to be, and which of its bytes came in which read.

Knows offsets: into a read's data, and into the decoded body, which are the same unless the server compressed it. Must
not know secrets.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from callscope.core.events import BytesRead
from callscope.core.ports import Arrival
from callscope.core.values import Headers
from callscope.dialects.inflate import Inflater

from .scanning import Span, merged
from .views import whole_from

LOOK_BACK = 16 * 1024
"""Bytes kept behind what waits: a frame may begin in a read that has passed."""

LONGEST_RUN = 256
"""Bytes around an offset that are enough to tell whether it is inside an escape."""

LONGEST_FRAME = 256 * 1024
"""Bytes kept of a frame that does not end; a body that is one frame is looked through as it comes, not afterwards."""


@dataclass(slots=True)
class Waiting:
    """An arrival, the bytes of the decoded body that came with it, and what of them is to be masked.

    `exact`: an offset into the body is an offset into the read; otherwise a read is masked whole or not at all.
    """

    arrival: Arrival
    start: int
    end: int
    exact: bool = True
    spans: list[Span] = field(default_factory=list)

    def mark(self, start: int, end: int) -> None:
        """Mark a span of the body, as far as it lies in this read."""
        size = len(self._data)
        if start < self.end and self.start < end and size:
            part = (max(start - self.start, 0), min(end - self.start, size))
            self.spans.append(part if self.exact else (0, size))

    @property
    def _data(self) -> bytes:
        return self.arrival.wire.data if isinstance(self.arrival.wire, BytesRead) else b""

    def masked(self) -> Arrival:
        """The arrival with its spans marked."""
        wire = self.arrival.wire
        if not self.spans or not isinstance(wire, BytesRead):
            return self.arrival
        return replace(self.arrival, wire=replace(wire, masked=merged((*wire.masked, *self.spans))))


class Body:
    """The bytes of one response body so far: its size, and as much of its end as may still be needed.

    `exact`: the last read was not compressed. `framed` is where the last frame ended, to be told by who sees frames.
    """

    def __init__(self, headers: Headers = ()) -> None:
        encodings = [value for name, value in headers if name.lower() == "content-encoding"]
        self._inflater = Inflater(",".join(encodings))
        self.exact = True
        self.size = 0
        self.framed = 0
        self._recent: deque[tuple[int, bytes]] = deque()

    def read(self, raw: bytes) -> bytes:
        """Take a read; gives what it adds to the decoded body."""
        data = raw
        if self._inflater.needed(raw):
            data = self._inflater.feed(raw)
            self.exact = not self._inflater.active and len(data) == len(raw)
            if self._inflater.failure:
                data = data or raw  # nobody can decode it: look at it as it stands
        self._recent.append((self.size, data))
        self.size += len(data)
        return data

    @property
    def in_frame(self) -> bool:
        """Whether the body may go on in the frame that the last bytes are in."""
        if self._recent and self._recent[-1][1].endswith((b"\n\n", b"\r\n\r\n")):
            return False
        return bool(self.bytes_of((self.framed, self.size))[1].strip())

    def forget(self, waiting_from: int) -> None:
        """Let go of what lies well before the first frame that is open and the first read that waits."""
        needed = max(min(self.framed, waiting_from), self.size - LONGEST_FRAME) - LOOK_BACK
        while self._recent and self._recent[0][0] + len(self._recent[0][1]) <= needed:
            self._recent.popleft()

    def whole_from(self, offset: int) -> int:
        """The first offset, from this one on, that is inside no escape of JSON."""
        start, around = self.bytes_of((offset - LONGEST_RUN, offset + LONGEST_RUN))
        return start + whole_from(around, offset - start)

    def bytes_of(self, span: Span) -> tuple[int, bytes]:
        """As much of a span as is still here: (where that starts, its bytes)."""
        start = span[1]
        pieces: list[bytes] = []
        for at, data in reversed(self._recent):
            if at + len(data) <= span[0]:
                break
            if at < span[1]:
                start = max(at, span[0])
                pieces.append(data[start - at : span[1] - at])
        return start, b"".join(reversed(pieces))
