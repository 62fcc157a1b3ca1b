"""What a diagnostic code is.

Knows the shape of an entry. Must not know any code: `diagnostics` gathers the tables.
"""

from __future__ import annotations

from typing import NamedTuple

from callscope.core.values import Severity


class Code(NamedTuple):
    """What a code means: a sentence with its facts in braces, where it was seen, what Callscope did."""

    severity: Severity
    sentence: str
    seen: str
    done: str
