"""One daemon thread for each call: a tool that blocks, or never ends, holds up nobody.

Knows threads and event loops. Must not know what runs in them. A shared pool would make calls wait for one another
(measured: 100 calls of 50 ms take 858 ms with `asyncio.to_thread`), and its threads would keep the program from ending.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class ThreadedCall(Generic[T]):
    """A piece of work in a thread of its own, awaited from an event loop."""

    def __init__(self, work: Callable[[ThreadedCall[T]], T], name: str) -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[T] = self._loop.create_future()
        self._lock = threading.Lock()
        self._coroutine: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None
        self.abandoned = False
        """Whether nobody waits any more: what has not begun must not begin."""
        self.runs_on = False
        """Whether the work was given up while it ran and could not be stopped."""
        threading.Thread(target=self._run, name=f"tool {name}", daemon=True).start()

    async def result(self, patience: float) -> T:
        """What the work gives or raises; TimeoutError after so many seconds. Either way nobody waits any longer.

        A coroutine that is still running is cancelled; a plain function runs on, for a thread cannot be stopped.
        """
        try:
            async with asyncio.timeout(patience):
                return await self._future
        finally:
            self._abandon()

    def settle(self, value: Any) -> Any:
        """The value itself, or, for an awaitable, what it comes to in an event loop of this thread."""
        return asyncio.run(self._awaited(value)) if inspect.isawaitable(value) else value

    async def _awaited(self, value: Awaitable[Any]) -> Any:
        task = asyncio.current_task()
        assert task is not None
        with self._lock:
            self._coroutine = (asyncio.get_running_loop(), task)
            if self.abandoned:
                task.cancel()
        try:
            return await value
        finally:
            with self._lock:
                self._coroutine = None

    def _abandon(self) -> None:
        with self._lock:
            self.abandoned = True
            self.runs_on = not self._future.done() or self._future.cancelled()
            if self._coroutine is not None:
                loop, task = self._coroutine
                loop.call_soon_threadsafe(task.cancel)
                self.runs_on = False

    def _run(self) -> None:
        try:
            result = self._work(self)
        except BaseException as error:  # the thread must not print a traceback of its own
            self._tell(self._fail, error)
        else:
            self._tell(self._succeed, result)

    def _tell(self, what: Callable[[Any], None], value: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(what, value)

    def _succeed(self, result: T) -> None:
        if not self._future.done():
            self._future.set_result(result)

    def _fail(self, error: BaseException) -> None:
        if not self._future.done():
            self._future.set_exception(error)
