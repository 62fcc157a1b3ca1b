"""What a tool returned, as the text a model reads.

Knows JSON and the usual Python values. What JSON cannot say is told to the person in a note and never left out in
silence. Must not import pydantic: a model is known by its `model_dump`.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import enum
import json
import math
import pathlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any


def output_text(value: Any) -> tuple[str, list[str]]:
    """The text for the model (a string as it is, anything else as compact JSON), and notes for the person."""
    notes: list[str] = []
    text = value if type(value) is str else _json(value, notes.append)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
        notes.append("The output had lone surrogates, which are no characters; each is now a ?.")
    return text, list(dict.fromkeys(notes))


def cut(text: str, limit: int) -> str:
    """At most `limit` characters of an output, and after them a note that says what is missing."""
    if len(text) <= limit:
        return text
    missing = f"{len(text) - limit:,} of {len(text):,} characters left out; the limit of this tool is {limit:,}"
    return f"{text[:limit]}\n[output cut here: {missing}]"


def written_text(
    data: bytes, dropped: int | None, limit: int, conceal: Callable[[str], str] = str
) -> tuple[str, list[str]]:
    """The text of bytes that a program wrote, cut as `cut` does, and notes for the person.

    `dropped` more bytes were not kept, or, where it is None, not even read. Secrets are concealed before anything is
    cut, or half of one could stay.
    """
    text = conceal(data.decode("utf-8", "replace"))
    notes = []
    if "\ufffd" in text and not _is_utf8(data, cut_off=dropped != 0):
        notes.append("The output is not all UTF-8; each byte that is none is now a \ufffd.")
    if dropped == 0:
        return cut(text, limit), notes
    head = text[:limit]
    missing = (
        "the rest was not read" if dropped is None else f"{len(data) + dropped - len(head.encode()):,} bytes left out"
    )
    return f"{head}\n[output cut here: {missing}; the limit of this tool is {limit:,}]", notes


def _is_utf8(data: bytes, *, cut_off: bool) -> bool:
    """Whether all of it is UTF-8, but for a character that was cut off at the end."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return cut_off and error.reason == "unexpected end of data"
    return True


def _json(value: Any, note: Callable[[str], None]) -> str:
    try:
        plain = _plain(value, note)
        return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        note("The result contains itself or is nested too deeply; its repr was sent.")
        return _repr(value)


def _plain(value: Any, note: Callable[[str], None]) -> Any:  # noqa: C901 - one row for each kind of value
    """The value in the types that JSON has."""
    match value:
        case enum.Enum():
            return _plain(value.value, note)
        case None | bool() | str():
            return value
        case int():
            return int(value)
        case float():
            return _number(value, note)
        case Mapping():
            return {_key(key, note): _plain(item, note) for key, item in value.items()}
        case list() | tuple() | Set() | Iterator():
            return [_plain(item, note) for item in value]
        case datetime.date() | datetime.time():
            return value.isoformat()
        case decimal.Decimal() | uuid.UUID() | pathlib.PurePath():
            return str(value)
        case bytes() | bytearray():
            return _text_of_bytes(bytes(value), note)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: _plain(getattr(value, field.name), note) for field in dataclasses.fields(value)}
        case _:
            return _foreign(value, note)


def _foreign(value: Any, note: Callable[[str], None]) -> Any:
    """Values of libraries, known by what they can do: pydantic's models, numpy's arrays and numbers."""
    if not isinstance(value, type):
        if callable(dump := getattr(value, "model_dump", None)):
            return _plain(dump(mode="json", by_alias=True), note)
        if callable(to_list := getattr(value, "tolist", None)):
            return _plain(to_list(), note)
    note(f"The result holds a {type(value).__name__}, which is no JSON; its repr was sent.")
    return _repr(value)


def _number(value: float, note: Callable[[str], None]) -> float | str:
    if math.isfinite(value):
        return float(value)
    note(f"The result holds {value!r}, which JSON has no number for; it was sent as text.")
    return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")


def _key(key: Any, note: Callable[[str], None]) -> str:
    if isinstance(key, enum.Enum):
        key = key.value
    plain = key if isinstance(key, str) else _plain(key, note)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def _text_of_bytes(value: bytes, note: Callable[[str], None]) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        note("The result holds bytes that are no UTF-8; they were sent as base64.")
        return base64.b64encode(value).decode("ascii")


def _repr(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:  # a person's __repr__ may do anything
        return f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"
