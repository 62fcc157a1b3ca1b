"""Masking more in a recording that is there: the same number of bytes, the places listed, hashes and `assembled` anew.

Knows how each line is masked again. The bytes of a response go through the guard of a live session once more, so that
a secret is found over reads, deltas and escapes as it would have been then. Must not know files, nor which values.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from callscope.core.errors import UsageError
from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, ResponseHead
from callscope.core.ports import Arrival
from callscope.record.deriving.deriving import Deriving, DialectNamed
from callscope.record.file.assembling import Assembling
from callscope.record.file.format import Line, encode_line, encode_read
from callscope.record.file.parsing import event_of
from callscope.record.file.reading import Entry, Recorded
from callscope.record.file.writing import header_of
from callscope.record.matching.pointing import Step, at_path
from callscope.record.secrets.concealing import concealed, concealed_read
from callscope.record.secrets.guard import SecretGuard
from callscope.record.secrets.masking import SHORTEST, Secrets
from callscope.record.secrets.scanning import merged

DOCUMENTS = frozenset(("arguments", "output", "body", "text", "proposed", "content"))
"""Members whose text may be JSON itself, in which a path is looked for, too."""


def redacted(recording: Recorded, secrets: Secrets, dialects: DialectNamed | None = None) -> Iterator[bytes]:
    """The lines behind the header, without these secrets. Raises UnusableFile."""
    clock = _Clock()
    redoing = _Redoing(Deriving(recording.path, dialects), secrets)
    masked = _masked_reads(recording, Deriving(recording.path, dialects), SecretGuard(secrets))
    for entry in masked:
        t = clock.time(entry)
        line = redoing.line(entry)
        yield encode_read(t, line) if isinstance(line, BytesRead) else encode_line({"t": t} | line)


def redacted_header(path: Path, secrets: Secrets, *, parent: bool) -> bytes:
    """The header of the new recording; `parent`: it names this one."""
    header = json.loads(header_of(path, parent=parent))
    return encode_line({name: value for name, value in concealed(header, secrets).items() if name != "masked"})


def values_at(recording: Recorded, paths: Iterable[tuple[Step, ...]]) -> set[str]:
    """What stands at these paths: in a line, or in the JSON of arguments, results, bodies and words of it.

    Raises UsageError where it is no text, or so short that any word may be the same.
    """
    steps = list(paths)
    found: set[str] = set()
    for entry in recording.entries:
        for document in _documents(entry.members) if entry.members else ():
            for path in steps:
                for value in at_path(document, path):
                    found.update(_texts(value, entry.line))
    return found


def _documents(line: Line) -> Iterator[Any]:
    yield line
    waiting: list[Any] = [line]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
            for name in DOCUMENTS & value.keys():
                if isinstance(text := value[name], str) and isinstance(parsed := _parsed(text), dict | list):
                    yield parsed
                    waiting.append(parsed)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _texts(value: Any, line: int) -> Iterator[str]:
    match value:
        case str() if len(value.strip()) >= SHORTEST:
            yield value
        case str() if not value.strip("* "):
            return
        case dict():
            for inner in value.values():
                yield from _texts(inner, line)
        case list():
            for inner in value:
                yield from _texts(inner, line)
        case None:
            return
        case str():
            raise UsageError(
                f"Line {line}: the text at the path has fewer than {SHORTEST} characters, as any word may have; masked "
                "everywhere it would tear the recording up. Nothing was written."
            )
        case _:
            raise UsageError(
                f"Line {line}: at the path is a number or true or false; asterisks in its place would be no JSON. "
                "Nothing was written."
            )


@dataclass(slots=True)
class _Clock:
    """The time as it stands in the line: a read has it only since the beginning."""

    start: float = 0.0

    def time(self, entry: Entry) -> float:
        if entry.kind != "read":
            own = float(entry.members["t"])
            if entry.kind == "resumed":
                self.start = entry.at - own
            return own
        return round(entry.at - self.start, 6)


def _masked_reads(recording: Recorded, deriving: Deriving, guard: SecretGuard) -> Iterator[Entry]:
    """All entries in order, what has to be masked marked in the reads."""
    waiting: deque[Entry] = deque()
    for entry in recording.entries:
        event = entry.event
        waiting.append(entry)
        if isinstance(event, ExchangeOpened | ResponseHead | BytesRead | ExchangeEnded):
            passed = deque(guard.feed(Arrival(entry.at, event, deriving.decode(event))))
        elif event is not None:
            deriving.decode(event)
            passed = deque()
        else:
            passed = deque()
        yield from _let_go(waiting, passed)
    yield from waiting


def _let_go(waiting: deque[Entry], passed: deque[Arrival]) -> Iterator[Entry]:
    """The entries up to the first read that still waits."""
    while waiting:
        event = waiting[0].event
        if isinstance(event, ExchangeOpened | ResponseHead | BytesRead | ExchangeEnded):
            if not passed:
                return
            wire = passed.popleft().wire
            entry = waiting.popleft()
            yield entry._replace(event=wire) if isinstance(wire, BytesRead) else entry
        else:
            yield waiting.popleft()


@dataclass(slots=True)
class _Redoing:
    """Entries in, masked lines out."""

    deriving: Deriving
    secrets: Secrets
    assembling: Assembling | None = None
    digest: Any = field(default_factory=sha256)
    size: int = 0

    def line(self, entry: Entry) -> Line | BytesRead:
        event = entry.event
        if isinstance(event, BytesRead):
            read = concealed_read(event)
            self.digest.update(read.data)
            self.size += len(read.data)
            self._derive(read)
            return read
        line = {name: value for name, value in entry.members.items() if name not in ("t", "masked")}
        if entry.kind == "assembled" and self.assembling is not None and self.assembling.line is not None:
            return self.assembling.line
        line = _with_masks(concealed(line, self.secrets), entry.members.get("masked"))
        if isinstance(event, ExchangeOpened):
            self.digest, self.size = sha256(), 0
            self.assembling = Assembling(event.exchange) if event.exchange else None
        elif isinstance(event, ExchangeEnded):
            line |= {"bytes": self.size, "sha256": self.digest.hexdigest()}
        if event is not None:
            self._derive(event_of(line) or event)
        return line

    def _derive(self, event: Any) -> None:
        decoded = self.deriving.decode(event)
        if self.assembling is not None:
            self.assembling.feed(decoded)


def _with_masks(line: Line, before: Any) -> Line:
    """The line with the places that were masked before listed beside the new ones."""
    if not isinstance(before, dict) or not before:
        return line
    now: dict[str, Any] = line.get("masked", {})
    both = {path: _joined(now.get(path, []), before.get(path, [])) for path in {**before, **now}}
    return line | {"masked": both}


def _joined(some: Any, others: Any) -> Any:
    listed = [span for spans in (some, others) if isinstance(spans, list) for span in spans]
    spans = [span for span in listed if isinstance(span, list) and all(type(part) is int for part in span)]
    if all(len(span) == 2 for span in spans):
        return [[start, end - start] for start, end in merged((start, start + length) for start, length in spans)]
    return [list(span) for span in sorted(set(map(tuple, spans)))]
