"""What a rule of the doctor is, and what it can say of one exchange.

Knows the shape of a rule and how rules are gathered into tables. Must not know any rule, nor how requests are sent.

A rule is pure: it looks at one exchange (`Seen`) and says what it found there. Where `when` is false the exchange says
nothing about it; where the judge finds nothing to complain of, the rule holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from callscope.core.values import Frame

from .seen import Seen

Level = Literal["required", "recommended", "informational"]
Outcome = Literal["pass", "fail", "not_shown"]
"""`not_shown`: the exchange could have shown it and did not, as where a model that may call does not."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one exchange says of a rule: what came, and the frame that shows it where one does."""

    outcome: Outcome
    came: str = ""
    frame: Frame | None = None


Judge: TypeAlias = Callable[[Seen], Iterable[Verdict]]
Condition: TypeAlias = Callable[[Seen], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its stable id, how much hangs on it, what is asked for in one sentence, what breaks in practice."""

    id: str
    level: Level
    asked: str
    breaks: str
    when: Condition
    judge: Judge

    def verdicts(self, seen: Seen) -> tuple[Verdict, ...]:
        """What this exchange says; empty where it says nothing."""
        if not self.when(seen):
            return ()
        return tuple(self.judge(seen)) or (Verdict("pass"),)


def rule(
    table: list[Rule], name: str, level: Level, asked: str, *, breaks: str, when: Condition
) -> Callable[[Judge], Judge]:
    """A decorator that puts a judge into a table as a rule."""

    def register(judge: Judge) -> Judge:
        table.append(Rule(name, level, asked, breaks, when, judge))
        return judge

    return register


def held(came: str, frame: Frame | None = None) -> Verdict:
    """The rule holds, and this is worth saying of it."""
    return Verdict("pass", came, frame)


def broken(came: str, frame: Frame | None = None) -> Verdict:
    """The rule is broken."""
    return Verdict("fail", came, frame)


def not_shown(came: str, frame: Frame | None = None) -> Verdict:
    """Nothing came that could show it, and that alone is no fault of the endpoint."""
    return Verdict("not_shown", came, frame)
