"""A loopback server for response bodies: `/N/v1/chat/completions` gives body N, in small chunks, and ends as it did.

Knows sockets and chunked bodies. Must not know what a body means, nor who reads.
"""

from __future__ import annotations

import random
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LONGEST_PIECE = 64
"""Bytes of the longest piece; pieces are cut at random, the same ones in each run."""


@dataclass(frozen=True, slots=True)
class Body:
    """What is answered: status, content type, bytes, and how it ends (`complete`, `truncated`, `reset`, `timeout`)."""

    status: int
    content_type: str
    data: bytes
    ending: str


def pieces(data: bytes, seed: int) -> Iterator[bytes]:
    """The body in pieces."""
    chance = random.Random(seed)
    at = 0
    while at < len(data):
        size = chance.randint(1, LONGEST_PIECE)
        yield data[at : at + size]
        at += size


@contextmanager
def serving(bodies: Sequence[Body]) -> Iterator[str]:
    """Serve while the context is open; gives the URL that `/N/v1` follows."""
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            number = int(next(part for part in self.path.split("/") if part.isdecimal()))
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.answer(bodies[number], number)

        def answer(self, body: Body, number: int) -> None:
            self.send_response(body.status)
            self.send_header("content-type", body.content_type)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.close_connection = True
            try:
                for piece in pieces(body.data, number):
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    self.wfile.flush()
                self.finish_as(body.ending)
            except OSError:
                pass  # the client has gone: that is its right

        def finish_as(self, ending: str) -> None:
            match ending:
                case "complete":
                    self.wfile.write(b"0\r\n\r\n")
                case "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                case "timeout":
                    ended.wait(60)
                case _:
                    pass  # truncated: the connection closes, the body has no end

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
