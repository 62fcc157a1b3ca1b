"""A recording that is still being written, line by line as it grows.

Knows that whoever writes it holds its lock, and that a line is whole when its newline is there. Must not know what a
line says. It is looked at again and again: no system tells of a file that grew on every platform and file system.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from callscope.core.errors import UnusableFile

from .appending import LONGEST_LINE
from .reading import RecordingFile

PAUSE = 0.05
"""Seconds between two looks."""


class FollowedFile(RecordingFile):
    """A recording whose `entries` come as they are written, and end when nobody writes it any more."""

    def __init__(self, path: Path, wait: Callable[[], object] = lambda: time.sleep(PAUSE)) -> None:
        super().__init__(path)
        self._wait = wait

    def _written(self, file: BinaryIO) -> Iterator[bytes]:
        begun = b""
        ending = False
        while True:
            raw = begun + file.readline(LONGEST_LINE + 1 - len(begun))
            if raw.endswith(b"\n") or len(raw) > LONGEST_LINE:
                begun = b""
                yield raw
                continue
            begun = raw
            self._insist_on(file)
            if ending:
                break
            ending = not is_being_written(self.path)  # what it wrote before it let go may be there only now
            if not ending:
                self._wait()
        if begun:
            yield begun

    def _insist_on(self, file: BinaryIO) -> None:
        """Raise UnusableFile where what was shown is no more the beginning of what is there."""
        ours = os.fstat(file.fileno())
        try:
            theirs = self.path.stat()
        except OSError:
            raise UnusableFile(f"{self.path} was taken away while it was followed.") from None
        if (ours.st_dev, ours.st_ino) != (theirs.st_dev, theirs.st_ino):
            raise UnusableFile(f"{self.path} is another file by now; what was shown is of the one before.")
        if ours.st_size < file.tell():
            raise UnusableFile(f"{self.path} was cut short while it was followed; what was shown is of what it was.")


def is_being_written(path: Path) -> bool:
    """Whether somebody holds the lock of a recording."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # a file system without locks: then what is there is all
    finally:
        os.close(descriptor)
    return False
