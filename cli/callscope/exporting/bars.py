"""A turn to scale: a row for each thing that took time, as bars that stretch with the page.

Knows how moments become places. Must not know what else a page says. A bar is SVG with numbers in it and nothing else,
so that no style has to be inline.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from callscope.looking.timeline import tick_step
from callscope.panels.wording import exactly

from .chapters import CallStory, ExchangeStory, TurnStory
from .markup import Html, tag

WIDTH: Final = 1000
HEIGHT: Final = 12
BINS: Final = 250
"""As many places for deltas as can be told apart."""
INNER: Final = ("held", "run", "bad")
"""What belongs to the row before."""


class Bar(NamedTuple):
    """From when to when, and what it is; `moments` are drawn as ticks in it."""

    label: str
    start: float
    end: float
    kind: str
    to: str
    moments: Sequence[float] = ()


def timeline(turn: TurnStory) -> Html | None:
    """The rows of a turn; None where nothing in it took time."""
    bars = [bar for exchange in turn.exchanges for bar in _exchange(exchange)]
    if not bars:
        return None
    start = min(turn.began_at, *(bar.start for bar in bars))
    end = max(turn.ended_at or start, *(bar.end for bar in bars))
    scale = _Scale(start, max(end - start, 1e-6))
    rows = [scale.row(bar) for bar in bars]
    return tag("div", scale.axis(), *rows, class_="timeline", aria_label=f"Timeline, {exactly(end - start)}")


def _exchange(story: ExchangeStory) -> Iterator[Bar]:
    came, to = story.came, f"#x{story.place}"
    over = max(story.over_at, came.opened_at)
    head = came.opened_at + came.head_at if came.head else over
    yield Bar(f"{came.number}: waiting", came.opened_at, head, "wait", to)
    moments = [at for part in story.parts for at in part.growth.moments]
    if came.head:
        yield Bar(f"{came.number}: stream", head, over, "stream", to, moments)
    for call in story.calls:
        yield from _call(call, over, to)


def _call(call: CallStory, over: float, to: str) -> Iterator[Bar]:
    name = f"{call.key.exchange}: {call.name[:60] or '(no name)'}"
    arrived = call.assembled_at if call.assembled_at is not None else over
    yield Bar(name, call.first_at, arrived, "stream", to, call.growth.moments)
    finished = call.finished_at
    if call.held_at is not None:
        until = call.decided_at if call.decided_at is not None else finished
        yield Bar("held", call.held_at, until if until is not None else call.held_at, "held", to)
    if call.started_at is not None:
        kind = "bad" if call.result is None or call.result.status in ("error", "timeout", "cancelled") else "run"
        yield Bar("running", call.started_at, finished if finished is not None else over, kind, to)


class _Scale:
    def __init__(self, start: float, seconds: float) -> None:
        self.start = start
        self.seconds = seconds

    def place(self, at: float) -> float:
        return min(max((at - self.start) / self.seconds * WIDTH, 0.0), WIDTH)

    def row(self, bar: Bar) -> Html:
        left = self.place(bar.start)
        width = max(self.place(bar.end) - left, 2.0)
        ticks = self._ticks(bar) if bar.moments else ()
        kind = f"{bar.kind} faint" if bar.moments else bar.kind
        drawn = [_rect(left, 0, width, HEIGHT, kind), *ticks]
        return tag(
            "a",
            tag("span", bar.label, class_="label t inner" if bar.kind in INNER else "label t"),
            _svg(drawn, HEIGHT),
            tag("span", exactly(max(bar.end - bar.start, 0.0)), class_="took"),
            href=bar.to,
            class_="row",
        )

    def axis(self) -> Html:
        step = tick_step(self.seconds, 80)
        numbers = range(1, int(self.seconds / step) + 1)
        lines = [_rect(self.place(self.start + number * step), 0, 1, 6, "tick") for number in numbers]
        said = f"{exactly(self.seconds)} in all; a tick is {exactly(step)}"
        return tag(
            "div", tag("span", class_="label"), _svg(lines, 6), tag("span", said, class_="took"), class_="row axis"
        )

    def _ticks(self, bar: Bar) -> Iterator[Html]:
        """A tick where deltas came, as high as there were many."""
        counts: dict[int, int] = {}
        for at in bar.moments:
            place = int(self.place(at) / WIDTH * BINS)
            counts[place] = counts.get(place, 0) + 1
        most = max(counts.values())
        for place, count in counts.items():
            height = HEIGHT * (0.4 + 0.6 * count / most)
            yield _rect(min(place * WIDTH / BINS, WIDTH - 3), HEIGHT - height, 3, height, bar.kind)


def _svg(drawn: Sequence[Html], height: int) -> Html:
    return tag(
        "svg",
        *drawn,
        viewBox=f"0 0 {WIDTH} {height}",
        preserveAspectRatio="none",
        aria_hidden="true",
        focusable="false",
    )


def _rect(x: float, y: float, width: float, height: float, kind: str) -> Html:
    return tag("rect", x=f"{x:.1f}", y=f"{y:.1f}", width=f"{width:.1f}", height=f"{height:.1f}", class_=kind)
