"""What an entry of the table of verdicts is.

Knows its shape. Must not know any verdict: `no_call_codes` and `not_run_codes` hold the tables.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Certainty = Literal["certain", "likely", "possible"]


class Entry(NamedTuple):
    """What a code means: how sure it is, a sentence with its facts in braces, what to do."""

    certainty: Certainty
    sentence: str
    advice: str
