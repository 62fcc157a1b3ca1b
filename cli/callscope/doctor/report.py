"""From exchanges to findings: each rule of a protocol, what came of it over all exchanges, and the evidence.

Knows how verdicts of several exchanges become one finding: a rule that was broken once is broken, one that held once is
shown. Pure: the same exchanges give the same findings, live and from a recording.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
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


def examine(exchanges: Iterable[Exchange], dialect: str) -> tuple[Finding, ...]:
    """A finding for each rule of the dialect, in their order. One exchange is looked at after the other."""
    drafts = [_Draft(rule) for rule in BATTERIES[dialect].rules]
    turned_away = _TurnedAway()
    for exchange in exchanges:
        if exchange.how != "cancelled":
            seen = Seen(exchange, dialect)
            turned_away.hear(seen)
            for draft in drafts:
                draft.hear(seen)
    findings = tuple(draft.finding for draft in drafts)
    if turned_away.always:
        return tuple(_where_nobody_comes_in(finding, turned_away) for finding in findings)
    return findings


class _Draft:
    """A finding while exchanges are looked at: of each outcome the first verdict, rather one that says what came."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._found: dict[Came, Finding] = {}

    def hear(self, seen: Seen) -> None:
        """Ask the rule about an exchange."""
        for verdict in self._rule.verdicts(seen):
            known = self._found.get(verdict.outcome)
            if known is None or (verdict.came and not known.came):
                evidence = _evidence(verdict, seen)
                found = Finding(self._rule, verdict.outcome, verdict.came, seen.exchange.place, evidence)
                self._found[verdict.outcome] = replace(found, times=known.times + 1 if known else 1)
            else:
                self._found[verdict.outcome] = replace(known, times=known.times + 1)

    @property
    def finding(self) -> Finding:
        """The worst that was found."""
        found = (self._found[outcome] for outcome in WORST_FIRST if outcome in self._found)
        return next(found, Finding(self._rule, "not_asked"))


@dataclass(slots=True)
class _TurnedAway:
    """Whether nobody was ever let in: how often, and how the first one was refused."""

    times: int = 0
    came: str = ""
    place: int = 0
    evidence: Evidence | None = None
    let_in: bool = False

    @property
    def always(self) -> bool:
        """Whether each question was refused for its key."""
        return self.times > 0 and not self.let_in

    def hear(self, seen: Seen) -> None:
        """Look at the status of an answer."""
        if not seen.is_chat:
            return
        if seen.status not in KEY_REFUSED:
            self.let_in = True
            return
        self.times += 1
        if self.times == 1:
            self.came, self.place = f"{refusal(seen)}: {WHAT_TO_DO}", seen.exchange.place
            self.evidence = _evidence(Verdict("fail", self.came, seen.frames[0] if seen.frames else None), seen)


def _where_nobody_comes_in(finding: Finding, turned_away: _TurnedAway) -> Finding:
    """What a finding is worth where the key was refused each time: that is one fault, and not one of every rule."""
    away = turned_away
    if finding.rule.id == ANSWERS:
        return Finding(finding.rule, "fail", away.came, away.place, away.evidence, away.times)
    if finding.outcome == "fail" and finding.rule.id not in EXAMINED_ALL_THE_SAME:
        return Finding(finding.rule, "not_shown", "the key is refused", finding.exchange, None, finding.times)
    return finding


def _evidence(verdict: Verdict, seen: Seen) -> Evidence | None:
    frame = verdict.frame
    if frame is None:
        return None
    data = seen.body[frame.start : min(frame.end, frame.start + LONGEST_EXCERPT)]
    return Evidence(frame.start, frame.end, data.decode("utf-8", "backslashreplace"))
