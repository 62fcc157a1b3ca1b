"""A turn of deltas at their own pace before one view, in a terminal: what the view costs the processor.

    view.py VIEW KIND DELTAS RATE FIGURES

VIEW: none (nobody looks), print (each delta is written and flushed), lines, live. KIND: text, reasoning, arguments. The
deltas were decoded beforehand; the pace, the session's state and the event loop are the same for every view. Writes
to the file FIGURES the seconds of processor time after each quarter of the deltas, imports not counted.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from server import SIZE, arguments, prose

from callscope.core.events import (
    ArgumentsDelta,
    CallStarted,
    Event,
    ExchangeOpened,
    ResponseStarted,
    Stamped,
    TextDelta,
    UserMessage,
)
from callscope.core.ports import Sink
from callscope.core.state import Conversation, apply
from callscope.core.values import CallKey, Request

KEY = CallKey(1, 0)


class Printing:
    """What a person would write instead: the text as it comes."""

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Write the text of a delta."""
        if isinstance(stamped.event, TextDelta | ArgumentsDelta):
            sys.stdout.write(stamped.event.text)
            sys.stdout.flush()


class Blind:
    """Nobody looks."""

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Nothing."""


def lines() -> Sink:
    """The plain-lines view."""
    from callscope.ui.lines import LinesView, chrome_console

    return LinesView(sys.stdout, chrome_console(sys.stderr))


def live() -> Sink:
    """The live view."""
    from callscope.ui.lines import chrome_console
    from callscope.ui.live import LiveView

    return LiveView(chrome_console(sys.stderr), Monotonic())


class Monotonic:
    """The clock that the events are stamped by."""

    def now(self) -> float:
        """The time."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)


VIEWS: dict[str, Callable[[], Sink]] = {"none": Blind, "print": Printing, "lines": lines, "live": live}


def opening(kind: str) -> list[Event]:
    """What comes before the first delta."""
    request = Request("POST", "http://127.0.0.1/v1/chat/completions", (), b"{}")
    events: list[Event] = [UserMessage("go"), ExchangeOpened(1, request), ResponseStarted(1, "bench")]
    return [*events, CallStarted(KEY, "call_bench", "apply_edits")] if kind == "arguments" else events


def deltas(kind: str, count: int) -> list[Event]:
    """The deltas of an answer, 4 characters each."""
    text = arguments(count * SIZE) if kind == "arguments" else prose(count * SIZE)
    pieces = [text[at : at + SIZE] for at in range(0, len(text), SIZE)]
    if kind == "arguments":
        return [ArgumentsDelta(KEY, piece) for piece in pieces]
    channel: Any = "output" if kind == "text" else kind
    return [TextDelta(channel, piece) for piece in pieces]


async def paced(events: list[Event], rate: float) -> AsyncIterator[Event]:
    """The events, each at its time, as a server sends them."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    for number, event in enumerate(events):
        if (wait := start + number / rate - loop.time()) > 0:
            await asyncio.sleep(wait)
        yield event


async def show(view: Sink, kind: str, count: int, rate: float) -> list[float]:
    """The processor time since the first delta, after each quarter of them."""
    conversation = Conversation()
    events = deltas(kind, count)
    number = 0

    def emit(event: Event) -> None:
        nonlocal conversation, number
        number += 1
        conversation = apply(conversation, event)
        view.handle(Stamped(number, time.monotonic(), event), conversation)

    watching = getattr(view, "watching", None)
    with watching(lambda: None, lambda: None) if watching else nullcontext():
        for event in opening(kind):
            emit(event)
        start, seen, figures = time.process_time(), 0, []
        async for event in paced(events, rate):
            emit(event)
            seen += 1
            if seen % (count // 4) == 0:
                figures.append(time.process_time() - start)
    return figures


def main(view: str, kind: str, count: str, rate: str, figures: str) -> None:
    """Show, and say what it cost."""
    seconds = asyncio.run(show(VIEWS[view](), kind, int(count), float(rate)))
    Path(figures).write_text(" ".join(map(str, seconds)))


if __name__ == "__main__":
    main(*sys.argv[1:])
