"""An end to answers that have none: what a server sends to a short question is read up to a limit and no further.

Knows how many bytes are enough. Must not know what they say, nor how they travel.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from callscope.core.events import BytesRead, ExchangeEnded, WireEvent
from callscope.core.ports import Endpoint
from callscope.core.values import Request

MOST_BYTES: Final = 4 * 1024 * 1024
"""Bytes of a body that are read: some twenty answers lie in memory, and on the disk, before they are judged."""


class Bounded:
    """An endpoint that hangs up on a body that goes on and on. Implements `callscope.core.ports.Endpoint`."""

    def __init__(self, endpoint: Endpoint, most: int = MOST_BYTES) -> None:
        self._endpoint = endpoint
        self._most = most

    async def stream(self, exchange: int, request: Request) -> AsyncGenerator[WireEvent, None]:
        """What the endpoint yields; after too many bytes the exchange ends as one that took too long does."""
        size = 0
        async with aclosing(self._endpoint.stream(exchange, request)) as wire_events:
            async for wire in wire_events:
                yield wire
                size += len(wire.data) if isinstance(wire, BytesRead) else 0
                if size > self._most:
                    break
            else:
                return
        yield ExchangeEnded(exchange, "timeout", f"it went on after {self._most:,} bytes, and was not read on")
