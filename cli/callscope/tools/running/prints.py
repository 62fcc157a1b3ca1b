"""What a tool prints: caught for each call by itself, also when many run at once, and never anybody else's.

Knows sys.stdout, sys.stderr and sys.stdin. While a tool runs they are doors that look, at each use, whether the
one who uses them is a tool's call (a context variable says so); everybody else goes through to the real stream. Must
not know what a tool is.

Not caught: what a thread prints that the tool starts itself (a new thread has a new context; `asyncio.to_thread` hands
its own on), and what a subprocess or C code writes to the file descriptors.
"""

from __future__ import annotations

import contextlib
import contextvars
import io
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Any

LONGEST = 100_000
"""Characters kept of one call's prints."""

_current: contextvars.ContextVar[Prints | None] = contextvars.ContextVar("prints", default=None)


class Prints(io.TextIOBase):
    """A text stream that keeps what is written, up to a limit, and says how much it left out."""

    def __init__(self, limit: int = LONGEST) -> None:
        super().__init__()
        self.buffer = _Buffer(self)
        self._parts: list[str] = []
        self._room = limit
        self._left_out = 0

    @property
    def text(self) -> str:
        """All that was kept, and a note where something was not."""
        note = f"\n[… {self._left_out:,} more characters were printed]" if self._left_out else ""
        return "".join(self._parts) + note

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Keep what there is room for."""
        if kept := text[: self._room]:  # a tool may print for ever
            self._parts.append(kept)
            self._room -= len(kept)
        self._left_out += len(text) - len(kept)
        return len(text)

    @property
    def encoding(self) -> str:  # type: ignore[override] # the stubs have it as an attribute
        """UTF-8."""
        return "utf-8"


class _Buffer(io.RawIOBase):
    """`sys.stdout.buffer` of a call."""

    def __init__(self, prints: Prints) -> None:
        super().__init__()
        self._prints = prints

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        text = bytes(data).decode("utf-8", "backslashreplace")
        self._prints.write(text)
        return len(data)


class _Door:
    """Stands in for one of the three standard streams while tools run."""

    def __init__(self, name: str, real: Any) -> None:
        self._name = name
        self._real = real

    def _stream(self) -> Any:
        prints = _current.get()
        if prints is None:
            return self._real
        return io.StringIO() if self._name == "stdin" else prints

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._stream(), attribute)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stream())

    def write(self, text: str) -> Any:
        return self._stream().write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        self._stream().writelines(lines)

    def flush(self) -> None:
        self._stream().flush()


_lock = threading.Lock()
_users = 0
_doors: list[_Door] = []
"""Kept for good, one for each stream: a thread that prints holds no reference of its own to sys.stdout, and Python
crashes when the last one goes meanwhile (https://github.com/python/cpython/issues/130163)."""


def _open_doors() -> None:
    global _users  # there is one sys.stdout, so one count of its users
    with _lock:
        _users += 1
        for name in ("stdout", "stderr", "stdin"):
            real = getattr(sys, name)
            if real is not None and not isinstance(real, _Door):
                setattr(sys, name, _door(name, real))


def _door(name: str, real: Any) -> _Door:
    door = next((door for door in _doors if door._real is real and door._name == name), None)
    if door is None:
        _doors.append(door := _Door(name, real))
    return door


def _close_doors() -> None:
    """Put the real streams back; who has put a stream of their own over a door keeps it, and the door goes on."""
    global _users
    with _lock:
        _users -= 1
        if _users == 0:
            for name in ("stdout", "stderr", "stdin"):
                door = getattr(sys, name)
                if isinstance(door, _Door):
                    setattr(sys, name, door._real)


@contextlib.contextmanager
def printing_into(prints: Prints) -> Iterator[Prints]:
    """Catch what this thread, and the tasks it starts, print meanwhile; their stdin is empty."""
    _open_doors()
    token = _current.set(prints)
    try:
        yield prints
    finally:
        _current.reset(token)
        _close_doors()
