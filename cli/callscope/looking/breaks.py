"""The stretches of a turn in which nothing happened but that a person was waited for.

Knows what counts as something happening. Must not know how a stretch is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .timing import CallTiming, TurnTiming

Stretch = tuple[float, float]


def idle_waits(timing: TurnTiming, end: float) -> list[Stretch]:
    """When a call or a result waited for the person, without what went on meanwhile; in order."""
    busy = sorted(_busy(timing, end))
    return [rest for wait in _joined(_waits(timing, end)) for rest in _without(wait, busy)]


def _calls(timing: TurnTiming) -> Iterator[CallTiming]:
    return (call for exchange in timing.exchanges for call in exchange.calls)


def _waits(timing: TurnTiming, end: float) -> Iterator[Stretch]:
    for call in _calls(timing):
        if call.held_at is not None:
            until = (call.decided_at, call.finished_at, end)
            yield call.held_at, next(at for at in until if at is not None)
        if call.result_held_at is not None:
            yield call.result_held_at, call.reviewed_at if call.reviewed_at is not None else end


def _busy(timing: TurnTiming, end: float) -> Iterator[Stretch]:
    for exchange in timing.exchanges:
        yield exchange.opened_at, exchange.ended_at if exchange.ended_at is not None else end
    for call in _calls(timing):
        if call.started_at is not None:
            yield call.started_at, call.finished_at if call.finished_at is not None else end


def _joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    joined: list[Stretch] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _without(stretch: Stretch, busy: Iterable[Stretch]) -> Iterator[Stretch]:
    start, end = stretch
    for begun, over in busy:
        if begun >= end:
            break
        if begun > start:
            yield start, begun
        start = max(start, over)
    if start < end:
        yield start, end
