"""The recording behind the ports: it stands in for a server, a person, tools and a clock.

Knows how each port finds its recorded answer, and where a turn was broken off. Must not know files, protocols or who
drives the run. Nothing is asked of the world here (`live` and `answering` do that).
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from callscope.core.events import (
    CallDecided,
    ExchangeEnded,
    ExchangeOpened,
    ResultReviewed,
    ToolFinished,
    WireEvent,
)
from callscope.core.naming import call_named
from callscope.core.ports import Toolbox
from callscope.core.state import Conversation
from callscope.core.values import CallKey, Request, ToolCall, ToolResult

from .comparing import Comparer
from .divergence import only_now
from .script import Fact, Interjection, RecordedTurn, Script, Unasked, What
from .stopping import Stopped
from .tape import Tape


@dataclass(slots=True)
class Stage:
    """What the ports of one run share: script and tape, the turn at hand, and the ways to step in and to break it off.

    `perform` does what the person did without being asked; `count_from` gives the next exchange its number.
    `skips`: not every recorded exchange is to happen again.
    """

    script: Script
    tape: Tape
    comparer: Comparer
    perform: Callable[[Unasked], None]
    count_from: Callable[[int], None]
    skips: bool = False
    turn: RecordedTurn | None = None
    interjections: deque[Interjection] = field(default_factory=deque)
    task: asyncio.Future[None] | None = None
    at: float = 0.0
    turns: int = 0
    handed_over: dict[CallKey, asyncio.Event] = field(default_factory=dict)

    @property
    def broken_off(self) -> bool:
        """Whether the turn at hand was broken off when it was recorded."""
        return self.turn is not None and self.turn.broken_off

    def begin(self, turn: RecordedTurn) -> None:
        """Play this turn from here on."""
        self.turn = turn
        self.interjections = deque(turn.interjections)
        self.comparer.begin(turn)
        if self.skips or self.comparer.found.count:
            self.align(0)

    def align(self, after: int) -> None:
        """Have the next exchange count as the one that was recorded after this number in the turn at hand."""
        exchanges = [number for what, number, _ in self.turn.facts if what == "request"] if self.turn else []
        if later := [number for number in exchanges if number > after]:
            self.count_from(min(later))

    def catch_up(self, line: float) -> None:
        """Do what the person did in mid-turn between the last event before this line and the line."""
        while self.interjections and self.interjections[0].after < line:
            interjection = self.interjections.popleft()
            self.at = interjection.at
            self.perform(interjection.event)

    def fact(self, what: What, key: CallKey) -> Fact | None:
        """What is recorded of a call in the turn at hand."""
        return self.turn.facts.get((what, key.exchange, key.index)) if self.turn else None

    def result_of(self, key: CallKey) -> ToolResult | None:
        """The recorded result of a call that ran; None where it was broken off."""
        fact = self.fact("result", key)
        if fact is None or self.turn is None or self.turn.is_owed(fact):
            return None
        return fact.event.result if isinstance(fact.event, ToolFinished) else None

    def ends_before(self, exchange: int) -> bool:
        """Whether the turn at hand was broken off before this exchange; its number may be that of a later turn's."""
        return self.turn is not None and self.turn.broken_off and ("request", exchange, 0) not in self.turn.facts

    def insist_on(self, exchange: int) -> None:
        """Stop where nothing was recorded that could answer this exchange."""
        if not self.comparer.expects(exchange):
            raise Stopped(f"It stopped there: nothing was recorded that answers request {exchange}.")

    def break_off(self) -> None:
        """Have the turn interrupted where it next waits for something."""
        self.catch_up(math.inf)
        self.comparer.interrupting = True
        if self.task is not None:
            self.task.cancel()

    def lacks(self, what: What, call: ToolCall, now: object) -> NoReturn:
        """Stop where the recording does not have what the run needs."""
        self.comparer.note(only_now((what, call.key.exchange, call.key.index), now, call.key.exchange))
        raise Stopped(f"It stopped there: no {what} of {call_named(call.name, call.call_id)} was recorded.")

    def told(self, key: CallKey, line: int, last: bool) -> None:
        """The result of this line has been heard: whatever came right after it comes now."""
        self.catch_up(line + 1)
        self._handed_over(key).set()
        if last and self.turn is not None and self.turn.stops_after(line):
            self.break_off()

    async def all_of(self, keys: Sequence[CallKey]) -> None:
        """Wait until the results of all these calls that run have been heard."""
        for key in keys:
            if key in self.comparer.started:
                await self._handed_over(key).wait()

    def _handed_over(self, key: CallKey) -> asyncio.Event:
        return self.handed_over.setdefault(key, asyncio.Event())

    async def interrupt(self) -> NoReturn:
        """Break the turn off here, as it was when it was recorded."""
        self.break_off()
        await asyncio.get_running_loop().create_future()
        raise AssertionError("a future that nobody sets never comes")


class RecordedEndpoint:
    """Answers an exchange with what came back in it when it was recorded, read by read."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def stream(self, exchange: int, request: Request) -> AsyncGenerator[WireEvent, None]:
        """Yield the recorded exchange; one that was not recorded is a divergence, or where the turn was broken off."""
        stage = self._stage
        if stage.ends_before(exchange):
            await stage.interrupt()
        catch_up_to(stage, exchange)
        yield ExchangeOpened(exchange, request)  # compared as it passes
        stage.insist_on(exchange)
        ended = False
        for line, at, wire in stage.tape.play(exchange, stage.script.exchanges[exchange]):
            await asyncio.sleep(0)
            stage.catch_up(line)
            stage.at, ended = at, isinstance(wire, ExchangeEnded)
            yield wire
            stage.catch_up(line + 1)
        if not ended or breaks_off_after(stage, exchange):
            await stage.interrupt()


def catch_up_to(stage: Stage, exchange: int) -> None:
    """Do what the person did before this exchange was opened."""
    fact = stage.turn.facts.get(("request", exchange, 0)) if stage.turn else None
    if fact is not None:
        stage.catch_up(fact.line)


def breaks_off_after(stage: Stage, exchange: int) -> bool:
    """Whether the turn was broken off between the end of this exchange and whatever would have come next."""
    traffic = stage.script.exchanges[exchange]
    cancelled = traffic.end is not None and traffic.end.how == "cancelled"
    return stage.turn is not None and not cancelled and stage.turn.stops_after(traffic.last)


class RecordedGate:
    """Decides as it was decided when it was recorded."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def decide(self, call: ToolCall, conversation: Conversation) -> CallDecided:
        """Give the recorded decision; a call that nobody decided on is where the turn was broken off."""
        fact = self._stage.fact("decision", call.key)
        if fact is None and self._stage.broken_off:
            await self._stage.interrupt()
        if fact is None or not isinstance(fact.event, CallDecided):
            asked = {"name": call.name, "arguments": call.arguments}
            self._stage.lacks("decision", call, asked)
        self._stage.catch_up(fact.line)
        return CallDecided(call.key, fact.event.decision, "recording")

    async def review(self, call: ToolCall, result: ToolResult, conversation: Conversation) -> ResultReviewed:
        """Give what went back when it was recorded; a result that nobody let go is where the turn was broken off."""
        fact = self._stage.fact("review", call.key)
        if fact is None and self._stage.broken_off:
            await self._stage.interrupt()
        if fact is None or not isinstance(fact.event, ResultReviewed):
            self._stage.lacks("review", call, result.output)
        self._stage.catch_up(fact.line)
        return ResultReviewed(call.key, fact.event.output, "recording")


class RecordedToolbox:
    """Gives the recorded result of each call, or runs it in a toolbox; either way in the recorded order of results.

    The order matters: the results stand in the next request as they came.
    """

    def __init__(self, stage: Stage, toolbox: Toolbox | None = None) -> None:
        self._stage = stage
        self._toolbox = toolbox

    async def run(self, call: ToolCall, arguments: str) -> ToolResult:
        """Give a result when its turn has come; a call that was broken off breaks the turn off once all others are."""
        stage, key = self._stage, call.key
        order = stage.turn.ran(key.exchange) if stage.turn else []
        recorded, fact = stage.result_of(key), stage.fact("result", key)
        if recorded is None and stage.broken_off:
            await stage.all_of(order)
            await stage.interrupt()
        if recorded is None or fact is None or key not in order:
            stage.lacks("result", call, {"name": call.name, "arguments": arguments})
        result = recorded if self._toolbox is None else await self._run(self._toolbox, call, arguments)
        await stage.all_of(order[: order.index(key)])
        stage.catch_up(fact.line)
        asyncio.get_running_loop().call_soon(stage.told, key, fact.line, key == order[-1])
        return result

    async def _run(self, toolbox: Toolbox, call: ToolCall, arguments: str) -> ToolResult:
        started = self._stage.fact("start", call.key)
        if started is not None and started.masked:
            named = call_named(call.name, call.call_id)
            raise Stopped(f"{named} had a secret in its arguments; it is not run with asterisks.")
        return await toolbox.run(call, arguments)


class RecordedClock:
    """The recorded time of what came last; waiting takes none."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def now(self) -> float:
        """Seconds since the recording's header."""
        return self._stage.at

    async def sleep(self, seconds: float) -> None:
        """Go on at once: the recorded times are in the recording."""
        await asyncio.sleep(0)
