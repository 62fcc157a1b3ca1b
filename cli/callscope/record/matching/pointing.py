"""JSON paths: `$.user.email`, `$.items[0]["e-mail"]`, `$.messages[*].content`.

Knows the paths that this program prints, with `[*]` and `.*` for any member or element. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from callscope.core.errors import UsageError

_STEP = re.compile(
    r"""\.(?P<name>[^\W\d][\w-]*) | \[(?P<place>\d+)\] | \[(?P<quote>["'])(?P<quoted>.*?)(?P=quote)\]
    | (?P<any>\.\*|\[\*\])""",
    re.VERBOSE,
)

Step = str | int | None
"""A member's name, an element's place, or None for any."""


def parse_path(written: str) -> tuple[Step, ...]:
    """The steps of a path. Raises UsageError."""
    steps: list[Step] = []
    at = 1
    while at < len(written) or not written.startswith("$"):
        found = _STEP.match(written, at) if written.startswith("$") else None
        if found is None:
            raise UsageError(f'{written}: write a JSON path such as $.user.email, $.items[0] or $.items[*]["e-mail"].')
        if found["any"]:
            steps.append(None)
        elif found["place"]:
            steps.append(int(found["place"]))
        else:
            steps.append(found["name"] or found["quoted"])
        at = found.end()
    return tuple(steps)


def at_path(value: Any, steps: tuple[Step, ...]) -> Iterator[Any]:
    """All values of a document that a path leads to."""
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    for inner in _taken(value, step):
        yield from at_path(inner, rest)


def _taken(value: Any, step: Step) -> Iterator[Any]:
    match value:
        case dict():
            if step is None:
                yield from value.values()
            elif step in value:
                yield value[step]
        case list():
            if step is None:
                yield from value
            elif isinstance(step, int) and step < len(value):
                yield value[step]
        case _:
            pass
