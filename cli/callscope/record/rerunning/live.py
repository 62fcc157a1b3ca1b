"""A recorded session that a real server answers: what of the script is asked of it, and what is not.

Knows which exchanges can be compared with new ones. Must not know how a request is sent, nor who drives the run.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from callscope.core.events import ExchangeOpened, ResponseFailed, WireEvent
from callscope.core.ports import Endpoint
from callscope.core.values import Request

from .script import RecordedTurn, Script
from .stage import Stage, breaks_off_after, catch_up_to
from .stopping import Stopped

RETRIED = ("connect_failed", "dns_failed")
RETRIED_STATUS = (429, 503)


class LiveEndpoint:
    """Asks a real server, but never for an exchange that was not recorded, nor for one that somebody broke off."""

    def __init__(self, stage: Stage, endpoint: Endpoint) -> None:
        self._stage = stage
        self._endpoint = endpoint

    async def stream(self, exchange: int, request: Request) -> AsyncGenerator[WireEvent, None]:
        """Yield what comes back now."""
        stage = self._stage
        if stage.ends_before(exchange):
            await stage.interrupt()
        recorded = stage.script.exchanges.get(exchange)
        if not stage.comparer.expects(exchange):
            yield ExchangeOpened(exchange, request)  # heard, and not sent
            stage.insist_on(exchange)
        if recorded is None or recorded.end is None or recorded.end.how == "cancelled":
            raise Stopped(f"Exchange {exchange} was broken off when it was recorded; a live one cannot be compared.")
        catch_up_to(stage, exchange)
        async with aclosing(self._endpoint.stream(exchange, request)) as wires:
            async for wire in wires:
                yield wire
        stage.catch_up(recorded.last + 1)
        if breaks_off_after(stage, exchange):
            await stage.interrupt()
        stage.align(exchange)


def asked_once(script: Script) -> Script:
    """The script without attempts that failed and were made again: that was the network, and not the model."""
    if not any(_made_again(turn) for turn in script.turns):
        return script
    steps = tuple(_asked_once(step) if isinstance(step, RecordedTurn) else step for step in script.steps)
    made_again = {number for turn in script.turns for number in _made_again(turn)}
    exchanges = {number: traffic for number, traffic in script.exchanges.items() if number not in made_again}
    return replace(script, steps=steps, exchanges=exchanges)


def _asked_once(turn: RecordedTurn) -> RecordedTurn:
    gone = _made_again(turn)
    return replace(turn, facts={known: fact for known, fact in turn.facts.items() if known[1] not in gone})


def _made_again(turn: RecordedTurn) -> set[int]:
    last = max((number for what, number, _ in turn.facts if what == "request"), default=0)
    return {
        fact.identity[1]
        for fact in turn.facts.values()
        if isinstance(fact.event, ResponseFailed)
        and (fact.event.kind in RETRIED or fact.event.status in RETRIED_STATUS)
        and fact.identity[1] < last
    }
