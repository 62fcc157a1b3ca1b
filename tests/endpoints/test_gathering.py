"""Chunks that are there already come together; nothing is lost, and nothing is left open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.endpoints.gathering import gathered


class Source:
    """Chunks, each after a wait where the plan says so; remembers whether it was closed."""

    def __init__(self, plan: list[tuple[bytes, bool]], failure: Exception | None = None) -> None:
        self.plan = plan
        self.failure = failure
        self.closed = False

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        try:
            for chunk, waits in self.plan:
                if waits:
                    await asyncio.sleep(0)
                yield chunk
            if self.failure:
                raise self.failure
        finally:
            self.closed = True


async def read(source: Source, most: int = 1000) -> list[list[bytes]]:
    batches: list[list[bytes]] = []
    async with aclosing(gathered(source.chunks())) as reads:
        async for batch in reads:
            batches.append(batch)
            if len(batches) == most:
                break
    return batches


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.binary(min_size=1, max_size=3), st.booleans()), max_size=8))
def test_batches_begin_where_something_was_waited_for_and_lose_nothing(plan: list[tuple[bytes, bool]]) -> None:
    batches = asyncio.run(read(Source(plan)))
    assert [chunk for batch in batches for chunk in batch] == [chunk for chunk, _ in plan]
    assert all(batches)
    assert len(batches) == sum(waits or place == 0 for place, (_, waits) in enumerate(plan))


def test_what_came_before_a_failure_is_given_first() -> None:
    source = Source([(b"a", True), (b"b", False)], OSError("reset"))
    seen: list[list[bytes]] = []

    async def collect() -> None:
        async with aclosing(gathered(source.chunks())) as reads:
            async for batch in reads:
                seen.append(batch)  # noqa: PERF401 - what came before the failure counts

    with pytest.raises(OSError, match="reset"):
        asyncio.run(collect())
    assert seen == [[b"a", b"b"]]


def test_leaving_early_closes_the_source() -> None:
    source = Source([(b"a", True), (b"b", True), (b"c", True)])

    async def leave() -> None:
        async with aclosing(source.chunks()) as chunks, aclosing(gathered(chunks)) as reads:
            assert await anext(reads) == [b"a"]

    asyncio.run(leave())
    assert source.closed


def test_a_cancelled_wait_cancels_the_source() -> None:
    heard: list[str] = []

    async def silent() -> AsyncGenerator[bytes, None]:
        yield b"a"
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            heard.append("cancelled")
            raise
        yield b"never"

    async def consume() -> None:
        async for _ in gathered(silent()):
            pass

    async def run() -> None:
        task = asyncio.ensure_future(consume())
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert heard == ["cancelled"]
