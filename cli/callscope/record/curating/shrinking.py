"""The smallest recording that still shows something: delta debugging, offline.

Knows how to search: part after part is left out, the coarsest first, and what still shows it is kept. Every recording
that is asked about is whole: it derives from its bytes, and runs again where the original does. Must not know what is
looked for, nor screens. https://www.st.cs.uni-saarland.de/papers/tse2002/ (Zeller, Hildebrandt)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from callscope.core.errors import CallscopeError, UnusableFile
from callscope.record.deriving.deriving import DialectNamed
from callscope.record.deriving.rederiving import differences
from callscope.record.file.members import WrongMember
from callscope.record.file.reading import RecordingFile, open_recording
from callscope.record.file.writing import header_of, write_whole
from callscope.record.rerunning.rerunning import rerun

from .editing import Origin, origin_of, recast
from .reducing import PASSES, Entries, Way

LONGEST = 64_000_000
"""Bytes of a recording that is searched: its lines are in memory, at about five times their size."""

Shows = Callable[[RecordingFile], bool]
"""Whether a candidate, which is a file of its own, still shows it."""


class _NoCandidate(Exception):
    """Ends the writing of what is no recording, or none that is smaller."""


class Spent(Exception):
    """Ends the search: as much was tried, or as long, as was asked for."""


class _Written(NamedTuple):
    """A candidate in its file."""

    size: int
    lines: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Step:
    """The smallest so far: after how many runs of the check, what was left out last, and what is left."""

    runs: int
    what: str
    size: int
    lines: int


class Shrinking:
    """One search; `smallest` is in the file `output` at any moment, whole.

    `spent` says whether the search has to end, and is asked before each run of the check; `tell` hears each step.
    """

    def __init__(
        self,
        path: Path,
        output: Path,
        shows: Shows,
        *,
        spent: Callable[[int], bool],
        tell: Callable[[Step], None],
        dialects: DialectNamed | None = None,
    ) -> None:
        _refuse_what_is_too_long(path)
        self._shows = shows
        self._spent = spent
        self._tell = tell
        self._dialects = dialects
        self._origin: Origin = origin_of(open_recording(path), dialects)
        self._header = header_of(path)
        self._output = output
        self._candidate = output.with_name(f"{output.stem}.candidate.jsonl")
        self._known: set[bytes] = set()
        self._runs_again = True
        self.runs = 0
        self.size = 0
        self.was_spent = False

    def run(self) -> bool:
        """Search to the end; False where the recording itself does not show it. Broken off, the smallest stays."""
        try:
            entries = list(self._origin.entries)
            self._runs_again = _reruns(RecordingFile(self._origin.path), self._dialects)
            if not self._still(entries, "nothing"):
                return False
            while (smaller := self._round(entries)) is not entries:
                entries = smaller
            return True
        except Spent:
            self.was_spent = True
            return self.size > 0
        finally:
            self._candidate.unlink(missing_ok=True)

    def _round(self, entries: Entries) -> Entries:
        """Every way once; the same list where nothing could be left out."""
        left = self._shortened(entries)
        for name, make in PASSES:
            number = 0
            while (way := next(islice(make(left), number, None), None)) is not None:
                smaller = self._without(left, way, name)
                number += smaller is left or way.size > 1
                left = smaller
        return left

    def _shortened(self, entries: Entries) -> Entries:
        """Without its end, as if the session had been stopped earlier."""
        size = len(entries) // 2
        while size:
            if self._still(entries[:-size], "the end"):
                entries = entries[:-size]
                size = min(size, len(entries) // 2)
            else:
                size //= 2
        return entries

    def _without(self, entries: Entries, way: Way, name: str) -> Entries:
        """Leave out as many parts as can be: halves, quarters, and in the end one by one, from the last."""
        kept = list(range(way.size))
        size = len(kept)
        while size and kept:
            end = len(kept)
            while end > 0:
                rest = kept[: max(0, end - size)] + kept[end:]
                candidate = way.keeping(rest)
                if self._still(candidate, name):
                    kept, entries = rest, candidate
                end -= size
            size //= 2
        return entries

    def _still(self, entries: Entries, what: str) -> bool:
        """Whether these entries are a whole recording, smaller than the smallest, that shows it; then it is kept."""
        written = self._write(entries)
        if written is None or written.digest in self._known:
            return False
        self._known.add(written.digest)
        recording = self._whole()
        if recording is None or not self._asked(recording):
            return False
        self._candidate.replace(self._output)
        self.size = written.size
        self._tell(Step(self.runs, what, written.size, written.lines))
        return True

    def _write(self, entries: Entries) -> _Written | None:
        """Write a candidate; None where these entries cannot be one."""
        hashed, size, count = sha256(), 0, 0

        def lines() -> Iterator[bytes]:
            nonlocal size, count
            try:
                for line in recast(self._origin, entries, rehash=True):
                    hashed.update(line)
                    size, count = size + len(line), count + 1
                    if self.size and size >= self.size:
                        break
                    yield line
            except (CallscopeError, WrongMember):
                raise _NoCandidate from None
            if not count or (self.size and size >= self.size):
                raise _NoCandidate

        try:
            write_whole(self._candidate, self._header, lines(), durable=False)
        except _NoCandidate:
            return None
        return _Written(size, count, hashed.digest())

    def _whole(self) -> RecordingFile | None:
        """The candidate, if it derives from its bytes, and runs again where the original does."""
        try:
            recording = RecordingFile(self._candidate)
            if any(not one.later for one in differences(recording, self._dialects)):
                return None
            return recording if not self._runs_again or _reruns(recording, self._dialects) else None
        except CallscopeError:  # it has lost what every session needs, such as the URL
            return None

    def _asked(self, recording: RecordingFile) -> bool:
        if self._spent(self.runs):
            raise Spent
        self.runs += 1
        return self._shows(recording)


def _refuse_what_is_too_long(path: Path) -> None:
    size = path.stat().st_size if path.exists() else 0
    if size > LONGEST:
        raise UnusableFile(
            f"{path}: {size / 1e6:,.0f} MB are more than the {LONGEST / 1e6:,.0f} whose lines can be held to leave "
            "some of them out: let recordings trim make a recording of fewer turns first."
        )


def _reruns(recording: RecordingFile, dialects: DialectNamed | None) -> bool:
    return asyncio.run(rerun(recording, dialects=dialects)).divergence is None
