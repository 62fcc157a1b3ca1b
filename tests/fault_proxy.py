"""A proxy on loopback between Callscope and a server, which lets the honest answer come to grief on the way.

The upstream answer is fetched whole; a fault then decides every byte of what goes to the client, and when. Faults are
ordinary scripts, so that a test can write its own. All of them end: by themselves, or when the client leaves.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from raw_server import Peer, RawServer

EVENT_STREAM = b"content-type: text/event-stream\r\n"


@dataclass(frozen=True)
class Answered:
    """The honest answer: `head` up to its blank line, `raw` as it lies on the wire, `payload` without chunk framing."""

    head: bytes
    raw: bytes
    payload: bytes
    request: bytes

    @property
    def whole(self) -> bytes:
        return self.head + self.raw

    @property
    def status(self) -> bytes:
        return self.head.partition(b"\r\n")[0]

    @property
    def fields(self) -> bytes:
        """The head's fields but for those that frame the body."""
        framing = (b"transfer-encoding:", b"content-length:", b"connection:")
        lines = self.head.removesuffix(b"\r\n\r\n").split(b"\r\n")[1:]
        return b"".join(line + b"\r\n" for line in lines if not line.lower().startswith(framing))

    def framed(self, *framing: bytes) -> bytes:
        """The head with other fields for the framing."""
        return self.status + b"\r\n" + self.fields + b"".join(line + b"\r\n" for line in framing) + b"\r\n"


Fault = Callable[[Peer, Answered], Awaitable[None]]


class FaultProxy:
    """Runs in a thread of its own. `fault` meets the requests whose number (from 1) is in `at`, or each where None."""

    def __init__(
        self, upstream: str, fault: Fault, at: Sequence[int] | None = None, context: ssl.SSLContext | None = None
    ) -> None:
        self._upstream, self._fault, self._at, self._context = upstream, fault, at, context
        self.requests: list[bytes] = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(lambda *_: None)  # a handshake that fails is asyncio's to report
        async with RawServer(self._pass_on, self._context) as server:
            self.url = server.url
            self._ready.set()
            await self._stop.wait()

    async def _pass_on(self, peer: Peer) -> None:
        request = await peer.request()
        self.requests.append(request)
        answer = await fetched(self._upstream, request)
        faulty = self._at is None or len(self.requests) in self._at
        await (self._fault if faulty else honest)(peer, answer)


async def fetched(upstream: str, request: bytes) -> Answered:
    """The answer to a request, whole; the connection is for this one alone."""
    parts = urlsplit(upstream)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    first, _, rest = request.partition(b"\r\n")
    writer.write(first + b"\r\nconnection: close\r\n" + rest)
    try:
        received = await reader.read(-1)
    finally:
        writer.close()
    head, blank, raw = received.partition(b"\r\n\r\n")
    payload = unchunked(raw) if b"transfer-encoding: chunked" in head.lower() else raw
    return Answered(head + blank, raw, payload, request)


def unchunked(raw: bytes) -> bytes:
    """The body of chunks that are in order."""
    body = b""
    while raw:
        size, _, raw = raw.partition(b"\r\n")
        length = int(size, 16)
        body, raw = body + raw[:length], raw[length + 2 :]
    return body


# ---- what may happen on the way -------------------------------------------------------------------------------------


async def honest(peer: Peer, answer: Answered) -> None:
    await peer.send(answer.whole)


def sending(make: Callable[[Answered], bytes | Iterable[bytes]], then: str = "close") -> Fault:
    """Send what is made of the answer, in these pieces; then close, reset, or be silent until the client leaves."""

    async def fault(peer: Peer, answer: Answered) -> None:
        made = make(answer)
        for piece in [made] if isinstance(made, bytes) else made:
            await peer.send(piece)
            await asyncio.sleep(0)
        if then == "reset":
            await asyncio.sleep(0.02)  # what was sent is on its way: a reset throws away what nobody has read
            peer.reset()
        elif then == "silence":
            await peer.gone()

    return fault


def delayed(place: float, seconds: float = 0.05) -> Fault:
    """Pause at a place (0 to 1) of the answer."""

    async def fault(peer: Peer, answer: Answered) -> None:
        cut = int(place * len(answer.whole))
        await peer.send(answer.whole[:cut])
        await asyncio.sleep(seconds)
        await peer.send(answer.whole[cut:])

    return fault


def cut(place: int, then: str = "close") -> Fault:
    """Only so many bytes of the answer; a place beyond its end is counted from the beginning again."""
    return sending(lambda answer: answer.whole[: place % len(answer.whole)], then)


def dripping(answer: Answered) -> Iterable[bytes]:
    """A byte at a time."""
    return (answer.whole[at : at + 1] for at in range(len(answer.whole)))


def with_length(answer: Answered, more: int) -> bytes:
    """The payload under a content-length that is wrong by so many bytes."""
    length = str(max(0, len(answer.payload) + more)).encode()
    return answer.framed(b"content-length: " + length, b"connection: close") + answer.payload


def in_chunks(answer: Answered, wrong: Callable[[bytes], bytes], last: bytes = b"0\r\n\r\n") -> bytes:
    """The payload in two chunks, the second of them as `wrong` writes it."""
    half = len(answer.payload) // 2
    first, second = answer.payload[:half], answer.payload[half:]
    head = answer.framed(b"transfer-encoding: chunked", b"connection: close")
    return head + chunk(first) + wrong(second) + last


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def refused(status: bytes, *fields: bytes, body: bytes = b'{"error":{"message":"slow down"}}') -> Fault:
    """An answer of this status in place of the honest one."""
    lines = [b"HTTP/1.1 " + status, b"content-type: application/json", b"content-length: %d" % len(body), *fields]
    return sending(lambda answer: b"\r\n".join([*lines, b"connection: close", b"", body]))


async def silent(peer: Peer, answer: Answered) -> None:
    await peer.gone()


async def heartbeats(peer: Peer, answer: Answered) -> None:
    """The head, and comments for ever."""
    await peer.send(answer.framed(b"transfer-encoding: chunked"))
    while True:
        await peer.send(chunk(b": still there\n\n"))
        await asyncio.sleep(0.01)


async def reflecting(peer: Peer, answer: Answered) -> None:
    """Echo the request, keys and all, in the head and in an error, a byte at a time."""
    lines = answer.request.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    key = next(line.partition(b": ")[2] for line in lines if line.lower().startswith(b"authorization"))
    body = b'{"error":{"message":"no such key: ' + key + b'"}}'
    head = b"HTTP/1.1 401 Unauthorized\r\nx-seen: " + key + b"\r\ncontent-length: %d\r\n\r\n" % len(body)
    await sending(lambda _: (bytes([byte]) for byte in head + body))(peer, answer)


async def reflecting_in_mid_stream(peer: Peer, answer: Answered) -> None:
    """Half of the stream, the request's key split over chunks, and a reset."""
    whole = replace(answer, payload=answer.payload[: len(answer.payload) // 2])
    lines = answer.request.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    key = next(line.partition(b": ")[2] for line in lines if line.lower().startswith(b"authorization"))
    await peer.send(answer.framed(b"transfer-encoding: chunked") + chunk(whole.payload))
    for piece in (b"\n\ndata: ", key[:12], key[12:20], key[20:]):
        await peer.send(chunk(piece))
    peer.reset()
