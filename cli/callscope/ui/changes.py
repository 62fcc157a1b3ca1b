"""What an edit changed, in short: one member after the other where both texts are JSON objects.

Knows JSON alone. Must not know who edited, nor where it is shown.
"""

from __future__ import annotations

import json
from typing import Any

from .visible import one_line

LONGEST = 40
"""Characters of a value that are shown."""


def changes(before: str, after: str, arrow: str = "→") -> str:
    """What is different in a text, on one line; safe to show."""
    try:
        return _by_member(_members(before), _members(after), arrow)
    except (ValueError, RecursionError):
        return f"{len(before):,} {arrow} {len(after):,} characters"


def _by_member(old: dict[str, Any], new: dict[str, Any], arrow: str) -> str:
    different = [
        _change(name, old, new, arrow)
        for name in (*old, *(name for name in new if name not in old))
        if name not in old or name not in new or not _same(old[name], new[name])
    ]
    return ", ".join(different) or "the same values, written otherwise"


def _change(name: str, old: dict[str, Any], new: dict[str, Any], arrow: str) -> str:
    shown = one_line(name, LONGEST)
    if name not in new:
        return f"without {shown}"
    if name not in old:
        return f"with {shown} {_shown(new[name])}"
    return f"{shown} {_shown(old[name])} {arrow} {_shown(new[name])}"


def _same(old: Any, new: Any) -> bool:
    """Whether two values are the same JSON; Python takes true for 1."""
    return json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True)


def _shown(value: Any) -> str:
    return one_line(json.dumps(value, ensure_ascii=False), LONGEST)


def _members(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(text)
    return value
