"""Where another reader saw something else: two readings in, differences out.

Knows what of a reading a program acts on, and which difference weighs more. Pure; must not know how anything was read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Any, Literal

from .values import Call, NotRead, Outcome, Reader, Reading, Recorded, outcome_as_json

DifferenceKind = Literal[
    "crash",
    "hang",
    "killed",
    "lost_error",
    "silent_end",
    "false_error",
    "merged_calls",
    "lost_call",
    "extra_call",
    "call_id",
    "name",
    "arguments",
    "content",
    "refusal",
    "finish_reason",
    "usage",
]
"""What kinds there are, the gravest first; docs/readers.md says what each is."""

ENDED_EARLY = ("truncated", "reset", "timeout")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a reader saw otherwise; `call` is the place of the call it is about, both sides are words."""

    kind: DifferenceKind
    ours: str
    theirs: str
    call: int | None = None


def compare(ours: Reading, outcome: Outcome) -> tuple[Difference, ...]:
    """How a reading differs from Callscope's, the gravest first; nothing where it sees the same.

    Where both say that the response is broken, nothing else is compared: no program goes on with what came before.
    """
    if isinstance(outcome, NotRead):
        return ()
    trouble = outcome.trouble
    if trouble is not None and trouble.kind != "error":
        return (Difference(trouble.kind, _said(ours), str(trouble)),)
    if ours.trouble is not None and trouble is not None:
        return ()
    # What the peer runs itself is nothing for a program to do: only who reads with our decoder tells such calls.
    mine = ours.calls if outcome.events is not None else tuple(one for one in ours.calls if one.executor == "local")
    return (*_of_errors(ours, outcome), *_of_calls(mine, outcome.calls), *_of_rest(ours, outcome))


def _said(reading: Reading) -> str:
    return str(reading.trouble) if reading.trouble else "an answer"


def _of_errors(ours: Reading, theirs: Reading) -> Iterator[Difference]:
    if ours.trouble is not None:
        kind: DifferenceKind = "silent_end" if ours.trouble.name in ENDED_EARLY else "lost_error"
        yield Difference(kind, str(ours.trouble), "no error")
    elif theirs.trouble is not None:
        yield Difference("false_error", "no error", str(theirs.trouble))


def _of_calls(ours: tuple[Call, ...], theirs: tuple[Call, ...]) -> Iterator[Difference]:
    if len(theirs) < len(ours) and (merged := _merged(ours, theirs)):
        yield merged
        return
    for place, (mine, other) in enumerate(zip_longest(ours, theirs)):
        if other is None:
            yield Difference("lost_call", _call(mine), "", place)
        elif mine is None:
            yield Difference("extra_call", "", _call(other), place)
        else:
            yield from _of_call(place, mine, other)


def _merged(ours: tuple[Call, ...], theirs: tuple[Call, ...]) -> Difference | None:
    """Fewer calls, one of which has the arguments of several."""
    for place, call in enumerate(theirs):
        swallowed = [mine for mine in ours if mine.arguments and mine.arguments in (call.arguments or "")]
        if len(swallowed) > 1 and (call.arguments or "") not in [mine.arguments for mine in ours]:
            return Difference("merged_calls", "\n".join(map(_call, ours)), "\n".join(map(_call, theirs)), place)
    return None


def _of_call(place: int, mine: Call, other: Call) -> Iterator[Difference]:
    if (mine.name or "") != (other.name or ""):
        yield Difference("name", mine.name or "", other.name or "", place)
    if not _same_arguments(mine.arguments, other.arguments):
        yield Difference("arguments", mine.arguments or "", other.arguments or "", place)
    if mine.call_id != other.call_id:
        yield Difference("call_id", mine.call_id or "", other.call_id or "", place)


def _same_arguments(mine: str | None, other: str | None) -> bool:
    """Whether they mean the same; how JSON is written, and whether nothing is written, matters to nobody."""
    return mine == other or _value(mine) == _value(other)


def _value(arguments: str | None) -> Any:
    if not (arguments or "").strip():
        return {}
    try:
        return json.loads(arguments or "")
    except (ValueError, RecursionError):
        return (arguments,)  # no JSON value: equal to itself alone


def _of_rest(ours: Reading, theirs: Reading) -> Iterator[Difference]:
    if ours.text != theirs.text:
        yield Difference("content", ours.text, theirs.text)
    if ours.refusal != theirs.refusal:
        yield Difference("refusal", ours.refusal, theirs.refusal)
    if (ours.finish_reason or None) != (theirs.finish_reason or None):
        yield Difference("finish_reason", ours.finish_reason or "", theirs.finish_reason or "")
    if ours.usage != theirs.usage:
        yield Difference("usage", _usage(ours), _usage(theirs))


def _usage(reading: Reading) -> str:
    if reading.usage is None:
        return ""
    came, went = ("?" if count is None else str(count) for count in reading.usage)
    return f"{came} in, {went} out"


def _call(call: Call) -> str:
    return f"{call.name or ''} {call.arguments or ''} ({call.call_id or 'no id'})"


# ---- a response, and all who read it --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """A reader, what it saw, and how that differs from Callscope's reading."""

    reader: Reader
    outcome: Outcome
    differences: tuple[Difference, ...] = ()

    @property
    def verdict(self) -> str:
        """In a word or two: `same`, `not read`, or the gravest difference."""
        if isinstance(self.outcome, NotRead):
            return "not read"
        return self.differences[0].kind.replace("_", " ") if self.differences else "same"


@dataclass(frozen=True, slots=True)
class Compared:
    """A response and what came of reading it; `why_not` says why it was not read by others."""

    recorded: Recorded
    ours: Reading
    rows: tuple[Row, ...] = ()
    why_not: str | None = None


def compared_as_json(compared: Compared) -> dict[str, Any]:
    """A comparison as a JSON object; docs/readers.md tells the members."""
    recorded = compared.recorded
    members: dict[str, Any] = {
        "exchange": recorded.exchange,
        "dialect": recorded.dialect,
        "streamed": recorded.streamed,
        "status": recorded.status,
        "bytes": recorded.size,
        "reads": len(recorded.reads),
        "ending": recorded.how,
        "not_compared": compared.why_not,
        "callscope": outcome_as_json(compared.ours),
    }
    return members | {"readers": [_row_as_json(row) for row in compared.rows]}


def _row_as_json(row: Row) -> dict[str, Any]:
    return {
        "reader": row.reader.name,
        "package": row.reader.package,
        "version": row.reader.version,
        "verdict": row.verdict.replace(" ", "_"),
        "differences": [asdict(difference) for difference in row.differences],
        "saw": outcome_as_json(row.outcome),
    }
