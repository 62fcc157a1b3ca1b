"""Whether a recording is whole, says what its bytes say, and holds no secret.

Knows what can be wrong with a recording. Must not print, and never says a secret: a problem names the line and the
rule. It goes through a file once, however large that is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from callscope.core.errors import UnusableFile
from callscope.core.events import PeerEvent
from callscope.record.file.reading import Entry, RecordingFile
from callscope.record.matching.matching import Absent
from callscope.record.secrets.leaks import Leaks
from callscope.record.secrets.ruling import Rules

from .deriving import DialectNamed
from .rederiving import REPEATED, Difference, differences

Rule: TypeAlias = Literal["format", "derived", "hash", "secret"]


NOTICES = 3
"""Lines of another version that are named: as a rule, the others of a recording are like them."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a line: against which rule, and a sentence. `line` is 0 where the file as a whole is wrong."""

    line: int
    rule: Rule
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message} [{self.rule}]" if self.line else f"{self.message} [{self.rule}]"


@dataclass(slots=True)
class Checked:
    """A recording that was looked through; warnings are no problems."""

    path: Path
    problems: list[Problem]
    warnings: list[str]
    lines: int = 1


def check(path: Path, rules: Rules | None = None, dialects: DialectNamed | None = None) -> Checked:
    """Look a recording through to its end, or to the first line that cannot be read."""
    checked = Checked(path, [], [])
    if not path.exists():
        raise UnusableFile(f"{path} is not there.")
    try:
        recording = RecordingFile(path)
        checked.problems += _problems(recording, rules or Rules(), dialects, checked)
        checked.warnings += recording.warnings
    except UnusableFile as unusable:
        checked.problems.append(_unusable(path, str(unusable)))
    checked.problems.sort(key=lambda problem: problem.line)
    return checked


def _problems(
    recording: RecordingFile, rules: Rules, dialects: DialectNamed | None, checked: Checked
) -> Iterator[Problem]:
    leaks = Leaks(rules)

    def watch(entry: Entry, decoded: Sequence[PeerEvent]) -> None:
        checked.lines = entry.line
        leaks.take(entry, decoded)

    if header := leaks.in_header(recording.header):
        yield Problem(1, "secret", header)
    later: list[Difference] = []
    for difference in differences(recording, dialects, watch):
        if not difference.later:
            yield _differing(difference)
        elif len(later) < NOTICES:
            later.append(difference)
    checked.warnings += [f"{recording.path}, {one.notice}." for one in later]
    for leak in leaks.close():
        yield Problem(leak.line, "secret", str(leak))


def _differing(difference: Difference) -> Problem:
    """What is said of a difference holds no value: it may be the secret that should not be there."""
    if difference.path in ("$.bytes", "$.sha256"):
        message = f"the bytes of exchange {difference.exchange} are not those that were recorded ({difference.path})"
        return Problem(difference.line, "hash", message)
    if difference.path == REPEATED:
        message = f"a second `{difference.recorded}` of exchange {difference.exchange}, where there can be only one"
        return Problem(difference.line, "format", message)
    missing = isinstance(difference.derived, Absent) or isinstance(difference.recorded, Absent)
    how = "is there on one side alone" if missing else "is another one"
    message = f"what exchange {difference.exchange} came to derives otherwise today: {difference.path} {how}"
    return Problem(difference.line, "derived", message)


def _unusable(path: Path, message: str) -> Problem:
    rest = message.removeprefix(str(path)).lstrip(", ")
    number, colon, sentence = rest.removeprefix("line ").partition(":")
    if rest.startswith("line ") and colon and number.isdecimal():
        return Problem(int(number), "format", sentence.strip())
    return Problem(0, "format", rest)
