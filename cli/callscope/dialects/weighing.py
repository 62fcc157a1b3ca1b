"""What is kept of texts and of calls, in shares.

Knows what a text and an open call hold. Must not know how much of it is too much (`limits`), nor any protocol.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from callscope.core.values import Channel, Frame

from .fragments import OpenCall
from .limits import CALL, DIAGNOSTIC, FRAME, VALUE, Share, texts, values
from .pieces import Pieces, Spoken


def of_text(said: Mapping[Channel, Pieces]) -> Share:
    """The share of what was said."""
    return texts("text", [(pieces.size, len(pieces)) for pieces in said.values()])


def of_frames(frames: Iterable[Frame | None]) -> Share:
    """The share of events that are kept as they came, each once."""
    kept = {id(frame): frame for frame in frames if frame is not None}
    size = sum(len(frame.data) for frame in kept.values())
    return Share("characters of events that had to be kept", size, size * FRAME)


def frames_kept(said: Mapping[Channel, Spoken], calls: Sequence[OpenCall]) -> Iterator[Frame | None]:
    """The frames that texts and calls keep, once those that only wait to be packed are let go."""
    for spoken in said.values():
        spoken.let_go()
        yield spoken.last_frame
    for call in calls:
        call.pieces.let_go()
        yield call.frame
        yield call.last_frame


def of_calls(calls: Sequence[OpenCall]) -> Iterator[Share]:
    """The shares of calls that are ours to run."""
    yield Share("calls", len(calls), len(calls) * CALL)
    arguments = [(call.pieces.size + len(call.snapshot or "") + len(call.name), len(call.pieces)) for call in calls]
    yield texts("arguments", arguments)
    yield values("members of calls", [call.extra for call in calls])


def of_diagnostics(count: int) -> Share:
    """The share of so many diagnostics."""
    return Share("diagnostics", count, count * DIAGNOSTIC)


def of_names(count: int) -> Share:
    """The share of so many names."""
    return Share("ids and indexes", count, count * VALUE)
