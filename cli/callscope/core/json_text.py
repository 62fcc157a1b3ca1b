"""JSON that any reader takes, also of a value with a number that JSON has no word for.

Knows what Python's encoder makes of NaN and of infinity. Must not know what a value means.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from .visible import visible_json

_STRINGS_AND_CONSTANTS = re.compile(r'"(?:[^"\\]|\\.)*+"|-?Infinity|NaN')
_WRITABLE = {"Infinity": "1e999", "-Infinity": "-1e999", "NaN": "null"}


def json_text(value: Any, *, ascii_only: bool = False, default: Callable[[Any], Any] | None = None) -> str:
    """The compact JSON of a value; a number beyond 1e308 is 1e999, as it may have come, and NaN is null."""
    try:
        return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"), default=default, allow_nan=False)
    except ValueError:
        text = json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"), default=default)
        return _STRINGS_AND_CONSTANTS.sub(lambda found: _WRITABLE.get(found[0], found[0]), text)


def json_line(value: Any, *, ascii_only: bool = False, default: Callable[[Any], Any] | None = None) -> str:
    """The compact JSON of a value, safe to print: what a terminal or a reader of lines would obey is escaped."""
    return visible_json(json_text(value, ascii_only=ascii_only, default=default))
