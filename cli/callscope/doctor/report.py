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
from .http_rules import refusal
from .rule import Rule, Verdict
from .seen import KEY_REFUSED, Seen

Came = Literal["pass", "fail", "not_shown", "not_asked"]
WORST_FIRST: Final[tuple[Came, ...]] = ("fail", "pass", "not_shown")
LONGEST_EXCERPT: Final = 2000
"""Bytes of a frame that a finding quotes."""

ANSWERS: Final = "http.answers"
WHAT_TO_DO: Final = "the server refuses the key, or that there is none; --key-env NAME names the variable that holds it"
EXAMINED_ALL_THE_SAME: Final = ("http.complete", "http.error_shape", "http.no_key")
"""Rules that an answer without a key shows as well as any other."""


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
    findings = tuple(_finding(rule, seen) for rule in BATTERIES[dialect].rules)
    turned_away = [one for one in seen if one.is_chat]
    if turned_away and all(one.status in KEY_REFUSED for one in turned_away):
        return tuple(_where_nobody_comes_in(finding, turned_away) for finding in findings)
    return findings


def _where_nobody_comes_in(finding: Finding, turned_away: Sequence[Seen]) -> Finding:
    """What a finding is worth where the key was refused each time: that is one fault, and not one of every rule."""
    first = turned_away[0]
    if finding.rule.id == ANSWERS:
        came = f"{refusal(first)}: {WHAT_TO_DO}"
        frame = _evidence(Verdict("fail", came, first.frames[0] if first.frames else None), first)
        return Finding(finding.rule, "fail", came, first.exchange.place, frame, len(turned_away))
    if finding.outcome == "fail" and finding.rule.id not in EXAMINED_ALL_THE_SAME:
        return Finding(finding.rule, "not_shown", "the key is refused", finding.exchange, None, finding.times)
    return finding


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
