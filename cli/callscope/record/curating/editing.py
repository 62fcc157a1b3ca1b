"""Making a recording from some of the lines of another, so that it is whole again.

Knows what depends on what went before: the number of an exchange, the identity of a call, the body of a request, what a
rewind cuts back to, hashes, `assembled` lines and times. All of that is made anew where it has to be, and stays as it
was recorded where it need not. Pure: must not know files, nor which lines somebody wants.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from callscope.core.events import (
    BreakRequested,
    BytesRead,
    Diagnostic,
    ExchangeEnded,
    ExchangeOpened,
    Rewound,
    UserMessage,
)
from callscope.core.ports import Prepared
from callscope.core.values import Message, Request
from callscope.record.deriving.deriving import DialectNamed
from callscope.record.file.assembling import Assembling
from callscope.record.file.format import Line, encode_line, encode_read, line_of
from callscope.record.file.parsing import event_of
from callscope.record.file.reading import Entry, Recorded

from .requesting import asked_anew
from .walking import Owner, Walk


@dataclass(frozen=True, slots=True)
class Origin:
    """A recording before anything in it is changed, and what of it depends on what went before.

    `stays` says for the line of a rewind the last item that it leaves; `prepared` for the line of a request what it was
    made as, without the body where the line has the same one; `meant` for the line of a break the message of the person
    that comes next; `said` are the messages of the person that the conversation holds in the end.
    """

    recording: Recorded
    dialects: DialectNamed | None = None
    stays: dict[int, Owner] = field(default_factory=dict)
    prepared: dict[int, Request | None] = field(default_factory=dict)
    meant: dict[int, Owner] = field(default_factory=dict)
    said: tuple[Owner, ...] = ()

    @property
    def path(self) -> Path:
        """The file."""
        return self.recording.path

    @property
    def entries(self) -> Iterable[Entry]:
        """Its lines behind the header, read anew where they are not in memory."""
        return self.recording.entries


def origin_of(recording: Recorded, dialects: DialectNamed | None = None) -> Origin:
    """Go through a recording once. Raises UnusableFile."""
    walk = Walk(recording.path, dialects)
    origin = Origin(recording, dialects)
    breaks: list[int] = []
    for entry in recording.entries:
        match entry.event:
            case None:
                continue
            case Rewound(to=to):
                left = walk.owners[: max(0, to)]
                origin.stays[entry.line] = left[-1] if left else (0, 0)
            case ExchangeOpened(exchange=exchange, request=request) if exchange:
                origin.prepared[entry.line] = _without_same_body(walk.request(), request)
            case BreakRequested():
                breaks.append(entry.line)
            case UserMessage():
                origin.meant.update(dict.fromkeys(breaks, (entry.line, 0)))
                breaks.clear()
            case _:
                pass
        walk.take(entry.line, entry.event)
    items = zip(walk.conversation.items, walk.owners, strict=True)
    said = tuple(owner for item, owner in items if isinstance(item, Message) and item.role == "user")
    return replace(origin, said=said)


def _without_same_body(prepared: Prepared | None, recorded: Request) -> Request | None:
    """The bodies of all requests together are most of a long recording."""
    if prepared is None:
        return None
    request = prepared.request
    return replace(request, body=b"") if request.body == recorded.body else request


def recast(origin: Origin, entries: Iterable[Entry], *, rehash: bool = False) -> Iterator[bytes]:
    """The lines behind the header of a recording with these entries, which keep the line numbers of their origin.

    `rehash`: the bytes of responses were changed on purpose, so that sizes, hashes and `assembled` lines are new.
    """
    recasting = _Recasting(origin, rehash)
    clock = _Clock(origin.entries)
    for entry in entries:
        t = clock.time(entry)
        for line in recasting.take(entry):
            yield encode_read(t, line) if isinstance(line, BytesRead) else encode_line({"t": t} | line)


class _Clock:
    """Times without those of the lines that were left out: what follows them comes when they came."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._all = iter(entries)
        self._start = self._left_out = 0.0

    def time(self, entry: Entry) -> float:
        """Seconds since the header or the last `resumed` line."""
        first = there = next(self._all)
        while there.line != entry.line:
            there = next(self._all)
        if first is not there:
            self._left_out += max(0.0, entry.at - first.at)
        if entry.kind == "resumed":
            own = float(entry.members["t"])
            self._start, self._left_out = entry.at - own, 0.0
            return own
        return round(entry.at - self._start - self._left_out, 6)


class _Recasting:
    """Entries in, lines out."""

    def __init__(self, origin: Origin, rehash: bool) -> None:
        self._origin = origin
        self._rehash = rehash
        self._walk = Walk(origin.path, origin.dialects)
        self._numbers: dict[int, int] = {}
        self._assembling: Assembling | None = None
        self._digest: Any = sha256()
        self._size = 0
        self._retold = False

    def take(self, entry: Entry) -> Iterable[Line | BytesRead]:
        """The lines that an entry becomes: as a rule one."""
        event, line = entry.event, _without_time(entry.members)
        retold, self._retold = self._retold, False
        match event:
            case BytesRead():
                return self._read(entry.line, event)
            case ExchangeOpened() if event.exchange:
                return self._request(entry, event, line)
            case ExchangeOpened():
                self._assembling, self._digest, self._size = None, sha256(), 0
            case ExchangeEnded() if self._rehash:
                line |= {"bytes": self._size, "sha256": self._digest.hexdigest()}
            case Rewound():
                return self._rewind(entry.line, line)
            case Diagnostic() if retold:
                self._retold = True
                return ()  # it was said of another request
            case None:
                return self._without_event(entry, line)
            case _:
                pass
        return self._passed(entry.line, renumbered(line, self._numbers))

    def _passed(self, number: int, line: Line) -> Iterable[Line]:
        event = event_of(line)
        assert event is not None
        decoded = self._walk.take(number, event)
        if self._assembling is not None:
            self._assembling.feed(decoded)
        return (line,)

    def _read(self, number: int, event: BytesRead) -> Iterable[BytesRead]:
        event = replace(event, exchange=self._numbers.get(event.exchange, event.exchange))
        self._digest.update(event.data)
        self._size += len(event.data)
        decoded = self._walk.take(number, event)
        if self._assembling is not None:
            self._assembling.feed(decoded)
        return (event,)

    def _request(self, entry: Entry, event: ExchangeOpened, line: Line) -> Iterable[Line]:
        number = self._walk.conversation.exchange + 1
        self._numbers[event.exchange] = number
        self._assembling, self._digest, self._size = Assembling(number), sha256(), 0
        before, now = self._origin.prepared[entry.line], self._walk.request()
        before = replace(before, body=before.body or event.request.body) if before else None
        line |= {"exchange": number}
        if before is None or now is None or before == now.request:
            return self._passed(entry.line, line)
        self._retold = True
        said = (line_of(diagnostic) for diagnostic in now.diagnostics)
        return (*self._passed(entry.line, asked_anew(line, event.request, before, now.request)), *said)

    def _rewind(self, number: int, line: Line) -> Iterable[Line]:
        """Cut back to what is there of the items that it left; one that would take nothing away is left out."""
        stays = self._origin.stays[number]
        to = sum(owner <= stays for owner in self._walk.owners)
        if to == len(self._walk.owners) and self._walk.owners and line["to"]:
            return ()
        return self._passed(number, line | {"to": to})

    def _without_event(self, entry: Entry, line: Line) -> Iterable[Line]:
        recorded = line.get("exchange")
        if entry.kind != "assembled" or not isinstance(recorded, int):
            return (renumbered(line, self._numbers),)
        if not self._rehash and self._numbers.get(recorded, recorded) == recorded:
            return (line,)
        derived = self._assembling.line if self._assembling else None
        return (derived,) if derived else ()


def _without_time(line: Line) -> Line:
    return {name: value for name, value in line.items() if name != "t"}


def renumbered(line: Line, numbers: dict[int, int]) -> Line:
    """The line with the new numbers of exchanges; what has none keeps its own."""
    changed = dict(line)
    if line.get("kind") == "insert":
        changed["items"] = [_renumbered_item(item, numbers) for item in line["items"]]
    elif type(number := line.get("exchange")) is int:
        changed["exchange"] = numbers.get(number, number)
    return _with_call(changed, numbers)


def _renumbered_item(item: Line, numbers: dict[int, int]) -> Line:
    changed = _with_call(dict(item), numbers)
    if type(response := item.get("response")) is int:
        changed["response"] = numbers.get(response, response)
    return changed


def _with_call(line: Line, numbers: dict[int, int]) -> Line:
    if isinstance(call := line.get("call"), list) and len(call) == 2 and type(call[0]) is int:
        line["call"] = [numbers.get(call[0], call[0]), call[1]]
    return line
