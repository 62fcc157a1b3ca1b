"""Whether two JSON values, or two texts, are the same: every place where they differ.

Knows JSON, and that a masked secret matches whatever it may have been. Pure; must not know who asks, nor what the
values are. Paths are JSON paths: `$.messages[2].content`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from callscope.record.secrets.masking import SHORTEST

HIDDEN: Final = "\x01"
"""Stands for a byte of a secret: no JSON text has it as it is, so it is never taken for anything else."""

_STARS = re.compile(r"\*+")
_SECRETS = re.compile(rf"\**{HIDDEN}[{HIDDEN}*]*")  # asterisks beside a secret cannot be told from those in its place
_MASKED = re.compile(rb"[^*]{0,48}\*+")  # at most eight characters of a secret, each perhaps as a \u escape


class Absent:
    """Stands for a member that is not there."""

    def __repr__(self) -> str:
        return "(absent)"


ABSENT = Absent()

Same = Callable[[str, str], bool]

PLACES_OF_IDS: Final = (
    *(".id", ".tool_call_id", ".call_id", ".item_id"),
    *(".previous_response_id", ".thread_id", ".run_id"),
)
"""How the path of an id ends. In any other place a text is no id, whatever it says: ids may be ordinary words."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Where two values differ, and both sides there."""

    path: str
    recorded: Any
    now: Any


def exactly(recorded: str, now: str) -> bool:
    """Equal texts."""
    return recorded == now


def but_for_masks(recorded: str, now: str) -> bool:
    """Equal texts, where HIDDEN marks the places of secrets: there any run of `*` fits, as escapes change its length.

    In a place that is long enough for a secret fits any text of as many bytes, too: a tool that runs again gives the
    secret itself. In the bytes of a response the first characters of a secret may stand as they are, because they had
    passed before they were known to begin one; so a few characters and a run of `*` fit as well.
    """
    return _but_for(_SECRETS, recorded, now)


def but_for_stars(recorded: str, now: str) -> bool:
    """The same where nobody knows which asterisks hide something, as in what is decoded from masked bytes: all may."""
    return _but_for(_STARS, recorded, now)


def _but_for(secrets: re.Pattern[str], recorded: str, now: str) -> bool:
    if recorded == now:
        return True
    data = now.encode("utf-8", "surrogatepass")
    places = {0}  # all of them at once: trying one after the other takes exponential time
    end = 0
    for secret in secrets.finditer(recorded):
        places = _behind(recorded[end : secret.start()], data, places)
        places = {place for start in places for place in _behind_secret(data, start, secret.end() - secret.start())}
        end = secret.end()
    return len(data) in _behind(recorded[end:], data, places)


def _behind(text: str, data: bytes, places: set[int]) -> set[int]:
    literal = text.encode("utf-8", "surrogatepass")
    return {place + len(literal) for place in places if data.startswith(literal, place)}


def _behind_secret(data: bytes, start: int, length: int) -> Iterator[int]:
    if masked := _MASKED.match(data, start):
        yield masked.end()
    if length >= SHORTEST and start + length <= len(data):
        yield start + length


def mismatch(
    recorded: Any, now: Any, path: str = "$", same: Same = exactly, ids: Same | None = None
) -> Mismatch | None:
    """The first difference of two JSON values, in the recorded order. 1 and 1.0 are equal, 1 and true are not."""
    return next(mismatches(recorded, now, path, same, ids), None)


def mismatches(
    recorded: Any, now: Any, path: str = "$", same: Same = exactly, ids: Same | None = None
) -> Iterator[Mismatch]:
    """Every difference of two JSON values, in the recorded order; `ids` compares texts in the places of ids."""
    left: list[tuple[str, Any, Any]] = [(path, recorded, now)]  # no recursion: whoever sends JSON chooses its depth
    while left:
        place, a, b = left.pop()
        if isinstance(a, dict) and isinstance(b, dict):
            names = (*a, *(name for name in b if name not in a))
            left += [(place + step(name), a.get(name, ABSENT), b.get(name, ABSENT)) for name in reversed(names)]
        elif isinstance(a, list) and isinstance(b, list):
            pairs = list(enumerate(zip_longest(a, b, fillvalue=ABSENT)))
            left += [(f"{place}[{number}]", *pair) for number, pair in reversed(pairs)]
        elif not _equal(a, b, ids if ids and place.endswith(PLACES_OF_IDS) else same):
            yield Mismatch(place, a, b)


def _equal(a: Any, b: Any, same: Same) -> bool:
    if isinstance(a, str) and isinstance(b, str):
        return same(a, b)
    if isinstance(a, float) and isinstance(b, float) and a != a:
        return b != b  # NaN, which Python writes and reads, is not even equal to itself
    return a is b or (a == b and isinstance(a, bool) == isinstance(b, bool))


def mismatch_of_texts(recorded: str, now: str, path: str = "$", same: Same = exactly) -> Mismatch | None:
    """The first difference of two texts, as JSON where both are JSON objects or lists."""
    return next(mismatches_of_texts(recorded, now, path, same), None)


def mismatches_of_texts(
    recorded: str, now: str, path: str = "$", same: Same = exactly, ids: Same | None = None
) -> Iterator[Mismatch]:
    """Every difference of two texts, as JSON where both are JSON objects or lists."""
    if same(recorded, now):
        return
    a, b = parsed(recorded), parsed(now)
    if isinstance(a, dict | list) and isinstance(b, dict | list):
        yield from mismatches(a, b, path, same, ids)
    else:
        yield Mismatch(path, recorded, now)


def parsed(text: str) -> Any:
    """The JSON value of a text; None where it is none. Of what is hidden in it, that in names is told by asterisks."""
    try:
        return json.loads(text, strict=False, object_pairs_hook=_named if HIDDEN in text else None)
    except (ValueError, RecursionError):
        return None


def _named(members: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name.replace(HIDDEN, "*"): value for name, value in members}


def step(name: str) -> str:
    """A member's name as a step of a JSON path."""
    return f".{name}" if re.fullmatch(r"[A-Za-z_]\w*", name) else f"[{json.dumps(name, ensure_ascii=False)}]"
