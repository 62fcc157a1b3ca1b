"""Each limit of an exchange, against a server that stays silent in each place; no test waits longer than its limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from callscope.core.events import BytesRead, ExchangeEnded, ResponseHead, WireEvent
from callscope.endpoints.http import HttpEndpoint
from callscope.endpoints.patience import LimitPassed, Patience, Timeouts
from raw_server import CHUNKED, Peer, RawServer, Script, collect, end, exchange, post, reads, run

SHORT = 0.05
"""Seconds: the limit under test; all others are far away."""


def silent(*, after: bytes) -> Script:
    """A script that reads the request, sends these bytes, and then nothing until the client leaves."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(after)
        await peer.gone()

    return script


def test_no_response_at_all_passes_the_first_byte_limit() -> None:
    events = exchange(silent(after=b""), timeouts=Timeouts(first_byte=SHORT))
    assert end(events) == ExchangeEnded(1, "timeout", "no response within 0.05 seconds (the first_byte limit)")


def test_a_head_without_a_body_passes_the_first_byte_limit() -> None:
    events = exchange(silent(after=CHUNKED), timeouts=Timeouts(first_byte=SHORT))
    assert isinstance(events[1], ResponseHead)
    detail = "no byte of a response body within 0.05 seconds (the first_byte limit)"
    assert end(events) == ExchangeEnded(1, "timeout", detail)


def test_silence_within_the_body_passes_the_between_bytes_limit_and_keeps_what_came() -> None:
    events = exchange(silent(after=CHUNKED + b"2\r\nok\r\n"), timeouts=Timeouts(between_bytes=SHORT))
    assert reads(events) == [b"ok"]
    assert end(events) == ExchangeEnded(1, "timeout", "no further byte within 0.05 seconds (the between_bytes limit)")


def test_a_response_that_never_ends_passes_the_total_limit() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED)
        while True:  # always a byte, never an end: until the client hangs up
            await peer.send(b"1\r\nx\r\n")
            await asyncio.sleep(0.001)

    events = exchange(script, timeouts=Timeouts(total=SHORT))
    assert reads(events)
    detail = "the response was not whole within 0.05 seconds (the total limit)"
    assert end(events) == ExchangeEnded(1, "timeout", detail)


@pytest.mark.parametrize("after", [b"", CHUNKED, CHUNKED + b"2\r\nok\r\n"])
def test_the_total_limit_holds_in_every_phase(after: bytes) -> None:
    events = exchange(silent(after=after), timeouts=Timeouts(total=SHORT))
    assert end(events).how == "timeout"
    assert "the total limit" in end(events).detail


def test_a_handshake_that_never_begins_passes_the_connect_limit() -> None:
    async def script(peer: Peer) -> None:
        await peer.gone()

    async def go() -> list[WireEvent]:
        async with RawServer(script) as server:
            url = server.url.replace("http:", "https:")
            endpoint = HttpEndpoint(url, timeouts=Timeouts(connect=SHORT))
            events = await collect(endpoint, post(url))
            await endpoint.aclose()
            return events

    events = run(go())
    assert end(events).how == "timeout"
    assert "no connection within 0.05 seconds (the connect limit)" in end(events).detail
    assert "began no TLS" in end(events).detail


def test_a_name_that_takes_too_long_to_resolve_passes_the_connect_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    async def go() -> list[WireEvent]:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
        endpoint = HttpEndpoint("http://slow.invalid", timeouts=Timeouts(connect=SHORT))
        events = await collect(endpoint, post("http://slow.invalid"))
        await endpoint.aclose()
        return events

    events = run(go())
    detail = "no connection within 0.05 seconds (the connect limit): slow.invalid:80 did not answer"
    assert end(events) == ExchangeEnded(1, "timeout", detail)


def test_a_limit_that_passed_closes_the_connection() -> None:
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.gone()
        gone.set()

    async def go() -> None:
        async with RawServer(script) as server:
            endpoint = HttpEndpoint(server.url, timeouts=Timeouts(first_byte=SHORT))
            await collect(endpoint, post(server.url))
            await asyncio.wait_for(gone.wait(), 5)
            await endpoint.aclose()

    run(go())


def test_an_endpoint_works_on_after_a_limit_passed() -> None:
    answers = iter([False, True])

    async def script(peer: Peer) -> None:
        await peer.request()
        if next(answers):
            await peer.send(CHUNKED + b"2\r\nok\r\n0\r\n\r\n")
        await peer.gone()

    async def go() -> list[str]:
        async with RawServer(script) as server:
            endpoint = HttpEndpoint(server.url, timeouts=Timeouts(first_byte=SHORT))
            hows = [end(await collect(endpoint, post(server.url))).how for _ in range(2)]
            await endpoint.aclose()
            return hows

    assert run(go()) == ["timeout", "complete"]


def test_time_that_the_reader_takes_is_not_the_peers_silence() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + b"1\r\na\r\n")
        await peer.send(b"1\r\nb\r\n0\r\n\r\n")

    async def go() -> list[WireEvent]:
        events: list[WireEvent] = []
        async with RawServer(script) as server:
            endpoint = HttpEndpoint(server.url, timeouts=Timeouts(between_bytes=SHORT))
            async for event in endpoint.stream(1, post(server.url)):
                events.append(event)
                if isinstance(event, BytesRead):
                    await asyncio.sleep(2 * SHORT)  # longer than the limit, on our side
            await endpoint.aclose()
        return events

    events = run(go())
    assert (b"".join(reads(events)), end(events).how) == (b"ab", "complete")


# ---- the timer itself ----------------------------------------------------------------------------------------------


def within(limits: Timeouts, wait: Callable[[Patience], Awaitable[object]]) -> None:
    async def go() -> None:
        await wait(Patience(limits))

    run(go())


def test_a_cancellation_from_outside_at_the_same_moment_goes_before_the_limit() -> None:
    async def wait(patience: Patience) -> None:
        async def waiter() -> None:
            with patience:
                await asyncio.Event().wait()

        task = asyncio.ensure_future(waiter())
        while not task.cancelling():  # the limit has just cancelled it, and it has not run since
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    within(Timeouts(connect=SHORT), wait)


def test_a_limit_leaves_the_task_uncancelled() -> None:
    async def wait(patience: Patience) -> None:
        with pytest.raises(LimitPassed), patience:
            await asyncio.Event().wait()
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    within(Timeouts(connect=SHORT), wait)


def test_without_limits_no_timer_is_set() -> None:
    async def wait(patience: Patience) -> None:
        with patience:
            assert patience._timer is None

    within(Timeouts(connect=None, first_byte=None, between_bytes=None), wait)


def test_many_waits_share_one_timer() -> None:
    async def wait(patience: Patience) -> None:
        patience.enter("between_bytes")
        timers = set()
        for _ in range(100):
            with patience:
                timers.add(id(patience._timer))
        assert len(timers) == 1
        patience.stop()

    within(Timeouts(), wait)
