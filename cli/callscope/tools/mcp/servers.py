"""Every MCP server of this program, each started once, in a thread with an event loop of its own.

Knows when a server is started, and that all of them end when the program does. Must not know the protocol. The thread
outlives every turn, so that a server is asked from whatever loop or thread a call comes from.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import signal
import threading
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from .client import Connection, McpUnavailable, Note, SessionGone
from .server_log import collect_sdk_logs
from .settings import McpServer

if TYPE_CHECKING:
    from mcp.types import CallToolResult, Tool

Result = TypeVar("Result")

START_LIMIT = 90.0
"""Seconds until a server must have listed its tools: `npx` and `uvx` fetch a program first."""

FAREWELL = 8.0
"""Seconds for all servers together to end when the program does; one that will not is killed after five."""


class McpServers:
    """The servers by their settings. Its public methods may be called from any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._connections: dict[McpServer, Connection] = {}
        self._all: set[Connection] = set()
        """Also those that are dead, until nothing is left of them."""

    def list_tools(self, servers: Sequence[McpServer], environment: Mapping[str, str]) -> list[Sequence[Tool]]:
        """The tools that each has now, all asked together; blocks. Raises McpUnavailable."""
        waiting = [self._submit(self._listed(server, environment)) for server in servers]
        try:
            return [future.result() for future in waiting]
        except BaseException:
            for future in waiting:
                future.cancel()
            raise

    async def call(
        self,
        server: McpServer,
        environment: Mapping[str, str],
        name: str,
        arguments: dict[str, Any],
        *,
        seconds: float,
        note: Note,
    ) -> CallToolResult:
        """Call a tool; the server hears of a cancellation, and of the TimeoutError after so many seconds.

        Raises what `Connection.call` raises. `note` is called in the servers' thread.
        """
        call = self._called(server, environment, name, arguments, seconds, note)
        return await asyncio.wrap_future(self._submit(call))

    def keep(self, servers: Collection[McpServer]) -> None:
        """End all but these."""
        if self._loop is not None:
            self._submit(self._end(lambda server: server not in servers))

    def close(self) -> None:
        """End all, and the thread."""
        loop, self._loop = self._loop, None
        if loop is None or self._thread is None:
            return
        ending = asyncio.run_coroutine_threadsafe(self._end(lambda _: True), loop)
        with contextlib.suppress(TimeoutError, KeyboardInterrupt):
            ending.result(FAREWELL)
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join(1)

    def _submit(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._loop.set_exception_handler(self._note)
                collect_sdk_logs()
                self._thread = threading.Thread(target=_live, args=[self._loop], name="mcp", daemon=True)
                self._thread.start()
                atexit.register(self.close)
                _end_properly()
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _note(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What nobody waited for went wrong: asyncio would write it on the terminal."""
        for connection in self._all:
            connection.log.add(f"[callscope: {context['message']}: {context.get('exception', '')}]\n")

    # ---- in the thread ----------------------------------------------------------------------------------------------

    async def _listed(self, server: McpServer, environment: Mapping[str, str]) -> Sequence[Tool]:
        connection = self._connection(server, environment)
        try:
            async with asyncio.timeout(START_LIMIT):
                return await connection.tools()
        except TimeoutError:
            said = connection.log.tail()
            await connection.close()
            raise McpUnavailable(server, f"did not list its tools within {START_LIMIT:g} s", said) from None

    async def _called(
        self,
        server: McpServer,
        environment: Mapping[str, str],
        name: str,
        arguments: dict[str, Any],
        seconds: float,
        note: Note,
    ) -> CallToolResult:
        async with asyncio.timeout(seconds):
            if known := self._connections.get(server):
                await known.look()
            try:
                return await self._connection(server, environment).call(name, arguments, note)
            except SessionGone:
                note("[callscope: the server had forgotten the session; a new one was begun]\n")
                return await self._connection(server, environment).call(name, arguments, note)

    def _connection(self, server: McpServer, environment: Mapping[str, str]) -> Connection:
        """The connection to a server; one that is dead is made anew."""
        known = self._connections.get(server)
        if known is None or known.ended:
            known = self._connections[server] = Connection(server, environment)
            self._all = {connection for connection in self._all if not connection.over} | {known}
        return known

    async def _end(self, of: Callable[[McpServer], bool]) -> None:
        await asyncio.gather(*(connection.close() for connection in self._all if of(connection.server)))


def _live(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


def _end_properly() -> None:
    """From the moment there are servers to end, SIGTERM ends the program as Ctrl-C does, and not in mid-air."""
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


SERVERS = McpServers()
"""There is one of it: two connections to a server would be two servers."""
