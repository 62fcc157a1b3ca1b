"""Sending a tool's HTTP request and reading its answer: one connection a call, closed when the call is over.

Knows httpx's transport, and when an answer is an error. Must not know how a request is filled. It stands on the
transport and not on the client, for the client logs URLs, which may hold a secret. Redirects are not followed: a
tool's file says where a request goes, and nobody else.
"""

from __future__ import annotations

import asyncio
import codecs
import functools
import ssl
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from email.message import Message
from http import HTTPStatus
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from callscope.core.values import Request
from callscope.tools.answers import Answer, concealed, failed, head, invalid, timed_out
from callscope.tools.definitions import Tool
from callscope.tools.invalid import InvalidArguments
from callscope.tools.outgoing import HttpCall
from callscope.tools.templates import Filling, MissingVariable

from .outputs import written_text
from .prints import Prints
from .requests import fill_request, secrets_of

if TYPE_CHECKING:
    import httpx

AGAIN_LATER = (408, 425, 429, 500, 502, 503, 504)
SAFE_TWICE = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
NO_TEXT = ("image/", "audio/", "video/", "font/", "application/octet-stream", "application/zip", "application/pdf")


@dataclass(frozen=True, slots=True)
class Received:
    """The answer of a server; `more` says that the body was not read to its end."""

    status: int
    content_type: str
    location: str
    retry_after: str
    body: bytes
    more: bool

    @property
    def words(self) -> str:
        """`404 Not Found`."""
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return str(self.status)


async def run_request(tool: Tool, call: HttpCall, filling: Filling, prints: Prints) -> Answer:
    """Send the request: the body of a 2xx answer is the output, any other answer an error."""
    import httpx

    name = tool.spec.name
    secrets = filling.secret_values(secrets_of(call))
    try:
        request = fill_request(call, filling)
        shown = fill_request(call, replace(filling, shown=True)).url
    except InvalidArguments as problem:
        return invalid(problem)
    except MissingVariable as missing:
        return failed("tool_unavailable", f"{name} cannot run: the variable {missing}, which it needs, is unset.")
    try:
        async with asyncio.timeout(tool.timeout):
            received = await _exchange(request, 4 * tool.limit + 4)
    except TimeoutError:
        return timed_out(name, tool.timeout, "Its connection was closed, and the request may have had an effect")
    except (httpx.TransportError, httpx.InvalidURL, httpx.DecodingError, OSError, ValueError, ImportError) as trouble:
        again = isinstance(trouble, httpx.ConnectError) or (
            isinstance(trouble, httpx.TransportError) and request.method in SAFE_TWICE
        )
        words = concealed(str(trouble) or type(trouble).__name__, secrets).rstrip(".")
        return failed("connection_failed", f"{name} got no answer from its server: {words}.", retryable=again)
    size = f"{'more than ' if received.more else ''}{len(received.body):,} bytes"
    prints.write(f"{request.method} {shown} → {received.words}, {size} {received.content_type}".rstrip() + "\n")
    return _answer(tool, received, prints, secrets)


async def _exchange(request: Request, keep: int) -> Received:
    """One request and its answer; however this ends, the connection is closed."""
    import httpx

    urlsplit(request.url).port  # noqa: B018 - asked for, it raises where it can be none; httpx asks too late
    context = await _trust(request.url)
    proxy = await _proxy(request.url)
    async with httpx.AsyncHTTPTransport(verify=context, proxy=httpx.Proxy(proxy) if proxy else None) as transport:
        outgoing = httpx.Request(
            request.method,
            request.url,
            headers=[(name.encode(), value.encode()) for name, value in request.headers],
            stream=httpx.ByteStream(request.body),
        )
        response = await transport.handle_async_request(outgoing)
        try:
            body, more = await _body(response, keep)
        finally:
            await response.aclose()
    headers = response.headers
    return Received(
        response.status_code,
        headers.get("content-type", ""),
        headers.get("location", ""),
        headers.get("retry-after", ""),
        body,
        more,
    )


async def _body(response: httpx.Response, keep: int) -> tuple[bytes, bool]:
    """The first bytes of a body, and whether there are more."""
    body = bytearray()
    async with aclosing(cast(AsyncGenerator[bytes, None], response.aiter_bytes())) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > keep:
                return bytes(body[:keep]), True
    return bytes(body), False


async def _trust(url: str) -> ssl.SSLContext:
    """The authorities to trust; loading them takes 46 ms, so never for a URL without TLS nor in the event loop."""
    if not url.startswith("https:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return await asyncio.to_thread(_authorities)


@functools.cache
def _authorities() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()


async def _proxy(url: str) -> str | None:
    """The proxy that the environment names for a URL; never one for loopback."""
    parts = urlsplit(url)
    if parts.hostname in LOOPBACK:
        return None

    def named() -> str | None:
        from urllib.request import getproxies, proxy_bypass  # 15 ms

        proxies = {} if proxy_bypass(parts.netloc.rpartition("@")[2]) else getproxies()
        proxy = proxies.get(parts.scheme) or proxies.get("all")
        return proxy if not proxy or "://" in proxy else f"http://{proxy}"

    return await asyncio.to_thread(named)


# ---- what it answered ---------------------------------------------------------------------------------------------


def _answer(tool: Tool, received: Received, prints: Prints, secrets: Iterable[str]) -> Answer:
    output = _output(tool, received, prints, secrets)
    if 200 <= received.status < 300:
        return output, "ok"
    words = f"HTTP {received.words}"
    if 300 <= received.status < 400 and received.location:
        words += f", to {received.location}; redirects are not followed: write that URL in the tool's file"
    if received.retry_after:
        words += f" (retry-after: {received.retry_after})"
    said = head(output)
    words = concealed(words, secrets) + (f": {said}" if said else "")
    return failed("http_error", words, retryable=received.status in AGAIN_LATER)


def _output(tool: Tool, received: Received, prints: Prints, secrets: Iterable[str]) -> str:
    """The body as text; of what is no text, only what it is."""
    if received.content_type.lower().startswith(NO_TEXT):
        more = "more than " if received.more else ""
        return f"[{more}{len(received.body):,} bytes of {received.content_type}, which is no text]"
    body = received.body
    charset = _charset(received.content_type)
    if charset not in ("utf-8", "ascii"):
        body = body.decode(charset, "replace").encode()
    text, notes = written_text(body, None if received.more else 0, tool.limit, lambda said: concealed(said, secrets))
    for note in notes:
        prints.write(f"[callscope: {note}]\n")
    return text


def _charset(content_type: str) -> str:
    """The charset a content type names, where Python knows it; else UTF-8, which JSON always is."""
    message = Message()
    message["content-type"] = content_type
    try:
        return codecs.lookup(str(message.get_param("charset") or "utf-8")).name
    except (LookupError, ValueError):
        return "utf-8"
