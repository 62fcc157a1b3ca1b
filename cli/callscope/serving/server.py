"""Runs a handler as an HTTP/1.1 server: in this event loop, in a thread of its own, or until Ctrl-C.

Knows listening and ending. Must not know HTTP (`connection` does) nor what is served.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from callscope.core.errors import UsageError

if TYPE_CHECKING:
    from .connection import Connection, Handler


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens; `url` has no trailing slash."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """Where it listens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@asynccontextmanager
async def serve(
    handler: Handler, host: str = "127.0.0.1", port: int = 0, *, grace: float = 1.0
) -> AsyncIterator[Server]:
    """Listen while the context is open; responses under way then have `grace` seconds to end.

    Port 0 takes any free one. Raises UsageError where it cannot listen.
    """
    connections: set[Connection] = set()

    def connected() -> Connection:
        from .connection import Connection  # with h11 10 ms, and perhaps nobody ever calls

        return Connection(handler, connections)

    loop = asyncio.get_running_loop()
    try:
        listener = await loop.create_server(connected, host, port)
    except (OSError, OverflowError) as error:
        raise UsageError(f"Cannot listen on {host} port {port}: {_reason(error)}.") from error
    try:
        yield Server(host, listener.sockets[0].getsockname()[1])
    finally:
        listener.close()
        await _close_all(connections, grace)
        await listener.wait_closed()


def _reason(error: Exception) -> str:
    """What to do about it; asyncio wraps the system's words in its own, so they are looked up again."""
    if not isinstance(error, OSError) or isinstance(error, socket.gaierror):
        return str(getattr(error, "strerror", None) or error).rstrip(".")
    if error.errno == errno.EADDRINUSE:
        return "the port is in use; choose another, or 0 for any free one"
    return os.strerror(error.errno).lower() if error.errno else str(error)


async def _close_all(connections: set[Connection], grace: float) -> None:
    tasks = [connection.task for connection in connections]
    for connection in connections:
        connection.retire()
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=grace)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for connection in tuple(connections):
        connection.transport.abort()


# ---- other ways to run it -----------------------------------------------------------------------------------------


class ThreadedServer:
    """A server in a daemon thread with an event loop of its own; `close` ends it, and so does leaving `with`."""

    def __init__(self, handler: Handler, host: str = "127.0.0.1", port: int = 0) -> None:
        self._handler = handler
        self._address = (host, port)
        self._started = threading.Event()
        self._server: Server | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="callscope-server", daemon=True)
        self._thread.start()
        self._started.wait()
        if self._error is not None:
            raise self._error

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None
        return self._server.url

    def close(self) -> None:
        """End it; calling this again does nothing."""
        with suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=5)

    def __enter__(self) -> ThreadedServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except UsageError as error:
            self._error = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with serve(self._handler, *self._address, grace=0.1) as self._server:
            self._started.set()
            await self._stop.wait()


def run_in_thread(handler: Handler, host: str = "127.0.0.1", port: int = 0) -> ThreadedServer:
    """Serve beside a program that has its own event loop, or none. Raises UsageError where it cannot listen."""
    return ThreadedServer(handler, host, port)


def serve_forever(
    handler: Handler,
    host: str,
    port: int,
    on_ready: Callable[[str], None],
    at_end: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Serve until Ctrl-C or SIGTERM; `on_ready` hears the URL once, `at_end` is called when no response is left.

    Raises UsageError where it cannot listen.
    """

    async def run() -> None:
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        try:
            async with serve(handler, host, port) as server:
                on_ready(server.url)
                await ended.wait()
        finally:
            if at_end:
                await at_end()

    with suppress(KeyboardInterrupt):
        asyncio.run(run())
