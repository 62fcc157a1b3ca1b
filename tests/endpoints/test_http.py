"""The bytes that leave and the bytes that arrive, against servers that a test writes byte by byte."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

import pytest

from callscope.core.errors import UsageError
from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, ResponseHead
from callscope.core.header_bytes import header_bytes
from callscope.core.values import Request
from callscope.endpoints.http import HttpEndpoint, Timeouts
from callscope.version import VERSION
from raw_server import (
    CHUNKED,
    HEAD,
    Peer,
    RawServer,
    answering,
    collect,
    end,
    exchange,
    post,
    reads,
    run,
)

EMPTY = HEAD + b"content-length: 0\r\n\r\n"


def arrived(request: Request, **options: object) -> tuple[bytes, ExchangeOpened]:
    """The bytes that a server got for a request, and what the endpoint said that left."""
    got: list[bytes] = []

    async def script(peer: Peer) -> None:
        got.append(await peer.request())
        await peer.send(EMPTY)

    async def go() -> ExchangeOpened:
        async with RawServer(script) as server:
            url = request.url.replace("http://server", server.url)
            endpoint = HttpEndpoint(server.url, **options)  # type: ignore[arg-type]
            events = await collect(endpoint, Request(request.method, url, request.headers, request.body))
            await endpoint.aclose()
            assert isinstance(events[0], ExchangeOpened)
            return events[0]

    opened = run(go())
    return got[0], opened


def test_what_is_reported_as_sent_is_what_arrives_byte_for_byte() -> None:
    body = '{"text": "北京 \\u0000"}'.encode() + b"\xff\n"
    request = post("http://server/v1/chat/completions?a=1&b=%20x", body, ("X-Given", "kept As Is"))
    got, opened = arrived(request, headers=(("authorization", "Bearer a-key"),), query=(("api-version", "2024 1"),))
    sent = opened.request
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.headers)
    target = sent.url.partition("://")[2].partition("/")[2]
    assert got.replace(b"Host:", b"host:") == f"POST /{target} HTTP/1.1\r\n{lines}\r\n".encode() + body
    assert target == "v1/chat/completions?a=1&b=%20x&api-version=2024%201"
    assert [name for name, _ in sent.headers] == [
        "host",
        "user-agent",
        "accept-encoding",
        "content-type",
        "X-Given",
        "authorization",
        "content-length",
    ]
    assert dict(sent.headers)["user-agent"] == f"callscope/{VERSION}"
    assert dict(sent.headers)["accept-encoding"] == "identity"


def test_our_header_replaces_the_requests_header_of_that_name() -> None:
    got, opened = arrived(
        post("http://server/", b"{}", ("Accept", "text/plain")), headers=(("accept", "a/b"), ("User-Agent", "mine"))
    )
    assert b"text/plain" not in got
    assert b"callscope" not in got
    assert [value for name, value in opened.request.headers if name.lower() == "accept"] == ["a/b"]


def test_a_get_without_a_body_has_no_content_length() -> None:
    got, _ = arrived(Request("GET", "http://server/v1/models", (), b""))
    assert got.startswith(b"GET /v1/models HTTP/1.1\r\n")
    assert b"content-length" not in got.lower()


def test_a_post_without_a_body_says_so() -> None:
    got, _ = arrived(post("http://server/", b""))
    assert b"content-length: 0\r\n" in got


def test_a_header_value_beyond_ascii_leaves_as_utf_8() -> None:
    got, _ = arrived(post("http://server/"), headers=(("x-name", "北京"),))
    assert b"x-name: " + "北京".encode() + b"\r\n" in got


def test_userinfo_and_fragment_never_leave() -> None:
    async def go() -> None:
        async with RawServer(answering(EMPTY)) as server:
            endpoint = HttpEndpoint(server.url)
            events = await collect(endpoint, post(server.url.replace("://", "://me:hidden@") + "/x#part"))
            await endpoint.aclose()
            assert isinstance(events[0], ExchangeOpened)
            assert events[0].request.url == f"{server.url}/x"

    run(go())


def test_a_key_never_reaches_another_origin() -> None:
    got: list[bytes] = []

    async def script(peer: Peer) -> None:
        got.append(await peer.request())
        await peer.send(EMPTY)

    async def go() -> None:
        async with RawServer(script) as other:
            endpoint = HttpEndpoint(
                "http://127.0.0.1:1", headers=(("authorization", "Bearer a-key"),), query=(("key", "a-key"),)
            )
            await collect(endpoint, post(other.url))
            await endpoint.aclose()

    run(go())
    assert b"a-key" not in got[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("two words", "x"),
        ("", "x"),
        ("host", "x"),
        ("Content-Length", "3"),
        ("a", "x\r\nb: y"),
        ("a", "x\0"),
        ("a", " x"),
    ],
)
def test_a_header_that_would_break_the_request_is_refused_without_quoting_its_value(name: str, value: str) -> None:
    with pytest.raises(UsageError) as caught:
        HttpEndpoint("http://127.0.0.1:1", headers=((name, value),))
    assert value not in str(caught.value) or value in "x3"


@pytest.mark.parametrize("url", ["", "no/scheme", "ftp://x/", "http://", "http://a:b/", "http://[::1", "https:///v1"])
def test_a_url_that_is_none_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError):
        HttpEndpoint(url)


# ---- what comes back -----------------------------------------------------------------------------------------------


def test_a_response_arrives_as_head_reads_and_end() -> None:
    head = b"HTTP/1.1 200 Fine\r\nContent-Type: text/plain\r\nX-Twice: 1\r\nx-twice: 2\r\nContent-Length: 5\r\n\r\n"
    events = exchange(answering(head + b"hello"))
    assert [type(event) for event in events] == [ExchangeOpened, ResponseHead, BytesRead, ExchangeEnded]
    expected = (("Content-Type", "text/plain"), ("X-Twice", "1"), ("x-twice", "2"), ("Content-Length", "5"))
    assert events[1:] == [ResponseHead(1, 200, expected), BytesRead(1, b"hello"), ExchangeEnded(1, "complete")]


def chunks(events: Sequence[object]) -> list[bytes]:
    """What each transfer chunk brought of each read."""
    return [
        read.data[start:stop]
        for read in events
        if isinstance(read, BytesRead)
        for start, stop in pairwise((0, *read.cuts, len(read.data)))
    ]


def test_transfer_chunks_that_come_together_are_one_read_with_its_cuts() -> None:
    events = exchange(answering(CHUNKED + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"))
    assert [event for event in events if isinstance(event, BytesRead)] == [BytesRead(1, b"abcde", cuts=(3,))]
    assert chunks(events) == [b"abc", b"de"]
    assert end(events).how == "complete"


def test_a_chunk_that_comes_in_pieces_is_given_in_pieces_as_soon_as_they_come() -> None:
    heard = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + b"6\r\nab")
        await heard.wait()  # the client has the first piece before the second is sent
        await peer.send(b"cdef\r\n0\r\n\r\n")

    async def go() -> list[bytes]:
        got = []
        async with RawServer(script) as server:
            endpoint = HttpEndpoint(server.url)
            async for event in endpoint.stream(1, post(server.url)):
                if isinstance(event, BytesRead):
                    got.append(event.data)
                    heard.set()
            await endpoint.aclose()
        return got

    assert run(go()) == [b"ab", b"cdef"]


def test_a_utf_8_character_cut_between_reads_stays_cut() -> None:
    city = "京".encode()
    events = exchange(answering(CHUNKED + b"1\r\n" + city[:1] + b"\r\n2\r\n" + city[1:] + b"\r\n0\r\n\r\n"))
    assert chunks(events) == [city[:1], city[1:]]


def test_a_body_without_a_length_ends_where_the_server_closes() -> None:
    events = exchange(answering(HEAD + b"\r\ndata: x\n\n"))
    assert b"".join(reads(events)) == b"data: x\n\n"
    assert end(events) == ExchangeEnded(1, "complete")


def test_a_compressed_body_stays_as_it_came() -> None:
    packed = gzip.compress(b"data: x\n\n")
    head = HEAD + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed)
    assert b"".join(reads(exchange(answering(head + packed)))) == packed


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_response_and_is_not_followed(status: int) -> None:
    requests = 0

    async def script(peer: Peer) -> None:
        nonlocal requests
        await peer.request()
        requests += 1
        await peer.send(b"HTTP/1.1 %d Elsewhere\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n" % status)
        await peer.gone()

    events = exchange(script)
    assert isinstance(events[1], ResponseHead)
    assert (events[1].status, dict(events[1].headers)["location"], requests) == (status, "/again", 1)


def test_an_informational_response_before_the_real_one_is_passed_over() -> None:
    events = exchange(answering(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + EMPTY))
    assert isinstance(events[1], ResponseHead)
    assert events[1].status == 200


def test_a_204_has_no_body_and_is_complete() -> None:
    events = exchange(answering(b"HTTP/1.1 204 No Content\r\n\r\n"))
    assert (reads(events), end(events).how) == ([], "complete")


def test_an_error_status_is_a_response_like_any_other() -> None:
    events = exchange(answering(b"HTTP/1.1 429 Slow\r\nretry-after: 7\r\ncontent-length: 2\r\n\r\n{}"))
    assert isinstance(events[1], ResponseHead)
    assert (events[1].status, reads(events), end(events).how) == (429, [b"{}"], "complete")


def test_header_bytes_are_read_as_utf_8_and_those_that_are_none_stay_what_they_were() -> None:
    values = b"x-city: " + "京".encode() + b"\r\nx-old: caf\xe9\r\n"
    events = exchange(answering(HEAD + values + b"content-length: 0\r\n\r\n"))
    assert isinstance(events[1], ResponseHead)
    assert dict(events[1].headers)["x-city"] == "京"
    assert header_bytes(dict(events[1].headers)["x-old"]) == b"caf\xe9"


# ---- connections ---------------------------------------------------------------------------------------------------


def test_a_connection_is_kept_and_used_again() -> None:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(EMPTY)

    async def go() -> int:
        async with RawServer(script) as server:
            endpoint = HttpEndpoint(server.url)
            for _ in range(3):
                await collect(endpoint, post(server.url))
            await endpoint.aclose()
            return server.connections

    assert run(go()) == 1


def test_a_kept_connection_that_the_server_closed_is_replaced_before_anything_is_sent() -> None:
    closed = asyncio.Event()
    requests: list[bytes] = []

    async def script(peer: Peer) -> None:
        requests.append(await peer.request())
        await peer.send(EMPTY)
        peer.writer.close()
        await peer.writer.wait_closed()
        closed.set()

    async def go() -> list[str]:
        async with RawServer(script) as server:
            endpoint = HttpEndpoint(server.url)
            how = []
            for _ in range(2):
                how.append(end(await collect(endpoint, post(server.url))).how)
                await closed.wait()
            await endpoint.aclose()
            return how

    assert run(go()) == ["complete", "complete"]
    assert len(requests) == 2


def test_a_post_is_never_sent_again_when_a_kept_connection_dies_under_it() -> None:
    requests: list[bytes] = []

    async def script(peer: Peer) -> None:
        requests.append(await peer.request())
        await peer.send(EMPTY)
        requests.append(await peer.request())  # taken, and then the server dies

    async def go() -> list[ExchangeEnded]:
        async with RawServer(script) as server:
            endpoint = HttpEndpoint(server.url)
            ends = [end(await collect(endpoint, post(server.url))) for _ in range(2)]
            await endpoint.aclose()
            assert server.connections == 1
            return ends

    first, second = run(go())
    assert (first.how, second.how) == ("complete", "truncated")
    assert second.detail == "server disconnected without sending a response"
    assert len(requests) == 2


def test_closing_the_generator_closes_the_connection_at_once() -> None:
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + b"1\r\na\r\n")
        await peer.gone()
        gone.set()

    async def go() -> None:
        async with RawServer(script) as server:
            endpoint = HttpEndpoint(server.url)
            events = endpoint.stream(1, post(server.url))
            async for event in events:
                if isinstance(event, BytesRead):
                    break
            await events.aclose()
            await asyncio.wait_for(gone.wait(), 5)
            await endpoint.aclose()

    run(go())


@pytest.mark.parametrize("moment", ["before the head", "within the body"])
def test_a_task_cancelled_while_it_waits_closes_the_connection_and_stays_cancelled(moment: str) -> None:
    ready, gone = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        if moment == "within the body":
            await peer.send(CHUNKED + b"1\r\na\r\n")
        else:
            ready.set()
        await peer.gone()
        gone.set()

    async def read(endpoint: HttpEndpoint, url: str) -> None:
        async for event in endpoint.stream(1, post(url)):
            if isinstance(event, BytesRead):
                ready.set()

    async def go() -> None:
        async with RawServer(script) as server:
            endpoint = HttpEndpoint(server.url, timeouts=Timeouts(total=60))
            task = asyncio.ensure_future(read(endpoint, server.url))
            await ready.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert task.cancelled()
            await asyncio.wait_for(gone.wait(), 5)
            await endpoint.aclose()

    run(go())


def test_our_side_of_a_connection_does_not_hold_small_requests_back() -> None:
    async def go() -> list[int]:
        async with RawServer(answering(EMPTY)) as server:
            endpoint = HttpEndpoint(server.url)
            options: list[int] = []
            original = socket.socket.setsockopt

            def watched(self: socket.socket, level: int, option: int, value: int) -> None:
                original(self, level, option, value)
                with suppress(OSError):  # a listening socket has no peer
                    if self.getpeername()[1] == server.port:
                        options.append(option)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(socket.socket, "setsockopt", watched)
                await collect(endpoint, post(server.url))
            await endpoint.aclose()
            return options

    assert socket.TCP_NODELAY in run(go())
