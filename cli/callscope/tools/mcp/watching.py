"""A transport that says when its server's output has ended: the SDK's client tells nobody until it is asked.

Knows the SDK's streams. Must not know what passes through them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def watched(transport: Any, on_end: Callable[[], None]) -> AsyncIterator[Any]:
    """The same transport; `on_end` is called once nothing can come from the server any more."""
    async with transport as (reading, writing):
        yield _Watched(reading, on_end), writing


class _Watched:
    """The SDK's stream of messages from a server."""

    def __init__(self, stream: Any, on_end: Callable[[], None]) -> None:
        self._stream = stream
        self._on_end = on_end

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __aiter__(self) -> _Watched:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self._stream.__anext__()
        except BaseException:
            self._on_end()
            raise

    async def __aenter__(self) -> _Watched:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *trouble: Any) -> Any:
        return await self._stream.__aexit__(*trouble)
