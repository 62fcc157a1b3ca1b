"""The panel of any block, whole, as a picture: pure, the same for the live view, a replay and an exported screen.

Knows which content stands for which block. Must not know a terminal.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from .blocks import Block, CallTrace, Notice, TextTrace
from .call_panel import CallContent
from .frame import Content, Panel
from .judging import Check
from .look import Look, Picture
from .text_panel import SaidContent, TextContent


def content(block: Block, look: Look, check: Check | None = None) -> Content:
    """What stands in the frame of a block."""
    match block:
        case CallTrace():
            return CallContent(block, look, check)
        case TextTrace() if block.voice != "user":
            return TextContent(block, look)
        case TextTrace() | Notice():
            return SaidContent(block, look)
        case _:
            assert_never(block)


def panel(block: Block, look: Look, now: float, check: Check | None = None) -> Picture:
    """The whole panel of a block as it stands at `now`."""
    return Picture(Panel(content(block, look, check), look).lines(now))


def screen(blocks: Iterable[Block], look: Look, now: float, check: Check | None = None) -> Picture:
    """The panels of many blocks below each other."""
    return Picture(row for block in blocks for row in panel(block, look, now, check).rows)
