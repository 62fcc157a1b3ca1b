"""Where among the blocks of a turn a diagnostic or a failure belongs.

Knows which codes speak of words, and that a cause stands before what it spoilt. Must not know how either is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable

from callscope.core.events import Diagnostic, ResponseFailed

from .blocks import Block, CallTrace, Notice, TextTrace

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


def insert_before_calls(blocks: list[Block], notice: Notice) -> None:
    """Put the failure of a response before those of its calls that are ours, and tell these of it."""
    assert isinstance(notice.event, ResponseFailed)
    place = len(blocks)
    for number, block in reversed(list(enumerate(blocks))):
        if isinstance(block, CallTrace) and block.exchange == notice.exchange and block.executor == "local":
            block.failure, place = notice.event, number
    blocks.insert(place, notice)
