"""Proxies, by a tiny one that records what it was asked for."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from callscope.core.errors import UsageError
from callscope.core.events import ExchangeEnded, WireEvent
from callscope.endpoints.http import HttpEndpoint
from callscope.endpoints.patience import Timeouts
from callscope.endpoints.routes import environment_proxy
from raw_server import HEAD, Peer, RawServer, answering, collect, end, post, reads, run

OK = HEAD + b"content-length: 2\r\n\r\nok"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def through(proxy: RawServer, url: str, userinfo: str = "", **options: object) -> list[WireEvent]:
    endpoint = HttpEndpoint(url, proxy=proxy.url.replace("://", f"://{userinfo}"), **options)  # type: ignore[arg-type]
    events = await collect(endpoint, post(url))
    await endpoint.aclose()
    return events


def test_a_proxy_is_asked_for_the_whole_url_and_gets_its_own_password() -> None:
    asked: list[bytes] = []

    async def script(peer: Peer) -> None:
        asked.append(await peer.request())
        await peer.send(OK)

    async def go() -> list[WireEvent]:
        async with RawServer(script) as proxy:
            return await through(proxy, "http://far.invalid/v1?a=1", "me:pass@")

    events = run(go())
    assert (reads(events), end(events).how) == ([b"ok"], "complete")
    assert asked[0].startswith(b"POST http://far.invalid/v1?a=1 HTTP/1.1\r\n")
    assert b"proxy-authorization: basic bwu6cgfzcw==" in asked[0].lower()


def test_https_goes_through_a_tunnel_in_which_the_proxy_hears_no_key() -> None:
    asked: list[bytes] = []

    async def script(peer: Peer) -> None:
        asked.append(await peer.request())
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        asked.append(await peer.reader.read(1))  # the first byte of a TLS handshake

    async def go() -> list[WireEvent]:
        async with RawServer(script) as proxy:
            return await through(proxy, "https://far.invalid/v1", headers=(("authorization", "Bearer a-key"),))

    events = run(go())
    assert asked[0].startswith(b"CONNECT far.invalid:443 HTTP/1.1\r\n")
    assert b"a-key" not in asked[0]
    assert asked[1] == b"\x16"
    assert end(events).how == "tls_failed"


def test_a_proxy_that_refuses_the_tunnel_is_a_failed_connect_with_its_words() -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"

    async def go() -> tuple[int, list[WireEvent]]:
        async with RawServer(answering(refusal)) as proxy:
            return proxy.port, await through(proxy, "https://far.invalid/v1")

    port, events = run(go())
    detail = f"the proxy 127.0.0.1:{port} refused: 407 Proxy Authentication Required"
    assert end(events) == ExchangeEnded(1, "connect_failed", detail)


def test_waiting_for_a_tunnel_belongs_to_connecting() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.gone()

    async def go() -> list[WireEvent]:
        async with RawServer(script) as proxy:
            return await through(proxy, "https://far.invalid/v1", timeouts=Timeouts(connect=0.05))

    assert "the connect limit" in end(run(go())).detail


def test_a_proxy_of_the_environment_is_used_but_never_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> tuple[str, str]:
        async with RawServer(answering(OK)) as proxy, RawServer(answering(OK)) as near:
            monkeypatch.setenv("http_proxy", proxy.url)
            hows = []
            for url in ("http://far.invalid/v1", near.url):
                endpoint = HttpEndpoint(url)
                hows.append(end(await collect(endpoint, post(url))).how)
                await endpoint.aclose()
            assert (proxy.connections, near.connections) == (1, 1)
            return hows[0], hows[1]

    assert run(go()) == ("complete", "complete")


@pytest.mark.parametrize(
    ("variables", "url", "proxy"),
    [
        ({}, "http://far.invalid/", None),
        ({"https_proxy": "http://p:1"}, "https://far.invalid/", "http://p:1"),
        ({"https_proxy": "http://p:1"}, "http://far.invalid/", None),
        ({"all_proxy": "socks5://p:1"}, "http://far.invalid/", "socks5://p:1"),
        ({"https_proxy": "p:1"}, "https://far.invalid/", "http://p:1"),
        ({"https_proxy": "http://p:1", "no_proxy": "x,far.invalid"}, "https://far.invalid/", None),
        ({"https_proxy": "http://p:1", "no_proxy": "*"}, "https://far.invalid/", None),
        ({"http_proxy": "http://p:1"}, "http://localhost:8080/", None),
        ({"http_proxy": "http://p:1"}, "http://[::1]:8080/", None),
        ({"http_proxy": "http://p:1"}, "http://127.9.9.9/", None),
    ],
)
def test_which_proxy_the_environment_means(
    variables: dict[str, str], url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert environment_proxy(url) == proxy


@pytest.mark.parametrize("proxy", ["nonsense", "ftp://p:1", "http://me:hidden@p:x"])
def test_a_proxy_that_is_none_is_a_usage_error_without_its_password(proxy: str) -> None:
    async def go() -> None:
        endpoint = HttpEndpoint("http://far.invalid", proxy=proxy)
        await collect(endpoint, post("http://far.invalid"))

    with pytest.raises(UsageError) as caught:
        run(go())
    assert "hidden" not in str(caught.value)


def test_a_cancelled_tls_handshake_leaves_no_connection_open() -> None:
    began, gone = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.reader.read(1)
        began.set()
        await peer.gone()
        gone.set()

    async def go() -> None:
        async with RawServer(script) as server:
            url = server.url.replace("http:", "https:")
            endpoint = HttpEndpoint(url)
            task = asyncio.ensure_future(collect(endpoint, post(url)))
            await began.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(gone.wait(), 5)
            await endpoint.aclose()

    run(go())


def test_a_socks_proxy_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)

    async def go() -> None:
        endpoint = HttpEndpoint("http://far.invalid", proxy="socks5://127.0.0.1:1")
        await collect(endpoint, post("http://far.invalid"))

    with pytest.raises(UsageError, match=r"pip install 'httpx\[socks\]'"):
        run(go())


# ---- found out before the first request ------------------------------------------------------------------------------


@pytest.fixture
def no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def refusal(url: str, **options: str) -> str:
    with pytest.raises(UsageError) as caught:
        HttpEndpoint(url, **options).check()  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.usefixtures("no_certificates")
def test_a_proxy_or_a_ca_file_that_cannot_be_used_is_found_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no.pem").write_text("no certificate")
    assert "The proxy is not a URL" in refusal("http://far.invalid/v1", proxy="gopher://p:1")
    for url in ("https://far.invalid/v1", "http://far.invalid/v1"):
        for file in ("none.pem", "no.pem"):
            assert f"cannot be read from {tmp_path}/{file}" in refusal(url, ca_file=str(tmp_path / file))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    assert "SSL_CERT_FILE" in refusal("https://far.invalid/v1")
    monkeypatch.setenv("ALL_PROXY", "gopher://p:1")
    assert "The proxy is not a URL" in refusal("http://far.invalid/v1")


@pytest.mark.usefixtures("no_certificates")
def test_nothing_is_looked_at_that_nobody_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callscope.endpoints.routes.load_httpx", pytest.fail)
    monkeypatch.setenv("ALL_PROXY", "gopher://p:1")
    monkeypatch.setenv("SSL_CERT_FILE", "none.pem")
    HttpEndpoint("http://127.0.0.1:1/v1").check()
    monkeypatch.delenv("ALL_PROXY")
    HttpEndpoint("http://far.invalid/v1").check()
