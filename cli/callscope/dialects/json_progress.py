r"""Follows JSON text as it grows: still incomplete, whole, or wrong, and where.

Knows the grammar of JSON (https://www.rfc-editor.org/rfc/rfc8259, strictly: no NaN, no comments). Must not know what
the text means, nor keep it. However the text is cut, the answer is the same; the work is linear in the text on any
shape (one long string, deep nesting), and none is done before somebody asks.

The machine goes from step to step; each reads as much as it can:

    value  ->  string | number | literal | first_key (after `{`) | first_item (after `[`)  ->  after
    first_key, key  ->  string  ->  colon  ->  value
    after  ->  key or value (after `,`)  |  after (after `}` or `]`)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, TypeAlias

State: TypeAlias = Literal["empty", "incomplete", "whole", "invalid"]

_WS = r"[ \t\n\r]*+"
_PLAIN = r'[^"\\\x00-\x1f]*+'
_TEXT = rf'{_PLAIN}(?>\\(?:["\\/bfnrt]|u[0-9a-fA-F]{{4}}){_PLAIN})*+'
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?(?=[ \t\n\r,\]}])"  # and something ends it
_SIMPLE = rf'(?:"{_TEXT}"|{_NUMBER}|true|false|null)'

_space = re.compile(_WS).match
_text = re.compile(_TEXT).match
_digits = re.compile(r"[0-9]*+").match
_brackets = re.compile(r"\[++").match
# Items and members that are whole and simple, a run of them at a time: what most documents are made of.
_items = re.compile(rf"(?>{_WS},{_WS}{_SIMPLE})*+").match
_members = re.compile(rf'(?>{_WS},{_WS}"{_TEXT}"{_WS}:{_WS}{_SIMPLE})*+').match

_NUMBER_STEPS: dict[str, dict[str, str]] = {
    "minus": {"0": "zero", **dict.fromkeys("123456789", "integer")},
    "zero": {".": "point", "e": "exponent", "E": "exponent"},
    "integer": {".": "point", "e": "exponent", "E": "exponent"},
    "point": dict.fromkeys("0123456789", "fraction"),
    "fraction": {"e": "exponent", "E": "exponent"},
    "exponent": {"+": "sign", "-": "sign", **dict.fromkeys("0123456789", "power")},
    "sign": dict.fromkeys("0123456789", "power"),
    "power": {},
}
_ENDS_A_NUMBER = frozenset({"zero", "integer", "fraction", "power"})
_HAS_DIGITS = frozenset({"integer", "fraction", "power"})
_LITERALS = {"t": "rue", "f": "alse", "n": "ull"}

Step: TypeAlias = Callable[["JsonProgress", str, int], int]
"""Reads on from a place in the text; gives the place where it stopped, or the complement of the place that is wrong."""


class JsonProgress:
    """The state of a JSON text of which more and more is known."""

    def __init__(self) -> None:
        self.step: Step = value
        self.open = bytearray()  # the brackets that have to be closed, innermost last: one byte each, however deep
        self.is_key = False  # the string that is being read
        self.number = ""  # the state within a number
        self.rest = ""  # what a literal still lacks
        self._unread: list[str] = []
        self.feed: Callable[[str], None] = self._unread.append
        """Take more text. No more than that: there are so many deltas (measured: 30 ns against 70 for a method)."""
        self._bytes = self._characters = 0  # of all that was read
        self._begun = False
        self._wrong: tuple[int, int] | None = None

    def __deepcopy__(self, memo: object) -> JsonProgress:
        """A progress of its own: `feed` is bound to a list, and the copy has another."""
        copied = JsonProgress()
        feed, unread = copied.feed, copied._unread
        vars(copied).update(vars(self) | {"open": self.open.copy(), "feed": feed, "_unread": unread})
        unread += self._unread
        return copied

    @property
    def state(self) -> State:
        """What the text is so far; white space alone is `empty`."""
        self._read()
        if self._wrong:
            return "invalid"
        if not self._begun:
            return "empty"
        ends = self.step is after or (self.step is in_number and self.number in _ENDS_A_NUMBER)
        return "whole" if ends and not self.open else "incomplete"

    @property
    def invalid_at(self) -> int | None:
        """The offset, in bytes of UTF-8, of the first character that no JSON has there; None while there is none."""
        self._read()
        return self._wrong[0] if self._wrong else None

    @property
    def invalid_character(self) -> int | None:
        """The same place, counted in characters."""
        self._read()
        return self._wrong[1] if self._wrong else None

    def _read(self) -> None:
        if not self._unread:
            return
        text = "".join(self._unread)
        self._unread.clear()
        if self._wrong:
            return
        place, end = 0, len(text)
        while 0 <= place < end:
            place = self.step(self, text, place)
        if place < 0:
            self._wrong = (self._bytes + utf8_size(text[:~place]), self._characters + ~place)
        self._begun = self._begun or bool(self.open) or self.step is not value
        self._bytes += utf8_size(text)
        self._characters += end


def invalid_at(text: str) -> int | None:
    """The character of a whole text from which on no JSON goes on like that; None where there is none."""
    progress = JsonProgress()
    progress.feed(text)
    return progress.invalid_character


def utf8_size(text: str) -> int:
    """How many bytes a text is in UTF-8; half a surrogate pair counts as three."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


# ---- values -------------------------------------------------------------------------------------------------------


def value(json: JsonProgress, text: str, place: int) -> int:
    """A value has to come."""
    place = _over(_space, text, place)
    if place == len(text):
        return place
    first = text[place]
    if first == '"':
        json.is_key, json.step = False, in_string
    elif first == "{":
        json.open.extend(b"}")
        json.step = first_key
    elif first == "[":
        stop = _over(_brackets, text, place)
        json.open.extend(b"]" * (stop - place))
        json.step = first_item
        return stop
    elif first == "-":
        json.number, json.step = "minus", in_number
    elif first in "0123456789":
        json.number, json.step = "zero" if first == "0" else "integer", in_number
    elif first in _LITERALS:
        json.rest, json.step = _LITERALS[first], in_literal
    else:
        return ~place
    return place + 1


def in_literal(json: JsonProgress, text: str, place: int) -> int:
    """The rest of `true`, `false` or `null` has to come."""
    if text[place] != json.rest[0]:
        return ~place
    json.rest = json.rest[1:]
    if not json.rest:
        json.step = after
    return place + 1


def in_number(json: JsonProgress, text: str, place: int) -> int:
    """A number may go on."""
    if json.number in _HAS_DIGITS and (further := _over(_digits, text, place)) > place:
        return further
    if state := _NUMBER_STEPS[json.number].get(text[place]):
        json.number = state
        return place + 1
    if json.number not in _ENDS_A_NUMBER:
        return ~place
    json.step = after
    return place


# ---- strings ------------------------------------------------------------------------------------------------------


def in_string(json: JsonProgress, text: str, place: int) -> int:
    """A string goes on to its closing quote."""
    place = _over(_text, text, place)
    if place == len(text):
        return place
    if text[place] == '"':
        json.step = colon if json.is_key else after
    elif text[place] == "\\":
        json.step = in_escape
    else:
        return ~place  # a control character
    return place + 1


def in_escape(json: JsonProgress, text: str, place: int) -> int:
    """The character after a backslash."""
    if text[place] == "u":
        json.rest, json.step = "hhhh", in_unicode
    elif text[place] in '"\\/bfnrt':
        json.step = in_string
    else:
        return ~place
    return place + 1


def in_unicode(json: JsonProgress, text: str, place: int) -> int:
    """The four digits of an escape, of which some are still to come."""
    if text[place] not in "0123456789abcdefABCDEF":
        return ~place
    json.rest = json.rest[1:]
    if not json.rest:
        json.step = in_string
    return place + 1


# ---- what holds them together -------------------------------------------------------------------------------------


def first_item(json: JsonProgress, text: str, place: int) -> int:
    """After `[`: a value or the end."""
    place = _over(_space, text, place)
    if place < len(text):
        json.step = after if text[place] == "]" else value
    return place


def first_key(json: JsonProgress, text: str, place: int) -> int:
    """After `{`: a key or the end."""
    place = _over(_space, text, place)
    if place < len(text):
        json.step = after if text[place] == "}" else key
    return place


def key(json: JsonProgress, text: str, place: int) -> int:
    """A key has to come."""
    place = _over(_space, text, place)
    if place == len(text):
        return place
    json.is_key, json.step = True, in_string
    return place + 1 if text[place] == '"' else ~place


def colon(json: JsonProgress, text: str, place: int) -> int:
    """After a key."""
    place = _over(_space, text, place)
    if place == len(text):
        return place
    json.step = value
    return place + 1 if text[place] == ":" else ~place


def after(json: JsonProgress, text: str, place: int) -> int:
    """After a value: a comma, the end of what is open, or nothing."""
    closing = json.open[-1:]
    if closing:
        place = _over(_items if closing == b"]" else _members, text, place)
    place = _over(_space, text, place)
    if place == len(text):
        return place
    if closing and text[place] == chr(closing[0]):
        json.open.pop()
    elif closing and text[place] == ",":
        json.step = value if closing == b"]" else key
    else:
        return ~place
    return place + 1


def _over(pattern: Callable[[str, int], re.Match[str] | None], text: str, place: int) -> int:
    """The place behind what a pattern matches; each of them matches nothing, too."""
    found = pattern(text, place)
    return found.end() if found else place
