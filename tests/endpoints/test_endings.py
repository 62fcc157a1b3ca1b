"""Every way in which an exchange can end, made to happen on a real socket."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from callscope.core.errors import UsageError
from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, ResponseHead, WireEvent
from callscope.endpoints.http import HttpEndpoint
from raw_server import (
    CHUNKED,
    HEAD,
    Peer,
    RawServer,
    Script,
    answering,
    collect,
    end,
    exchange,
    post,
    reads,
    run,
)


def visit(url: str, **options: object) -> list[WireEvent]:
    """All events of one POST to a URL."""

    async def go() -> list[WireEvent]:
        endpoint = HttpEndpoint(url, **options)  # type: ignore[arg-type]
        try:
            return await collect(endpoint, post(url))
        finally:
            await endpoint.aclose()

    return run(go())


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (HEAD + b"content-length: 20\r\n\r\nhalf", "received 4 bytes, expected 20"),
        (CHUNKED + b"4\r\nhalf\r\n", "incomplete chunked read"),
        (CHUNKED + b"9\r\nhalf", "incomplete chunked read"),
    ],
)
def test_a_body_shorter_than_announced_is_truncated_and_what_came_is_kept(response: bytes, words: str) -> None:
    events = exchange(answering(response))
    assert b"".join(reads(events)) == b"half"
    assert end(events).how == "truncated"
    assert words in end(events).detail


@pytest.mark.parametrize("response", [b"", b"HTTP/1.1 200 OK\r\ncontent-t"])
def test_a_connection_closed_before_the_head_is_whole_is_truncated(response: bytes) -> None:
    events = exchange(answering(response))
    assert [type(event) for event in events] == [ExchangeOpened, ExchangeEnded]
    assert end(events).how == "truncated"
    assert end(events).detail


@pytest.mark.parametrize(
    "response",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000,
    ],
)
def test_what_is_no_http_is_reported_with_a_word_on_it(response: bytes) -> None:
    events = exchange(answering(response))
    assert [type(event) for event in events] == [ExchangeOpened, ExchangeEnded]
    assert end(events).how == "truncated"
    assert "no HTTP response" in end(events).detail
    assert len(end(events).detail) < 500


def test_a_broken_chunk_header_in_the_body_is_truncated_and_what_came_is_kept() -> None:
    events = exchange(answering(CHUNKED + b"2\r\nok\r\nzz\r\nno\r\n"))
    assert reads(events) == [b"ok"]
    assert end(events).how == "truncated"
    assert "chunk" in end(events).detail


@pytest.mark.parametrize("head", [True, False])
def test_a_reset_is_a_reset_before_the_head_and_within_the_body(head: bool) -> None:
    heard = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        if head:
            await peer.send(CHUNKED + b"2\r\nok\r\n")
            await heard.wait()
        peer.reset()

    async def go() -> list[WireEvent]:
        events: list[WireEvent] = []
        async with RawServer(script) as server:
            endpoint = HttpEndpoint(server.url)
            async for event in endpoint.stream(1, post(server.url)):
                events.append(event)
                if isinstance(event, BytesRead):
                    heard.set()
            await endpoint.aclose()
        return events

    events = run(go())
    assert reads(events) == ([b"ok"] if head else [])
    assert end(events) == ExchangeEnded(1, "reset", "the connection broke: Connection reset by peer (ECONNRESET)")


def test_a_port_where_nobody_listens_is_a_failed_connect() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        events = visit(f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
    assert [type(event) for event in events] == [ExchangeOpened, ExchangeEnded]
    assert end(events).how == "connect_failed"
    assert "Connection refused (ECONNREFUSED)" in end(events).detail


def test_a_name_that_does_not_resolve_is_a_dns_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    events = visit("http://nowhere.invalid/v1")
    assert end(events).how == "dns_failed"
    assert "nowhere.invalid" in end(events).detail
    assert "Name or service not known" in end(events).detail


def test_a_server_that_answers_before_it_has_read_all_is_heard() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\nconnection: close\r\n\r\nlarge")
        await peer.gone()

    async def go() -> list[WireEvent]:
        async with RawServer(script) as server:
            endpoint = HttpEndpoint(server.url)
            events = await collect(endpoint, post(server.url, b"x" * 1000))
            await endpoint.aclose()
            return events

    events = run(go())
    assert isinstance(events[1], ResponseHead)
    assert (events[1].status, reads(events)) == (413, [b"large"])


# ---- TLS -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key in the same file."""
    folder = tmp_path_factory.mktemp("certificate")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    try:
        subprocess.run([*command, *names, "-keyout", key, "-out", cert], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl to make a certificate with")
    both = folder / "both.pem"
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    return both


def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def tls_visit(certificate: Path, script: Script, **options: object) -> list[WireEvent]:
    async def go() -> list[WireEvent]:
        # The server's side of a failed handshake is asyncio's to report, and is not what is tested.
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with RawServer(script, tls(certificate)) as server:
            endpoint = HttpEndpoint(server.url, **options)  # type: ignore[arg-type]
            events = await collect(endpoint, post(f"{server.url}/v1"))
            await endpoint.aclose()
            return events

    return run(go())


def test_https_works_with_an_authority_of_ones_own(certificate: Path) -> None:
    response = CHUNKED + b"2\r\nok\r\n0\r\n\r\n"
    events = tls_visit(certificate, answering(response), ca_file=str(certificate))
    assert (reads(events), end(events)) == ([b"ok"], ExchangeEnded(1, "complete"))


def test_a_certificate_that_nobody_vouches_for_is_a_tls_failure(certificate: Path) -> None:
    events = tls_visit(certificate, answering(b""))
    assert end(events).how == "tls_failed"
    assert "certificate is not trusted: self-signed certificate" in end(events).detail


def test_https_to_a_server_without_tls_says_to_try_http() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.read(1)
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def go() -> list[WireEvent]:
        async with RawServer(script) as server:
            url = server.url.replace("http:", "https:")
            endpoint = HttpEndpoint(url)
            events = await collect(endpoint, post(url))
            await endpoint.aclose()
            return events

    events = run(go())
    assert end(events).how == "tls_failed"
    assert "try http://" in end(events).detail


def test_a_peer_that_hangs_up_in_the_handshake_is_a_tls_failure() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.read(1)

    async def go() -> list[WireEvent]:
        async with RawServer(script) as server:
            url = server.url.replace("http:", "https:")
            endpoint = HttpEndpoint(url)
            events = await collect(endpoint, post(url))
            await endpoint.aclose()
            return events

    assert end(run(go())).how == "tls_failed"


def test_a_ca_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing\.pem"):
        visit("https://127.0.0.1:1", ca_file=str(tmp_path / "nothing.pem"))


def test_plain_http_never_loads_the_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    def loaded(*_: object, **__: object) -> None:
        raise AssertionError("loading the authorities costs 46 ms and http:// has no use for them")

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", loaded)
    assert end(exchange(answering(HEAD + b"content-length: 0\r\n\r\n"))).how == "complete"


def test_the_environment_can_name_the_authorities(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert end(tls_visit(certificate, answering(HEAD + b"content-length: 0\r\n\r\n"))).how == "complete"
