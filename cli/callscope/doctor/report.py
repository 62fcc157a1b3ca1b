"""From exchanges to findings: each rule of a protocol, what came of it over all exchanges, and the evidence.

Knows how verdicts of several exchanges become one finding: a rule that was broken once is broken, one that held once is
shown. Pure: the same exchanges give the same findings, live and from a recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from .battery import BATTERIES
from .exchange import Exchange
from .rule import Rule, Verdict
from .seen import Seen

Came = Literal["pass", "fail", "not_shown", "not_asked"]
WORST_FIRST: Final[tuple[Came, ...]] = ("fail", "pass", "not_shown")
LONGEST_EXCERPT: Final = 2000
"""Bytes of a frame that a finding quotes."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A frame: bytes `start` to `end` of the (inflated) body of an exchange, and how they begin."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of a rule: `exchange` is the place of the exchange that says so, `times` how often it said so."""

    rule: Rule
    outcome: Came
    came: str = ""
    exchange: int | None = None
    evidence: Evidence | None = None
    times: int = 0

    @property
    def is_failure(self) -> bool:
        """Whether a required rule is broken."""
        return self.outcome == "fail" and self.rule.level == "required"


def examine(exchanges: Sequence[Exchange], dialect: str) -> tuple[Finding, ...]:
    """A finding for each rule of the dialect, in their order."""
    seen = [Seen(exchange, dialect) for exchange in exchanges if exchange.how != "cancelled"]
    return tuple(_finding(rule, seen) for rule in BATTERIES[dialect].rules)


def _finding(rule: Rule, all_seen: Iterable[Seen]) -> Finding:
    said = [(verdict, seen) for seen in all_seen for verdict in rule.verdicts(seen)]
    for outcome in WORST_FIRST:
        alike = [(verdict, seen) for verdict, seen in said if verdict.outcome == outcome]
        if alike:
            verdict, seen = next(((v, s) for v, s in alike if v.came), alike[0])
            return Finding(rule, outcome, verdict.came, seen.exchange.place, _evidence(verdict, seen), len(alike))
    return Finding(rule, "not_asked")


def _evidence(verdict: Verdict, seen: Seen) -> Evidence | None:
    frame = verdict.frame
    if frame is None:
        return None
    data = seen.body[frame.start : min(frame.end, frame.start + LONGEST_EXCERPT)]
    return Evidence(frame.start, frame.end, data.decode("utf-8", "backslashreplace"))
