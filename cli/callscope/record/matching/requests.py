"""Whether two requests are the same, by their bytes, by what their JSON says, or by its shape.

Knows what of a request an endpoint adds by itself, which says nothing. Pure; must not know what came back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Literal
from urllib.parse import unquote, urlsplit

from callscope.core.credentials import is_secret_header
from callscope.core.values import Request

from .matching import Mismatch, Same, exactly, mismatches_of_texts, parsed, step
from .shapes import mismatches_of_shapes

Level = Literal["wire", "semantic", "shape"]
"""How alike two things must be to be the same: byte by byte, as JSON, or with the same members and types."""

_PORTS = {"http": 80, "https": 443}
_OF_THE_ENDPOINT = ("content-length", "host", "user-agent")


def mismatches_of_requests(
    recorded: Request,
    now: Request,
    same: Same = exactly,
    level: Level = "semantic",
    *,
    url: bool = True,
    ids: Same | None = None,
) -> Iterator[Mismatch]:
    """Every difference of two requests: method, URL (unless it is to be another), headers that both have, body.

    `ids` compares texts in the places of ids; of headers these are those that are called an id.

    An endpoint adds headers and a query of its own, secrets among them, so what one side lacks there says nothing.
    """
    if recorded.method != now.method:
        yield Mismatch("$.method", recorded.method, now.method)
    if url and not same(_place(recorded.url, now.url), _place(now.url, recorded.url)):
        yield Mismatch("$.url", recorded.url, now.url)
    if level != "shape":
        yield from _mismatches_of_headers(recorded, now, same, ids or same)
    yield from _mismatches_of_bodies(recorded, now, same, level, ids)


def _mismatches_of_headers(recorded: Request, now: Request, same: Same, ids: Same) -> Iterator[Mismatch]:
    present: dict[str, deque[str]] = {}
    for name, value in now.headers:
        present.setdefault(name.lower(), deque()).append(value)
    for name, value in recorded.headers:
        others = present.get(name.lower())
        if not others or is_secret_header(name) or name.lower() in _OF_THE_ENDPOINT:
            continue
        other = others.popleft()  # a header may be there several times
        alike = ids if name.lower().endswith("-id") else same
        if not alike(value, other):
            yield Mismatch(f"$.headers{step(name)}", value, other)


def _mismatches_of_bodies(
    recorded: Request, now: Request, same: Same, level: Level, ids: Same | None
) -> Iterator[Mismatch]:
    if recorded.body == now.body:
        return
    a, b = recorded.body.decode(errors="backslashreplace"), now.body.decode(errors="backslashreplace")
    if level == "semantic":
        yield from mismatches_of_texts(a, b, "$.body", same, ids)
    elif level == "shape":
        yield from mismatches_of_shapes(parsed(a), parsed(b), "$.body")
    elif not same(a, b):
        found = list(mismatches_of_texts(a, b, "$.body", same, ids))
        yield from found or [Mismatch("$.body", a, b)]  # the same JSON, in other bytes


def _place(url: str, other: str) -> str:
    """What of a URL two requests must share; the query only where both have one."""
    try:
        parts, query = urlsplit(url), urlsplit(other).query
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return url
    shared = f"?{parts.query}" if parts.query and query else ""
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}{unquote(parts.path) or '/'}{shared}"
