"""The hostile answers that every recorder gets, byte by byte.

Knows how answers of model servers look and break. Must not know the recorders. Bodies named after a file are those of
`tests/quirks`, which has their sources.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from recorders_server import Step

QUIRKS = Path(__file__).resolve().parents[1] / "tests" / "quirks"
BETWEEN = 0.003
"""Seconds between two chunks, so that they come in reads of their own."""
CALM = 0.05
"""Seconds before a connection breaks: what was sent before has arrived."""
DRIPS, DRIP = 20, 0.05

KEY = "corp-5rTy-" + "93kdKp2mXxYw41"
"""What the client sends where nothing is planted; made up, as all secrets here are."""


@dataclass(frozen=True, slots=True)
class Case:
    """An answer, and whether the request asks for a stream."""

    name: str
    steps: tuple[Step, ...]
    stream: bool = True


def event(text: str) -> bytes:
    """A delta of a Chat Completions stream."""
    delta = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    document = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [delta]}
    return b"data: " + json.dumps(document, ensure_ascii=False).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
WORDS = [event(f"word {number}, ") for number in range(6)]
JSON = json.dumps({"id": "c", "object": "chat.completion", "choices": [{"message": {"content": "hi"}}]}).encode()
PLAIN = "application/json"
ERROR = b'{"error": {"message": "no", "type": "server_error", "code": null}}'


def head(*fields: str, status: str = "200 OK", kind: str = "text/event-stream", version: str = "1.1") -> bytes:
    """The head of an answer; the fields may hold bytes of Latin-1."""
    lines = [f"HTTP/{version} {status}", *([f"content-type: {kind}"] if kind else []), *fields]
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n"


CHUNKED = head("transfer-encoding: chunked")


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    """A transfer chunk."""
    return b"%x%b\r\n%b\r\n" % (len(data), extension, data)


def chunks(pieces: Iterable[bytes], pause: float = BETWEEN) -> list[Step]:
    """Each piece as a chunk and a send of its own."""
    return [step for piece in pieces for step in (chunk(piece), pause)]


END = b"0\r\n\r\n"


def stream(name: str, pieces: Iterable[bytes], first: bytes = CHUNKED, last: bytes = END) -> Case:
    """A stream in chunks that ends well."""
    return Case(name, (first, *chunks(pieces), last))


def whole(name: str, body: bytes, *fields: str, status: str = "200 OK", kind: str = PLAIN) -> Case:
    """A body in one piece with its length."""
    return Case(name, (head(f"content-length: {len(body)}", *fields, status=status, kind=kind), body), stream=False)


def sliced(body: bytes, size: int) -> list[bytes]:
    """Pieces of this size."""
    return [body[start : start + size] for start in range(0, len(body), size)]


def compressed(pieces: Sequence[bytes]) -> list[bytes]:
    """Each piece flushed out of one gzip stream, as a server does that compresses a stream."""
    packer = zlib.compressobj(wbits=31)
    flushed = [packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) for piece in pieces]
    return [*flushed, packer.flush()]


def quirk(stem: str) -> Case:
    """A recorded body, each of its events in a chunk."""
    body = (QUIRKS / f"{stem}.sse").read_bytes()
    events = [piece + b"\n\n" for piece in body.split(b"\n\n")]
    events[-1] = events[-1].removesuffix(b"\n\n")
    return stream(stem, [piece for piece in events if piece])


def borders() -> list[Case]:
    """Streams that are cut where nobody expects it."""
    chinese = event("北京 😀 café")
    at = chinese.index("京".encode()) + 1
    return [
        stream("an event a chunk", [*WORDS, DONE]),
        stream("cut in mid UTF-8", [chinese[:at], chinese[at : at + 2], chinese[at + 2 :], DONE]),
        stream("chunk borders inside events", sliced(b"".join([*WORDS, DONE]), 37)),
        Case("a byte a chunk", (CHUNKED, b"".join(map(chunk, sliced(WORDS[0] + DONE, 1))), END)),
        Case("all chunks in one send", (CHUNKED + b"".join(map(chunk, [*WORDS, DONE])) + END,)),
        Case("chunk extensions and a trailer", (CHUNKED, chunk(WORDS[0], b";a=1"), BETWEEN, b"0\r\nx-sum: 1\r\n\r\n")),
        stream("slow drip", [event(f"{number} ") for number in range(DRIPS)]),
        stream("a megabyte in one event", sliced(event("x" * 1_000_000), 16_000)),
    ]


def drip(name: str = "drip") -> Case:
    """A delta each 50 ms."""
    return Case(name, (CHUNKED, *chunks([event(f"{number} ") for number in range(DRIPS)], DRIP), chunk(DONE), END))


def endings() -> list[Case]:
    """Answers that break off."""
    text = [step for step in chunks(WORDS[:3]) if step]
    return [
        Case("reset in mid-stream", (CHUNKED, *text, CALM, "reset")),
        Case("reset inside a chunk", (CHUNKED, *text, chunk(WORDS[3])[:60], CALM, "reset")),
        Case("reset after the head", (CHUNKED, CALM, "reset")),
        Case("closed in mid-stream", (CHUNKED, *text, CALM, "close")),
        Case("closed inside a chunk", (CHUNKED, *text, chunk(WORDS[3])[:60], CALM, "close")),
        Case("closed after [DONE], chunks not ended", (CHUNKED, *text, chunk(DONE), CALM, "close")),
        Case(
            "body shorter than its length", (head("content-length: 999", kind="application/json"), JSON, "close"), False
        ),
        Case("reset in a body with length", (head("content-length: 999"), WORDS[0], CALM, "reset")),
        Case("reset in a body to the close", (head(), WORDS[0], CALM, WORDS[1], CALM, "reset")),
        Case("a chunk length that is no number", (CHUNKED, *text, b"zz\r\noops\r\n", CALM, "close")),
        Case("closed without an answer", (CALM, "close"), False),
    ]


def bodies() -> list[Case]:
    """Bodies with what does not belong there."""
    gzipped = gzip.compress(JSON, mtime=0)
    packed = head("transfer-encoding: chunked", "content-encoding: gzip")
    mixed = b'data: {"a":1}\r\n\r\ndata: {"b":2}\r\rdata: {"c":3}\n\n\r\ndata: x\rdata: y\n\n'
    return [
        whole("gzip", gzipped, "content-encoding: gzip"),
        stream("gzip stream, flushed at each event", compressed([*WORDS, DONE]), packed),
        stream("NUL bytes", [event("a\0b"), b"data: \0\0\n\n", DONE]),
        stream("invalid UTF-8", [b'data: {"x": "\xff\xc3("}\n\n', WORDS[0], b"\xf0\x9f\n\n", DONE]),
        stream("CR, LF and CR LF mixed", sliced(mixed, 9)),
        stream("byte order mark, comments, event names", [b"\xef\xbb\xbf: hi\n\n", b"event: x\nid: 7\n", *WORDS, DONE]),
        stream("two [DONE], and bytes after", [WORDS[0], DONE, DONE, b"tail without an end"]),
        stream("an empty stream", []),
        whole("an empty body", b""),
        whole("8 MB of JSON", json.dumps({"choices": [{"message": {"content": "lorem " * 1_400_000}}]}).encode()),
    ]


def heads() -> list[Case]:
    """Heads and statuses that are not plain, and errors with bodies."""
    twice = ("x-note: one", "x-note: two", "set-cookie: a=1", "set-cookie: b=2")
    busy = head(
        "content-length: 66",
        "retry-after: 7",
        "x-request-id: r1",
        status="429 Too Many Requests",
        kind="application/json",
    )
    page = b"<html><body><h1>502 Bad Gateway</h1></body></html>\r\n"
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
    return [
        whole("headers twice", JSON, *twice),
        stream("a header in Latin-1", [WORDS[0], DONE], head("transfer-encoding: chunked", "x-name: caf\xe9")),
        whole("500 with a body", ERROR, status="500 Internal Server Error"),
        Case("429 with Retry-After, to a stream", (busy, ERROR)),
        Case("502 with a page, to a stream", (head(status="502 Bad Gateway", kind="text/html"), page, "close")),
        whole("307 to another place", b"", "location: http://127.0.0.1:9/v1", status="307 Temporary Redirect"),
        Case("103 before the answer", (early, BETWEEN, CHUNKED, *chunks([*WORDS, DONE]), END)),
        Case("HTTP/1.0 without a length", (head(version="1.0"), *WORDS, DONE, "close")),
        Case("HTTP/1.1 to the close", (head(), *WORDS, DONE, "close")),
        stream(
            "JSON to a stream, in chunks", sliced(JSON, 20), head("transfer-encoding: chunked", kind="application/json")
        ),
    ]


def quirks() -> list[Case]:
    """Bodies of real servers."""
    stems = (
        "002-openai-parallel-after-text",
        "074-multi-line-data",
        "085-error-midstream-openrouter",
        "205-error-html-in-event-stream",
        "238-line-separator-u2028-in-strings",
        "331-crlf-split-from-its-blank-line",
    )
    return [quirk(stem) for stem in stems]


CASES = (*borders(), *endings(), *bodies(), *heads(), *quirks())


@dataclass(frozen=True, slots=True)
class Plant:
    """A secret in an exchange: where, what must not be on disk (`needle`), and what the request carries."""

    where: str
    case: Case
    needle: str
    key: str
    query: str = ""
    cookie: str = ""


def planted() -> tuple[Plant, ...]:
    """Secrets where they turn up in practice; an answer says `key=` before a key, to tell it from the request's."""
    keys = [f"corp-7fQz-93kd{letter}-Kp2mXxYw41" for letter in "ABCDEF"]
    session, fresh, inquery = "session-4hJk7LmNp2QrSt9v", "fresh-6dFg8HjKl3ZxCv1b", "qk-8tGh-52LmNv6pRsUw90"
    vendor = "sk" + "-proj-" + "T3stT0kenForMasking0123456789abcdef"
    plain = [whole(f"planted {number}", JSON) for number in range(3)]
    echo = whole("key in an error", b'{"error": {"message": "key=%b"}}' % keys[3].encode(), status="401 Unauthorized")
    cut = event(f"key={keys[4]}!")
    at = cut.index(keys[4].encode()) + 9
    return (
        Plant("the request's `Authorization`", plain[0], keys[0], keys[0]),
        Plant("`?api_key=`", plain[1], inquery, keys[1], query=f"?api_key={inquery}"),
        Plant("the request's `Cookie`", plain[2], session, keys[1], cookie=f"sid={session}"),
        Plant("the answer's `Set-Cookie`", whole("cookie", JSON, f"set-cookie: sid={fresh}; HttpOnly"), fresh, keys[2]),
        Plant("the key, echoed in an error", echo, f"key={keys[3]}", keys[3]),
        Plant(
            "the key, cut by a chunk border", stream("key cut", [cut[:at], cut[at:], DONE]), f"key={keys[4]}", keys[4]
        ),
        Plant("a vendor's token in a delta", stream("token", [event(f"use {vendor}"), DONE]), vendor, keys[5]),
    )
