"""What came over the wire in an exchange, frame by frame, on a page.

Knows how frames are laid out, where reads cut them, and how many are shown. Must not know what they mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

from callscope.looking.framing import Framing, ReadFrame
from callscope.panels.wording import counted

from .chapters import ExchangeStory
from .markup import Html, more_bytes, tag

MOST_FRAMES: Final = 600
"""Of one exchange: the first two thirds and the last third of so many are shown."""
LONGEST_FRAME: Final = 4000
"""Bytes."""

Shown: TypeAlias = Sequence[ReadFrame | int]
"""Frames, and in place of those that are left out, how many they are."""


def shown_frames(frames: Framing) -> Shown:
    """The frames to show."""
    if len(frames.frames) <= MOST_FRAMES:
        return frames.frames
    last = MOST_FRAMES // 3
    first = MOST_FRAMES - last
    return [*frames.frames[:first], len(frames.frames) - MOST_FRAMES, *frames.frames[-last:]]


def wire(story: ExchangeStory, frames: Framing, shown: Shown) -> Iterator[Html]:
    """The frames of an exchange."""
    came = story.came
    if frames.failure:
        yield tag("p", f"No frames, because the body cannot be inflated: {frames.failure}", class_="t odd")
    elif frames.compressed:
        yield tag("p", "The body was compressed: offsets are those of the inflated bytes.", class_="quiet")
    if came.kept < came.size:
        yield tag("p", f"The first {came.kept:,} of {counted(came.size, 'byte')} are shown.", class_="quiet")
    if not came.size:
        yield tag("p", "No byte of a body came.", class_="quiet")
    told = [
        _frame(story.place, frame) if isinstance(frame, ReadFrame) else _left_out(frame, "frame") for frame in shown
    ]
    if told:
        yield tag("ol", *told, class_="frames")
    if came.ended and came.ended.detail:
        yield tag("p", f"{came.ended.how}: {came.ended.detail}", class_="t odd")


def _frame(place: int, part: ReadFrame) -> Html:
    frame = part.frame
    what = {"sse": frame.event, "comment": "comment", "body": ""}[frame.channel]
    facts = [
        tag("span", f"{part.first_at:.3f} s", class_="at"),
        tag("span", f"{frame.start}–{frame.end}", class_="span"),
        tag("span", what, class_="what t") if what else None,
        *(tag("span", code, class_="odd") for code in part.defects),
    ]
    return tag(
        "li",
        tag("div", *facts, class_="quiet"),
        tag("pre", *_with_borders(part), class_="t"),
        id=f"f{place}-{frame.start}",
    )


def _with_borders(part: ReadFrame) -> Iterator[str]:
    r"""The bytes of a frame, with a mark where a read ended; bytes that are no UTF-8 in their piece as `\xNN`."""
    raw = part.raw
    shown = _up_to_a_character(raw, LONGEST_FRAME)
    cuts = (cut - part.frame.start for cut in part.cuts)
    for place, (start, end) in enumerate(pairwise((0, *(cut for cut in cuts if cut < shown), shown))):
        if place:
            yield tag("i", class_="cut", title="here a read ended")
        text = raw[start:end].decode("utf-8", "backslashreplace")
        yield text.rstrip("\n") if end == len(raw) else text
    if shown < len(raw):
        yield more_bytes(len(raw) - shown)


def _up_to_a_character(raw: bytes, limit: int) -> int:
    """The last offset within the limit that is in the middle of no character."""
    if len(raw) <= limit:
        return len(raw)
    return next((cut for cut in range(limit, limit - 4, -1) if raw[cut] & 0xC0 != 0x80), limit)


def _left_out(count: int, noun: str) -> Html:
    return tag("li", f"{counted(count, noun)} in between are in the recording.", class_="quiet")
