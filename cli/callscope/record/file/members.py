"""Reading the members of a JSON object that nobody vouches for: right type, or one clear sentence.

Knows JSON's types. Must not know what any member means, nor where the object came from: the caller adds file and line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

MOST_SECONDS = 1e11
"""More than three thousand years; also keeps out infinity, and NaN, which is less than nothing."""


class WrongMember(ValueError):
    """A member is missing, or is not what it must be; the text names the member and both."""


class Members:
    """The members of one object; each method reads one, and a default makes it one that may be absent."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def any(self, name: str) -> Any:
        """Whatever it is; None where it is absent."""
        return self._values.get(name)

    def text(self, name: str, default: str | None = None) -> str:
        """A string."""
        return self._read(name, default, str, "a string")

    def text_or_null(self, name: str) -> str | None:
        """A string; null where it is absent."""
        value = self._values.get(name)
        return None if value is None else self.text(name)

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        return self._read(name, default, int, "a whole number")

    def seconds(self, name: str, default: float | None = None) -> float:
        """A number of seconds."""
        value = self._values.get(name, default)
        if type(value) in (int, float) and abs(value) < MOST_SECONDS:
            return float(value)
        found = described(value) if name in self._values else "missing"
        raise WrongMember(f"`{name}` must be a number of seconds, it is {found}")

    def flag(self, name: str, default: bool | None = None) -> bool:
        """True or false."""
        return self._read(name, default, bool, "true or false")

    def flag_or_null(self, name: str) -> bool | None:
        """True, false or null; null where it is absent."""
        value = self._values.get(name)
        return None if value is None else self.flag(name)

    def object(self, name: str, default: dict[str, Any] | None = None) -> dict[str, Any]:
        """A JSON object."""
        return self._read(name, default, dict, "an object")

    def list(self, name: str, default: list[Any] | None = None) -> list[Any]:
        """A JSON list."""
        return self._read(name, default, list, "a list")

    def texts(self, name: str) -> Iterable[str]:
        """A list of strings; an absent one is empty."""
        for place, value in enumerate(self.list(name, [])):
            if not isinstance(value, str):
                raise WrongMember(f"`{name}[{place}]` must be a string, it is {described(value)}")
            yield value

    def objects(self, name: str) -> Iterable[Members]:
        """A list of objects."""
        for place, value in enumerate(self.list(name)):
            if not isinstance(value, dict):
                raise WrongMember(f"`{name}[{place}]` must be an object, it is {described(value)}")
            yield Members(value)

    def choice(self, name: str, choices: Iterable[T], default: T | None = None) -> T:
        """One of these strings."""
        value = self._values.get(name, default)
        for known in choices:
            if value == known:
                return known
        raise WrongMember(f"`{name}` must be one of {', '.join(map(str, choices))}; it is {described(value)}")

    def choices(self, name: str, choices: Iterable[T]) -> tuple[T, ...]:
        """A list of these strings; an absent one is empty."""
        known = tuple(choices)
        return tuple(Members({name: each}).choice(name, known) for each in self.list(name, []))

    def integers(self, name: str, length: int | None = None) -> tuple[int, ...]:
        """A list of so many whole numbers, or of any number of them."""
        value = self.list(name)
        if (length is not None and len(value) != length) or not all(type(number) is int for number in value):
            wanted = "whole numbers" if length is None else f"{length} whole numbers"
            raise WrongMember(f"`{name}` must be a list of {wanted}, it is {described(value)}")
        return tuple(value)

    def pairs(self, name: str, kind: type[T]) -> tuple[tuple[T, T], ...]:
        """A list of two-element lists, both elements of this type; empty where it is absent."""
        read: list[tuple[T, T]] = []
        for place, value in enumerate(self.list(name, [])):
            if not (isinstance(value, list) and len(value) == 2 and all(type(one) is kind for one in value)):
                raise WrongMember(
                    f"`{name}[{place}]` must be a list of two of {kind.__name__}, it is {described(value)}"
                )
            read.append((value[0], value[1]))
        return tuple(read)

    def _read(self, name: str, default: T | None, kind: type[T], wanted: str) -> T:
        value = self._values.get(name, default)
        if type(value) is kind:  # never isinstance: true is no number here
            return value
        found = described(value) if name in self._values else "missing"
        raise WrongMember(f"`{name}` must be {wanted}, it is {found}")


def described(value: Any) -> str:
    """A value's JSON type, with the value itself where it is short; never a whole text, which may hold anything."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value!r:.20}"
        case str():
            return f"the string {value[:20]!r}" + ("…" if len(value) > 20 else "")
        case list():
            return f"a list of {len(value)}"
        case _:
            return "an object"
