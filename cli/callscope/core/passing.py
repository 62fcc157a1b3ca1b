"""What passes by for each delta: nouns like all others, but made in a quarter of the time.

A frozen dataclass calls `object.__setattr__` for each of its members (measured with Python 3.11: a `Frame` takes
1.8 µs, and 0.4 so; reading a delta 6.5 µs, and 5.8 so). That nobody writes to one is checked by mypy alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def passing(cls: type[T]) -> type[T]:
    """A slotted dataclass that is frozen in the eyes of a type checker, for what there is one of for each delta."""
    return dataclass(slots=True, unsafe_hash=True)(cls)
