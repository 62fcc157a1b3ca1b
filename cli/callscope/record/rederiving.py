"""Deriving a session again from its recording: truth from the lines, everything else from the recorded bytes.

Knows what in a recording is derived: `assembled` lines, and the size and hash of each exchange's bytes. The stream that
`derive` gives is the one that the session gave, so the same views show it. Must not change a file, but for `accept`,
which writes newly derived lines after a decoder was mended.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from callscope.core.errors import UnusableFile
from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, PeerEvent, Stamped

from .appending import LineFile, reason
from .assembling import as_written, assembled_from
from .deriving import Deriving, DialectNamed
from .format import Line, encode_line
from .matching import mismatch
from .reading import Entry, Recording, open_recording


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a recording says other than its bytes: the line of the file, the JSON path in it, and both sides."""

    exchange: int
    line: int
    path: str
    recorded: Any
    derived: Any

    def __str__(self) -> str:
        return f"exchange {self.exchange}, line {self.line}, {self.path}: {self.recorded!r} is now {self.derived!r}"


@dataclass(slots=True)
class _Exchange:
    """One exchange while its lines pass."""

    number: int
    events: list[PeerEvent]
    digest: Any
    size: int = 0
    end: Entry | None = None


def derive(recording: Recording, dialects: DialectNamed | None = None) -> Iterator[Stamped]:
    """The whole stream of the session again, with the recorded times (seconds since the header)."""
    deriving = Deriving(recording.path, dialects)
    seq = 0
    for _, at, _, _, event in recording.entries:
        if event is None:
            continue
        seq += 1
        yield Stamped(seq, at, event)
        for decoded in deriving.decode(event):
            seq += 1
            yield Stamped(seq, at, decoded)


def verify(recording: Recording, dialects: DialectNamed | None = None) -> Difference | None:
    """The first difference; None where every derived line is what the bytes give."""
    return next(differences(recording, dialects), None)


def differences(recording: Recording, dialects: DialectNamed | None = None) -> Iterator[Difference]:
    """All differences; of one exchange what was said comes before the bytes it was said in, because it says more."""
    for exchange, entry in _exchanges(recording, dialects):
        if entry is not None:
            derived = assembled_from(exchange.number, exchange.events)
            members = {name: value for name, value in entry.members.items() if name != "t"}
            if found := mismatch(members, as_written(derived) if derived else {}):
                yield Difference(exchange.number, entry.line, found.path, found.recorded, found.now)
        yield from _differences_of_bytes(exchange)


def accept(path: Path, dialects: DialectNamed | None = None) -> int:
    """Write newly derived `assembled` lines in place of the recorded ones, all or none; gives how many changed.

    No other line changes by a byte: a hash that does not fit its bytes stays a difference.
    """
    lock = LineFile.open(path)
    try:
        recording = open_recording(path)
        replaced: dict[int, bytes] = {}
        for exchange, entry in _exchanges(recording, dialects):
            derived = assembled_from(exchange.number, exchange.events) if entry else None
            if entry and derived and mismatch(entry.members, {"t": entry.members["t"]} | as_written(derived)):
                replaced[entry.line] = encode_line({"t": entry.members["t"]} | derived)
        if replaced:
            _rewrite(path, replaced)
        return len(replaced)
    finally:
        lock.close()


def _exchanges(recording: Recording, dialects: DialectNamed | None) -> Iterator[tuple[_Exchange, Entry | None]]:
    """Each ended exchange, with its `assembled` line where it has one."""
    deriving = Deriving(recording.path, dialects)
    exchange: _Exchange | None = None
    for entry in recording.entries:
        if entry.kind == "assembled" and exchange is not None and exchange.end is not None:
            yield exchange, entry
            exchange = None
        if entry.event is None:
            continue
        if isinstance(entry.event, ExchangeOpened):
            if exchange is not None and exchange.end is not None:
                yield exchange, None
            exchange = _Exchange(entry.event.exchange, [], sha256())
        decoded = deriving.decode(entry.event)
        if exchange is not None:
            _collect(exchange, entry, decoded)
    if exchange is not None and exchange.end is not None:
        yield exchange, None


def _collect(exchange: _Exchange, entry: Entry, decoded: Sequence[PeerEvent]) -> None:
    exchange.events += decoded
    match entry.event:
        case BytesRead(data=data):
            exchange.digest.update(data)
            exchange.size += len(data)
        case ExchangeEnded():
            exchange.end = entry
        case _:
            pass


def _differences_of_bytes(exchange: _Exchange) -> Iterator[Difference]:
    if exchange.end is None:
        return
    derived: Line = {"bytes": exchange.size, "sha256": exchange.digest.hexdigest()}
    for name, value in derived.items():
        recorded = exchange.end.members.get(name)
        if recorded != value:
            yield Difference(exchange.number, exchange.end.line, f"$.{name}", recorded, value)


def _rewrite(path: Path, replaced: dict[int, bytes]) -> None:
    """Make the new file beside the old one, and let it take its place in one step."""
    temporary: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=path.name, suffix=".new", dir=path.parent)  # mode 0600
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as new, path.open("rb") as old:
            for number, line in enumerate(old, start=1):
                new.write(replaced.get(number, line))
            new.flush()
            os.fsync(new.fileno())
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
        raise UnusableFile(f"{path} cannot be rewritten: {reason(error)}. It is as it was.") from None
