"""Whether two JSON values have the same shape: the same members and types, whatever the values.

Knows JSON alone. A list has the shape of its elements, however many they are; an empty one fits any. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from .matching import ABSENT, Mismatch, parsed, step

Shape: TypeAlias = "str | tuple[str, frozenset[Any]]"

DEEPEST = 100
"""Levels below which only the type counts: whoever sends JSON chooses its depth."""


def shape(value: Any, depth: int = 0) -> Shape:
    """The shape of a value; two are equal where the values have the same members and types."""
    match value:
        case dict() if depth < DEEPEST:
            return "object", frozenset((name, shape(member, depth + 1)) for name, member in value.items())
        case list() if depth < DEEPEST:
            return "list", frozenset(shape(element, depth + 1) for element in value)
        case _:
            return _type(value)


def mismatches_of_shapes(recorded: Any, now: Any, path: str = "$") -> Iterator[Mismatch]:
    """Where a member is missing or new, or a value has another type."""
    left: list[tuple[str, Any, Any]] = [(path, recorded, now)]
    while left:
        place, a, b = left.pop()
        if isinstance(a, dict) and isinstance(b, dict):
            names = (*a, *(name for name in b if name not in a))
            left += [(place + step(name), a.get(name, ABSENT), b.get(name, ABSENT)) for name in reversed(names)]
        elif isinstance(a, list) and isinstance(b, list):
            left += reversed(list(_unlike_elements(place, a, b)))
        elif _type(a) != _type(b):
            yield Mismatch(place, a, b)


def mismatches_of_text_shapes(recorded: str, now: str, path: str = "$") -> Iterator[Mismatch]:
    """Where two texts differ in shape; a text that is no JSON object or list has the shape of any other."""
    a, b = _structure(recorded), _structure(now)
    yield from mismatches_of_shapes(a, b, path)


def _structure(text: str) -> Any:
    value = parsed(text)
    return value if isinstance(value, dict | list) else text


def _unlike_elements(place: str, recorded: list[Any], now: list[Any]) -> Iterator[tuple[str, Any, Any]]:
    """Pairs of elements to look into: those whose shape the other list does not have, each beside the nearest."""
    if not recorded or not now:
        return
    shapes, shapes_now = [shape(one) for one in recorded], [shape(one) for one in now]
    known, known_now = set(shapes), set(shapes_now)
    for number in range(max(len(recorded), len(now))):
        unlike = number < len(shapes) and shapes[number] not in known_now
        unlike_now = number < len(shapes_now) and shapes_now[number] not in known
        if unlike or unlike_now:
            pair = recorded[min(number, len(recorded) - 1)], now[min(number, len(now) - 1)]
            yield f"{place}[{number}]", *pair


def _type(value: Any) -> str:
    match value:
        case dict():
            return "object"
        case list():
            return "list"
        case str():
            return "string"
        case bool():
            return "boolean"
        case None:
            return "null"
        case int() | float():
            return "number"
        case _:
            return repr(value)
