"""First byte, cadence, and a proxy that holds events back."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from callscope.doctor.exchange import Exchange, Gathering
from callscope.doctor.probe import Talk
from examined import exchange, finding, pump_of
from raw_server import CHUNKED, Peer, RawServer, run

EVENT = b'data: {"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"a "}}]}\n\n'


def came(reads: list[bytes], times: list[float]) -> Exchange:
    return exchange("chat", reads, times=times)


def test_events_that_come_one_by_one_hold() -> None:
    found = finding([came([EVENT] * 20, [0.5 + 0.1 * n for n in range(20)])], "chat", "stream.cadence")
    assert (found.outcome, found.came) == ("pass", "20 events in 20 reads over 1.9 s")


def test_all_events_in_one_read_after_a_long_silence_are_buffered() -> None:
    found = finding([came([EVENT * 20], [4.0])], "chat", "stream.cadence")
    assert (found.outcome, found.came) == ("fail", "20 of 20 events in one read after 4.0 s of silence")


def test_a_first_event_that_slips_through_hides_no_buffering() -> None:
    found = finding([came([EVENT, EVENT * 19], [0.2, 4.0])], "chat", "stream.cadence")
    assert found.outcome == "fail"


@pytest.mark.parametrize("reads", [[EVENT * 20], [EVENT * 3]], ids=["fast", "few"])
def test_an_answer_that_is_too_fast_or_too_short_shows_nothing(reads: list[bytes]) -> None:
    assert finding([came(reads, [0.3])], "chat", "stream.cadence").outcome == "not_shown"


def test_the_first_byte_is_timed_from_the_request() -> None:
    assert finding([came([EVENT], [0.25])], "chat", "stream.first_byte").came == "250 ms"


@pytest.mark.parametrize(
    ("reads", "ended", "outcome"),
    [
        ([EVENT, EVENT], 30.0, "not_shown"),
        ([EVENT, EVENT], 33.0, "fail"),
        ([EVENT, b"x" * 5_000_000], 30.0, "fail"),
        ([], 30.0, "fail"),
    ],
    ids=["it still grew", "it fell silent", "it has no end", "nothing came"],
)
def test_a_slow_answer_that_was_given_up_is_told_from_one_without_an_end(
    reads: list[bytes], ended: float, outcome: str
) -> None:
    given_up = replace(exchange("chat", reads, how="timeout", times=[1.0, 29.5][: len(reads)]), ended_at=ended)
    assert finding([given_up], "chat", "http.complete").outcome == outcome


def test_a_server_behind_a_buffer_is_told_from_one_that_streams() -> None:
    async def buffered(peer: Peer) -> None:
        await peer.request()
        await asyncio.sleep(1.1)
        body = EVENT * 20 + b"data: [DONE]\n\n"
        await peer.send(CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))

    async def go() -> Gathering:
        async with RawServer(buffered) as server, pump_of(f"{server.url}/v1", "chat") as pump:
            await pump.ask((Talk("a stream", ("Count.",)),))
            return pump.gathering

    assert finding(run(go()).exchanges, "chat", "stream.cadence").outcome == "fail"
