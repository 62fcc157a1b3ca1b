"""What holds for the runs of a tool, or of all tools of a file.

Knows the limits on a run and what they are where nobody says anything. Must not know what runs.
"""

from __future__ import annotations

from dataclasses import dataclass

from callscope.core.values import Approval

DEFAULT_TIMEOUT = 60.0
"""Seconds a run may take where the definition says nothing."""

DEFAULT_LIMIT = 100_000
"""Characters of output that go to the model where the definition says nothing; about 25,000 tokens."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What holds for the runs of a tool, or of all tools of a file that say nothing else."""

    timeout: float = DEFAULT_TIMEOUT
    limit: int = DEFAULT_LIMIT
    approve: Approval | None = None
    isolated: bool = False
