"""Writing a recording that was made from another one: all of it or nothing.

Knows the header and the file. Must not know what the lines say. What a recording was made from is never changed, unless
it is to be replaced, and then in one step.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from callscope.core.errors import UnusableFile

from .appending import reason
from .directories import new_recording
from .format import encode_line
from .reading import LONGEST_HEADER, RecordingFile


def header_of(path: Path, *, parent: bool = True) -> bytes:
    """The header of a recording that is made from this one; its times count from the same moment.

    `parent`: it names what it was made from.
    """
    RecordingFile(path)  # refuses what is no recording
    with path.open("rb") as file:
        header = json.loads(file.readline(LONGEST_HEADER))
    return encode_line(header | ({"parent": path.name} if parent else {}))


def write_beside(path: Path, lines: Iterable[bytes], output: Path | None = None) -> Path:
    """Write a new recording that names this one as its parent, to `output` or else into the same folder."""
    new = new_beside(path, output)
    write_whole(new, header_of(path), lines)
    return new


def new_beside(path: Path, output: Path | None) -> Path:
    """Where a recording that is made from this one goes. Raises UnusableFile where something is there already."""
    new = output or new_recording(path.parent)
    if new.exists():
        raise UnusableFile(f"{new} is there already; say another --output, nothing was written.")
    return new


def write_whole(path: Path, header: bytes, lines: Iterable[bytes], *, durable: bool = True) -> None:
    """Write a recording that only its owner can read. It takes its name once it is whole: then a path is replaced.

    `durable`: it is on the disk itself before it has its name.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(header)
            file.writelines(lines)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise UnusableFile(f"{path} cannot be written: {reason(error)}.") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
