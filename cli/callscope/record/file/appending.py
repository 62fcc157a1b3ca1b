"""A file that only grows by whole lines: one write a line, and no half line is left behind while we live.

Knows the system calls: O_APPEND, flock, fdatasync. Must not know what a line says. Every failure is an UnusableFile
with one sentence that names the file and the system's reason; once a write has failed, every further one fails too.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from pathlib import Path

from callscope.core.errors import UnusableFile

LONGEST_LINE = 128 * 1024 * 1024
"""Bytes: what no line of a recording reaches; a reader refuses more instead of filling the memory."""

_flush_data = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class LineFile:
    """An open file at its end, locked against a second writer."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
        self._failure: UnusableFile | None = None

    @classmethod
    def create(cls, path: Path) -> LineFile:
        """Make a new file that only its owner can read, and its folder where that is missing."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UnusableFile(f"No recording can be made at {path}: {reason(error)}.") from None
        return cls._locked(path, descriptor)

    @classmethod
    def open(cls, path: Path) -> LineFile:
        """Open a file that is there, to append to it."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise UnusableFile(f"{path} cannot be appended to: {reason(error)}.") from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise UnusableFile(f"{path} cannot be appended to: it is no ordinary file.")
        return cls._locked(path, descriptor)

    @classmethod
    def _locked(cls, path: Path, descriptor: int) -> LineFile:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise UnusableFile(f"{path} is being written by another Callscope; end that one first.") from None
        except OSError:
            pass  # a file system without locks (some network mounts): O_APPEND still keeps lines whole
        return cls(path, descriptor)

    @property
    def size(self) -> int:
        """Bytes of all lines so far."""
        return self._size

    def is_torn(self) -> bool:
        """Whether the last line has no end."""
        return self._size > 0 and os.pread(self._descriptor, 1, self._size - 1) != b"\n"

    def append(self, line: bytes) -> None:
        """Write one line, its newline included."""
        if self._failure is not None:
            raise self._failure
        if len(line) > LONGEST_LINE:
            self._fail(f"a line of {len(line):,} bytes is more than the {LONGEST_LINE:,} a recording can hold")
        try:
            self._write(line)
        except OSError as error:
            self._fail(reason(error))

    def begin(self, line: bytes) -> None:
        """Write the first line; a file that cannot take it goes again, because nothing could be read from it."""
        try:
            self._write(line)
        except OSError as error:
            with contextlib.suppress(OSError):
                self.path.unlink()
            self.close()
            raise UnusableFile(f"No recording can be made at {self.path}: {reason(error)}.") from None

    def _write(self, line: bytes) -> None:
        written = os.write(self._descriptor, line)
        while written < len(line):  # a disk that is nearly full takes a part; the rest then gets the true reason
            written += os.write(self._descriptor, line[written:])
        self._size += len(line)

    def sync(self) -> None:
        """Have all lines so far on the disk itself before going on."""
        try:
            _flush_data(self._descriptor)
        except OSError as error:
            self._fail(reason(error))

    def close(self) -> None:
        """Let go of the file; a second time does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _fail(self, why: str) -> None:
        """Cut a half-written line off again, so that what is there is whole; then say so, now and ever after."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, self._size)
        self._failure = UnusableFile(
            f"The recording {self.path} can no longer be written: {why}. The session stops here; "
            "all that happened before is in the file."
        )
        raise self._failure


def reason(error: OSError) -> str:
    """The system's own words, without number and path."""
    return (error.strerror or str(error)).lower()
