"""How an exported file is named, and that no file is ever overwritten.

Must not know what is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from callscope.core.errors import UnusableFile, UsageError

STDOUT = "-"


def write_new(parts: Iterable[str], place: str) -> Path:
    """Write a file that is not there yet, all or nothing.

    Raises UsageError where it is there or its name is none, UnusableFile where it cannot be written.
    """
    path = Path(place).expanduser()
    try:
        with path.open("x", encoding="utf-8", errors="backslashreplace", newline="") as file, gone_if_broken_off(path):
            file.writelines(parts)
            file.flush()
    except FileExistsError:
        raise UsageError(f"{path} is there already and is not overwritten: name another file.") from None
    except ValueError as error:  # a name with a NUL
        raise UsageError(f"{path} cannot be written: {error}.") from None
    except OSError as error:
        raise UnusableFile(f"{path} cannot be written: {error.strerror}.") from None
    return path


@contextmanager
def gone_if_broken_off(path: Path) -> Iterator[None]:
    """Leave no half of a file behind."""
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def write_beside(parts: Iterable[str], base: str, suffix: str) -> Path:
    """Write `BASE.SUFFIX` in the working directory, or with the first number behind it that is free."""
    return write_new(parts, str(free_name(base, suffix)))


def free_name(base: str, suffix: str) -> Path:
    """`BASE.SUFFIX` in the working directory, or with the first number behind it that is free."""
    path, number = Path(f"{base}.{suffix}"), 1
    while path.exists() or path.is_symlink():
        number += 1
        path = Path(f"{base}-{number}.{suffix}")
    return path
