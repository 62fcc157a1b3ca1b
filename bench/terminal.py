"""A program in a terminal of 120 by 40: what it draws, when, and what it cost.

Knows pseudo-terminals and the questions that programs ask them. Must not know what is drawn. The terminal's side is
this process, whose time nobody counts.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Self

from measure import Cost

COLUMNS, ROWS = 120, 40
KEPT = 1 << 16
"""Bytes of the latest output that a mark is looked for in."""

ESCAPES = rb"(?:\x1b\[[0-9;?]*[A-Za-z]|\s)*"
PROMPT = re.compile(rb"\x1b\[\?2004h" + ESCAPES + rb">")
"""prompt_toolkit switches bracketed paste on, and draws the prompt."""


class Terminal:
    """A program that runs in a terminal from here to the end of the context; all that is left of it then is killed."""

    def __init__(self, argv: Sequence[str], directory: Path, environment: Mapping[str, str]) -> None:
        self.start = perf_counter()
        self._latest = b""
        self._ended = False
        self.cost: Cost | None = None
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
                os.chdir(directory)
                os.execve(argv[0], list(argv), {"TERM": "xterm-256color", "COLORTERM": "truecolor", **environment})
            finally:
                os._exit(127)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, where: TracebackType | None) -> None:
        if self.cost is None:
            os.kill(self.pid, signal.SIGKILL)
            os.wait4(self.pid, 0)
        os.close(self._fd)

    def type(self, keys: str) -> float:
        """Press keys; gives the moment."""
        os.write(self._fd, keys.encode())
        return perf_counter()

    def until(self, mark: re.Pattern[bytes], seconds: float = 30.0) -> float:
        """Read until a mark is drawn that was not looked for before; gives the moment. Raises RuntimeError."""
        limit = perf_counter() + seconds
        while True:
            if found := mark.search(self._latest):
                self._latest = self._latest[found.end() :]
                return perf_counter()
            if self._ended or perf_counter() > limit:
                raise RuntimeError(f"{mark.pattern!r} was not drawn within {seconds:g} s, but {self._latest[-500:]!r}")
            self._read(limit - perf_counter())

    def pass_time(self, seconds: float) -> None:
        """Go on reading for so long, and look for nothing in it."""
        limit = perf_counter() + seconds
        while not self._ended and perf_counter() < limit:
            self._read(limit - perf_counter())
        self._latest = b""

    def end(self, seconds: float = 60.0) -> Cost:
        """Read until the program ends by itself; gives its cost. Raises RuntimeError where it fails."""
        limit = perf_counter() + seconds
        while not self._ended and perf_counter() < limit:
            self._read(limit - perf_counter())
        if not self._ended:
            raise RuntimeError(f"it did not end within {seconds:g} s: {self._latest[-500:]!r}")
        _, status, usage = os.wait4(self.pid, 0)
        self.cost = Cost(perf_counter() - self.start, usage.ru_utime + usage.ru_stime)
        if code := os.waitstatus_to_exitcode(status):
            raise RuntimeError(f"it ended with {code}: {self._latest[-500:]!r}")
        return self.cost

    def _read(self, seconds: float) -> None:
        if not select.select([self._fd], [], [], max(0.0, seconds))[0]:
            return
        data = b""
        with suppress(OSError):  # Linux says EIO where the last program has left
            data = os.read(self._fd, 1 << 18)
        self._ended = not data
        if b"\x1b[6n" in data:
            os.write(self._fd, b"\x1b[1;1R")  # where the cursor is
        if b"\x1b[c" in data:
            os.write(self._fd, b"\x1b[?62;c")  # what kind of terminal this is
        self._latest = (self._latest + data)[-KEPT:]
