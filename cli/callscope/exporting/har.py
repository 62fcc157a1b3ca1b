"""A recording as an HTTP Archive, which browsers and proxies open.

Knows HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/). What it has no place for stands in members that begin
with an underscore, as it asks: where reads cut the body, how it ended, bytes that are no text. Must not know dialects.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from http import HTTPStatus
from textwrap import indent
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from callscope.core.values import Headers, Request
from callscope.core.visible import visible_json
from callscope.dialects.inflate import Inflater
from callscope.record.file.reading import RecordingFile
from callscope.version import VERSION

from .passages import Passage, passages

HTTP_VERSION = "HTTP/1.1"
"""The only one that Callscope speaks."""

UNKNOWN = -1
"""HAR's own word for a size or a time that nobody knows."""


def har(recording: RecordingFile) -> Iterator[str]:
    """The archive as JSON, an exchange at a time. Raises UnusableFile."""
    empty = {"log": {"version": "1.2", "creator": {"name": "Callscope", "version": VERSION}, "entries": []}}
    before, after = json.dumps(empty, ensure_ascii=False, indent=1).split("[]")
    yield before + "["
    comma = ""
    for passage in passages(recording):
        entry = visible_json(json.dumps(_entry(passage, recording.path.name), ensure_ascii=False, indent=1))
        yield comma + "\n" + indent(entry, " " * 3)
        comma = ","
    yield ("\n  ]" if comma else "]") + after + "\n"


def _entry(passage: Passage, name: str) -> dict[str, Any]:
    head_at = passage.head_at if passage.head_at is not None else passage.last_at
    wait, receive = _milliseconds(head_at), _milliseconds(max(passage.last_at - head_at, 0.0))
    return {
        "startedDateTime": passage.left_at.isoformat(timespec="milliseconds"),
        "time": round(wait + receive, 3),
        "request": _request(passage.request),
        "response": _response(passage),
        "cache": {},
        "timings": {"blocked": UNKNOWN, "dns": UNKNOWN, "connect": UNKNOWN, "ssl": UNKNOWN, "send": 0}
        | {"wait": wait, "receive": receive},
        "_callscope": _ours(passage, name),
    }


def _request(request: Request) -> dict[str, Any]:
    document: dict[str, Any] = {
        "method": request.method,
        "url": request.url,
        "httpVersion": HTTP_VERSION,
        "cookies": [],
        "headers": list(_pairs(request.headers)),
        "queryString": list(_pairs(_query(request.url))),
        "headersSize": UNKNOWN,
        "bodySize": len(request.body),
    }
    if request.body:
        document["postData"] = {"mimeType": _header(request.headers, "content-type"), **_text(request.body)}
        document["postData"].pop("encoding", None)  # HAR knows it in responses alone; _callscope says it
    return document


def _response(passage: Passage) -> dict[str, Any]:
    status = passage.head.status if passage.head else 0
    headers = passage.head.headers if passage.head else ()
    wire = passage.body
    body = _inflated(wire, headers)
    content = {"size": len(body), "mimeType": _header(headers, "content-type") or "x-unknown", **_text(body)}
    document = {
        "status": status,
        "statusText": _phrase(status),
        "httpVersion": HTTP_VERSION if passage.head else "",
        "cookies": [],
        "headers": list(_pairs(headers)),
        "content": content | ({"compression": len(body) - len(wire)} if body != wire else {}),
        "redirectURL": _header(headers, "location"),
        "headersSize": UNKNOWN,
        "bodySize": len(wire),
    }
    broken = passage.ended is None or passage.ended.how != "complete"
    return document | ({"_error": _how(passage)} if broken else {})


def _ours(passage: Passage, name: str) -> dict[str, Any]:
    """What else is recorded: times are milliseconds since the request left."""
    reads = [
        {"at": _milliseconds(read.at), "size": len(read.wire.data)}
        | ({"cuts": list(read.wire.cuts)} if read.wire.cuts else {})
        for read in passage.reads
    ]
    facts: dict[str, Any] = {"recording": name, "line": passage.line, "exchange": passage.number, "reads": reads}
    facts["end"] = _how(passage)
    body = passage.request.body
    if "encoding" in _text(body):
        facts["request_body_base64"] = base64.b64encode(body).decode("ascii")
    return facts | ({"masked": passage.masked} if passage.masked else {})


def _how(passage: Passage) -> str:
    if passage.ended is None:
        return "not recorded"
    return f"{passage.ended.how}: {passage.ended.detail}" if passage.ended.detail else passage.ended.how


def _inflated(wire: bytes, headers: Headers) -> bytes:
    """The body as it is meant; as it came where it cannot be inflated."""
    inflater = Inflater(_header(headers, "content-encoding"))
    if not inflater.needed(wire):
        return wire
    body = inflater.feed(wire) + inflater.close()
    return wire if inflater.failure else body


def _text(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode("ascii"), "encoding": "base64"}


def _query(url: str) -> Headers:
    try:
        return tuple(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    except ValueError:  # more parameters than urllib reads, or no URL at all
        return ()


def _pairs(pairs: Headers) -> Iterator[dict[str, str]]:
    return ({"name": name, "value": value} for name, value in pairs)


def _header(headers: Headers, wanted: str) -> str:
    return ",".join(value for name, value in headers if name.lower() == wanted)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 3)
