"""One HTTP/1.1 connection from the server's side, which can also break off in the middle of a word.

Knows h11, the socket and every way a response may end, the wrong ones included. Must not know what is served nor
who listens: a handler is an async generator that gives a `Head`, then bytes, then perhaps a faulty ending. Each piece
of bytes is one write and, where no content-length was given, one chunk; asyncio has TCP_NODELAY on, so it leaves as
it is.
"""

from __future__ import annotations

import asyncio
import http
import socket
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

import h11

from callscope.core.header_bytes import header_bytes, header_text
from callscope.core.values import Headers, Request

LONGEST_BODY: Final = 32 * 1024 * 1024
"""Bytes of a request that are kept; a longer one is refused with 413."""

LONGEST_HEAD: Final = 64 * 1024

LINGER: Final = 0.05
"""Seconds that a response may go on after its client has left."""


@dataclass(frozen=True, slots=True)
class Head:
    """The status and headers of a response."""

    status: int = 200
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the connection without ending the body: too few bytes of a content-length, or no last chunk."""


@dataclass(frozen=True, slots=True)
class CutChunk:
    """Announce a chunk, send only this much of it, close."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection (TCP RST)."""


Piece: TypeAlias = Head | bytes | HangUp | CutChunk | Reset
Handler: TypeAlias = Callable[[Request], AsyncGenerator[Piece, None]]
"""Answers one request, whose `url` is the request target. The first piece must be a `Head`."""


class Connection(asyncio.Protocol):
    """One client: requests in, one after another; a task of its own answers and is cancelled when the client goes."""

    transport: asyncio.Transport
    task: asyncio.Task[None]

    def __init__(self, handler: Handler, connections: set[Connection]) -> None:
        self._handler = handler
        self._connections = connections
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=LONGEST_HEAD)
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._busy = False
        self._retired = False
        self._unread = 0

    # ---- what the transport tells -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to answer."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        # Nothing is kept back here: a handler goes no faster than its client reads.
        transport.set_write_buffer_limits(0)
        self._connections.add(self)
        self.task = asyncio.ensure_future(self._converse())

    def data_received(self, data: bytes) -> None:
        """Take bytes of a request; one that is sent ahead waits, within the limit of a body."""
        self._unread = self._unread + len(data) if self._busy else 0
        if self._unread > LONGEST_BODY:
            self.transport.abort()
        else:
            self._http.receive_data(data)
            self._arrived.set()

    def eof_received(self) -> bool:
        """Take the client's end for its leaving, as its half-closed connections are rare and stalled ones are not.

        A response that is as good as over may still end: clients of streams leave at the last event, not at the last
        byte. Gives whether the transport stays open for that.
        """
        if self._busy:
            self._retired = True
            asyncio.get_running_loop().call_later(LINGER, self._stop)
            return True
        self._http.receive_data(b"")
        self._arrived.set()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop answering."""
        self._connections.discard(self)
        self._stop()

    def pause_writing(self) -> None:
        """Wait with the next piece."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self._writable.set()

    def retire(self) -> None:
        """Take no further request."""
        self._retired = True
        if not self._busy:
            self._stop()

    def _stop(self) -> None:
        """Cancel once: a second time would break off what a handler does to clean up, such as hanging up elsewhere."""
        if not self.task.cancelling():
            self.task.cancel()

    # ---- the conversation ---------------------------------------------------------------------------------------

    async def _converse(self) -> None:
        try:
            while not self._retired and (request := await self._request()):
                self._busy = True
                await self._respond(request)
                self._busy = False
                if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                    return
                self._http.start_next_cycle()
        except h11.RemoteProtocolError as error:
            if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                await self._plain(error.error_status_hint, str(error))
        finally:
            self.transport.close()

    async def _request(self) -> Request | None:
        head: h11.Request | None = None
        body = bytearray()
        size = 0
        while True:
            match event := await self._next_event():
                case h11.Request():
                    head = event
                case h11.Data():
                    size += len(event.data)
                    if size <= LONGEST_BODY:
                        body += event.data
                case h11.EndOfMessage() if head and size <= LONGEST_BODY:
                    return _request(head, bytes(body))
                case h11.EndOfMessage():
                    await self._plain(413, f"The request is longer than {LONGEST_BODY} bytes.")
                    return None
                case _:
                    return None

    async def _next_event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                await self._send(h11.InformationalResponse(status_code=100, headers=[]))
            self._arrived.clear()
            await self._arrived.wait()
        return event

    async def _respond(self, request: Request) -> None:
        try:
            async with aclosing(self._handler(request)) as pieces:
                async for piece in pieces:
                    await self._write(piece, with_body=request.method != "HEAD")
                    if self.transport.is_closing():
                        return
            await self._send(h11.EndOfMessage())
        except Exception as error:
            # A mistake of ours: said to the client where it still can be, and never swallowed.
            if self._http.our_state is h11.SEND_RESPONSE:
                await self._plain(500, f"The handler failed: {type(error).__name__}: {error}")
            raise

    async def _write(self, piece: Piece, *, with_body: bool) -> None:
        match piece:
            case Head(status=status, headers=headers):
                reason = http.HTTPStatus(status).phrase if status in set(http.HTTPStatus) else ""
                encoded = [(name.encode(), header_bytes(value)) for name, value in headers]
                await self._send(h11.Response(status_code=status, headers=encoded, reason=reason.encode()))
            case bytes():
                if piece and with_body:
                    await self._send(h11.Data(data=piece))
            case HangUp():
                self.transport.close()
            case CutChunk(data=data):
                self.transport.write(b"%x\r\n%b" % (len(data) + 64, data))
                self.transport.close()
            case Reset():
                await self._writable.wait()
                self._reset()
            case _:
                assert_never(piece)

    async def _send(self, event: h11.Event) -> None:
        # `send` gives None only for a connection that h11 itself closed, and there is nothing to write then.
        self.transport.write(self._http.send(event) or b"")
        await self._writable.wait()

    async def _plain(self, status: int, text: str) -> None:
        headers = (("content-type", "text/plain; charset=utf-8"), ("connection", "close"))
        await self._write(Head(status, headers), with_body=True)
        await self._send(h11.Data(data=text.encode()))
        await self._send(h11.EndOfMessage())

    def _reset(self) -> None:
        """Close with a zero linger time, which makes the kernel send RST in place of FIN (SO_LINGER in socket(7))."""
        raw: socket.socket = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


def _request(head: h11.Request, body: bytes) -> Request:
    headers = tuple((name.decode("ascii"), header_text(value)) for name, value in head.headers.raw_items())
    return Request(head.method.decode("ascii"), head.target.decode("latin-1"), headers, body)
