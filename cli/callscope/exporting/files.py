"""How an exported file is named, and that no file is ever overwritten.

Must not know what is in it.
"""

from __future__ import annotations

from pathlib import Path

from callscope.core.errors import UsageError

STDOUT = "-"


def write_new(text: str, place: str) -> Path:
    """Write a file that is not there yet; raises UsageError where it is, or cannot be written."""
    path = Path(place).expanduser()
    try:
        with path.open("x", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} is there already and is not overwritten: name another file.") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{path} cannot be written: {why}.") from None
    return path


def write_beside(text: str, base: str, suffix: str) -> Path:
    """Write `BASE.SUFFIX` in the working directory, or with the first number behind it that is free."""
    return write_new(text, str(free_name(base, suffix)))


def free_name(base: str, suffix: str) -> Path:
    """`BASE.SUFFIX` in the working directory, or with the first number behind it that is free."""
    path, number = Path(f"{base}.{suffix}"), 1
    while path.exists() or path.is_symlink():
        number += 1
        path = Path(f"{base}-{number}.{suffix}")
    return path
