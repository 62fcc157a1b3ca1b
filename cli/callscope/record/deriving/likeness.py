"""Whether two `assembled` lines say the same: everything that decides, and of a complaint what it is about.

Knows which members hold the wording of a complaint, which every version may mend, and that a later version may say
more of the same bytes. Pure, and a line is not trusted; must not know files, nor how a line is derived.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from callscope.record.file.assembling import as_written
from callscope.record.file.format import Line
from callscope.record.matching.matching import Mismatch, mismatch, mismatches

MOST = 51
"""Places of one line that are named."""

DIAGNOSTICS = "diagnostics"


def unlike(recorded: Line, derived: Line) -> tuple[Mismatch, ...]:
    """Where a line says other than what is derived; empty where only complaints are worded otherwise."""
    # a line is as it is written but for halves of characters: no copy of a long answer is made where all is equal
    if mismatch(recorded, derived) is None:
        return ()
    return tuple(islice(mismatches(_unworded(recorded), _unworded(as_written(derived))), MOST))


def differs_in_diagnostics_alone(recorded: Line, derived: Line) -> bool:
    """Whether two lines that differ say the same of everything that decides."""
    a, b = (_unworded({name: line[name] for name in line if name != DIAGNOSTICS}) for line in (recorded, derived))
    return mismatch(a, as_written(b)) is None


def said_more(recorded: Line, derived: Line) -> tuple[str, ...]:
    """The codes that are derived and were not recorded, or not as often; sorted."""
    return tuple(sorted((_codes(derived) - _codes(recorded)).keys()))


def _codes(line: Line) -> Counter[str]:
    found = line.get(DIAGNOSTICS)
    said = found if isinstance(found, list) else []
    return Counter(code for one in said if isinstance(one, dict) and isinstance(code := one.get("code"), str))


def _unworded(line: Line) -> Line:
    """A line without the wording of what is said of the answer and of its calls: codes and places stay."""
    return line | dict(_members(line, DIAGNOSTICS, _without_message)) | dict(_members(line, "calls", _call))


def _members(line: Line, name: str, of_each: Callable[[Any], Any]) -> Iterator[tuple[str, Any]]:
    found = line.get(name)
    if isinstance(found, list):
        yield name, [of_each(one) for one in found]


def _call(call: Any) -> Any:
    return call | {"fault": _without_message(call["fault"])} if isinstance(call, dict) and "fault" in call else call


def _without_message(said: Any) -> Any:
    return {name: said[name] for name in said if name != "message"} if isinstance(said, dict) else said
