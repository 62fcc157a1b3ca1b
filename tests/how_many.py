"""How many cases `make test` takes of those that `make test-all` takes all of."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import combinations
from typing import TypeVar

Case = TypeVar("Case")

MEETINGS = 3


def all_of_them() -> bool:
    """Whether every case is to be taken."""
    return bool(os.environ.get("CALLSCOPE_ALL_TESTS"))


def pairs(cases: Sequence[Case]) -> list[tuple[Case, Case]]:
    """All pairs; or each case with the next few, so that each is met by twice as many."""
    if all_of_them():
        return list(combinations(cases, 2))
    return [
        (case, cases[(place + step) % len(cases)])
        for place, case in enumerate(cases)
        for step in range(1, MEETINGS + 1)
    ]
