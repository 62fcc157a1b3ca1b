"""Every verdict on a call that did not come, or did not run, in one table: docs/forensics.md is this table for people.

Knows codes, how sure each is, sentences and advice. Must not know when they apply. A code is stable once released:
scripts name it.

certain: it is on the wire, or we did it; likely: what is on the wire has hardly another cause; possible: a hint.
"""

from __future__ import annotations

from callscope.core.values import CallKey

from .entries import Certainty, Entry, Evidence, Verdict
from .no_call_codes import ENDED, HINTS, LOST, NO_ANSWER, NOT_OFFERED
from .not_run_codes import FAULTS, NOT_ALLOWED, NOT_RUN

CERTAINTIES: tuple[Certainty, ...] = ("certain", "likely", "possible")

GROUPS = {
    "There was no answer": NO_ANSWER,
    "The request asked for no call": NOT_OFFERED,
    "There was a call, and it was lost": LOST,
    "The answer ended without one": ENDED,
    "Nothing was lost": HINTS,
    "The call cannot be run": FAULTS,
    "The request did not allow the call": NOT_ALLOWED,
    "The call was not run, or failed": NOT_RUN,
}
"""The parts of the table, under the headings that the page has."""

VERDICTS: dict[str, Entry] = {code: entry for group in GROUPS.values() for code, entry in group.items()}
"""Every verdict by its code, in the order in which they are told where several are as sure."""

_RANK = {code: place for place, code in enumerate(VERDICTS)}


def verdict(code: str, /, *evidence: Evidence | None, call: CallKey | None = None, **facts: object) -> Verdict:
    """The verdict of this code with its facts filled in."""
    entry = VERDICTS[code]
    found = tuple(each for each in evidence if each is not None)
    return Verdict(code, entry.certainty, entry.sentence.format(**facts), entry.advice.format(**facts), found, call)


def rank(found: Verdict) -> tuple[int, int]:
    """What comes first: what is surest, then by the order of the table."""
    return CERTAINTIES.index(found.certainty), _RANK[found.code]
