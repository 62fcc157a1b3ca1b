"""How much of one answer is kept, and when that is too much.

Knows what things cost while an answer is kept, in all of the program. Must not know any protocol: whoever keeps
something tells of it as shares.

What counts is what is kept and not what passes by: a body of heartbeats may go on for ever, and one of a million deltas
is a text of some megabytes. The costs are rules and no measurements of the moment, so that every machine and every way
to cut the body into reads comes to the same end at the same event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

MOST_KEPT: Final = 128 * 1024 * 1024
"""What all shares of an answer may cost together."""

MOST_VALUES: Final = 1_000_000
"""Values in one JSON document: each is an object of some hundred bytes, whatever is in it."""

STEP: Final = 256 * 1024
"""Bytes of the body from one weighing to the next, and so of what is kept unweighed."""

CHARACTER: Final = 8
"""A character is kept by the decoder, the conversation and the last line, and takes up to four bytes in each."""
PIECE: Final = 16
"""A piece of a text."""
CALL: Final = 32 * 1024
"""A call, or a result that a server tells of; the results of calls are put into the conversation one after another."""
MOST_CALLS: Final = MOST_KEPT // CALL
"""An answer with more calls is too large, whatever else is in it: no more of them are taken from the same document."""
ITEM: Final = 4 * 1024
"""An item of an output, or a part of one."""
DIAGNOSTIC: Final = 2 * 1024
"""Something that is said of the answer."""
FRAME: Final = 4
"""A character of an event that is kept for what was said of it, or for a call or a text that it belongs to."""
LARGE: Final = DIAGNOSTIC
"""Characters of an event that cost more than what is kept beside it anyway."""
VALUE: Final = 128
"""A JSON value, or a name that something is known by."""

ADVICE: Final = "Limit the answer (--param max_tokens=N), or mend the server that goes on and on."


class Share(NamedTuple):
    """What is kept of one kind: how many, in words of the plural, and what they cost."""

    what: str
    number: int
    cost: int


def texts(what: str, sizes: Iterable[tuple[int, int]]) -> Share:
    """The share of texts, each of so many characters in so many pieces."""
    characters = pieces = 0
    for size, count in sizes:
        characters += size
        pieces += count
    return Share(f"characters of {what}", characters, characters * CHARACTER + pieces * PIECE)


def values(what: str, kept: Iterable[Any]) -> Share:
    """The share of JSON values that are kept as they came."""
    count = cost = 0
    waiting = list(kept)
    while waiting:
        value = waiting.pop()
        count += 1
        cost += VALUE
        if type(value) is str:
            cost += len(value) * CHARACTER
        elif type(value) is dict:
            waiting += value.values()
            cost += sum(map(len, value)) * CHARACTER
        elif type(value) is list:
            waiting += value
    return Share(what, count, cost)


def holds_too_many(document: str) -> bool:
    """Whether a JSON text has more values than anybody means; each but the first has one of these signs before it."""
    if len(document) <= MOST_VALUES:
        return False
    return sum(map(document.count, ",[{")) > MOST_VALUES


@dataclass(slots=True)
class Allowance:
    """What may be kept of one answer. `due`: up to which byte of the body nothing need be weighed.

    `excess` says what was too much; from then on nothing of the body is taken.
    """

    kept: Callable[[], Iterable[Share]]
    due: int = field(default_factory=lambda: STEP)
    excess: str = ""

    def weigh(self, end: int) -> None:
        """Weigh what is kept after so many bytes of the body."""
        self.due = end + STEP
        shares = list(self.kept())
        if sum(share.cost for share in shares) > MOST_KEPT:
            largest = max(shares, key=lambda share: share.cost)
            self.exceed(f"it is too much to keep after {end:,} bytes, with {largest.number:,} {largest.what}")

    def look_at(self, document: str) -> None:
        """See whether a document can be read at all."""
        if holds_too_many(document):
            self.exceed(f"one document of it has more than {MOST_VALUES:,} values")

    def exceed(self, why: str) -> None:
        """Take nothing more; the first reason counts."""
        self.excess = self.excess or f"The answer is too large: {why}. {ADVICE}"
