"""JSON text with a member a line, changed in nothing but white space.

Knows the tokens of JSON. Must not parse values: `1.0` and `1e0`, a repeated name and an escape are what a person looks
for, and each is kept as it was written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_INDENT = "  "


def pretty(text: str) -> str:
    """The text on many lines where it is JSON, else as it is."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return "".join(_spaced(_TOKEN.findall(text)))


def _spaced(parts: list[str]) -> Iterator[str]:
    depth = 0
    before = ""
    for part in parts:
        closing = part in ("}", "]")
        depth -= closing
        if (before in ("{", "[") and not closing) or before == "," or (closing and before not in ("{", "[")):
            yield "\n" + _INDENT * depth
        yield ": " if part == ":" else part
        depth += part in ("{", "[")
        before = part
