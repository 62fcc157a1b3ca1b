"""The exchanges of a recording one by one: the request, what came back and when, and where secrets were.

Knows lines of a recording and the wall clock they stand for. Must not know any form. One exchange is in
memory at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, ResponseHead
from callscope.core.values import Request
from callscope.record.file.reading import Entry, RecordingFile


@dataclass(frozen=True, slots=True)
class Read:
    """A read of the body; `at` is seconds since the request left."""

    at: float
    wire: BytesRead


@dataclass(slots=True)
class Passage:
    """An exchange as it is recorded; `line` is that of its request, `masked` where secrets were in it.

    `left_at` is the wall clock, the other times are seconds since then.
    """

    line: int
    opened: ExchangeOpened
    left_at: datetime
    masked: dict[str, Any]
    head: ResponseHead | None = None
    head_at: float | None = None
    reads: list[Read] = field(default_factory=list)
    ended: ExchangeEnded | None = None
    ended_at: float | None = None

    @property
    def number(self) -> int:
        """The number of the exchange."""
        return self.opened.exchange

    @property
    def request(self) -> Request:
        """The request as it left."""
        return self.opened.request

    @property
    def body(self) -> bytes:
        """The response body as it came over the wire."""
        return b"".join(read.wire.data for read in self.reads)

    @property
    def last_at(self) -> float:
        """When the last of it came."""
        return max((self.ended_at or 0.0, self.head_at or 0.0, *(read.at for read in self.reads)))


def passages(recording: RecordingFile, *, with_reads: bool = True) -> Iterator[Passage]:
    """Each exchange, in the order of the requests, as soon as it is over. Raises UnusableFile.

    Without reads a recording of any size takes no more memory than its longest request.
    """
    clock = _WallClock(recording.header.created)
    passage: Passage | None = None
    began = 0.0
    for entry in recording.entries:
        match entry.event:
            case ExchangeOpened() as opened:
                if passage is not None:
                    yield passage
                began = entry.at
                passage = Passage(entry.line, opened, clock.at(entry.at), _masked(entry))
            case (ResponseHead() | BytesRead() | ExchangeEnded()) as wire if (
                passage and wire.exchange == passage.number
            ):
                if with_reads or not isinstance(wire, BytesRead):
                    _take(passage, max(entry.at - began, 0.0), wire)
            case None if entry.kind == "resumed":
                clock.resumed(entry)
            case _:
                pass
    if passage is not None:
        yield passage


def _take(passage: Passage, at: float, wire: ResponseHead | BytesRead | ExchangeEnded) -> None:
    match wire:
        case ResponseHead():
            passage.head, passage.head_at = wire, at
        case BytesRead():
            passage.reads.append(Read(at, wire))
        case ExchangeEnded():
            passage.ended, passage.ended_at = wire, at


def _masked(entry: Entry) -> dict[str, Any]:
    masked = entry.members.get("masked")
    return masked if isinstance(masked, dict) else {}


class _WallClock:
    """What time it was. A recording that nobody vouches for may name any; then it is that of the epoch."""

    def __init__(self, created: str) -> None:
        self._start = _moment(created) or datetime.fromtimestamp(0, UTC)
        self._since = 0.0

    def resumed(self, entry: Entry) -> None:
        """The session was gone on with: its clock starts anew."""
        moment = _moment(entry.members.get("at"))
        if moment is not None:
            self._start, self._since = moment, entry.at

    def at(self, seconds: float) -> datetime:
        """The wall clock at this time of the recording."""
        try:
            return self._start + timedelta(seconds=seconds - self._since)
        except OverflowError:
            return self._start


def _moment(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
