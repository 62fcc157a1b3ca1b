"""Why there was no call in a turn, or why one did not run: the verdicts, the surest first.

Knows which question a turn raises. Must not know how an answer is found (`absence`, `calls`). Pure.
"""

from __future__ import annotations

from .absence import absence, failed, losses
from .calls import call_not_allowed, call_verdict
from .case import Case
from .entries import Evidence, Verdict
from .facts import CallFacts
from .no_call_codes import LOST, NO_ANSWER
from .not_run_codes import FAULTS
from .verdicts import rank, verdict

NEWS = frozenset((*LOST, "tools_left_out", "choice_names_no_tool", "tool_choice_ignored", "thought_and_said_nothing"))
"""A call was to be expected, and nothing else on the screen says why none is there."""
FAILED = NO_ANSWER.keys() - {"stopped", "never_asked"}
"""There is no whole answer, and nobody stopped it."""
UNRUN = frozenset((*FAULTS, "tool_unknown", "arguments_not_by_schema", "no_implementation", "nobody_to_ask"))
"""A call could not run, and nobody decided that it shall not."""


def why(case: Case) -> list[Verdict]:
    """All verdicts on a turn; none where every call of it ran and was answered."""
    case.settle()
    if not case.begun:
        return []
    if not case.exchanges:
        return [verdict("never_asked")] if case.ended else []
    last = case.exchanges[-1]
    over = last.completed or last.failure is not None
    if not case.calls:
        return sorted(absence(case, last), key=rank) if over else []
    found = [said for facts in case.calls.values() if (said := call_verdict(case, facts))]
    found += [said for facts in case.calls.values() if (said := call_not_allowed(case, facts))]
    if over:
        found += losses(case, last) if not last.calls else failed(last)
    if case.ended == "round_limit":
        rounds = last.settings.max_rounds
        found.append(verdict("round_limit", Evidence(last.number, "session", f"{rounds} rounds"), limit=rounds))
    return sorted(found, key=rank)


def why_no_call_of(case: Case, tool: str) -> list[Verdict]:
    """Why no call of this tool came in the turn."""
    case.settle()
    if not case.exchanges:
        return why(case)
    return sorted(absence(case, case.exchanges[-1], tool), key=rank)


def calls_named(case: Case, word: str) -> list[CallFacts]:
    """The calls that a person means: by wire id, by `exchange.index`, by number from 1, or by the tool's name."""
    calls = list(case.calls.values())
    if found := [facts for facts in calls if facts.call is not None and facts.call.call_id == word]:
        return found
    if found := [facts for facts in calls if word in (f"{facts.key.exchange}.{facts.key.index}", _listed(facts))]:
        return found
    if word.isdecimal() and len(word) < 6 and 1 <= int(word) <= len(calls):
        return [calls[int(word) - 1]]
    return [facts for facts in calls if facts.name == word]


def hint(case: Case) -> str:
    """What a person hears at the end of a turn, where the verdicts say what to do about it; else nothing."""
    for found in why(case):
        for what, codes in (("no call came", NEWS), ("the answer failed", FAILED), ("a call did not run", UNRUN)):
            if found.code in codes:
                return f"{what} ({found.code})"
    return ""


def _listed(facts: CallFacts) -> str:
    return f"{facts.key.exchange},{facts.key.index}"
