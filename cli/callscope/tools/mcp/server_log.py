"""What an MCP server says beside the protocol: its stderr, its log messages, what it broke.

Knows pipes and Python's logging. Must not know who reads it. All of it lives in the thread of the servers' event loop.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import logging
import os
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TextIO

from callscope.tools.words import path_text

LONGEST = 20_000
"""Characters kept until somebody takes them; the newest are kept."""

LONGEST_TAIL = 600
"""Characters that an error quotes."""

READS = 16
"""Of 64 KiB, one after the other: a server that never stops talking must not have the loop for itself."""

_speaking: ContextVar[ServerLog | None] = ContextVar("speaking", default=None)
"""The log of the server that a task works for."""


class ServerLog:
    """The words of one server."""

    def __init__(self) -> None:
        self._untold = self._tail = ""
        self._lost = 0
        self._pipe: int | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, text: str) -> None:
        """Keep more."""
        self._tail = (self._tail + text)[-LONGEST_TAIL:]
        self._untold += text
        self._lost += max(0, len(self._untold) - LONGEST)
        self._untold = self._untold[-LONGEST:]

    def take(self) -> str:
        """What nobody has taken yet; what stderr holds by now is part of it."""
        self._listen()
        text, lost = self._untold, self._lost
        self._untold, self._lost = "", 0
        return f"[callscope: {lost:,} earlier characters were lost]\n{text}" if lost else text

    def tail(self) -> str:
        """The last words, taken or not."""
        self._listen()
        return self._tail.strip()

    @contextlib.contextmanager
    def stderr(self) -> Iterator[TextIO]:
        """A file for a server's stderr: it must never reach the terminal, where panels are drawn."""
        self._pipe, writing = os.pipe()
        os.set_blocking(self._pipe, False)
        asyncio.get_running_loop().add_reader(self._pipe, self._listen)
        try:
            with os.fdopen(writing, "w") as file:
                yield file
        finally:
            self._listen()
            self._shut()

    @contextlib.contextmanager
    def speaking(self) -> Iterator[None]:
        """What the SDK logs meanwhile, in this task and in those it starts, is about this server."""
        token = _speaking.set(self)
        try:
            yield
        finally:
            _speaking.reset(token)

    def _listen(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(READS):
                data = os.read(self._pipe, 65536) if self._pipe is not None else b""
                if not data:
                    self._shut()
                    break
                self.add(self._decoder.decode(data))

    def _shut(self) -> None:
        if self._pipe is not None:
            asyncio.get_running_loop().remove_reader(self._pipe)
            os.close(self._pipe)
            self._pipe = None


class _Collector(logging.Filter):
    """Hands what the SDK logs to the log of the server it is about; everybody else's records pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        log = _speaking.get()
        if log is None:
            return True
        trouble = record.exc_info[1] if record.exc_info else None
        log.add(f"[callscope: {record.getMessage()}{f': {_broken(trouble)}' if trouble else ''}]\n")
        return False


def _broken(trouble: BaseException) -> str:
    """What came in place of a message; pydantic keeps it."""
    errors = getattr(trouble, "errors", None)
    return repr(errors()[0].get("input"))[:200] if callable(errors) and errors() else words_of(trouble)


def words_of(trouble: BaseException) -> str:
    """What went wrong, in a line: the SDK's task groups wrap it in groups, pydantic's errors are lists."""
    while isinstance(trouble, BaseExceptionGroup):
        trouble = trouble.exceptions[0]
    errors = getattr(trouble, "errors", None)
    if callable(errors) and errors():
        first = errors()[0]
        return f"{path_text(first['loc'])}: {first['msg']}"
    return str(trouble).splitlines()[0] if str(trouble) else type(trouble).__name__


def collect_sdk_logs() -> None:
    """Keep the SDK's log records off the terminal, where Python's handler of last resort would print them.

    A filter sees the records of its own logger alone, so each logger of the SDK has it.
    """
    collector = _Collector()
    for name in ("client", *(name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "mcp")):
        logging.getLogger(name).addFilter(collector)
