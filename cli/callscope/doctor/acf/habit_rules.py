"""Rules on habits of an agent's stream that the standard allows and that agents are refused for all the same.

Knows bytes and lines. Must not know what envelopes say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from callscope.core.values import Frame
from callscope.core.visible import one_line
from callscope.doctor.rule import Rule, Verdict, broken, held, rule
from callscope.doctor.seen import Seen

from .envelopes import is_agent_stream, is_simple

HABIT_RULES: Final[list[Rule]] = []
_ID_LINE: Final = re.compile(rb"(?:\A|[\r\n])id *:")


def _habit(name: str, asked: str, breaks: str, find: Callable[[Seen], Frame | None]) -> None:
    """An informational rule on a habit that is seen first in some frame."""

    def judge(seen: Seen) -> Iterator[Verdict]:
        if frame := find(seen):
            yield broken("seen first here", frame)

    rule(HABIT_RULES, name, "informational", asked, breaks=breaks, when=is_agent_stream)(judge)


def _frame_at(seen: Seen, at: int) -> Frame | None:
    """The frame that has this byte, or the last one before it."""
    if at < 0:
        return None
    before = [frame for frame in seen.frames if frame.start <= at]
    return before[-1] if before else seen.frames[0]


def _id_line(seen: Seen) -> Frame | None:
    for frame in seen.frames:
        if frame.channel == "sse" and _ID_LINE.search(seen.body[frame.start : frame.end]):
            return frame
    return None


_habit(
    "acf.no_id_line",
    "Frames have no `id:` line.",
    "the public validator of external agents takes the frame for a wrong one",
    _id_line,
)
_habit(
    "acf.no_crlf",
    "Lines end with LF.",
    "hand-written readers that split at LF LF find no end of a frame",
    lambda seen: _frame_at(seen, seen.body.find(b"\r\n")),
)
_habit(
    "acf.no_comments",
    "No comments stand between the frames.",
    "hand-written readers that take each block for a frame fail on the ping",
    lambda seen: next((frame for frame in seen.frames if frame.channel == "comment"), None),
)


@rule(
    HABIT_RULES,
    "acf.done",
    "informational",
    "The stream ends with `data: [DONE]`.",
    breaks="a stream that just closes cannot be told from one that broke off in good order",
    when=lambda seen: is_agent_stream(seen) and seen.exchange.how == "complete",
)
def _done(seen: Seen) -> Iterator[Verdict]:
    if seen.done is not None:
        yield held("it does", seen.done)
    elif any(is_simple(said) and said.frame.event == "stream_end" for said in seen.said):
        yield held("stream_end, in the samples' dialect")
    else:
        yield broken("it just closes")


@rule(
    HABIT_RULES,
    "acf.nothing_after_done",
    "recommended",
    "Nothing comes after `[DONE]`.",
    breaks="clients have stopped reading: what comes is lost",
    when=lambda seen: is_agent_stream(seen) and seen.done is not None,
)
def _nothing_after(seen: Seen) -> Iterator[Verdict]:
    for frame in seen.after_done:
        if "[DONE]" not in frame.data:
            yield broken(f"after it: {one_line(frame.data, 60)}", frame)
