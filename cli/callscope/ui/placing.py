"""Which text of a response a diagnostic speaks of.

Knows which codes speak of words. Must not know what is done with them.
"""

from __future__ import annotations

from collections.abc import Iterable

from callscope.core.events import Diagnostic

from .blocks import Block, TextTrace

ABOUT_TEXT = frozenset(
    {
        "leaked_tool_call",
        "lost_character",
        "message_contradicts",
        "message_repeated",
        "part_unknown",
        "reasoning_inline",
    }
)
"""Diagnostics that speak of the words of a response, not of the response."""


def text_about(blocks: Iterable[Block], event: Diagnostic, exchange: int) -> TextTrace | None:
    """The text around the frame of a diagnostic, else the last one of the exchange."""
    texts = [block for block in blocks if isinstance(block, TextTrace) and block.exchange == exchange]
    place = event.frame.start if event.frame else -1
    around = [text for text in texts if text.frames and text.frames[0] <= place <= text.frames[1]]
    found = around or texts
    return found[-1] if found else None
