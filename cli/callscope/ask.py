"""One prompt, one answer, for scripts.

Knows how a single turn ends as an exit code and a last line. Must not know how the session was made.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from callscope.core.errors import UnusableFile, UsageError
from callscope.session import Session
from callscope.ui.outcome import Outcome

TIMED_OUT = 124
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Ended:
    """How a prompt ended: the exit code, and an error that is not in the outcome."""

    exit_code: int
    error: str | None = None


async def ask(session: Session, outcome: Outcome, prompt: str, limit: float | None) -> Ended:
    """Drive one turn to its end, at most `limit` seconds long."""
    try:
        async with asyncio.timeout(limit):
            await session.say(prompt)
    except TimeoutError:
        return Ended(TIMED_OUT, f"--timeout: the turn was not over after {limit:g} seconds.")
    except asyncio.CancelledError:
        return Ended(INTERRUPTED, "interrupted")
    return Ended(outcome.exit_code)


def read_prompt(argument: str | None, file: Path | None) -> str:
    """The prompt from the argument, a file, or stdin (no argument, or `-`)."""
    if argument is not None and file is not None:
        raise UsageError("Give the prompt once: as an argument or with --file, not both.")
    if file is not None:
        return _of_file(file)
    if argument is not None and argument != "-":
        return _usable(argument, "the argument")
    if sys.stdin.isatty():
        raise UsageError('No prompt. Write it as an argument: callscope ask "Weather in Paris?", or pipe it in.')
    return _decoded(sys.stdin.buffer.read(), "stdin")


def _of_file(file: Path) -> str:
    try:
        return _decoded(file.read_bytes(), str(file))
    except OSError as error:
        raise UnusableFile(f"--file {file}: {error.strerror}.") from error
    except UsageError as error:
        raise UnusableFile(str(error)) from error


def _decoded(data: bytes, source: str) -> str:
    try:
        return _usable(data.decode("utf-8-sig"), source)
    except UnicodeDecodeError as error:
        message = f"The prompt from {source} is not UTF-8: byte {error.start} is 0x{data[error.start]:02x}."
        raise UsageError(f"{message} Convert it first, for example with iconv.") from error


def _usable(text: str, source: str) -> str:
    """The prompt without the newline a shell leaves; surrogates are how Python hands us bytes that are no UTF-8."""
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise UsageError(f"The prompt from {source} is not UTF-8. Convert it first, for example with iconv.")
    text = text.rstrip("\r\n")
    if not text.strip():
        raise UsageError(f"The prompt from {source} is empty.")
    return text
