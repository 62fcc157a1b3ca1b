"""Whether what happened now is what was recorded: the first place where two values differ.

Knows JSON, requests, and that a masked secret matches a masked secret however long it was. Pure; must not know who
asks. Paths are JSON paths: `$.messages[2].content`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from callscope.core.credentials import is_secret_header
from callscope.core.values import Request

_STARS = re.compile(r"\*+")
_BEGINNING = r"[^*]{0,48}?\*+"  # at most eight characters of a secret, each perhaps as a \u escape
_PORTS = {"http": 80, "https": 443}


class Absent:
    """Stands for a member that is not there."""

    def __repr__(self) -> str:
        return "(absent)"


ABSENT = Absent()

Same = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Where two values first differ, and both sides there."""

    path: str
    recorded: Any
    now: Any


def exactly(recorded: str, now: str) -> bool:
    """Equal texts."""
    return recorded == now


def but_for_masks(recorded: str, now: str) -> bool:
    """Equal texts, where a recorded run of `*` equals any other: escapes make the same secret longer or shorter.

    In the bytes of a response the first characters of a secret may stand as they are, because they had passed before
    they were known to begin one; so such a run also equals a few characters and a run of `*`.
    """
    if recorded == now:
        return True
    pattern = _BEGINNING.join(re.escape(part) for part in _STARS.split(recorded))
    return re.fullmatch(pattern, now, re.DOTALL) is not None


def mismatch(recorded: Any, now: Any, path: str = "$", same: Same = exactly) -> Mismatch | None:
    """The first difference of two JSON values, in the recorded order. 1 and 1.0 are equal, 1 and true are not."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        for name in (*recorded, *(name for name in now if name not in recorded)):
            a, b = recorded.get(name, ABSENT), now.get(name, ABSENT)
            if found := mismatch(a, b, path + _step(name), same):
                return found
        return None
    if isinstance(recorded, list) and isinstance(now, list):
        for place in range(max(len(recorded), len(now))):
            a = recorded[place] if place < len(recorded) else ABSENT
            b = now[place] if place < len(now) else ABSENT
            if found := mismatch(a, b, f"{path}[{place}]", same):
                return found
        return None
    if isinstance(recorded, str) and isinstance(now, str):
        return None if same(recorded, now) else Mismatch(path, recorded, now)
    equal = recorded == now and isinstance(recorded, bool) == isinstance(now, bool)
    return None if equal or recorded is now else Mismatch(path, recorded, now)


def mismatch_of_texts(recorded: str, now: str, path: str = "$", same: Same = exactly) -> Mismatch | None:
    """The first difference of two texts, as JSON where both are JSON objects or lists."""
    if same(recorded, now):
        return None
    a, b = _parsed(recorded), _parsed(now)
    if isinstance(a, dict | list) and isinstance(b, dict | list):
        return mismatch(a, b, path, same)
    return Mismatch(path, recorded, now)


def mismatch_of_requests(
    recorded: Request, now: Request, same: Same = exactly, names: Mapping[str, str] | None = None
) -> Mismatch | None:
    """The first difference of two requests: method, URL, headers that both have, body as JSON.

    An endpoint adds headers and a query of its own, secrets among them, so what one side lacks there says nothing.
    `names` are identifiers of this run and what the recorded run called them.
    """
    if recorded.method != now.method:
        return Mismatch("$.method", recorded.method, now.method)
    if not same(_place(recorded.url, now.url), _place(now.url, recorded.url)):
        return Mismatch("$.url", recorded.url, now.url)
    return _mismatch_of_headers(recorded, now, same) or _mismatch_of_bodies(recorded, now, same, names or {})


def _mismatch_of_headers(recorded: Request, now: Request, same: Same) -> Mismatch | None:
    present = {name.lower(): value for name, value in now.headers}
    for name, value in recorded.headers:
        other = present.get(name.lower())
        if other is None or is_secret_header(name) or name.lower() == "content-length":
            continue
        if not same(value, other):
            return Mismatch(f"$.headers{_step(name)}", value, other)
    return None


def _mismatch_of_bodies(recorded: Request, now: Request, same: Same, names: Mapping[str, str]) -> Mismatch | None:
    if recorded.body == now.body:
        return None
    a, b = recorded.body.decode(errors="backslashreplace"), now.body.decode(errors="backslashreplace")
    parsed = _parsed(b)
    if names and isinstance(parsed, dict | list):
        b = json.dumps(_renamed(parsed, names))
    return mismatch_of_texts(a, b, "$.body", same)


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    match value:
        case str():
            return names.get(value, value)
        case dict():
            return {name: _renamed(member, names) for name, member in value.items()}
        case list():
            return [_renamed(element, names) for element in value]
        case _:
            return value


def _place(url: str, other: str) -> str:
    """What of a URL two requests must share; the query only where both have one."""
    try:
        parts, query = urlsplit(url), urlsplit(other).query
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return url
    shared = f"?{parts.query}" if parts.query and query else ""
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}{unquote(parts.path) or '/'}{shared}"


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _step(name: str) -> str:
    return f".{name}" if re.fullmatch(r"[A-Za-z_]\w*", name) else f"[{json.dumps(name, ensure_ascii=False)}]"
