"""What is said of a dialect that is none."""

from __future__ import annotations

import pytest

from callscope.core.errors import UsageError
from callscope.dialects.registry import dialect_named


def test_a_dialect_that_is_none_is_answered_with_all_that_may_be_written() -> None:
    with pytest.raises(UsageError, match=r"dialect soap: write one of auto, chat, acf, responses\.$"):
        dialect_named("soap")


def test_auto_is_not_offered_to_who_wrote_auto() -> None:
    with pytest.raises(UsageError, match=r"dialect auto: write one of chat, acf, responses\.$"):
        dialect_named("auto")
