"""Where a recording hides secrets, marked in its texts: asterisks may also be some that somebody wrote.

Knows how the places of secrets are listed in a line. A list that nobody vouches for hides nothing but asterisks. Must
not know what is compared, nor why.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from callscope.core.values import Headers, Request

from .matching import HIDDEN


def hidden_bytes(data: bytes, spans: Any) -> bytes:
    """The data with a mark for each byte in the places (start, length), which do not overlap and are in order."""
    if not isinstance(spans, list):
        return data
    hidden, end = bytearray(data), 0
    for span in spans:
        match span:
            case [int(start), int(length)] if end <= start <= start + length <= len(data):
                end = start + length
                if data.count(b"*", start, end) == length:
                    hidden[start:end] = HIDDEN.encode() * length
            case _:
                pass
    return bytes(hidden)


def hidden_text(text: str, spans: Any) -> str:
    """The text with a mark for each byte in the places (start, length) of its UTF-8."""
    return hidden_bytes(text.encode("utf-8", "surrogatepass"), spans).decode("utf-8", "surrogatepass")


def hidden_body(body: bytes, masked: Any) -> bytes:
    """The body of a request whose line has this `masked`."""
    places = masked if isinstance(masked, dict) else {}
    return hidden_bytes(hidden_bytes(body, places.get("body")), places.get("body_base64"))


def hidden_request(request: Request, masked: Any) -> Request:
    """A request whose line has this `masked`."""
    places = masked if isinstance(masked, dict) else {}
    headers, url = _hidden_headers(request.headers, places.get("headers")), hidden_text(request.url, places.get("url"))
    return replace(request, url=url, headers=headers, body=hidden_body(request.body, masked))


def shown(value: Any) -> Any:
    """A value with asterisks in place of the marks."""
    match value:
        case str():
            return value.replace(HIDDEN, "*")
        case dict() | list():
            try:
                return json.loads(json.dumps(value).replace(json.dumps(HIDDEN)[1:-1], "*"))
            except RecursionError:
                return "(nested too deeply to show)"
        case _:
            return value


def _hidden_headers(headers: Headers, spans: Any) -> Headers:
    by_place: dict[int, list[Any]] = {}
    for span in spans if isinstance(spans, list) else ():
        match span:
            case [int(place), start, length]:
                by_place.setdefault(place, []).append([start, length])
            case _:
                pass
    return tuple((name, hidden_text(value, by_place.get(place))) for place, (name, value) in enumerate(headers))
