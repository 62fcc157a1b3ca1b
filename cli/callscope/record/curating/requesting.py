"""A recorded request made anew, after what went before it was changed.

Knows what of a request the conversation decides (URL, the protocol's headers, body) and what the endpoint added to it,
which stays. Pure; must not know how a dialect writes a request.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from callscope.core.events import ExchangeOpened
from callscope.core.values import Headers, Request
from callscope.record.file.format import Line, line_of

_STARS = re.compile(r"\*{8,}")
"""What masking leaves: no secret that is looked for is shorter."""


def asked_anew(line: Line, recorded: Request, before: Request, now: Request) -> Line:
    """The line of a request that was made as `before`, if it is to be made as `now`."""
    headers, places = _headers(recorded.headers, before.headers, now.headers, len(now.body))
    request = Request(now.method, _url(recorded.url, before.url, now.url), headers, now.body)
    written = line_of(ExchangeOpened(line["exchange"], request))
    kept = {name: value for name, value in line.items() if name not in ("body", "body_base64", "masked")}
    masked = _masked(line.get("masked"), places, written)
    return kept | written | ({"masked": masked} if masked else {})


def _url(recorded: str, before: str, now: str) -> str:
    """An endpoint adds a query of its own, which stays."""
    if before == now:
        return recorded
    query = urlsplit(recorded).query
    return f"{now}?{query}" if query and "?" not in now else now


def _headers(recorded: Headers, before: Headers, now: Headers, size: int) -> tuple[Headers, dict[int, int]]:
    """The headers, and the new places of those that were there."""
    wanted = {name.lower(): (name, value) for name, value in now}
    gone = {name.lower() for name, _ in before} - wanted.keys()
    headers: list[tuple[str, str]] = []
    places: dict[int, int] = {}
    for place, (name, value) in enumerate(recorded):
        lowered = name.lower()
        if lowered in gone:
            continue
        places[place] = len(headers)
        value = wanted.pop(lowered, (name, value))[1]
        headers.append((name, str(size) if lowered == "content-length" else value))
    return (*headers, *wanted.values()), places


def _masked(recorded: Any, places: dict[int, int], line: Line) -> dict[str, Any]:
    """Where masks are now; in a body they are the asterisks that stand for them in the conversation."""
    if not isinstance(recorded, dict):
        return {}
    masked = {name: spans for name, spans in recorded.items() if name not in ("headers", "body", "body_base64")}
    if isinstance(spans := recorded.get("headers"), list):
        masked["headers"] = [[places[span[0]], *span[1:]] for span in spans if _is_kept(span, places)]
    body = line.get("body", "")
    if "body" in recorded and (found := [_span(body, stars) for stars in _STARS.finditer(body)]):
        masked["body"] = found
    return masked


def _is_kept(span: Any, places: dict[int, int]) -> bool:
    return isinstance(span, list) and len(span) == 3 and type(span[0]) is int and span[0] in places


def _span(text: str, found: re.Match[str]) -> list[int]:
    return [len(text[: found.start()].encode()), len(found[0])]
