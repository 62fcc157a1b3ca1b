"""A server whose answers do not end fills neither the memory nor the disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, ResponseHead, WireEvent
from callscope.core.values import Request
from callscope.doctor.bounding import Bounded

REQUEST = Request("GET", "http://h/v1/models", (), b"")


class Sending:
    """An endpoint that sends so many reads of ten bytes; `closed` once nobody reads on."""

    def __init__(self, reads: int) -> None:
        self.reads, self.closed = reads, False

    async def stream(self, exchange: int, request: Request) -> AsyncGenerator[WireEvent, None]:
        try:
            yield ExchangeOpened(exchange, request)
            yield ResponseHead(exchange, 200, ())
            for _ in range(self.reads):
                yield BytesRead(exchange, b"0123456789")
            yield ExchangeEnded(exchange, "complete")
        finally:
            self.closed = True


def heard(endpoint: Sending, most: int) -> list[WireEvent]:
    async def go() -> list[WireEvent]:
        async with aclosing(Bounded(endpoint, most).stream(3, REQUEST)) as events:
            return [event async for event in events]

    return asyncio.run(go())


def test_an_answer_within_the_limit_comes_as_it_is() -> None:
    events = heard(Sending(2), most=20)
    assert [event for event in events if isinstance(event, ExchangeEnded)] == [ExchangeEnded(3, "complete")]
    assert len(events) == 5


def test_an_answer_without_an_end_is_hung_up_on_and_ends_as_one_that_took_too_long() -> None:
    endpoint = Sending(1_000_000)
    events = heard(endpoint, most=20)
    assert sum(isinstance(event, BytesRead) for event in events) == 3
    assert endpoint.closed
    assert events[-1] == ExchangeEnded(3, "timeout", "it went on after 20 bytes, and was not read on")
