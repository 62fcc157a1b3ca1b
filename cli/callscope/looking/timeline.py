"""A turn to scale, over the width of the terminal: a row for each thing that took time.

Knows how moments become cells. Must not know events, nor where moments come from. A cell of a row of deltas is as high
as there were deltas in its time; any span, however short, has at least one cell. A long wait for the person is broken
off, so that all the rest is to scale.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import wrap

from rich.cells import cell_len
from rich.text import Text

from callscope.core.visible import one_line
from callscope.panels.fitting import fitted, padded
from callscope.panels.wording import counted, exactly, failed
from callscope.ui.lines import STYLES

from .breaks import Stretch, idle_waits
from .timing import CallTiming, Deltas, ExchangeTiming, TurnTiming

BREAK = 3
"""Cells that a wait takes that is broken off."""

STEPS = (1, 2, 5)
"""What a tick of the axis may be a power of ten of."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What time is drawn with; `heights` are for few to many deltas."""

    heights: str
    wait: str
    held: str
    running: str
    axis: str
    tick: str
    broken: str
    dot: str


UNICODE = Marks(heights="▁▂▃▄▅▆▇█", wait="─", held="░", running="▆", axis="─", tick="┼", broken="╱", dot="·")
ASCII = Marks(heights=".:|#", wait="-", held="~", running="=", axis="-", tick="+", broken="/", dot="-")


@dataclass(frozen=True, slots=True)
class Span:
    """A row: from when to when, what it is drawn with, what is said behind it."""

    label: str
    start: float
    end: float
    mark: str
    style: str
    note: str = ""
    deltas: Deltas | None = None


def timeline(timing: TurnTiming, *, width: int, ascii_only: bool) -> Iterator[Text]:
    """The rows of the latest turn, none wider than `width` columns (40 and more)."""
    if timing.began_at is None or not timing.exchanges:
        yield Text("  no turn to show yet")
        return
    end = max(_moments(timing))
    took = end - timing.began_at
    scale = Scale(timing.began_at, max(took, 1e-6), width, ASCII if ascii_only else UNICODE, idle_waits(timing, end))
    heading = f"  {exactly(took)}, {counted(len(timing.exchanges), 'exchange')}"
    yield Text(fitted(heading, width, ascii_only=ascii_only), "bold")
    if scale.breaks:
        waited = exactly(sum(after - before for before, after in scale.breaks))
        said = f"{scale.marks.broken * BREAK} {waited} for you, not to scale"
        yield Text(fitted(f"  {said}", width, ascii_only=ascii_only), "magenta")
    yield from scale.axis()
    before: ExchangeTiming | None = None
    names = Counter(call.name for exchange in timing.exchanges for call in exchange.calls)
    for exchange in timing.exchanges:
        if exchange.attempt > 1 and before is not None:
            start = before.ended_at if before.ended_at is not None else before.opened_at
            yield scale.row(Span("  retry in", start, exchange.opened_at, scale.marks.wait, "yellow"))
        yield scale.heading(_heading(exchange))
        yield from map(scale.row, _exchange_spans(exchange, end, scale.marks))
        for call in exchange.calls:
            yield from _call_rows(call, scale, end, alone=names[call.name] == 1)
        before = exchange
    yield from (Text(f"  {line}", "yellow") for gap in _longest_gap(timing) for line in wrap(gap, width - 2))


class Scale:
    """Seconds as columns: label, bar and note side by side."""

    def __init__(self, start: float, seconds: float, width: int, marks: Marks, waits: Sequence[Stretch] = ()) -> None:
        self.start = start
        self.marks = marks
        self.width = width
        self.label = 13 if width < 60 else 16 if width < 100 else 22
        self.note = 9 if width < 70 else 24
        self.cells = max(width - self.label - self.note - 2, 8)
        self.breaks = self._worth_breaking(seconds, waits)
        self.seconds = max(seconds - sum(after - before for before, after in self.breaks), 1e-6)
        self.end = start + seconds

    def _worth_breaking(self, seconds: float, waits: Sequence[Stretch]) -> list[Stretch]:
        """The waits that would take more cells than a break does; not so many that nothing else has room."""
        most = max(0, (self.cells - 8) // BREAK)
        longest = sorted(waits, key=lambda wait: wait[0] - wait[1])[:most]
        busy = seconds - sum(after - before for before, after in longest)
        return sorted(wait for wait in longest if (wait[1] - wait[0]) * self.cells > 2 * BREAK * max(busy, 1e-6))

    def cell(self, at: float) -> int:
        """The cell that a moment falls into."""
        room = self.cells - BREAK * len(self.breaks)
        cell, waited, passed = 0.0, 0.0, 0
        for before, after in self.breaks:
            if at <= before:
                break
            if at < after:  # in a break: it is not to scale
                cell = (at - before) / (after - before) * BREAK
                at = before
                break
            waited, passed = waited + after - before, passed + 1
        cell += (at - self.start - waited) / self.seconds * room + BREAK * passed
        return min(max(int(cell), 0), self.cells - 1)

    def heading(self, text: str) -> Text:
        """A line of its own, above rows."""
        return Text(fitted(f"  {text}", self.width, ascii_only=self._ascii), "bold")

    def row(self, span: Span) -> Text:
        """A span with its label, its bar and how long it took."""
        line = Text(padded(span.label, self.label, ascii_only=self._ascii) + " ", "dim")
        line.append(self._bar(span), span.style)
        took = f" {exactly(span.end - span.start):>8}"
        note = f"{took}  {span.note}"
        line.append(took if len(note) > self.note + 1 else note.rstrip(), "dim")
        return line

    def axis(self) -> Iterator[Text]:
        """The ticks, and their times above them."""
        step = tick_step(self.seconds, self.cells)
        places = {self.cell(self.start + at): at for at in self._ticks(step)}
        numbers = "0".ljust(self.cells)
        for place, at in places.items():
            said = _short_time(at)
            begin = place - len(said) + 1
            if begin > 0 and not numbers[begin - 1 : place + 1].strip():
                numbers = numbers[:begin] + said + numbers[place + 1 :]
        line = [self.marks.tick if cell in places else self.marks.axis for cell in range(self.cells)]
        for before, _ in self.breaks:
            first = self.cell(before)
            line[first : first + BREAK] = [self.marks.broken] * BREAK
        margin = " " * (self.label + 1)
        yield Text(margin + numbers.rstrip(), "dim")
        yield Text(margin + "".join(line[: self.cells]), "dim")

    def _ticks(self, step: float) -> Iterator[float]:
        """The times that have a tick, in seconds since the start; none in a break."""
        stretches = [(self.start, self.start), *self.breaks, (self.end, self.end)]
        for (_, since), (until, _) in pairwise(stretches):
            first = int((since - self.start) // step) + 1
            for number in range(first, first + self.cells):
                if number * step >= until - self.start:
                    break
                yield number * step

    @property
    def _ascii(self) -> bool:
        return self.marks is ASCII

    def _bar(self, span: Span) -> str:
        if span.deltas is not None and span.deltas.moments:
            return self._density(span.deltas.moments)
        first, last = self.cell(span.start), self.cell(span.end)
        return " " * first + span.mark * (last - first + 1) + " " * (self.cells - last - 1)

    def _density(self, moments: Sequence[float]) -> str:
        counts = [0] * self.cells
        for at in moments:
            counts[self.cell(at)] += 1
        most = max(counts)
        heights = self.marks.heights
        return "".join(heights[(count * len(heights) - 1) // most] if count else " " for count in counts)


def tick_step(seconds: float, cells: int) -> float:
    """The distance of ticks, 1, 2 or 5 of a power of ten, that leaves some eight cells to each."""
    most = max(cells // 8, 2)
    power = 1e-6
    while True:
        for step in STEPS:
            if seconds / (step * power) <= most:
                return step * power
        power *= 10


def _short_time(seconds: float) -> str:
    if seconds < 0.001:
        return f"{1e6 * seconds:.0f}us"
    return f"{1000 * seconds:.0f}ms" if seconds < 1 else f"{seconds:.10g}s"


# ---- what takes time ----------------------------------------------------------------------------------------------


def _heading(exchange: ExchangeTiming) -> str:
    said = [f"exchange {exchange.number}"]
    if exchange.attempt > 1:
        said.append(f"attempt {exchange.attempt}")
    if exchange.status is not None:
        said.append(f"HTTP {exchange.status}")
    said.append(failed(exchange.failure.kind) if exchange.failure else exchange.how or "open")
    if exchange.bytes:
        said.append(counted(exchange.bytes, "byte"))
    return ", ".join(said)


def _exchange_spans(exchange: ExchangeTiming, end: float, marks: Marks) -> Iterator[Span]:
    over = exchange.ended_at if exchange.ended_at is not None else end
    head, byte = exchange.head_at, exchange.first_byte_at
    yield Span("  wait", exchange.opened_at, head if head is not None else over, marks.wait, "yellow")
    if head is not None:
        yield Span("  first byte", head, byte if byte is not None else over, marks.wait, "yellow")
    deltas = exchange.deltas
    if byte is not None and deltas.first is not None and deltas.last is not None:
        if deltas.first - byte > 0.001:
            yield Span("  first delta", byte, deltas.first, marks.wait, "yellow")
        note = counted(deltas.count, "delta")
        yield Span("  deltas", deltas.first, deltas.last, marks.running, "cyan", note, deltas)
        if over - deltas.last > 0.001:
            yield Span("  to the end", deltas.last, over, marks.wait, "yellow")


def _call_rows(call: CallTiming, scale: Scale, end: float, *, alone: bool) -> Iterator[Text]:
    """A call under its name; under a line with its id, too, where the name is not enough or has no room."""
    name = one_line(call.name, 64)
    if not alone or cell_len(name) > scale.label - 2:
        yield scale.heading(f"{name} {scale.marks.dot} {one_line(call.call_id, 64)}")
        name = "  arguments"
    yield from map(scale.row, _call_spans(call, f"  {name}", end, scale.marks))


def _call_spans(call: CallTiming, name: str, end: float, marks: Marks) -> Iterator[Span]:
    deltas = call.deltas
    if deltas.first is not None and deltas.last is not None:
        yield Span(name, call.first_at, deltas.last, marks.running, "bold cyan", counted(deltas.count, "delta"), deltas)
    else:
        arrived = call.assembled_at if call.assembled_at is not None else end
        yield Span(name, call.first_at, arrived, marks.running, "bold cyan", "no deltas")
    finished = call.finished_at if call.finished_at is not None else end
    if call.held_at is not None:
        yield Span("    held", call.held_at, _or(call.decided_at, finished), marks.held, "magenta", "for you")
    if call.started_at is not None:
        status = call.status or "open"
        style = STYLES.get(status, "yellow")
        yield Span("    running", call.started_at, finished, marks.running, style, status)
    elif call.finished_at is not None and call.status:
        yield Span("    result", call.finished_at, call.finished_at, marks.running, STYLES[call.status], call.status)
    if call.result_held_at is not None:
        yield Span("    held", call.result_held_at, _or(call.reviewed_at, end), marks.held, "magenta", "its result")


def _or(moment: float | None, otherwise: float) -> float:
    return moment if moment is not None else otherwise


def _longest_gap(timing: TurnTiming) -> Iterator[str]:
    gaps = [
        (after - before, number, exchange.number)
        for exchange in timing.exchanges
        for number, (before, after) in enumerate(pairwise(exchange.deltas.moments), start=2)
    ]
    if gaps:
        gap, delta, exchange_number = max(gaps, key=lambda found: found[0])
        yield f"longest gap {exactly(gap)}, before delta {delta:,} of exchange {exchange_number}"


def _moments(timing: TurnTiming) -> Iterator[float]:
    """The last moments of everything."""
    yield timing.began_at or 0.0
    if timing.ended_at is not None:
        yield timing.ended_at
    for exchange in timing.exchanges:
        yield exchange.opened_at
        yield from (at for at in (exchange.head_at, exchange.ended_at, exchange.deltas.last) if at is not None)
        for call in exchange.calls:
            yield from (at for at in (call.decided_at, call.finished_at, call.reviewed_at) if at is not None)
