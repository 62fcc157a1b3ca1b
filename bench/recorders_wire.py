"""A client that reads an HTTP answer from the socket, so that no library smooths what came over the wire.

Knows how HTTP/1 frames a body and how a connection ends. Must not know who answers, nor what is judged by it.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

PATIENCE = 10.0
"""Seconds without a byte after which an answer is taken for silent."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer as a client saw it.

    `ending`: `complete`, `truncated` (closed before the framing's end), `reset`, `malformed`, `silence`, or what a
    recorder's own client said. `status` 0: no head came. `chunks`: sizes of the transfer chunks, None where there were
    none. `times`: the clock (`time.monotonic`) at each piece of the body, with the bytes had by then.
    """

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    chunks: tuple[int, ...] | None = None
    ending: str = "complete"
    times: tuple[tuple[float, int], ...] = ()


class Cut(Exception):
    """The connection ended, or nothing more can be read from it; the word is the ending."""


class Stream:
    """Bytes of a connection, by line and by count."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = bytearray()

    def _more(self) -> None:
        try:
            data = self._connection.recv(65536)
        except TimeoutError:
            raise Cut("silence") from None
        except OSError:
            raise Cut("reset") from None
        if not data:
            raise Cut("truncated")
        self._buffer += data

    def line(self) -> bytes:
        """A line without its end."""
        while b"\n" not in self._buffer:
            self._more()
        end = self._buffer.index(b"\n") + 1
        return self._take(end).rstrip(b"\r\n")

    def some(self, limit: int) -> bytes:
        """What is there, up to so many bytes and at least one."""
        if not self._buffer:
            self._more()
        return self._take(limit)

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken


class Reader:
    """Reads one answer; what came before a break is kept."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._status = 0
        self._headers: list[tuple[str, str]] = []
        self._body = bytearray()
        self._chunks: list[int] | None = None
        self._times: list[tuple[float, int]] = []

    def read(self) -> Seen:
        """The answer to its end, whichever that is."""
        try:
            self._head()
            self._read_body()
            ending = "complete"
        except Cut as cut:
            ending = str(cut)
        except ValueError:
            ending = "malformed"
        chunks = None if self._chunks is None else tuple(self._chunks)
        return Seen(self._status, tuple(self._headers), bytes(self._body), chunks, ending, tuple(self._times))

    def _head(self) -> None:
        status = 100
        while 100 <= status < 200:
            status = int(self._stream.line().split()[1])
            self._headers = list(self._fields())
        self._status = status

    def _fields(self) -> list[tuple[str, str]]:
        fields: list[tuple[str, str]] = []
        while line := self._stream.line().decode("latin-1"):
            name, _, value = line.partition(":")
            fields.append((name.lower(), value.strip()))
        return fields

    def _read_body(self) -> None:
        length = next((int(value) for name, value in self._headers if name == "content-length"), None)
        if self._status in (204, 304):
            return
        if any(name == "transfer-encoding" and "chunked" in value.lower() for name, value in self._headers):
            self._chunked()
        elif length is not None:
            self._exactly(length)
        else:
            self._to_the_close()

    def _chunked(self) -> None:
        self._chunks = []
        while size := int(self._stream.line().split(b";")[0], 16):
            before = len(self._body)
            try:
                self._exactly(size)
            finally:
                if len(self._body) > before:
                    self._chunks.append(len(self._body) - before)
            if self._stream.line():
                raise ValueError("a chunk is longer than it says")
        self._fields()

    def _exactly(self, count: int) -> None:
        end = len(self._body) + count
        while len(self._body) < end:
            self._keep(self._stream.some(end - len(self._body)))

    def _to_the_close(self) -> None:
        try:
            while True:
                self._keep(self._stream.some(65536))
        except Cut as cut:
            if str(cut) != "truncated":
                raise

    def _keep(self, data: bytes) -> None:
        self._body += data
        self._times.append((monotonic(), len(self._body)))


def ask(port: int, request: bytes) -> Seen:
    """Send a request to a loopback port, and read what comes back."""
    try:
        connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
    except OSError:
        return Seen(ending="refused")
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError):
            connection.sendall(request)
        return Reader(Stream(connection)).read()
