"""All rules of Chat Completions, in the order in which they are told.

Knows where they stand. Must not know what they say.
"""

from __future__ import annotations

from typing import Final

from callscope.doctor.call_rules import CALL_RULES
from callscope.doctor.http_rules import HTTP_RULES, OPENAI_ERRORS
from callscope.doctor.rule import Rule
from callscope.doctor.stream_rules import STREAM_RULES, TIME_RULES
from callscope.doctor.tool_rules import TOOL_RULES

from .call_rules import PIECE_RULES
from .chunk_rules import CHUNK_RULES
from .whole_rules import WHOLE_RULES

CHAT_RULES: Final[tuple[Rule, ...]] = (
    *HTTP_RULES,
    *STREAM_RULES,
    *CHUNK_RULES,
    *WHOLE_RULES,
    *PIECE_RULES,
    *CALL_RULES,
    *TOOL_RULES,
    *OPENAI_ERRORS,
    *TIME_RULES,
)
