"""What `recordings shrink` does: the smallest recording that still shows a bug.

Knows how a command or a code says that a recording shows it, how progress is told, and when the search ends. Must not
know Typer, nor how a recording is made smaller.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from callscope.core.errors import UsageError
from callscope.core.events import CallAssembled, Diagnostic
from callscope.core.visible import visible
from callscope.record.curating.shrinking import Shows, Shrinking, Step
from callscope.record.deriving.rederiving import derive
from callscope.record.file.reading import RecordingFile
from callscope.record.file.writing import new_beside

NOT_SHOWN = 1
INTERRUPTED = 130

SELDOM = 0.5
"""Seconds between two lines of progress."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options ask for; `limit` in seconds, `most` in runs of the check."""

    check: str | None
    diagnostic: str | None
    output: Path | None
    limit: float
    most: int


def shrink_recording(file: Path, asked: Asked) -> int:
    """Search, tell about it on stderr, print the path of the smallest; 1 where the recording does not show the bug."""
    started = time.monotonic()
    end = started + asked.limit
    shows = _shows(asked, end)
    output = new_beside(file, asked.output)
    progress = _Progress(file.stat().st_size if file.exists() else 0)
    shrinking = Shrinking(
        file,
        output,
        shows,
        spent=lambda runs: runs >= asked.most or time.monotonic() >= end,
        tell=progress.tell,
    )
    interrupted = False
    try:
        shown = shrinking.run()
    except KeyboardInterrupt:
        shown, interrupted = shrinking.size > 0, True
    if not shown and not interrupted:
        has = f" (it shows {', '.join(codes_of(file)) or 'none'})" if asked.diagnostic else ""
        late = asked.check is not None and time.monotonic() >= end
        shown_not = f"{file} itself does not show it{has}"
        why = f"the check did not end within {asked.limit:g} s (--limit)" if late else shown_not
        _say(f"callscope: {why}; nothing was written.")
        return NOT_SHOWN
    if shrinking.size:
        whole = not interrupted and not shrinking.was_spent
        progress.sum_up(shrinking.runs, output, time.monotonic() - started, whole=whole)
        sys.stdout.write(f"{visible(str(output)) if sys.stdout.isatty() else output}\n")
    return INTERRUPTED if interrupted else 0


def _shows(asked: Asked, end: float) -> Shows:
    """All that was asked for has to hold."""
    tests: list[Shows] = []
    if asked.diagnostic is not None:
        code = asked.diagnostic
        tests.append(lambda recording: has_code(recording, code))
    if asked.check is not None:
        command = check_command(asked.check)
        tests.append(lambda recording: _exits_well(command, recording.path, end))
    if not tests:
        raise UsageError("Say how the bug is known again: --check COMMAND, or --diagnostic CODE.")
    return lambda recording: all(test(recording) for test in tests)


def has_code(recording: RecordingFile, code: str) -> bool:
    """Whether a diagnostic, or the fault of a call, has this code."""
    return code in _codes(recording)


def codes_of(file: Path) -> list[str]:
    """Each code that a diagnostic, or the fault of a call, of this recording has."""
    return list(dict.fromkeys(_codes(RecordingFile(file))))


def _codes(recording: RecordingFile) -> Iterator[str]:
    for stamped in derive(recording):
        match stamped.event:
            case Diagnostic(code=code):
                yield code
            case CallAssembled(call=call) if call.fault is not None:
                yield call.fault.code
            case _:
                pass


def check_command(written: str) -> list[str]:
    """The argument list of a command that was written as one word. Never a shell. Raises UsageError."""
    try:
        words = shlex.split(written)
    except ValueError as error:
        raise UsageError(f"--check {written}: {str(error).lower()}.") from None
    if not words:
        raise UsageError("--check: write a command.")
    if shutil.which(words[0]) is None:
        raise UsageError(f"--check: there is no program {words[0]}.")
    return words if any("{}" in word for word in words) else [*words, "{}"]


def _exits_well(command: Sequence[str], path: Path, end: float) -> bool:
    """Whether the command exits with 0 in the time that is left; whatever it started is ended with it."""
    words = [word.replace("{}", str(path.absolute())) for word in command]
    with subprocess.Popen(  # noqa: S603 - the person's own command, as an argument list
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as child:
        try:
            return child.wait(max(0.001, end - time.monotonic())) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)


class _Progress:
    """Says now and then how far it is."""

    def __init__(self, size: int) -> None:
        self._first = size
        self._told = 0.0

    def tell(self, step: Step) -> None:
        """Say a step, unless one was said just now."""
        now = time.monotonic()
        if now - self._told >= SELDOM and step.runs > 1:
            self._told = now
            _say(f"run {step.runs}: {step.size:,} bytes in {step.lines:,} lines, less {step.what}")

    def sum_up(self, count: int, made: Path, seconds: float, *, whole: bool) -> None:
        """Say what the file that was made came to, its header too; `whole`: nothing more could be left out."""
        size = made.stat().st_size
        part = f" ({100 * size / self._first:.1f} %)" if self._first else ""
        runs = f"{count:,} run{'' if count == 1 else 's'} in {seconds:.1f} s"
        how = "nothing more can be left out" if whole else "the search was cut short, this is the smallest so far"
        _say(f"callscope: {self._first:,} \N{RIGHTWARDS ARROW} {size:,} bytes{part} after {runs}; {how}")


def _say(text: str) -> None:
    sys.stderr.write(visible(text) + "\n")
    sys.stderr.flush()
