"""Masking the lines of a recording, with the spans listed in the line's `masked`.

Knows which members are headers, a URL, bytes or words. Must not know how a secret is found (masking.py), nor files. The
spans of a read were found before anybody saw it; all other lines are masked here.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from callscope.core.events import BytesRead
from callscope.record.file.format import Line

from .masking import Secrets

Found = dict[str, list[list[int]]]
"""Path of a member to the (start, length) of secrets in UTF-8 bytes of it; for headers (index, start, length)."""

_WORDS_OF_THE_FORMAT = frozenset(("kind", "how", "direction", "action", "by", "status", "reason", "severity", "code"))


def concealed_read(read: BytesRead) -> BytesRead:
    """A read with its secret bytes overwritten."""
    return replace(read, data=read.shown) if read.masked else read


def concealed(line: Line, secrets: Secrets) -> Line:
    """Any other line without a secret in it."""
    found: Found = {}
    masked = {
        name: value if name in _WORDS_OF_THE_FORMAT else _member(name, value, secrets, found)
        for name, value in line.items()
    }
    return masked | {"masked": found} if found else masked


def _member(name: str, value: Any, secrets: Secrets, found: Found) -> Any:
    """A member by its name, where it is what the format means by that; a line of a later version may mean another."""
    match name, value:
        case "headers", list() if all(map(_is_header, value)):
            headers, places = secrets.mask_headers(tuple((key, text) for key, text in value))
            _note(found, name, places)
            return [list(header) for header in headers]
        case "url", str():
            url, spans = secrets.mask_url(value)
            _note(found, name, spans)
            return url
        case "base64" | "body_base64", str() if (data := _decoded(value)) is not None:
            masked, spans = secrets.mask_bytes(data)
            _note(found, name, spans)
            return base64.b64encode(masked).decode("ascii") if spans else value
        case _:
            return _value(name, value, secrets, found)


def _is_header(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None


def _value(path: str, value: Any, secrets: Secrets, found: Found) -> Any:
    match value:
        case str():
            text, spans = secrets.mask(value)
            _note(found, path, spans)
            return text
        case Mapping():
            names = {name: secrets.mask(name)[0] for name in value}
            return {
                names[name]: _value(f"{path}.{names[name]}", member, secrets, found) for name, member in value.items()
            }
        case list() | tuple():
            return [_value(f"{path}[{place}]", element, secrets, found) for place, element in enumerate(value)]
        case _:
            return value


def _note(found: Found, path: str, spans: tuple[tuple[int, ...], ...]) -> None:
    if spans:
        found[path] = [list(span) for span in spans]
