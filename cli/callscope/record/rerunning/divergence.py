"""What a run did otherwise than its recording: one place, its kind, and every path that differs there.

Knows the kinds and how they read. Must not know how they are found. `docs/replay.md` says the same for people.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from callscope.record.deriving.rederiving import REPEATED, Difference
from callscope.record.matching.matching import ABSENT, Mismatch

from .script import Identity, What

Kind = Literal["request", "extra", "missing", "order", "arguments", "result", "parse", "ending", "integrity", "timing"]
"""request: it asks otherwise; extra, missing: it happened only now, only then; order: the same in another order;
arguments: another call; result: another result; parse: the same bytes mean something else today; ending: a response or
a turn ended otherwise; integrity: the recording is not what was written; timing: it took too long."""

KIND_OF: dict[What, Kind] = {
    "request": "request",
    "response": "ending",
    "call": "arguments",
    "decision": "arguments",
    "start": "arguments",
    "result": "result",
    "review": "result",
    "turn": "ending",
}
MOST_PATHS = 50
"""Paths of one divergence that are named; the rest is counted."""

MOST_COUNTED = 10_000
MOST_NAMED = 100
"""Divergences that are kept; the rest is counted."""

LONGEST = 120
"""Characters of a value that a sentence shows."""

BEFORE = 40
"""Characters before the first difference of two long texts that a sentence shows."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """A place where a run went another way: its kind, what it was, each path that differs there (bounded).

    `line` is the recording's, 0 where it has none; `index` is that of the call, `call` what it goes by; `more` counts
    the paths beyond; `nearest` is the recorded exchange that is most like this one. A side that has nothing there is
    `ABSENT`.
    """

    kind: Kind
    what: What
    exchange: int
    index: int
    line: int
    differences: tuple[Mismatch, ...]
    more: int = 0
    nearest: int | None = None
    call: str = ""

    @property
    def path(self) -> str:
        """The first path that differs."""
        return self.differences[0].path

    @property
    def recorded(self) -> Any:
        """What was recorded there."""
        return self.differences[0].recorded

    @property
    def now(self) -> Any:
        """What is there now."""
        return self.differences[0].now

    @property
    def place(self) -> str:
        """Where it is, in a person's words."""
        names = {"request": f"request {self.exchange}", "response": f"response {self.exchange}"}
        names["turn"] = f"end of the turn after exchange {self.exchange}"
        call = self.call or f"call {self.exchange}.{self.index}"
        names["call"] = f"call {self.call}" if self.call else call
        where = names.get(self.what) or f"{self.what} of {call}"
        return f"{where} (line {self.line})" if self.line else where

    def __str__(self) -> str:
        further = len(self.differences) - 1 + self.more
        more = f", and {further} more path{'' if further == 1 else 's'}" if further else ""
        return f"{self.kind}: {self.place}, {_sides(self.differences[0])}{more}"

    def sentences(self) -> list[str]:
        """It in full: a line for the place, and one for each path."""
        nearest = (
            f"; most like the recorded exchange {self.nearest}" if self.nearest not in (None, self.exchange) else ""
        )
        lines = [f"{self.kind}: {self.place}{nearest}"]
        lines += [f"  {_sides(found)}" for found in self.differences]
        return [*lines, f"  and {self.more} more paths"] if self.more else lines

    def as_json(self) -> dict[str, Any]:
        """Its members as JSON; of a side that has nothing there the member is missing."""
        return {
            "class": self.kind,
            "what": self.what,
            "exchange": self.exchange,
            "index": self.index,
            "line": self.line or None,
            "nearest": self.nearest,
            "differences": [_difference_json(found) for found in self.differences],
            "more": self.more,
        }


@dataclass(slots=True)
class Found:
    """What a run has come to so far: the divergences, and how much was the same, in all and before the first."""

    divergences: list[Divergence] = field(default_factory=list)
    count: int = 0
    same: dict[What, int] = field(default_factory=dict)
    before: dict[What, int] = field(default_factory=dict)
    other_words: list[int] = field(default_factory=list)

    def note(self, one: Divergence) -> None:
        """Count a divergence, and keep it if there are not too many."""
        if not self.count:
            self.before = dict(self.same)
        self.count += 1
        if len(self.divergences) < MOST_NAMED:
            self.divergences.append(one)


def divergence(
    kind: Kind,
    identity: Identity,
    found: Iterable[Mismatch],
    *,
    line: int = 0,
    nearest: int | None = None,
) -> Divergence | None:
    """A divergence of these differences; None where there is none."""
    everything = iter(found)
    named = tuple(islice(everything, MOST_PATHS))
    if not named:
        return None
    more = sum(1 for _ in islice(everything, MOST_COUNTED))
    return Divergence(kind, *identity, line, named, more, nearest)


def of_place(kind: Kind, identity: Identity, found: Iterable[Mismatch], line: int) -> Divergence:
    """A divergence of differences of which there are a few, in a recorded place."""
    return Divergence(kind, *identity, line, tuple(found), nearest=identity[1] or None)


def only_then(identity: Identity, recorded: Any, line: int) -> Divergence:
    """What was recorded and did not happen again."""
    return Divergence("missing", *identity, line, (Mismatch("$", recorded, ABSENT),), nearest=identity[1] or None)


def only_now(identity: Identity, now: Any, nearest: int | None = None) -> Divergence:
    """What was not recorded and happened now."""
    return Divergence("extra", *identity, 0, (Mismatch("$", ABSENT, now),), nearest=nearest)


def of_damage(damages: list[Difference]) -> Divergence:
    """What is wrong with one recorded exchange itself: its bytes were changed, or mean something else today."""
    found = [Mismatch(damage.path, damage.recorded, damage.derived) for damage in damages]
    found += [further for damage in damages for further in damage.further]
    paths = {one.path for one in found}
    kind: Kind = "parse"
    if paths & {"$.sha256", "$.bytes", "$.exchange", REPEATED}:
        kind = "integrity"
    elif any(path.startswith(("$.finish_reason", "$.failure")) for path in paths):
        kind = "ending"
    made = divergence(kind, ("response", damages[0].exchange, 0), found, line=damages[0].line)
    assert made is not None
    return made


def _sides(found: Mismatch) -> str:
    recorded, now = shown(found.recorded, found.now)
    if found.path == "$" and ABSENT in (found.recorded, found.now):
        return f"only now: {now}" if found.recorded is ABSENT else f"only recorded: {recorded}"
    return f"{found.path}: recorded {recorded}, now {now}"


def shown(recorded: Any, now: Any) -> tuple[str, str]:
    """Both sides as short texts; two long ones from shortly before they differ."""
    if not isinstance(recorded, str) or not isinstance(now, str) or max(len(recorded), len(now)) <= LONGEST:
        return _excerpt(recorded), _excerpt(now)
    same = next((place for place, pair in enumerate(zip(recorded, now, strict=False)) if pair[0] != pair[1]), None)
    start = max((min(len(recorded), len(now)) if same is None else same) - BEFORE, 0)
    dots = "…" if start else ""
    return dots + _excerpt(recorded[start:]), dots + _excerpt(now[start:])


def _excerpt(value: Any) -> str:
    text = repr(value) if value is ABSENT else json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _difference_json(found: Mismatch) -> dict[str, Any]:
    sides = {"recorded": found.recorded, "now": found.now}
    return {"path": found.path, **{name: value for name, value in sides.items() if value is not ABSENT}}
