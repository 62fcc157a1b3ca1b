"""Rules on an answer in one piece.

Knows https://platform.openai.com/docs/api-reference/chat/object. Must not know streams (`chunk_rules`) nor calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from callscope.dialects.shapes import object_of
from callscope.doctor.rule import Rule, Verdict, broken, rule
from callscope.doctor.seen import Seen, as_sent, shown

from .chunk_rules import FINISHED, is_count
from .chunks import choices, is_whole

WHOLE_RULES: Final[list[Rule]] = []


@rule(
    WHOLE_RULES,
    "chat.whole",
    "required",
    "An answer in one piece is a chat.completion with choices[0].message, `role` assistant, and a `finish_reason`.",
    breaks="clients find no answer",
    when=is_whole,
)
def _whole(seen: Seen) -> Iterator[Verdict]:
    frame = seen.said[0].frame
    if seen.whole.get("object") != "chat.completion":
        yield broken(as_sent(seen.whole, "object", 40), frame)
    choice = next((choice for _, choice in choices(seen)), {})
    message = object_of(choice.get("message"))
    if message.get("role") != "assistant":
        yield broken(f"no message of the assistant: {shown(choice or seen.whole)}", frame)
    elif choice.get("finish_reason") not in FINISHED:
        yield broken(as_sent(choice, "finish_reason", 40), frame)


@rule(
    WHOLE_RULES,
    "chat.whole_usage",
    "recommended",
    "An answer in one piece has its `usage`.",
    breaks="tokens are counted as none, or guessed",
    when=is_whole,
)
def _whole_usage(seen: Seen) -> Iterator[Verdict]:
    usage = seen.whole.get("usage")
    if not (is_count(usage, "prompt_tokens") and is_count(usage, "completion_tokens")):
        yield broken(as_sent(seen.whole, "usage"), seen.said[0].frame)
