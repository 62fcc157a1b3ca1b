"""The smallest recording that still shows something: delta debugging, offline.

Knows how to search: part after part is left out, the coarsest first, and what still shows it is kept. Every recording
that is asked about is whole: it derives from its bytes, and runs again where the original does. Must not know what is
looked for, nor screens. https://www.st.cs.uni-saarland.de/papers/tse2002/ (Zeller, Hildebrandt)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path

from callscope.core.errors import CallscopeError

from .deriving import DialectNamed
from .editing import Origin, origin_of, recast
from .members import WrongMember
from .reading import Recording, open_recording
from .rederiving import differences
from .reducing import PASSES, Entries, Way
from .rerunning import rerun
from .writing import header_of, write_whole

Shows = Callable[[Recording], bool]
"""Whether a candidate, which is a file of its own, still shows it."""


class Spent(Exception):
    """Ends the search: as much was tried, or as long, as was asked for."""


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
            self._runs_again = _reruns(open_recording(self._origin.path), self._dialects)
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
        lines = self._recast(entries)
        size = sum(map(len, lines))
        if not lines or (self.size and size >= self.size) or self._is_known(lines):
            return False
        write_whole(self._candidate, self._header, lines, durable=False)
        recording = self._whole()
        if recording is None or not self._asked(recording):
            return False
        self._candidate.replace(self._output)
        self.size = size
        self._tell(Step(self.runs, what, size, len(lines)))
        return True

    def _recast(self, entries: Entries) -> list[bytes]:
        """The lines of a candidate; none where it cannot be one."""
        try:
            return list(recast(self._origin, entries, rehash=True))
        except (CallscopeError, WrongMember):
            return []

    def _whole(self) -> Recording | None:
        """The candidate, if it derives from its bytes, and runs again where the original does."""
        try:
            recording = open_recording(self._candidate)
            if next(differences(recording, self._dialects), None) is not None:
                return None
            return recording if not self._runs_again or _reruns(recording, self._dialects) else None
        except CallscopeError:  # it has lost what every session needs, such as the URL
            return None

    def _is_known(self, lines: Sequence[bytes]) -> bool:
        digest = sha256(b"".join(lines)).digest()
        known = digest in self._known
        self._known.add(digest)
        return known

    def _asked(self, recording: Recording) -> bool:
        if self._spent(self.runs):
            raise Spent
        self.runs += 1
        return self._shows(recording)


def _reruns(recording: Recording, dialects: DialectNamed | None) -> bool:
    return asyncio.run(rerun(recording, dialects=dialects)).divergence is None
