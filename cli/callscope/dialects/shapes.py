"""Members of JSON that nobody vouches for, as the kind of value that they should be, or as nothing.

Knows kinds of JSON values. Must not know any protocol.
"""

from __future__ import annotations

from typing import Any

from callscope.core.values import JsonObject


def objects(value: Any) -> list[JsonObject]:
    """The objects of a list."""
    return [each for each in list_of(value) if isinstance(each, dict)]


def list_of(value: Any) -> list[Any]:
    """A list; an empty one for anything else."""
    return value if isinstance(value, list) else []


def object_of(value: Any) -> JsonObject:
    """An object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def text_of(value: Any) -> str:
    """A text; an empty one for anything else."""
    return value if isinstance(value, str) else ""
