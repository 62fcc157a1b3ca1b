"""A recording up to one of the person's turns: what happened later did not happen in it.

Knows where a turn ends. The lines are copied byte for byte; only where the person's message stands in an `insert`, with
which a recording begins in mid-conversation, is that line made anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from callscope.core.events import Continued, ItemsInserted, Rewound, TurnEnded, UserMessage
from callscope.core.values import Message
from callscope.record.deriving.deriving import DialectNamed
from callscope.record.file.format import encode_line
from callscope.record.file.reading import Entry, RecordingFile
from callscope.record.file.writing import write_beside

from .editing import origin_of
from .trimming import keep_items, spoken
from .walking import Owner


def fork(
    path: Path, at: int | None = None, *, output: Path | None = None, dialects: DialectNamed | None = None
) -> Path:
    """Write a recording of everything up to turn `at` (0: before the first; None: all), counted as `/history` counts.

    Gives its path. Raises UsageError where there is no such turn, UnusableFile where it cannot be read or written.
    """
    recording = RecordingFile(path)
    if at is None:
        last = max((entry.line for entry in recording.entries), default=1)
        return write_beside(path, _copied(path, last), output)
    origin = origin_of(recording, dialects)
    if at == 0:
        return write_beside(path, _copied(path, _last_before_words(origin.entries)), output)
    line, place = origin.said[spoken(origin, {at})[0] - 1]
    entry = next(entry for entry in origin.entries if entry.line == line)
    if isinstance(entry.event, ItemsInserted) and (later := _next_message(entry.event, place)) is not None:
        return write_beside(path, _cut_short(path, entry, later), output)
    return write_beside(path, _copied(path, _end_of_turn(origin.entries, (line, place))), output)


def _copied(path: Path, last: int) -> Iterator[bytes]:
    """The lines behind the header up to this one, as they stand in the file."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if number > last:
                return
            if number > 1:
                yield line


def _cut_short(path: Path, entry: Entry, size: int) -> Iterator[bytes]:
    yield from _copied(path, entry.line - 1)
    yield encode_line(keep_items(entry, range(size)).members)


def _next_message(event: ItemsInserted, place: int) -> int | None:
    later = (
        number
        for number, item in enumerate(event.items)
        if number > place and isinstance(item, Message) and item.role == "user"
    )
    return next(later, None)


def _end_of_turn(entries: Iterable[Entry], said: Owner) -> int:
    """The last line of the turn that these words began; what the person did after it is not a part of it."""
    end = last = said[0]
    ended = False
    for entry in entries:
        if entry.line <= said[0]:
            ended = isinstance(entry.event, ItemsInserted)
            continue
        if isinstance(entry.event, UserMessage | Rewound | ItemsInserted) and (ended or _speaks(entry)):
            break
        last = entry.line
        if isinstance(entry.event, TurnEnded):
            end, ended = entry.line, True
        elif isinstance(entry.event, Continued):
            ended = False
    return end if ended else last


def _speaks(entry: Entry) -> bool:
    return isinstance(entry.event, UserMessage)


def _last_before_words(entries: Iterable[Entry]) -> int:
    """The last line before the person says anything."""
    last = 1
    for entry in entries:
        if isinstance(entry.event, UserMessage | Continued | ItemsInserted):
            break
        last = entry.line
    return last
