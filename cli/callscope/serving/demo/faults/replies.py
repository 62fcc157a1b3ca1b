"""The faults of rules 11 to 14 that lie in the reply as a whole: status, headers, form, time and end.

Knows the ways a connection can break that `connection` offers. Must not know chunks.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from callscope.serving.connection import CutChunk, HangUp, Head, Reset

from .events import in_the_middle
from .fault import Fault, Reply, ReplyFault, ReplyPiece, Stall

FAULTS: list[Fault] = []
LONGEST_ENDLESS: Final = 20_000
"""Pieces after which even an endless answer ends."""


def _fault(
    rule: int, name: str, sentence: str, *aliases: str, heals: bool = False
) -> Callable[[Callable[[Reply], Reply]], None]:
    def register(change: Callable[[Reply], Reply]) -> None:
        FAULTS.append(ReplyFault(name=name, rule=rule, sentence=sentence, aliases=aliases, change=change, heals=heals))

    return register


def _begun(reply: Reply) -> list[bytes]:
    """What comes before a reply breaks: half a stream, or half a document."""
    sent = [piece for piece in reply.pieces if isinstance(piece, bytes)]
    return in_the_middle(sent) if len(sent) > 1 else [sent[0][: len(sent[0]) // 2]] if sent else []


def _as(reply: Reply, content_type: str, body: bytes, status: int = 200, *more: tuple[str, str]) -> Reply:
    kept = tuple(header for header in reply.head.headers if header[0] == "x-request-id")
    return Reply(Head(status, (("content-type", content_type), *more, *kept)), [body])


# ---- rule 11: errors in place of an answer ------------------------------------------------------------------------


def _http(status: int, kind: str, message: str, *more: tuple[str, str], heals: bool = False, also: str = "") -> None:
    error = {"error": {"message": message, "type": kind, "param": None, "code": kind}}

    def change(reply: Reply) -> Reply:
        return _as(reply, "application/json", json.dumps(error).encode(), status, *more)

    sentence = f"HTTP {status} with an error in OpenAI's shape{also}."
    _fault(11, f"HTTP {status}", sentence, f"status {status}", heals=heals)(change)


_http(401, "invalid_api_key", "The demo was asked to refuse your key.")
_http(404, "model_not_found", "The demo was asked not to know this model.")
_http(
    429,
    "rate_limit_exceeded",
    "The demo was asked to be busy; try again in a second.",
    ("retry-after", "1"),
    heals=True,
    also=" and retry-after: 1; the same request sent again is answered",
)
_http(500, "server_error", "The demo was asked to fail.")
_http(
    503,
    "overloaded",
    "The demo was asked to be overloaded.",
    heals=True,
    also="; the same request sent again is answered",
)


@_fault(11, "HTML answer", "HTTP 200 with a web page in place of an answer (a proxy, a wrong path).", "html")
def _(reply: Reply) -> Reply:
    page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>The demo was asked for a page.</body></html>"
    return _as(reply, "text/html; charset=utf-8", page.encode())


@_fault(11, "JSON error", "HTTP 200 with an error as JSON in place of a stream.", "error in 200")
def _(reply: Reply) -> Reply:
    error = {"error": {"message": "The demo was asked to fail.", "type": "server_error", "code": None}}
    return _as(reply, "application/json", json.dumps(error).encode())


# ---- rule 12: endings ---------------------------------------------------------------------------------------------


@_fault(12, "empty answer", "HTTP 200 and no body at all.", "empty body")
def _(reply: Reply) -> Reply:
    return replace(reply, pieces=[])


@_fault(12, "reset", "The connection is reset in the middle (TCP RST).", "connection reset")
def _(reply: Reply) -> Reply:
    return replace(reply, pieces=[*_begun(reply), Reset()])


@_fault(12, "cut in mid-chunk", "The connection closes in the middle of an HTTP chunk.", "mid-chunk", "cut chunk")
def _(reply: Reply) -> Reply:
    begun = _begun(reply)
    return replace(reply, pieces=[*begun[:-1], CutChunk(begun[-1][: len(begun[-1]) // 2] if begun else b"")])


@_fault(12, "wrong content-length", "The content-length is 1000 bytes more than what comes.", "content-length")
def _(reply: Reply) -> Reply:
    sent = [piece for piece in reply.pieces if isinstance(piece, bytes)]
    length = ("content-length", str(sum(map(len, sent)) + 1000))
    return replace(reply, head=replace(reply.head, headers=(*reply.head.headers, length)), pieces=[*sent, HangUp()])


@_fault(12, "no last chunk", "The answer is whole with its [DONE], but HTTP's last chunk never comes.")
def _(reply: Reply) -> Reply:
    return replace(reply, pieces=[*reply.pieces, HangUp()])


@_fault(12, "hang up at once", "The connection closes after the headers.", "hang up")
def _(reply: Reply) -> Reply:
    return replace(reply, pieces=[HangUp()])


@_fault(12, "stall", "In the middle the server falls silent, for half a minute unless you stop it; then it closes.")
def _(reply: Reply) -> Reply:
    return replace(reply, pieces=[*_begun(reply), Stall(), HangUp()])


@_fault(12, "slow", "Every piece takes ten times as long.", "slowly")
def _(reply: Reply) -> Reply:
    return replace(reply, slowness=10.0)


@_fault(12, "endless", "The answer never ends (after 20,000 pieces even this one does).", "endless stream")
def _(reply: Reply) -> Reply:
    def pieces() -> Iterator[ReplyPiece]:
        sent = list(reply.pieces)
        text = next((piece for piece in sent if isinstance(piece, bytes) and b'"content":"' in piece), b": and on\n\n")
        yield from sent[:2]
        for _ in range(LONGEST_ENDLESS):
            yield text
        yield from sent[2:]

    return replace(reply, pieces=pieces())


# ---- rules 13 and 14 ----------------------------------------------------------------------------------------------


@_fault(13, "gzip", "The body is compressed although the client asked for `identity`.", "compressed")
def _(reply: Reply) -> Reply:
    squeeze = zlib.compressobj(wbits=31)
    sent: list[ReplyPiece] = [
        squeeze.compress(piece) + squeeze.flush(zlib.Z_SYNC_FLUSH) if isinstance(piece, bytes) else piece
        for piece in reply.pieces
    ]
    head = replace(reply.head, headers=(*reply.head.headers, ("content-encoding", "gzip")))
    return replace(reply, head=head, pieces=[*sent, squeeze.flush()])


@_fault(13, "wrong content type", "The stream calls itself text/plain.")
def _(reply: Reply) -> Reply:
    headers = ((name, "text/plain" if name == "content-type" else value) for name, value in reply.head.headers)
    return replace(reply, head=replace(reply.head, headers=tuple(headers)))
