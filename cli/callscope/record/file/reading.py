"""Reading a recording that nobody vouches for: header, lines, warnings, or one clear error.

Knows files, lines and the header. Must not know what an event means. JSON only: nothing in a recording is imported,
evaluated or followed. Whatever is wrong is an UnusableFile that names the file, the line and the rule.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol, TypeAlias

from callscope.core.errors import UnusableFile

from .appending import LONGEST_LINE, reason
from .format import FORMAT, RESUMING, VERSION, Line, RecordedEvent
from .members import Members, WrongMember
from .parsing import event_of, plain_read

_READ: Line = {}
"""The members of a read: they are all in its event, and once more would double the memory."""

NOT_JSON = "is not JSON"

LONGEST_HEADER = 64 * 1024
"""Bytes: so that a foreign file is known as foreign before much of it is read."""


@dataclass(frozen=True, slots=True)
class Header:
    """The first line: when (UTC, ISO 8601) and by which version a recording was begun, and what it was made from.

    `ignore` are the JSON paths that were left out when it was compared with its parent.
    """

    created: str
    program: str
    parent: str | None = None
    ignore: tuple[str, ...] = ()


class Entry(NamedTuple):
    """One line. `at` is seconds since the header, without the time between a session and its resumption.

    `event` is None for lines that hold no event: `assembled`, `resumed`, and kinds of a later version. The members of a
    read are all in its event, and only there. `start` is the byte of the file at which the line begins.
    """

    line: int
    at: float
    kind: str
    members: Line
    event: RecordedEvent | None = None
    start: int = 0


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording as it is in its file; warnings are sentences for a person."""

    path: Path
    header: Header
    entries: tuple[Entry, ...] = ()
    warnings: tuple[str, ...] = ()


class Recorded(Protocol):
    """What can be gone through line by line: a recording in memory, or one that is read on the way."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def header(self) -> Header:
        """The first line."""

    @property
    def entries(self) -> Iterable[Entry]:
        """The lines behind the header."""


class RecordingFile:
    """A recording that is read as it is asked for, so that its size does not matter.

    `entries` reads the file from its beginning, each time anew; `warnings` are known once it came to its end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warnings: list[str] = []
        with _opened(path) as file:
            self.header = _header(path, file.readline(LONGEST_HEADER))

    @property
    def entries(self) -> Iterator[Entry]:
        """The lines behind the header. Raises UnusableFile where one of them is wrong."""
        self.warnings.clear()
        with _opened(self.path) as file:
            start = len(file.readline(LONGEST_HEADER))
            lines = _lines(self.path, self._written(file), start)
            yield from _entries(self.path, _whole(self.path, lines, self.warnings))

    def entries_from(self, start: int) -> Iterator[Entry]:
        """The lines from this byte of the file on, where one begins; their numbers and times count from there."""
        with _opened(self.path) as file:
            file.seek(start)
            yield from _entries(self.path, _whole(self.path, _lines(self.path, self._written(file), start), []))

    def _written(self, file: BinaryIO) -> Iterator[bytes]:
        """The lines as they stand in the file, none of them beyond the longest that there can be."""
        return iter(lambda: file.readline(LONGEST_LINE + 1), b"")


class _Object(NamedTuple):
    """A line that is a JSON object, not yet looked at."""

    line: int
    members: Line
    start: int


class _Broken(NamedTuple):
    """A line that is no JSON object; `resuming`: it may be the beginning of one that resumes a recording.

    `torn`: it may be the last one and cut off, for it has no end; NUL bytes are what a power cut leaves of an end.
    """

    line: int
    why: str
    resuming: bool
    torn: bool


_Line: TypeAlias = Entry | _Object | _Broken


def open_recording(path: Path) -> Recording:
    """Read a whole recording. Raises UnusableFile."""
    file = RecordingFile(path)
    entries = tuple(file.entries)
    return Recording(path, file.header, entries, tuple(file.warnings))


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with _open(path) as file:
            yield file
    except OSError as error:
        raise UnusableFile(f"{path} cannot be read: {reason(error)}.") from None


def _open(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a named pipe must not make us wait
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        what = "a directory" if stat.S_ISDIR(mode) else "no ordinary file"
        raise UnusableFile(f"{path} is no recording: it is {what}.")
    return os.fdopen(descriptor, "rb")


def _header(path: Path, raw: bytes) -> Header:
    if not raw:
        raise UnusableFile(f"{path} is empty: nothing was recorded in it.")
    line = _parse(_decoded(raw))
    if isinstance(line, str) or line.get("kind") != "header" or line.get("format") != FORMAT:
        raise UnusableFile(f"{path} is no Callscope recording: its first line is not the header of one.")
    members = Members(line)
    try:
        version = members.integer("version")
        if version > VERSION:
            raise UnusableFile(
                f"{path} was made by a newer Callscope (format {version}, this one reads up to {VERSION}): update."
            )
        created, program, parent = members.text("created"), members.text("program", ""), members.text_or_null("parent")
        return Header(created, program, parent, tuple(members.texts("ignore")))
    except WrongMember as wrong:
        raise UnusableFile(f"{path}, line 1: {wrong}.") from None


def _lines(path: Path, written: Iterable[bytes], start: int) -> Iterator[_Line]:
    number = 1  # not by enumerate, which keeps the line until the next one
    for raw in written:
        number += 1
        size = len(raw)
        if size > LONGEST_LINE:
            raise UnusableFile(f"{path}, line {number}: longer than {LONGEST_LINE:,} bytes, as no recorded line is.")
        if plain := plain_read(raw):
            yield Entry(number, plain[0], "read", _READ, plain[1], start)
        else:
            beginning, torn, text = raw[: len(RESUMING)], not raw.endswith(b"\n") or raw[-2:-1] == b"\0", _decoded(raw)
            del raw  # a line may hold an answer of megabytes: it need not be there three times while it is parsed
            line = _parse(text)
            del text
            yield (
                _Broken(number, line, _begins_resuming(beginning), torn)
                if isinstance(line, str)
                else _Object(number, line, start)
            )
        start += size


def _decoded(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def _parse(text: str | None) -> Line | str:
    """The object of a line, or why it is none; None is a line that is not UTF-8."""
    if text is None:
        return NOT_JSON
    try:
        value = json.loads(text)
    except RecursionError:
        return "is nested too deeply"
    except ValueError:  # or a number of thousands of digits
        return NOT_JSON
    return value if isinstance(value, dict) else "is not a JSON object"


def _whole(path: Path, lines: Iterable[_Line], warnings: list[str]) -> Iterator[Entry | _Object]:
    """The whole lines. One may be broken where writing was cut off: at the end, or where a session was then resumed.

    The line that resumes a torn one can be torn as well, as often as somebody tried.
    """
    broken: _Broken | None = None
    for line in lines:
        if broken is not None:
            if not _resumes(line):
                raise _refused(path, broken)
            warnings.append(_left_out(path, broken))
            broken = None
        if not isinstance(line, _Broken):
            yield line
        elif line.why == NOT_JSON:
            broken = line
        else:  # no line that was cut off is whole JSON, nor nested as deeply as that
            raise _refused(path, line)
    if broken is not None:
        if not broken.torn:
            raise _refused(path, broken, " It ends in a line feed, so it was not cut off: somebody changed it.")
        warnings.append(_left_out(path, broken))


def _refused(
    path: Path, broken: _Broken, why: str = " Only the last line of a recording may be cut off."
) -> UnusableFile:
    only = why if broken.why == NOT_JSON else ""
    return UnusableFile(f"{path}, line {broken.line}: the line {broken.why}.{only}")


def _left_out(path: Path, broken: _Broken) -> str:
    return f"{path}, line {broken.line}: cut off when the recording was stopped; it is left out."


def _begins_resuming(beginning: bytes) -> bool:
    begun = beginning.rstrip(b"\n")
    return begun == RESUMING[: len(begun)]


def _resumes(line: _Line) -> bool:
    if isinstance(line, _Broken):
        return line.resuming
    return isinstance(line, _Object) and line.members.get("kind") == "resumed"


def _entries(path: Path, read: Iterable[Entry | _Object]) -> Iterator[Entry]:
    resumed_at = latest = 0.0
    for line in read:
        if isinstance(line, Entry):
            latest = resumed_at + line.at
            yield line._replace(at=latest) if resumed_at else line
        else:
            entry = _entry(path, *line)
            if entry.kind == "resumed":
                resumed_at = latest
            latest = resumed_at + entry.at
            yield entry._replace(at=latest)


def _entry(path: Path, number: int, line: Line, start: int) -> Entry:
    """An entry with the time as it stands in the line."""
    try:
        members = Members(line)
        kind = members.text("kind")
        if kind == "header":
            raise WrongMember("a second header: these are two recordings in one file")
        return Entry(number, members.seconds("t"), kind, _READ if kind == "read" else line, event_of(line), start)
    except WrongMember as wrong:
        raise UnusableFile(f"{path}, line {number}: {wrong}.") from None
