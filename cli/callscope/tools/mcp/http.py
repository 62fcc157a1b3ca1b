"""MCP's streamable HTTP: what we carry to a server, and what we take from it.

Knows the SDK's HTTP client. Must not know what is said over it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp.client.streamable_http import streamable_http_client

from callscope.tools.reading.documents import LONGEST

PATIENCE = 30.0
"""Seconds for a connection to stand and a request to be written; an answer may take as long as its call may."""

UNSAID = "Server returned an error response"
"""What the SDK makes of any answer of 400 or more that is no message."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class HttpAnswers:
    """What the SDK keeps to itself of a server's answers."""

    def __init__(self) -> None:
        self.refusal = ""
        """The status of the last answer that was none."""
        self.session_gone = False
        """Whether the server has answered that it knows our session no more, and so ran nothing.

        https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management
        """

    def told(self, words: str) -> str:
        """The SDK's words for a refusal, with its status."""
        if not self.refusal:
            return words
        hint = (
            ', so it wants a key, as in `headers: {authorization: "Bearer ${NAME}"}`' if "401" in self.refusal else ""
        )
        return words.replace(UNSAID, f"the server answered {self.refusal}{hint}")

    async def look_at(self, response: httpx2.Response) -> None:
        """Take note of an answer."""
        if response.status_code >= 400:
            self.refusal = f"HTTP {response.status_code} {response.reason_phrase}".strip()
            self.session_gone |= response.status_code == 404 and "mcp-session-id" in response.request.headers


@asynccontextmanager
async def http_streams(url: str, headers: Mapping[str, str], answers: HttpAnswers) -> AsyncIterator[Any]:
    """The transport to a URL, not yet entered."""
    async with httpx2.AsyncClient(
        headers=dict(headers),
        timeout=httpx2.Timeout(PATIENCE, read=None),
        trust_env=httpx2.URL(url).host not in LOOPBACK,  # no proxy stands between this machine and itself
        event_hooks={"response": [answers.look_at, _refuse_endless]},
    ) as client:
        yield streamable_http_client(url, http_client=client)


async def _refuse_endless(response: httpx2.Response) -> None:
    """Bound the bodies that the SDK reads whole; it bounds the events of a stream itself."""
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        response.stream = _Bounded(response)


class _Bounded(httpx2.AsyncByteStream):
    """The body of a response, as far as anybody could want it."""

    def __init__(self, response: httpx2.Response) -> None:
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        self._stream = response.stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        room = LONGEST
        async for data in self._stream:
            room -= len(data)
            if room < 0:
                raise httpx2.ReadError(f"the answer is longer than {LONGEST:,} bytes")
            yield data

    async def aclose(self) -> None:
        await self._stream.aclose()
