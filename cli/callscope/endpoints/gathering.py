"""What one read of a socket brought: all chunks that are there already, told from the one that must be waited for.

Knows how a coroutine is stepped by hand. Must not know HTTP. A server that sends 32 events in one packet, each a chunk
of its own, would otherwise cost as much as 32 packets all the way up (measured: 64 µs an event against 25).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Generator
from contextlib import suppress
from typing import Any, cast


async def gathered(chunks: AsyncIterator[bytes]) -> AsyncGenerator[list[bytes], None]:
    """Give the chunks in lists that are never empty: each begins with one that was waited for."""
    waiting: Waiting | None = None
    try:
        while True:
            awaited, waiting = waiting, None
            batch = [await (awaited or anext(chunks))]
            failure: Exception | None = None
            try:
                while waiting is None:
                    waiting = _begun(cast(Coroutine[Any, Any, bytes], anext(chunks)), batch)
            except Exception as error:  # first what came before it
                failure = error
            yield batch
            if failure is not None:
                raise failure
    except StopAsyncIteration:
        return
    finally:
        if waiting is not None:
            await waiting.give_up()


def _begun(step: Coroutine[Any, Any, bytes], batch: list[bytes]) -> Waiting | None:
    """Step once: what is there already goes into the batch, else the wait that has begun comes back."""
    try:
        return Waiting(step, step.send(None))
    except StopIteration as there:
        batch.append(there.value)
        return None


class Waiting:
    """A coroutine that was stepped to its first wait; awaiting this goes on from there."""

    def __init__(self, step: Coroutine[Any, Any, bytes], signal: Any) -> None:
        self._step = step
        self._signal = signal

    def __await__(self) -> Generator[Any, Any, bytes]:
        signal = self._signal
        try:
            while True:
                try:
                    answer = yield signal
                except BaseException as error:
                    signal = self._step.throw(error)
                else:
                    signal = self._step.send(answer)
        except StopIteration as done:
            return cast(bytes, done.value)

    async def give_up(self) -> None:
        """Cancel the wait, and see what it cleans up through."""
        with suppress(asyncio.CancelledError, StopIteration, StopAsyncIteration):
            self._signal = self._step.throw(asyncio.CancelledError())
            await self
