"""What a verdict is, what it stands on, and what an entry of the table of verdicts is.

Knows their shapes. Must not know any verdict: `no_call_codes` and `not_run_codes` hold the tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from callscope.core.values import CallKey

Certainty = Literal["certain", "likely", "possible"]

Side = Literal["request", "response", "session"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict stands on: some bytes of a request or of a response, or what happened here.

    `start` and `end` are offsets in the body (None where it is not about bytes), `excerpt` is what stands there.
    """

    exchange: int
    side: Side
    excerpt: str
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why there was no call, or why one did not run; `call` is None where there was none."""

    code: str
    certainty: Certainty
    sentence: str
    advice: str
    evidence: tuple[Evidence, ...] = ()
    call: CallKey | None = None


class Entry(NamedTuple):
    """What a code means: how sure it is, a sentence with its facts in braces, what to do."""

    certainty: Certainty
    sentence: str
    advice: str
