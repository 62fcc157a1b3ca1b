"""JSON documents in a text: one, several run together, or one that is not whole.

Knows JSON as servers write it. Must not know what a document means.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple, NoReturn

DEEPEST: Final = 200
"""Levels of nesting: no document that is meant has more. So nobody's stack decides what can be read and written."""


def refuse(constant: str) -> NoReturn:
    """Raise ValueError for NaN and the infinities, which Python reads and JSON has not."""
    raise ValueError(f"{constant} is not JSON")


def _null(constant: str) -> None:
    """Read such a number as none at all."""


# Neither is JSON, but servers send both, and the meaning is plain: each reading with the codes of what it overlooks.
_READINGS = (
    ((), json.JSONDecoder(parse_constant=refuse).raw_decode),
    (("control_characters",), json.JSONDecoder(parse_constant=refuse, strict=False).raw_decode),
    (("number_not_json",), json.JSONDecoder(parse_constant=_null).raw_decode),
    (("control_characters", "number_not_json"), json.JSONDecoder(parse_constant=_null, strict=False).raw_decode),
)
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{\]}]', re.DOTALL)

_BETWEEN = re.compile(r"[\s\ufeff]*(?:data:[\s]*)*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_INNER_LONE = re.compile("(?<!^)[\ud800-\udbff](?!$)|(?<!^)[\udc00-\udfff]")

GROWING: Final = frozenset(
    (
        "content",
        "text",
        "reasoning",
        "reasoning_content",
        "reasoning_text",
        "thinking",
        "refusal",
        "arguments",
        "input",
        "delta",
    )
)
"""Members whose strings are pieces of a text, so that half a character may stand at either end."""


class Done(NamedTuple):
    """The marker `[DONE]`."""


class Documents(NamedTuple):
    """What stands in a text: documents in order, the rest that is none, and the codes of what was overlooked."""

    values: list[Any]
    rest: str = ""
    overlooked: tuple[str, ...] = ()
    too_deep: bool = False


def documents(text: str) -> Documents:
    """All JSON documents of a text, also where `data:` stands between them; `[DONE]` reads as Done()."""
    if is_too_deep(text):
        return Documents([], text, too_deep=True)
    values: list[Any] = []
    overlooked: dict[str, None] = {}
    halves = has_halves(text)
    at = _skip(text, 0)
    if "data:" in text[:at]:
        overlooked["data_repeated"] = None
    while at < len(text):
        if text.startswith("[DONE]", at):
            values.append(Done())
            at = _skip(text, at + 6)
            continue
        found = _document(text, at)
        if found is None:
            return Documents(values, text[at:], tuple(overlooked))
        value, end, codes = found
        if halves and (whole := whole_characters(value)) != value:
            value, codes = whole, (*codes, "lost_character")
        values.append(value)
        overlooked |= dict.fromkeys(codes)
        at = _skip(text, end)
    return Documents(values, "", tuple(overlooked))


def _document(text: str, at: int) -> tuple[Any, int, tuple[str, ...]] | None:
    for codes, read in _READINGS:
        try:
            return (*read(text, at), codes)
        except ValueError:
            continue
    return None


def is_too_deep(text: str) -> bool:
    """Whether a text nests deeper than DEEPEST levels, be it JSON or not."""
    if len(text) <= DEEPEST or text.count("[") + text.count("{") <= DEEPEST:
        return False
    depth = 0
    for found in _BRACKETS.finditer(text):
        sign = found[0]
        if sign in "[{":
            depth += 1
            if depth > DEEPEST:
                return True
        elif sign in "]}":
            depth = max(0, depth - 1)
    return False


def has_halves(text: str) -> bool:
    """Whether a JSON text may hold half a character."""
    return "\\" in text and ("\\ud" in text or "\\uD" in text)


def _skip(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return found.end() if found else at


# ---- characters cut in two ------------------------------------------------------------------------------------------
# JSON can spell half a character (\ud83c), and servers that cut their text by UTF-16 units put the halves into two
# deltas. A lone half can neither be printed nor stored, so halves are joined again or become U+FFFD.


def whole_characters(value: Any, *, growing: bool = False) -> Any:
    """The value without lone surrogates; only at the ends of growing texts they stay, for `joined` to join."""
    if isinstance(value, str):
        if not _SURROGATE.search(value):
            return value
        return _INNER_LONE.sub("\ufffd", value) if growing else _SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {
            whole_characters(name): whole_characters(member, growing=name in GROWING) for name, member in value.items()
        }
    if isinstance(value, list):
        return [whole_characters(member, growing=growing) for member in value]
    return value


def no_halves(value: Any) -> Any:
    """A document that is whole, and so are its characters: lone surrogates become U+FFFD wherever they stand."""
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))


class Halves:
    """Joins characters whose halves came in two pieces of a text. One for each growing text."""

    def __init__(self) -> None:
        self._waiting = ""

    def joined(self, piece: str) -> tuple[str, str]:
        """The piece with a waiting half before it, and the code of what was done; a half at its end waits."""
        text = self._waiting + piece
        waited, self._waiting = bool(self._waiting), ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            self._waiting = text[-1]
            text = text[:-1]
        if not _SURROGATE.search(text):
            return text, ""
        whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        lost = "\ufffd" in whole and whole.count("\ufffd") > text.count("\ufffd")
        return whole, "lost_character" if lost else "character_in_halves" if waited else ""

    def rest(self) -> str:
        """What is left of a half that never met its other half."""
        return "\ufffd" if self._waiting else ""
