"""The frames of a kept exchange, each with its bytes, the reads it came in and where they cut it.

Knows how offsets in a body lead back to reads. Must not know how a frame is drawn, nor what its data mean. Frames come
from the same reader that the dialects decode with, so that what is shown is what was decoded.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from callscope.core.values import Frame
from callscope.dialects.body import BodyReader
from callscope.dialects.inflate import Inflater

from .exchanges import Exchange, Read


@dataclass(frozen=True, slots=True)
class ReadFrame:
    """A frame, its bytes, the offsets in the body where reads cut it, when its first and its last byte came."""

    frame: Frame
    raw: bytes
    cuts: tuple[int, ...]
    first_at: float
    last_at: float
    defects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Framing:
    """All frames of a body; `compressed` means that offsets are those of the inflated body, `failure` why none are."""

    frames: tuple[ReadFrame, ...]
    compressed: bool = False
    failure: str = ""


def framing(exchange: Exchange) -> Framing:
    """The frames of an exchange, as far as its body is kept."""
    inflater = Inflater(_encoding(exchange))
    reads: list[Read] = []
    for read in exchange.reads:
        data = inflater.feed(read.data) if inflater.needed(read.data) else read.data
        reads.append(Read(read.at, reads[-1].end if reads else 0, data))
    if rest := inflater.close():
        reads.append(Read(exchange.reads[-1].at, reads[-1].end, rest))
    if inflater.failure:
        return Framing((), True, inflater.failure)
    return Framing(_frames(reads), inflater.active)


def _encoding(exchange: Exchange) -> str:
    headers = exchange.head.headers if exchange.head else ()
    return ",".join(value for name, value in headers if name.lower() == "content-encoding")


def _frames(reads: list[Read]) -> tuple[ReadFrame, ...]:
    reader = BodyReader({})
    frames = [frame for read in reads for frame in reader.feed(read.data)] + reader.close()
    defects: dict[int, list[str]] = {}
    for defect in reader.defects:
        defects.setdefault(id(defect.frame), []).append(defect.code)
    body = b"".join(read.data for read in reads)
    ends = [read.end for read in reads]
    return tuple(_read_frame(frame, body, reads, ends, defects.get(id(frame), [])) for frame in frames)


def _read_frame(frame: Frame, body: bytes, reads: list[Read], ends: list[int], defects: list[str]) -> ReadFrame:
    # bisect_right, because an empty read ends where it starts and brought nothing
    first = bisect_right(ends, frame.start)
    last = bisect_right(ends, max(frame.start, frame.end - 1))
    return ReadFrame(
        frame=frame,
        raw=body[frame.start : frame.end],
        cuts=tuple(dict.fromkeys(ends[first:last])),
        first_at=reads[first].at,
        last_at=reads[last].at,
        defects=tuple(defects),
    )
