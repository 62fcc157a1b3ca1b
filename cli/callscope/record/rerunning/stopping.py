"""Why a run, or a turn of it, ends before its recording does.

Knows the reasons alone. Must not know who raises them, nor what is made of them.
"""

from __future__ import annotations

from callscope.core.state import Conversation


class Stopped(Exception):
    """Ends a run that cannot go on honestly; `unreachable`: because the server did not answer."""

    def __init__(self, why: str, *, unreachable: bool = False) -> None:
        super().__init__(why)
        self.unreachable = unreachable


class CutHere(Exception):
    """Ends a turn where its recording was cut off, in the middle of what takes no time.

    `before` is the conversation as it was there; what went on then did not happen.
    """

    def __init__(self, before: Conversation) -> None:
        super().__init__()
        self.before = before
