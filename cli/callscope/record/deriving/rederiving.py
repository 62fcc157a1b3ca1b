"""Deriving a session again from its recording: truth from the lines, everything else from the recorded bytes.

Knows what in a recording is derived: `assembled` lines, and the size and hash of each exchange's bytes. The stream that
`derive` gives is the one that the session gave, so the same views show it. Must not change a file, but for `accept`,
which writes newly derived lines after a decoder was mended.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from callscope.core.errors import UnusableFile
from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, PeerEvent, Stamped
from callscope.core.state import Conversation, apply
from callscope.record.file.appending import LineFile, reason
from callscope.record.file.assembling import Assembling, as_written
from callscope.record.file.format import Line, RecordedEvent, encode_line
from callscope.record.file.reading import Entry, Recorded, RecordingFile
from callscope.record.matching.matching import ABSENT, Mismatch, mismatch
from callscope.version import VERSION

from .deriving import Deriving, DialectNamed
from .likeness import differs_in_diagnostics_alone, said_more, unlike
from .repeated import Again, Repeated

Watch = Callable[[Entry, Sequence[PeerEvent]], None]

REPEATED = "$.kind"
"""The path of a difference that is a whole line: the exchange has one of its kind already."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a recording says other than its bytes: the line of the file, the JSON path in it, and both sides.

    `further` are the next places of the same line, a few of them. `later`: another version wrote the line, and nothing
    but what is said of the answer differs, which is no damage; `more` are the codes that are said today and were not.
    """

    exchange: int
    line: int
    path: str
    recorded: Any
    derived: Any
    further: tuple[Mismatch, ...] = ()
    later: bool = False
    more: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.path == REPEATED:
            return (
                f"exchange {self.exchange}, line {self.line}: a second `{self.recorded}`, where there can be only one"
            )
        return f"exchange {self.exchange}, line {self.line}, {self.path}: {self.recorded!r} is now {self.derived!r}"

    @property
    def notice(self) -> str:
        """What a person is told of one that is no damage; nothing in it is the recording's own."""
        named = f": also {', '.join(f'`{code}`' for code in self.more)}" if self.more else ""
        return (
            f"line {self.line}: another version wrote what exchange {self.exchange} came to, and this one says other "
            f"things of the same bytes{named}; replay --accept writes them down"
        )


@dataclass(slots=True)
class _Exchange:
    """One exchange while its lines pass."""

    number: int
    assembling: Assembling
    digest: Any
    size: int = 0
    end: Entry | None = None
    program: str = ""  # the version that wrote its line
    parted: bool = False  # it assembles by itself what somebody else's conversation does not hold

    def hear(self, decoded: Sequence[PeerEvent], conversation: Conversation | None) -> None:
        """Take what was decoded, and what a conversation has come to that is kept all the same."""
        if conversation is None or self.parted:
            self.assembling.feed(decoded)
        else:
            self.assembling.hear(decoded, conversation)


def derive(
    recording: Recorded, dialects: DialectNamed | None = None, found: list[Difference] | None = None
) -> Iterator[Stamped]:
    """The whole stream of the session again, with the recorded times (seconds since the header).

    Differences go into `found` on the way, so that whoever shows a recording and checks it decodes it once.
    """
    if found is not None:
        for stamped, _ in derive_conversation(recording, found, dialects):
            yield stamped
        return
    deriving = Deriving(recording.path, dialects)
    seq = 0
    for entry in recording.entries:
        for event in () if entry.event is None else deriving.feed(entry.event):
            seq += 1
            yield Stamped(seq, entry.at, event)


def derive_conversation(
    recording: Recorded, found: list[Difference], dialects: DialectNamed | None = None
) -> Iterator[tuple[Stamped, Conversation]]:
    """The same stream, and the conversation after each event; `found` has the differences when it has ended."""
    deriving = Deriving(recording.path, dialects)
    exchanges = _Exchanges(recording.header.program)
    repeated = Repeated()
    conversation = Conversation()
    seq = 0
    for entry in recording.entries:
        event, at = entry.event, entry.at
        repeated.take(entry)
        decoded: Sequence[PeerEvent] = ()
        if event is not None:
            decoded = deriving.decode(event)
            before, conversation = conversation, apply(conversation, event)
            if conversation is not before:
                exchanges.follow(event, before, conversation)
            seq += 1
            yield Stamped(seq, at, event), conversation
            for each in decoded:
                conversation = apply(conversation, each)
                seq += 1
                yield Stamped(seq, at, each), conversation
        for ended in exchanges.take(entry, decoded, conversation):
            found += _differences(*ended)
    for ended in exchanges.close():
        found += _differences(*ended)
    found += map(_once_more, repeated.found)


def differences(
    recording: Recorded, dialects: DialectNamed | None = None, watch: Watch | None = None
) -> Iterator[Difference]:
    """All differences; of one exchange what was said comes before the bytes it was said in, because it says more.

    `watch` sees each line on the way, with what the decoder made of it.
    """
    repeated = Repeated()

    def look(entry: Entry, decoded: Sequence[PeerEvent]) -> None:
        repeated.take(entry)
        if watch is not None:
            watch(entry, decoded)

    for exchange, entry in _exchanges(recording, dialects, look):
        yield from _differences(exchange, entry)
    yield from map(_once_more, repeated.found)


def _once_more(again: Again) -> Difference:
    return Difference(again.exchange, again.line, REPEATED, again.kind, ABSENT)


def _differences(exchange: _Exchange, entry: Entry | None) -> Iterator[Difference]:
    if entry is not None:
        yield from _differences_of_line(exchange, entry)
    yield from _differences_of_bytes(exchange)


def _differences_of_line(exchange: _Exchange, entry: Entry) -> Iterator[Difference]:
    derived = exchange.assembling.line or {}
    members = {name: value for name, value in entry.members.items() if name != "t"}
    if not (found := unlike(members, derived)):
        return
    first, further = found[0], found[1:]
    later = exchange.program != VERSION and differs_in_diagnostics_alone(members, derived)
    more = said_more(members, derived) if later else ()
    yield Difference(exchange.number, entry.line, first.path, first.recorded, first.now, further, later, more)


def accept(path: Path, dialects: DialectNamed | None = None) -> int:
    """Write newly derived `assembled` lines in place of the recorded ones, all or none; gives how many changed.

    No other line changes by a byte: a hash that does not fit its bytes stays a difference.
    """
    lock = LineFile.open(path)
    try:
        recording = RecordingFile(path)
        replaced: dict[int, bytes] = {}
        for exchange, entry in _exchanges(recording, dialects):
            derived = exchange.assembling.line if entry else None
            if entry and derived and mismatch(entry.members, {"t": entry.members["t"]} | as_written(derived)):
                replaced[entry.line] = encode_line({"t": entry.members["t"]} | derived)
        if replaced:
            _rewrite(path, replaced)
        return len(replaced)
    finally:
        lock.close()


def _exchanges(
    recording: Recorded, dialects: DialectNamed | None, watch: Watch | None = None
) -> Iterator[tuple[_Exchange, Entry | None]]:
    """Each ended exchange, with its `assembled` line where it has one."""
    deriving = Deriving(recording.path, dialects)
    exchanges = _Exchanges(recording.header.program)
    for entry in recording.entries:
        decoded = () if entry.event is None else deriving.decode(entry.event)
        if watch is not None:
            watch(entry, decoded)
        yield from exchanges.take(entry, decoded)
    yield from exchanges.close()


class _Exchanges:
    """Entries in, ended exchanges out, each with its `assembled` line where it has one."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._exchange: _Exchange | None = None

    def take(
        self, entry: Entry, decoded: Sequence[PeerEvent], conversation: Conversation | None = None
    ) -> Sequence[tuple[_Exchange, Entry | None]]:
        """Take an entry, what was decoded from it, and the conversation after that where somebody keeps one."""
        exchange = self._exchange
        if exchange is not None:
            if isinstance(entry.event, BytesRead):
                exchange.hear(decoded, conversation)
                exchange.digest.update(entry.event.data)
                exchange.size += len(entry.event.data)
                return ()
            if entry.kind == "assembled" and exchange.end is not None:
                self._exchange, exchange.program = None, self._program
                return ((exchange, entry),)
        if entry.kind == "resumed":
            self._program = str(entry.members.get("program", ""))
        ended = self.close() if isinstance(entry.event, ExchangeOpened) else ()
        if isinstance(entry.event, ExchangeOpened):
            self._exchange = _Exchange(entry.event.exchange, Assembling(entry.event.exchange), sha256())
        elif exchange is not None:
            exchange.hear(decoded, conversation)
            if isinstance(entry.event, ExchangeEnded):
                exchange.end = entry
        return ended

    def follow(self, event: RecordedEvent, before: Conversation, after: Conversation) -> None:
        """Take note of a line that changed the conversation: in the middle of an answer none does, of any session.

        Where one does all the same, the answer is what its bytes say, and no longer in the conversation.
        """
        exchange = self._exchange
        if exchange is None or exchange.parted or isinstance(event, ExchangeOpened):
            return
        unnumbered = before.response is None and before.exchange != after.exchange
        if unnumbered or before.response is not after.response:
            exchange.parted = True
            exchange.assembling.part(before)

    def close(self) -> Sequence[tuple[_Exchange, Entry | None]]:
        """Give the exchange that ended without an `assembled` line."""
        exchange, self._exchange = self._exchange, None
        return ((exchange, None),) if exchange is not None and exchange.end is not None else ()


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
