"""All rules of the Agent Connect Framework, in the order in which they are told.

Knows where they stand. Must not know what they say.
"""

from __future__ import annotations

from typing import Final

from callscope.doctor.http_rules import HTTP_RULES
from callscope.doctor.rule import Rule
from callscope.doctor.stream_rules import STREAM_RULES, TIME_RULES

from .answer_rules import ANSWER_RULES
from .discovery_rules import DISCOVERY_RULES
from .frame_rules import FRAME_RULES
from .habit_rules import HABIT_RULES
from .result_rules import RESULT_RULES
from .step_rules import STEP_RULES

ACF_RULES: Final[tuple[Rule, ...]] = (
    *HTTP_RULES,
    *STREAM_RULES,
    *FRAME_RULES,
    *HABIT_RULES,
    *STEP_RULES,
    *RESULT_RULES,
    *ANSWER_RULES,
    *DISCOVERY_RULES,
    *TIME_RULES,
)
