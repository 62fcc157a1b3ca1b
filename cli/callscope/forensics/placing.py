"""Where in the bytes of a frame a character of a decoded text stands.

Knows JSON strings and their escapes. Must not know what the text is. A place is given only where the text is found word
for word: as a JSON string, or as it stands (arguments that came as an object).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

LONGEST = 8 * 1024 * 1024
"""Bytes of a frame: in a longer one nobody looks for a character."""

_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_UNIT = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL)
_VALUE_OF = re.compile(
    r'"(?:arguments|input|args|arguments_str|delta|content|text|thinking|reasoning(?:_content)?|refusal)"\s*:\s*\Z'
)
_NEAR = 40
"""Characters before a value in which its name is looked for."""


def byte_of(raw: bytes, text: str, character: int) -> int | None:
    """The offset in `raw` of a character of `text`; `len(text)` is the place behind it. None where it is not there."""
    if len(raw) > LONGEST:
        return None
    written = raw.decode("utf-8", "surrogateescape")
    begin = _literal(written, text)
    if begin is not None:
        return _unit(written, begin, character)
    begin = written.find(text) if text else -1
    return _size(written[: begin + character]) if begin >= 0 else None


def byte_within(raw: bytes, text: str, place: int) -> int | None:
    """The offset in `raw` of a character of `text`, of which only a piece stands in `raw`; None where it does not."""
    if len(raw) > LONGEST:
        return None
    written = raw.decode("utf-8", "surrogateescape")
    for literal in _LITERAL.finditer(written):
        piece = _said(literal.group()) if _is_value(written, literal.start()) else None
        if piece:
            begin = max(0, place - len(piece) + 1)
            at = text.find(piece, begin, place + len(piece))
            if 0 <= at <= place:
                return _unit(written, literal.start() + 1, place - at)
    return None


def _is_value(written: str, quote: int) -> bool:
    """Whether the string that opens here is the value of a member that texts and arguments come in."""
    return _VALUE_OF.search(written, max(0, quote - _NEAR), quote) is not None


def _literal(written: str, text: str) -> int | None:
    """Where the content of the JSON string begins that says this text; the value of a known member before any other."""
    found: int | None = None
    for begin in _literals(written, text):
        if _is_value(written, begin - 1):
            return begin
        found = begin if found is None else found
    return found


def _unit(written: str, begin: int, character: int) -> int:
    """The offset in bytes of a character of a string whose content begins here."""
    units = _UNIT.finditer(written, begin)
    for _ in range(character):
        begin = next(units).end()
    return _size(written[:begin])


def _literals(written: str, text: str) -> Iterator[int]:
    for literal in _LITERAL.finditer(written):
        content = literal.group()
        if len(content) < len(text) + 2:
            continue
        if "\\" not in content:
            if content[1:-1] == text:
                yield literal.start() + 1
        elif _said(content) == text:
            yield literal.start() + 1


def _said(literal: str) -> str | None:
    try:
        value = json.loads(literal, strict=False)
    except ValueError:
        return None
    return value if isinstance(value, str) else None


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))
