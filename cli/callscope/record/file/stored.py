"""What of an exchange stays in the file until somebody needs it: the body of its request, and what came back.

Knows that each request of a conversation holds all that came before it, and that most are asked again as they were:
then a hash is enough. Must not know what two requests are compared for, nor who is answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import chain, takewhile
from pathlib import Path

from callscope.core.errors import UnusableFile
from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, ResponseHead
from callscope.core.values import Ending, Request

from .reading import Entry, RecordingFile


@dataclass(frozen=True, slots=True)
class StoredBody:
    """The body of the request whose line begins at byte `start` of a recording, and its hash."""

    path: Path
    start: int
    digest: bytes

    @classmethod
    def of(cls, path: Path, entry: Entry, body: bytes) -> StoredBody:
        """The body of this entry, which may be forgotten from now on."""
        return cls(path, entry.start, sha256(body).digest())

    def is_same(self, body: bytes) -> bool:
        """Whether it is this one, byte by byte; nothing is read."""
        return sha256(body).digest() == self.digest

    def read(self) -> bytes:
        """The body. Raises UnusableFile where something else stands there by now."""
        opened, _ = self.opened()
        return opened.request.body

    def opened(self) -> tuple[ExchangeOpened, Iterator[Entry]]:
        """The request, and the lines from its own on. Raises UnusableFile, as do the lines, where they have changed."""
        entries = _entries(self.path, self.start)
        first = next(entries, None)
        event = first.event if first else None
        if first is None or not isinstance(event, ExchangeOpened) or not self.is_same(event.request.body):
            raise _changed(self.path)
        return event, chain((first,), entries)


def without_body(opened: ExchangeOpened) -> ExchangeOpened:
    """The same request, its body left in the file."""
    return replace(opened, request=replace(opened.request, body=b""))


def with_body(recorded: Request, stored: StoredBody | None, now: Request) -> Request:
    """The recorded request with its body, to be compared with one of now; one that is the same is not read."""
    if stored is None:
        return recorded
    return replace(recorded, body=now.body if stored.is_same(now.body) else stored.read())


@dataclass(slots=True)
class StoredAnswer:
    """What came back to a request, each time anew from the file, with the seconds since the request had left.

    Its last line begins at byte `last` of the file; `size` is the bytes of the body, `how` its end, if it has one.
    While it is found, `take` is told of each line. Going through it raises UnusableFile where it is there no more.
    """

    request: StoredBody
    exchange: int
    last: int = 0
    size: int = 0
    how: Ending | None = None

    def take(self, entry: Entry, wire: ResponseHead | BytesRead | ExchangeEnded) -> None:
        """Know of a line that belongs to it."""
        self.last = entry.start
        if isinstance(wire, BytesRead):
            self.size += len(wire.data)
        elif isinstance(wire, ExchangeEnded):
            self.how = wire.how

    def __iter__(self) -> Iterator[tuple[float, ResponseHead | BytesRead | ExchangeEnded]]:
        _, entries = self.request.opened()
        opened_at: float | None = None
        size = last = 0
        for entry in takewhile(lambda entry: entry.start <= max(self.last, self.request.start), entries):
            opened_at = entry.at if opened_at is None else opened_at
            wire = entry.event
            if isinstance(wire, ResponseHead | BytesRead | ExchangeEnded) and wire.exchange == self.exchange:
                last = entry.start
                size += len(wire.data) if isinstance(wire, BytesRead) else 0
                yield max(entry.at - opened_at, 0.0), wire
        if (last, size) != (self.last, self.size):
            raise _changed(self.request.path)


def _entries(path: Path, start: int) -> Iterator[Entry]:
    """The lines from this byte on; what is no line of a recording has been written there since."""
    recording = RecordingFile(path)
    try:
        yield from recording.entries_from(start)
    except UnusableFile:  # its own words would count lines from here
        raise _changed(path) from None


def _changed(path: Path) -> UnusableFile:
    return UnusableFile(f"{path} has changed since it was opened: what stood in it is there no more.")
