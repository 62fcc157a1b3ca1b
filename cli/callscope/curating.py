"""What `recordings fork`, `trim`, `diff`, `redact`, `verify` and `shrink` do.

Knows how what a person asks for becomes a recording, a report and an exit code. Must not know Typer, nor what a line of
a recording says.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from callscope.core.errors import UsageError
from callscope.ui.visible import visible


def fork_recording(file: Path, at: int | None, output: Path | None) -> None:
    """Write a recording of everything up to a turn, and print its path."""
    from callscope.record.forking import fork

    _made(fork(file, at, output=output))


def trim_recording(file: Path, turns: str, output: Path | None) -> None:
    """Write a recording of some turns, and print its path."""
    from callscope.record.editing import origin_of
    from callscope.record.reading import RecordingFile
    from callscope.record.trimming import trimmed
    from callscope.record.writing import write_beside

    wanted = turn_numbers(turns)
    _made(write_beside(file, trimmed(origin_of(RecordingFile(file)), wanted), output))


def turn_numbers(written: str) -> set[int]:
    """The numbers of `2,4-6`. Raises UsageError."""
    numbers: set[int] = set()
    for part in written.split(","):
        found = re.fullmatch(r"\s*([0-9]{1,6})\s*(?:-\s*([0-9]{1,6})\s*)?", part)
        if found is None or int(found[2] or found[1]) < int(found[1]):
            raise UsageError(f"--turns {written}: write numbers and ranges, such as 2,4-6.")
        numbers.update(range(int(found[1]), int(found[2] or found[1]) + 1))
    return numbers


def _made(path: Path) -> None:
    """Say where it is on stdout, so that a script can go on with it."""
    sys.stdout.write((visible(str(path)) if sys.stdout.isatty() else str(path)) + "\n")
