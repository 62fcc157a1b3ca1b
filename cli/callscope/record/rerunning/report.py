"""What came of running a session again, in one honest line and as JSON.

Knows what was found. Must not know how.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .divergence import Divergence, Found
from .sameness import Terms
from .script import What
from .stopping import Stopped

DIVERGED = 1
UNREACHABLE = 4


@dataclass(frozen=True, slots=True)
class RerunReport:
    """The divergences (the first of them, `count` in all), what was the same, and why it ended before its time.

    `before` is what was the same before the first divergence; `other_words` are exchanges whose prose differs, which is
    no divergence; `cut_off` says where the recording itself ends in mid-turn; `unreachable`: the server did not answer.
    """

    divergences: tuple[Divergence, ...] = ()
    count: int = 0
    turns: int = 0
    exchanges: int = 0
    calls: int = 0
    before: str = ""
    other_words: tuple[int, ...] = ()
    stopped: str = ""
    cut_off: str = ""
    unreachable: bool = False
    level: str = "semantic"
    ignored: tuple[str, ...] = ()

    @property
    def divergence(self) -> Divergence | None:
        """The first one."""
        return self.divergences[0] if self.divergences else None

    @property
    def same(self) -> bool:
        """Whether all of it happened again."""
        return not self.count and not self.stopped

    @property
    def exit_code(self) -> int:
        """0 the same, 1 not the same or not to its end, 4 the server did not answer."""
        if self.unreachable:
            return UNREACHABLE
        return 0 if self.same else DIVERGED

    def __str__(self) -> str:
        notes = [self.cut_off] if self.cut_off else []
        if self.other_words:
            numbers = ", ".join(map(str, self.other_words))
            notes.append(f"In other words: response{'' if len(self.other_words) == 1 else 's'} {numbers}.")
        if self.ignored:
            notes.append(f"Left out: {', '.join(self.ignored)}.")
        if self.stopped:
            notes.insert(0, self.stopped)
        return " ".join([self._verdict(), *notes])

    def _verdict(self) -> str:
        amount = f"turns {self.turns}, exchanges {self.exchanges}, calls {self.calls}"
        if self.count:
            number = f"{self.count} divergence{'' if self.count == 1 else 's'}"
            return f"{number}, the first {self.divergences[0]}; the same before it: {self.before}."
        words = {"wire": "exact", "shape": "the same shape"}.get(self.level, "the same")
        return f"{'so far ' if self.stopped else ''}{words}: {amount}{'.' if self.stopped or self._noted else ''}"

    @property
    def _noted(self) -> bool:
        return bool(self.cut_off or self.other_words or self.ignored)

    def as_json(self) -> dict[str, Any]:
        """The members of the verdict (docs/replay.md), without the divergences themselves."""
        return {
            "same": self.same,
            "match": self.level,
            "ignored": list(self.ignored),
            "divergences": self.count,
            "turns": self.turns,
            "exchanges": self.exchanges,
            "calls": self.calls,
            "other_words": list(self.other_words),
            "stopped": self.stopped or None,
            "cut_off": self.cut_off or None,
            "unreachable": self.unreachable,
        }


def report_of(found: Found, terms: Terms, *, turns: int, stopped: Stopped | None, cut_off: str) -> RerunReport:
    """Sum up a run; divergences in the order of exchanges."""
    same = found.same
    return RerunReport(
        tuple(sorted(found.divergences, key=lambda one: (one.exchange, one.what != "request"))),
        found.count,
        turns,
        same.get("request", 0),
        same.get("call", 0),
        _amount(found.before) if found.count else "",
        tuple(found.other_words),
        str(stopped) if stopped else "",
        cut_off,
        stopped is not None and stopped.unreachable,
        terms.level,
        terms.ignored.paths,
    )


def _amount(same: Mapping[What, int]) -> str:
    return f"exchanges {same.get('request', 0)}, calls {same.get('call', 0)}"
