from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator

import httpx
import pytest

import demobench
from callscope.core.errors import UsageError
from callscope.core.values import Request
from callscope.serving.connection import LONGEST_BODY, Connection, CutChunk, HangUp, Head, Piece, Reset
from callscope.serving.server import run_in_thread, serve

TEXT = (("content-type", "text/plain"),)


async def echo(request: Request) -> AsyncGenerator[Piece, None]:
    yield Head(200, TEXT)
    yield f"{request.method} {request.url} ".encode()
    yield request.body


def broken(*pieces: Piece):
    async def handler(request: Request) -> AsyncGenerator[Piece, None]:
        for piece in pieces:
            yield piece

    return handler


def test_a_request_reaches_the_handler_and_its_pieces_come_back_as_chunks() -> None:
    with run_in_thread(echo) as server:
        raw = demobench.talk(
            server.url, b"POST /a?b=c HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc"
        )
    assert (raw.status, raw.body, raw.ended) == (200, b"POST /a?b=c abc", True)
    assert raw.chunk_sizes == (12, 3, 0)


def test_one_connection_serves_many_requests_one_after_another() -> None:
    with run_in_thread(echo) as server, httpx.Client() as client:
        answers = [client.post(f"{server.url}/{number}", content=b"x").text for number in range(3)]
        assert answers == ["POST /0 x", "POST /1 x", "POST /2 x"]
        assert len(client._transport._pool.connections) == 1  # type: ignore[attr-defined]


def test_requests_sent_ahead_are_answered_in_order() -> None:
    request = b"GET /%d HTTP/1.1\r\nhost: x\r\n%b\r\n"
    with run_in_thread(echo) as server, demobench.connect(server.url) as client:
        client.sendall(request % (1, b"") + request % (2, b"connection: close\r\n"))
        received = b"".join(iter(lambda: client.recv(65536), b""))
    assert received.index(b"GET /1") < received.index(b"GET /2")


def test_a_body_in_chunks_is_read_whole() -> None:
    with run_in_thread(echo) as server:
        answer = httpx.post(server.url, content=iter([b"ab", b"cd"]))
    assert answer.text == "POST / abcd"


def test_a_client_that_waits_for_100_continue_gets_it() -> None:
    with run_in_thread(echo) as server, demobench.connect(server.url) as client:
        client.sendall(b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 100")
        client.sendall(b"ok")
        assert b" 200 " in client.recv(65536)


def test_a_head_request_gets_the_head_alone() -> None:
    with run_in_thread(echo) as server:
        assert httpx.head(server.url).content == b""


def test_what_is_no_http_gets_400() -> None:
    with run_in_thread(echo) as server:
        assert demobench.talk(server.url, b"\x16\x03\x01 this is not HTTP\r\n\r\n").status == 400


def test_too_long_a_head_gets_an_error_status() -> None:
    with run_in_thread(echo) as server:
        raw = demobench.talk(server.url, b"GET / HTTP/1.1\r\nhost: x\r\nx-long: " + b"a" * 200_000)
    assert raw.status == 431 or raw.reset


def test_a_body_over_the_limit_gets_413_and_is_not_kept() -> None:
    with run_in_thread(echo) as server:
        answer = httpx.post(server.url, content=b"x" * (LONGEST_BODY + 1))
    assert answer.status_code == 413


def test_a_hang_up_leaves_a_chunked_body_without_its_end() -> None:
    with run_in_thread(broken(Head(200, TEXT), b"half", HangUp())) as server:
        raw = demobench.get(server.url, "/")
    assert (raw.body, raw.ended, raw.reset) == (b"half", False, False)


def test_a_hang_up_leaves_a_content_length_unfulfilled() -> None:
    head = Head(200, (*TEXT, ("content-length", "10")))
    with run_in_thread(broken(head, b"half", HangUp())) as server, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(server.url)


def test_a_cut_chunk_announces_more_than_comes() -> None:
    with run_in_thread(broken(Head(200, TEXT), b"whole", CutChunk(b"half"))) as server:
        raw = demobench.get(server.url, "/")
    assert (raw.body, raw.ended, raw.reset) == (b"wholehalf", False, False)
    assert raw.chunk_sizes[-1] > len("half")


def test_a_reset_reaches_the_client_as_a_reset_after_the_bytes_before_it() -> None:
    with run_in_thread(broken(Head(200, TEXT), b"half", Reset())) as server:
        raw = demobench.get(server.url, "/")
    assert (raw.body, raw.ended, raw.reset) == (b"half", False, True)


def test_a_handler_that_fails_before_its_head_gives_500(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(request: Request) -> AsyncGenerator[Piece, None]:
        raise LookupError("no such thing")
        yield b""

    with run_in_thread(handler) as server:
        raw = demobench.get(server.url, "/")
    assert raw.status == 500
    assert b"no such thing" in raw.body


def test_a_handler_that_fails_later_breaks_the_body_off(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(request: Request) -> AsyncGenerator[Piece, None]:
        yield Head(200, TEXT)
        yield b"half"
        raise LookupError("no such thing")

    with run_in_thread(handler) as server:
        raw = demobench.get(server.url, "/")
    assert (raw.status, raw.body, raw.ended) == (200, b"half", False)


@pytest.mark.parametrize("leave", [socket.socket.close, demobench.reset_by_client], ids=["close", "reset"])
def test_a_client_that_goes_away_in_mid_stream_ends_its_handler_and_nobody_elses(leave) -> None:
    begun, ended = threading.Event(), threading.Event()

    async def handler(request: Request) -> AsyncGenerator[Piece, None]:
        yield Head(200, TEXT)
        if request.url == "/short":
            return
        try:
            yield b"first"
            begun.set()
            await asyncio.Event().wait()
        finally:
            ended.set()

    with run_in_thread(handler) as server:
        client = demobench.connect(server.url)
        client.sendall(b"GET /long HTTP/1.1\r\nhost: x\r\n\r\n")
        assert begun.wait(5)
        leave(client)
        assert ended.wait(5)
        assert httpx.get(f"{server.url}/short").status_code == 200


def test_a_client_that_does_not_read_holds_its_handler_back() -> None:
    written: list[int] = []

    async def scenario() -> int:
        async def handler(request: Request) -> AsyncGenerator[Piece, None]:
            yield Head(200, TEXT)
            for number in range(1000):
                written.append(number)
                yield b"x" * 1_000_000

        async with serve(handler, grace=0.0) as server:
            reader, writer = await asyncio.open_connection(server.host, server.port, limit=1024)
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await reader.readline()
            before = -1
            while before != len(written):
                before = len(written)
                await asyncio.sleep(0.05)
            writer.transport.abort()
            await _closed(writer)
        return before

    assert asyncio.run(scenario()) < 100


def test_closing_lets_a_response_under_way_end_and_leaves_no_task() -> None:
    async def scenario() -> tuple[str, set[asyncio.Task[object]]]:
        closing = asyncio.Event()

        async def handler(request: Request) -> AsyncGenerator[Piece, None]:
            yield Head(200, TEXT)
            yield b"first "
            await closing.wait()
            yield b"last"

        async with serve(handler, grace=5.0) as server:
            reader, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await reader.readuntil(b"first ")
            asyncio.get_running_loop().call_later(0.05, closing.set)
        text = (await reader.read()).decode()
        await _closed(writer)
        return text, asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[operator]

    assert asyncio.run(scenario()) == ("\r\n4\r\nlast\r\n0\r\n\r\n", set())


def test_closing_cuts_off_idle_connections_and_responses_that_take_too_long() -> None:
    async def scenario() -> set[asyncio.Task[object]]:
        async def handler(request: Request) -> AsyncGenerator[Piece, None]:
            yield Head(200, TEXT)
            yield b"first"
            await asyncio.Event().wait()

        async with serve(handler, grace=0.0) as server:
            idle = await asyncio.open_connection(server.host, server.port)
            busy = await asyncio.open_connection(server.host, server.port)
            busy[1].write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await busy[0].readuntil(b"first")
        for reader, writer in (idle, busy):
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await reader.readexactly(1000)
            await _closed(writer)
        return asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[operator]

    assert asyncio.run(scenario()) == set()


def test_it_listens_on_loopback_and_sends_without_delay() -> None:
    options: list[int] = []

    async def scenario() -> str:
        async with serve(echo) as server:
            _, writer = await asyncio.open_connection(server.host, server.port)
            await asyncio.sleep(0)
            sockets = [transport.get_extra_info("socket") for transport in _server_transports()]
            options.extend(each.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for each in sockets)
            await _closed(writer)
            return server.host

    assert asyncio.run(scenario()) == "127.0.0.1"
    assert options
    assert all(options)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def _server_transports() -> list[asyncio.Transport]:
    connections = [each for each in gc.get_objects() if isinstance(each, Connection) and hasattr(each, "transport")]
    return [each.transport for each in connections if not each.transport.is_closing()]


def test_a_port_in_use_is_one_clear_error() -> None:
    with run_in_thread(echo) as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(
            UsageError, match=f"Cannot listen on 127.0.0.1 port {port}: the port is in use; choose another"
        ):
            run_in_thread(echo, port=port)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70000), ("256.1.1.1", 0), ("192.0.2.1", 0)])
def test_an_address_that_cannot_be_is_one_clear_error(host: str, port: int) -> None:
    with pytest.raises(UsageError, match="Cannot listen on"):
        run_in_thread(echo, host=host, port=port)


def test_a_threaded_server_can_be_closed_twice_and_its_thread_ends() -> None:
    server = run_in_thread(echo)
    server.close()
    server.close()
    assert "callscope-server" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)


def test_ctrl_c_ends_a_server_that_serves_forever_cleanly() -> None:
    program = (
        "from callscope.serving.demo.agent import DemoAgent\n"
        "from callscope.serving.server import serve_forever\n"
        "serve_forever(DemoAgent(), '127.0.0.1', 0, lambda url: print(url, flush=True))\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().strip()
        assert json.loads(httpx.get(f"{url}/v1/models").text)["data"][0]["id"] == "callscope-demo"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, b"")
