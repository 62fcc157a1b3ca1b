"""The body of a recorded response as one text, and the reads that come of it when bytes are taken out.

Knows which byte came in which read, and which are masked. Must not know protocols: a part is a part of the bytes.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby
from typing import Any

from callscope.core.events import BytesRead
from callscope.core.json_text import json_text
from callscope.record.file.reading import Entry

_FRAME = re.compile(rb".*?(?:\r\n\r\n|\n\n|\r\r|\Z)", re.DOTALL)
_LINE = re.compile(rb"[^\n]*\n|[^\n]+\Z")
_OBJECT = re.compile(rb"(?P<before>(?:[a-z]+: ?)?)(?P<json>\{.*\})(?P<after>\s*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """A run of bytes, with the number of the line of the read that each came in; `masked` is 1 where a secret was."""

    data: bytes
    lines: array[int]
    masked: bytes

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, place: slice) -> Part:
        return Part(self.data[place], self.lines[place], self.masked[place])


def body_of(reads: Sequence[Entry]) -> Part:
    """The whole body of these reads."""
    data, lines, masked = bytearray(), array("I"), bytearray()
    for entry in reads:
        event = entry.event
        assert isinstance(event, BytesRead)
        data += event.data
        lines.extend(array("I", [entry.line]) * len(event.data))
        stars = bytearray(len(event.data))
        for start, end in event.masked:
            stars[start:end] = b"\1" * (min(end, len(stars)) - start)
        masked += stars
    return Part(bytes(data), lines, bytes(masked))


def frames(body: Part) -> list[Part]:
    """The body between its blank lines; where there are none, its lines."""
    for pattern in (_FRAME, _LINE):
        found = [body[place.start() : place.end()] for place in pattern.finditer(body.data) if place[0]]
        if len(found) > 1:
            return found
    return [body] if body.data else []


def reads_of(parts: Sequence[Part], reads: Sequence[Entry]) -> list[Entry]:
    """The reads with the bytes of these parts alone; one that has none any more is gone."""
    entries = {entry.line: entry for entry in reads}
    data = b"".join(part.data for part in parts)
    lines = chain.from_iterable(part.lines for part in parts)
    masked = b"".join(part.masked for part in parts)
    made: list[Entry] = []
    at = 0
    for line, run in groupby(lines):
        size = sum(1 for _ in run)
        event = entries[line].event
        assert isinstance(event, BytesRead)
        piece = data[at : at + size]
        if piece != event.data:
            event = replace(event, data=piece, masked=tuple(_spans(masked[at : at + size])), cuts=())
        made.append(entries[line]._replace(event=event))
        at += size
    return made


def _spans(masked: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    for star, run in groupby(masked):
        size = sum(1 for _ in run)
        if star:
            yield at, at + size
        at += size


def in_one_read(body: Part) -> Part:
    """The body as if all of it had come in its first read."""
    return replace(body, lines=body.lines[:1] * len(body.lines))


def simpler(frame: Part) -> Iterator[Part]:
    """The frame with one member of its JSON less, the outermost first, then with one element less."""
    found = _OBJECT.fullmatch(frame.data)
    if found is None or any(frame.masked):
        return
    try:
        value = json.loads(found["json"])
    except (ValueError, RecursionError):
        return
    for smaller in _smaller(value):
        data = found["before"] + json_text(smaller).encode("utf-8", "surrogatepass") + found["after"]
        if len(data) < len(frame.data):
            yield Part(data, frame.lines[:1] * len(data), bytes(len(data)))


def _smaller(value: Any) -> Iterator[Any]:
    match value:
        case dict():
            for name in value:
                yield {other: value[other] for other in value if other != name}
            for name, member in value.items():
                for smaller in _smaller(member):
                    yield value | {name: smaller}
        case list():
            for place in range(len(value)):
                yield value[:place] + value[place + 1 :]
            for place, element in enumerate(value):
                for smaller in _smaller(element):
                    yield [*value[:place], smaller, *value[place + 1 :]]
        case str() if len(value) > 1:
            yield ""
            yield value[: len(value) // 2]
            yield value[len(value) // 2 :]
        case _:
            pass
