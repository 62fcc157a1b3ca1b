from __future__ import annotations

import asyncio
import gzip
import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from callscope.core.errors import UnusableFile
from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, ResponseHead, WireEvent
from callscope.core.values import Request
from callscope.endpoints.http import HttpEndpoint
from callscope.endpoints.patience import Timeouts
from callscope.serving.proxy import GONE, Proxy
from callscope.serving.server import serve
from demobench import Raw, parse
from raw_server import CHUNKED, HEAD, Peer, RawServer, Script, answering, run

SWITCHING = b"HTTP/1.1 101 Switching\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n\x81\x05hello"
POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: me:1\r\ncontent-length: 2\r\n\r\n{}"


class Heard:
    """Hears one exchange; `full` has it refuse what comes, as a recorder on a full disk does."""

    exchange = 7

    def __init__(self, request: Request) -> None:
        self.request = request
        self.wires: list[WireEvent] = []
        self.full = False

    def hear(self, wire: WireEvent) -> None:
        if self.full and not isinstance(wire, ExchangeOpened):
            raise UnusableFile("The disk is full.")
        self.wires.append(wire)

    @property
    def sent(self) -> Request:
        """The request as it left."""
        opened = self.wires[0]
        assert isinstance(opened, ExchangeOpened)
        return opened.request

    @property
    def reads(self) -> list[bytes]:
        return [wire.data for wire in self.wires if isinstance(wire, BytesRead)]

    @property
    def end(self) -> ExchangeEnded:
        """The last event, which there is exactly one of, and which is an ending."""
        assert [wire for wire in self.wires if isinstance(wire, ExchangeEnded)] == [self.wires[-1]]
        assert isinstance(self.wires[-1], ExchangeEnded)
        return self.wires[-1]


class Client:
    """A client of the proxy, of raw bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def until(self, end: bytes) -> bytes:
        return await self.reader.readuntil(end)

    async def rest(self) -> Raw:
        """Everything up to the end of the connection, read as one response."""
        received, reset = b"", False
        try:
            while piece := await self.reader.read(65536):
                received += piece
        except ConnectionResetError:
            reset = True
        return parse(received, reset=reset)


class Stand:
    """A proxy before a server, and who hears what passes."""

    def __init__(self, port: int, heard: list[Heard], upstream: RawServer) -> None:
        self.port, self.heard, self.upstream = port, heard, upstream

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**26)
        try:
            yield Client(reader, writer)
        finally:
            writer.close()

    async def ask(self, request: bytes = POST) -> Raw:
        """Send a request and hear everything up to the end of the connection, which the request asks for."""
        async with self.client() as client:
            await client.send(request.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))
            return await client.rest()


@asynccontextmanager
async def proxied(script: Script, *, full: bool = False, **options: object) -> AsyncIterator[Stand]:
    heard: list[Heard] = []

    def listen(request: Request) -> Heard:
        heard.append(Heard(request))
        heard[-1].full = full
        return heard[-1]

    context = options.pop("context", None)
    async with RawServer(script, context) as upstream:  # type: ignore[arg-type]
        patient = Timeouts(first_byte=None, between_bytes=None)
        endpoint = HttpEndpoint(upstream.url, timeouts=patient, defaults=(), **options)  # type: ignore[arg-type]
        try:
            async with serve(Proxy(upstream.url, endpoint, listen), grace=0.1) as server:
                yield Stand(server.port, heard, upstream)
        finally:
            await endpoint.aclose()


def asked(script: Script, request: bytes = POST) -> tuple[Raw, Heard]:
    """What a client gets, and what was heard."""

    async def go() -> tuple[Raw, Heard]:
        async with proxied(script) as stand:
            raw = await stand.ask(request)
            return raw, stand.heard[0]

    return run(go())


# ---- the request --------------------------------------------------------------------------------------------------


def upstream_sees(request: bytes) -> bytes:
    """The request as the server gets it."""
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.send(HEAD + b"content-length: 0\r\n\r\n")

    asked(script, request)
    return seen[0]


def test_a_request_arrives_as_it_was_sent_but_for_its_host() -> None:
    sent = (
        b"POST /v1/chat/completions?a=b%20c&d HTTP/1.1\r\nHost: me:1\r\nUser-Agent: My/1.0\r\n"
        b"X-ODD-Case: caf\xc3\xa9\r\nAuthorization: Bearer k\r\nX-Twice: 1\r\nX-Twice: 2\r\n"
        b"content-length: 9\r\n\r\n\x00\xff bytes\n"
    )
    head, _, body = upstream_sees(sent).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /v1/chat/completions?a=b%20c&d HTTP/1.1"
    assert lines[1].lower().startswith(b"host: 127.0.0.1:")
    assert lines[2:] == [
        b"User-Agent: My/1.0",
        b"X-ODD-Case: caf\xc3\xa9",
        b"Authorization: Bearer k",
        b"X-Twice: 1",
        b"X-Twice: 2",
        b"content-length: 9",
    ]
    assert body == b"\x00\xff bytes\n"


def test_nothing_is_added_to_what_a_client_says_of_itself() -> None:
    head = upstream_sees(b"GET /v1/models HTTP/1.1\r\nhost: me:1\r\n\r\n").lower()
    assert head.count(b"\r\n") == 3
    assert b"user-agent" not in head
    assert b"accept-encoding" not in head


def test_headers_about_the_connection_do_not_go_on() -> None:
    head = upstream_sees(
        b"POST / HTTP/1.1\r\nhost: me:1\r\nconnection: keep-alive, x-mine\r\nx-mine: 1\r\nkeep-alive: 5\r\n"
        b"te: trailers\r\nupgrade: h2c\r\nproxy-authorization: Basic abc\r\nexpect: 100-continue\r\nx-kept: 1\r\n"
        b"content-length: 0\r\n\r\n"
    ).lower()
    assert b"x-kept: 1" in head
    for gone in (b"x-mine", b"keep-alive:", b"te: ", b"upgrade", b"proxy-", b"expect"):
        assert gone not in head


def test_a_body_in_chunks_arrives_whole() -> None:
    seen = upstream_sees(
        b"POST / HTTP/1.1\r\nhost: me:1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    assert seen.endswith(b"content-length: 5\r\n\r\nabcde")


def test_what_is_heard_is_the_request_as_it_left() -> None:
    async def go() -> None:
        async with proxied(answering(HEAD + b"content-length: 0\r\n\r\n")) as stand:
            await stand.ask()
            heard = stand.heard[0]
            assert heard.sent.url == f"{stand.upstream.url}/v1/chat/completions"
            assert heard.sent.body == b"{}"
            assert dict(heard.sent.headers)["host"] == f"127.0.0.1:{stand.upstream.port}"
            assert heard.wires[0].exchange == 7

    run(go())


@pytest.mark.parametrize(
    "request_line", [b"GET http://other.test/x HTTP/1.1", b"CONNECT other.test:443 HTTP/1.1", b"OPTIONS * HTTP/1.1"]
)
def test_it_leads_to_one_server_alone(request_line: bytes) -> None:
    async def go() -> tuple[Raw, int, int]:
        async with proxied(answering(HEAD + b"content-length: 0\r\n\r\n")) as stand:
            raw = await stand.ask(request_line + b"\r\nhost: other.test\r\n\r\n")
            return raw, stand.upstream.connections, len(stand.heard)

    raw, connections, heard = run(go())
    assert (raw.status, connections, heard) == (400, 0, 0)
    assert "alone" in json.loads(raw.body)["error"]["message"]


# ---- the answer ---------------------------------------------------------------------------------------------------


def test_each_piece_goes_on_before_the_next_one_comes() -> None:
    async def go() -> None:
        gate = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(CHUNKED + b"5\r\nfirst\r\n")
            await gate.wait()
            await peer.send(b"6\r\nsecond\r\n0\r\n\r\n")

        async with proxied(script) as stand, stand.client() as client:
            await client.send(POST)
            assert (await client.until(b"first\r\n")).endswith(b"5\r\nfirst\r\n")
            assert stand.heard[0].reads == [b"first"]
            gate.set()
            assert await client.until(b"0\r\n\r\n") == b"6\r\nsecond\r\n0\r\n\r\n"

    run(go())


def test_chunks_that_come_together_go_on_one_by_one() -> None:
    raw, heard = asked(answering(CHUNKED + b"1\r\na\r\n2\r\nbb\r\n3\r\nccc\r\n0\r\n\r\n"))
    assert raw.chunk_sizes == (1, 2, 3, 0)
    assert heard.reads == [b"abbccc"]
    assert heard.wires[2] == BytesRead(7, b"abbccc", cuts=(1, 3))


def test_an_answer_of_known_length_keeps_it() -> None:
    raw, heard = asked(answering(HEAD + b"content-length: 5\r\n\r\nhello"))
    assert (raw.headers["content-length"], raw.body, raw.ended, raw.chunk_sizes) == ("5", b"hello", True, ())
    assert heard.end.how == "complete"


def test_an_answer_that_ends_with_its_connection_is_whole() -> None:
    raw, heard = asked(answering(HEAD + b"\r\nhello"))
    assert (raw.body, raw.ended) == (b"hello", True)
    assert heard.end.how == "complete"


def test_status_and_headers_go_on_but_for_those_about_the_connection() -> None:
    head = (
        b"HTTP/1.1 429 Slow Down\r\nRetry-After: 3\r\nconnection: keep-alive, x-hop\r\nx-hop: 1\r\nset-cookie: a=1\r\n"
    )
    raw, heard = asked(answering(head + b"Set-Cookie: b=2\r\ncontent-length: 2\r\n\r\nno"))
    assert (raw.status, raw.body, raw.headers["retry-after"], raw.headers["set-cookie"]) == (429, b"no", "3", "b=2")
    assert "x-hop" not in raw.headers
    assert isinstance(heard.wires[1], ResponseHead)
    assert [value for name, value in heard.wires[1].headers if name.lower() == "set-cookie"] == ["a=1", "b=2"]


def test_a_compressed_answer_is_passed_on_as_it_is() -> None:
    packed = gzip.compress(b"data: hello\n\n" * 50)
    raw, heard = asked(answering(HEAD + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed) + packed))
    assert (raw.headers["content-encoding"], raw.body) == ("gzip", packed)
    assert b"".join(heard.reads) == packed


def test_a_redirect_is_an_answer_like_any_other() -> None:
    raw, _ = asked(answering(b"HTTP/1.1 307 There\r\nlocation: http://other.test/\r\ncontent-length: 0\r\n\r\n"))
    assert (raw.status, raw.headers["location"]) == (307, "http://other.test/")


def test_the_head_of_an_answer_is_not_waited_for_its_body() -> None:
    raw, heard = asked(
        answering(HEAD + b"content-length: 10\r\n\r\n"), b"HEAD /v1/models HTTP/1.1\r\nhost: me:1\r\n\r\n"
    )
    assert (raw.status, raw.headers["content-length"], raw.body) == (200, "10", b"")
    assert heard.end.how == "complete"


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_has_none(status: int) -> None:
    raw, heard = asked(answering(b"HTTP/1.1 %d Nothing\r\netag: x\r\n\r\n" % status))
    assert (raw.status, raw.body, heard.end.how) == (status, b"", "complete")


def test_an_answer_larger_than_any_buffer_is_the_same() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED)
        for number in range(300):
            piece = b"%d" % (number % 10) * 40_000
            await peer.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        await peer.send(b"0\r\n\r\n")

    async def go() -> tuple[bytes, Heard]:
        async with proxied(script) as stand, stand.client() as client:
            await client.send(POST)
            await client.until(b"\r\n\r\n")
            body = b""
            while size := int(await client.until(b"\r\n"), 16):
                body += await client.reader.readexactly(size)
                await client.until(b"\r\n")
            return body, stand.heard[0]

    body, heard = run(go())
    assert body == b"".join(b"%d" % (number % 10) * 40_000 for number in range(300))
    assert b"".join(heard.reads) == body


# ---- how it ends --------------------------------------------------------------------------------------------------


def test_a_cut_answer_is_cut() -> None:
    raw, heard = asked(answering(CHUNKED + b"5\r\nhello\r\n"))
    assert (raw.body, raw.ended, raw.reset) == (b"hello", False, False)
    assert heard.end.how == "truncated"


def test_an_answer_shorter_than_it_said_is_cut_short_of_it() -> None:
    raw, heard = asked(answering(HEAD + b"content-length: 10\r\n\r\nhello"))
    assert (raw.headers["content-length"], raw.body, raw.ended) == ("10", b"hello", False)
    assert heard.end.how == "truncated"


def test_a_reset_answer_is_reset() -> None:
    async def go() -> Heard:
        heard = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(CHUNKED + b"5\r\nhello\r\n")
            await heard.wait()
            peer.reset()

        async with proxied(script) as stand, stand.client() as client:
            await client.send(POST)
            await client.until(b"hello\r\n")
            heard.set()
            with pytest.raises(ConnectionResetError):
                await client.reader.read()
            return stand.heard[0]

    assert run(go()).end.how == "reset"


def test_a_server_that_hangs_up_without_an_answer_is_one_that_hangs_up() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()

    async def go() -> bytes:
        async with proxied(script) as stand, stand.client() as client:
            await client.send(POST)
            received = await client.reader.read()
            assert stand.heard[0].end.how == "truncated"
            return received

    assert run(go()) == b""


def test_where_nobody_listens_the_client_is_told_so_in_json() -> None:
    async def go() -> tuple[Raw, Heard]:
        async with proxied(answering(b"")) as stand:
            stand.upstream._server.close()
            await stand.upstream._server.wait_closed()
            raw = await stand.ask()
            return raw, stand.heard[0]

    raw, heard = run(go())
    error = json.loads(raw.body)["error"]
    assert (raw.status, error["type"], error["code"]) == (502, "proxy_error", "connect_failed")
    assert "no connection to 127.0.0.1" in error["message"]
    assert heard.end.how == "connect_failed"


@pytest.mark.parametrize(
    "response",
    [
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"\0" * 99,
        SWITCHING,
    ],
)
def test_a_server_that_does_not_speak_http_is_one_that_hangs_up(response: bytes) -> None:
    async def go() -> tuple[bytes, Heard]:
        async with proxied(answering(response)) as stand, stand.client() as client:
            await client.send(POST)
            return await client.reader.read(), stand.heard[0]

    received, heard = run(go())
    assert received == b""
    assert heard.end.how == "truncated"


def test_a_client_that_hangs_up_ends_the_request_and_is_heard_as_cancelled() -> None:
    async def go() -> Heard:
        left = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(CHUNKED + b"5\r\nhello\r\n")
            await peer.gone()
            left.set()

        async with proxied(script) as stand:
            async with stand.client() as client:
                await client.send(POST)
                await client.until(b"hello\r\n")
            await left.wait()
            return stand.heard[0]

    heard = run(go())
    assert heard.end == ExchangeEnded(7, "cancelled", GONE)
    assert heard.reads == [b"hello"]


def test_a_client_that_leaves_at_the_last_event_hears_a_whole_answer() -> None:
    async def go() -> Heard:
        left = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(CHUNKED + b"e\r\ndata: [DONE]\n\n\r\n")
            await left.wait()
            await peer.send(b"0\r\n\r\n")
            await peer.gone()

        async with proxied(script) as stand:
            async with stand.client() as client:
                await client.send(POST)
                await client.until(b"[DONE]\n\n\r\n")
            left.set()
            while not isinstance(stand.heard[0].wires[-1], ExchangeEnded):
                await asyncio.sleep(0)
            return stand.heard[0]

    assert run(go()).end.how == "complete"


def test_a_client_that_hangs_up_before_the_answer_is_heard_as_cancelled() -> None:
    async def go() -> Heard:
        asked_for, left = asyncio.Event(), asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            asked_for.set()
            await peer.gone()
            left.set()

        async with proxied(script) as stand:
            async with stand.client() as client:
                await client.send(POST)
                await asked_for.wait()
            await left.wait()
            return stand.heard[0]

    assert run(go()).end.how == "cancelled"


def test_a_client_that_does_not_read_stops_the_server_and_not_the_proxy() -> None:
    async def go() -> None:
        sent = 0

        async def script(peer: Peer) -> None:
            nonlocal sent
            await peer.request()
            await peer.send(CHUNKED)
            for _ in range(2000):
                await peer.send(b"10000\r\n" + bytes(0x10000) + b"\r\n")
                sent += 0x10000

        async with proxied(script) as stand, stand.client() as idle:
            idle.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await idle.send(POST)
            before = -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.2)
            assert 0 < sent < 2000 * 0x10000
            assert (await stand.ask(b"HEAD / HTTP/1.1\r\nhost: me:1\r\n\r\n")).status == 200

    run(go())


def test_ending_the_proxy_in_mid_answer_is_heard() -> None:
    async def go() -> Heard:
        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(CHUNKED + b"5\r\nhello\r\n")
            await peer.gone()

        async with proxied(script) as stand:
            reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
            writer.write(POST)
            await reader.readuntil(b"hello\r\n")
        writer.close()
        return stand.heard[0]

    assert run(go()).end == ExchangeEnded(7, "cancelled", GONE)


# ---- what cannot be heard does not pass ---------------------------------------------------------------------------


def test_what_cannot_be_recorded_is_a_502() -> None:
    async def go() -> Raw:
        async with proxied(answering(HEAD + b"content-length: 5\r\n\r\nhello"), full=True) as stand:
            return await stand.ask()

    raw = run(go())
    assert raw.status == 502
    assert "The disk is full." in json.loads(raw.body)["error"]["message"]


def test_a_recording_that_fails_in_mid_answer_breaks_the_answer_off() -> None:
    async def go() -> None:
        more = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(CHUNKED + b"5\r\nhello\r\n")
            await more.wait()
            await peer.send(b"5\r\nagain\r\n0\r\n\r\n")

        async with proxied(script) as stand, stand.client() as client:
            await client.send(POST)
            await client.until(b"hello\r\n")
            stand.heard[0].full = True
            more.set()
            with pytest.raises(ConnectionResetError):
                await client.reader.read()

    run(go())


# ---- many at once -------------------------------------------------------------------------------------------------


def test_one_connection_asks_one_after_another_also_ahead() -> None:
    async def script(peer: Peer) -> None:
        while True:
            path = (await peer.request()).split()[1]
            await peer.send(HEAD + b"content-length: %d\r\n\r\n%b" % (len(path), path))

    async def go() -> tuple[bytes, int]:
        async with proxied(script) as stand, stand.client() as client:
            await client.send(b"".join(b"GET /%d HTTP/1.1\r\nhost: me:1\r\n\r\n" % number for number in range(5)))
            received = await client.until(b"/4")
            return received, len(stand.heard)

    received, heard = run(go())
    assert [received.count(b"\r\n\r\n/%d" % number) for number in range(5)] == [1] * 5
    assert heard == 5


def test_clients_are_answered_side_by_side() -> None:
    async def go() -> None:
        gates = [asyncio.Event() for _ in range(10)]

        async def script(peer: Peer) -> None:
            number = int((await peer.request()).split()[1][1:])
            await gates[number].wait()
            await peer.send(HEAD + b"content-length: 1\r\n\r\n%d" % number)

        async with proxied(script) as stand:
            requests = [b"GET /%d HTTP/1.1\r\nhost: me:1\r\n\r\n" % number for number in range(10)]
            tasks = [asyncio.ensure_future(stand.ask(request)) for request in requests]
            for number in range(9, -1, -1):
                gates[number].set()
                assert (await tasks[number]).body == b"%d" % number

    run(go())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
def test_https_servers_are_reached_where_their_certificate_is_trusted(tmp_path: Path) -> None:
    certificate = tmp_path / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, *names, "-keyout", certificate, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def go() -> tuple[Raw, Raw]:
        script = answering(HEAD + b"content-length: 5\r\n\r\nhello")
        async with proxied(script, context=context, ca_file=str(certificate)) as stand:
            trusted = await stand.ask()
        async with proxied(script, context=context) as stand:
            return trusted, await stand.ask()

    trusted, untrusted = run(go())
    assert trusted.body == b"hello"
    assert untrusted.status == 502
    assert json.loads(untrusted.body)["error"]["code"] == "tls_failed"
