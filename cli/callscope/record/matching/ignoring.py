"""JSON paths that a person wants left out of a comparison.

Knows how a path is written: `$`, `.name`, `["any name"]`, `[0]`, `[*]`. Nothing is left out that a path does not name:
there are no patterns over text. Must not know what is compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from callscope.core.errors import UsageError

from .matching import Mismatch

Step: TypeAlias = "str | int | None"
"""A member's name, a place in a list, or any place in a list."""

_STEP = re.compile(r'\.(?P<name>[^.\[\]"]+)|\[(?P<place>\d{1,9})\]|\[(?P<any>\*)\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]')
_BODY: tuple[Step, ...] = ("body",)


@dataclass(frozen=True, slots=True)
class Ignored:
    """Paths that are left out, each with all that lies under it."""

    paths: tuple[str, ...] = ()
    _steps: tuple[tuple[Step, ...], ...] = ()

    @classmethod
    def of(cls, paths: Iterable[str]) -> Ignored:
        """Read paths. Raises UsageError."""
        read = tuple(dict.fromkeys(paths))
        return cls(read, tuple(steps_of(path) for path in read))

    def leave_out(self, found: Iterable[Mismatch]) -> Iterator[Mismatch]:
        """The differences that nobody asked to leave out; `$.messages` of a request is its body's `$.body.messages`."""
        for mismatch in found:
            if not self._steps or not self._names(steps_of(mismatch.path)):
                yield mismatch

    def _names(self, steps: tuple[Step, ...]) -> bool:
        places = (steps, steps[1:]) if steps[:1] == _BODY else (steps,)
        return any(_begins(place, path) for place in places for path in self._steps)


def steps_of(path: str) -> tuple[Step, ...]:
    """The steps of a JSON path. Raises UsageError."""
    steps: list[Step] = []
    end = 1
    while path[:1] == "$" and end < len(path):
        found = _STEP.match(path, end)
        if found is None:
            break
        steps.append(_step(found))
        end = found.end()
    if path[:1] != "$" or end < len(path):
        raise UsageError(f"--ignore {path}: write a JSON path such as $.messages[0].content or $.output.items[*].id.")
    return tuple(steps)


def _step(found: re.Match[str]) -> Step:
    if found["place"]:
        return int(found["place"])
    if found["quoted"]:
        try:
            name: str = json.loads(found["quoted"])
        except ValueError:
            raise UsageError(f"--ignore: {found['quoted']} is no name as JSON writes it.") from None
        return name
    return found["name"]


def _begins(steps: tuple[Step, ...], path: tuple[Step, ...]) -> bool:
    if len(steps) < len(path):
        return False
    return all(
        wanted == there or (wanted is None and isinstance(there, int))
        for there, wanted in zip(steps, path, strict=False)
    )
