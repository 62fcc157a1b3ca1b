"""A server on loopback whose every byte a test decides, and the few lines to drive an endpoint against it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from typing import Any, Self, TypeVar

from callscope.core.events import BytesRead, ExchangeEnded, WireEvent
from callscope.core.values import Request
from callscope.endpoints.http import HttpEndpoint

Result = TypeVar("Result")

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"


class Peer:
    """One connection, as the server has it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def request(self) -> bytes:
        """The next request, head and body, as it arrived."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        return head + await self.reader.readexactly(int(lengths[0]) if lengths else 0)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> None:
        """Wait until the client has closed, or reset, the connection."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass

    def reset(self) -> None:
        """Answer with RST instead of FIN: what a crashed process or a middlebox does."""
        raw: socket.socket = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


class RawServer:
    """Runs the script on each connection; closes the connection when the script returns."""

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self._script, self._context = script, context
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._script(Peer(reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away, which some tests are about
        finally:
            writer.close()
            self._tasks.discard(task)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a test's coroutine, for ten seconds at most."""

    async def bounded() -> Result:
        async with asyncio.timeout(10):
            return await coroutine

    return asyncio.run(bounded())


def post(url: str, body: bytes = b"{}", *headers: tuple[str, str]) -> Request:
    return Request("POST", url, (("content-type", "application/json"), *headers), body)


async def collect(endpoint: HttpEndpoint, request: Request) -> list[WireEvent]:
    async with aclosing(endpoint.stream(1, request)) as events:
        return [event async for event in events]


def exchange(script: Script, **options: Any) -> list[WireEvent]:
    """All events of one POST to a server that follows the script."""

    async def go() -> list[WireEvent]:
        async with RawServer(script) as server:
            endpoint = HttpEndpoint(server.url, **options)
            try:
                return await collect(endpoint, post(f"{server.url}/v1/chat/completions"))
            finally:
                await endpoint.aclose()

    return run(go())


def answering(response: bytes) -> Script:
    """A script that reads a request, sends these bytes and closes."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(response)

    return script


def reads(events: list[WireEvent]) -> list[bytes]:
    return [event.data for event in events if isinstance(event, BytesRead)]


def end(events: list[WireEvent]) -> ExchangeEnded:
    """The last event, which there is exactly one of, and which is an ending."""
    endings = [event for event in events if isinstance(event, ExchangeEnded)]
    assert endings == [events[-1]]
    return endings[0]
