"""What is carried to an MCP server over HTTP, and what is taken from one that is none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asked_server import Asked
from asked_server import answer as kept_alive
from callscope.core.errors import UnusableFile
from callscope.tools.mcp import http as mcp_http
from callscope.tools.mcp.servers import SERVERS
from mcpbench import loaded
from raw_server import RawServer


def answer(body: bytes = b"{}", status: str = "200 OK", *headers: str) -> bytes:
    """An answer after which the connection ends, as `Asked` ends it."""
    return kept_alive(body, status, "connection: close", *headers)


@pytest.fixture(autouse=True)
def no_server_left() -> Iterator[None]:
    yield
    SERVERS.close()


def refusal(folder: Path, asked: Asked, **settings: Any) -> str:
    """What is said where this server is asked for its tools."""

    async def main() -> str:
        async with RawServer(asked) as server:
            with pytest.raises(UnusableFile) as trouble:
                await asyncio.to_thread(loaded, folder, far={"url": f"{server.url}/mcp", **settings})
            return str(trouble.value).replace(server.url, "URL")

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (answer(b"", "401 Unauthorized"), "the server answered HTTP 401 Unauthorized, so it wants a key"),
        (answer(b"<html>", "500 Internal Server Error"), "the server answered HTTP 500 Internal Server Error"),
        (answer(b"{}"), "Failed to parse JSON response"),
        (answer(b"<html>").replace(b"application/json", b"text/html"), "Unexpected content type: text/html"),
        (answer(b"", "307 Temporary Redirect", "location: http://127.0.0.2:1/"), "not followed"),
    ],
    ids=["unauthorized", "broken", "no message", "a page", "led elsewhere"],
)
def test_what_is_no_mcp_server_is_refused_with_what_it_answered(tmp_path: Path, response: bytes, said: str) -> None:
    assert said in refusal(tmp_path, Asked(response))


def test_headers_are_carried_with_the_value_of_their_variable_which_is_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAR_KEY", "correct-horse-battery")
    asked = Asked(answer(b'"correct-horse-battery"', "401 Unauthorized"))
    message = refusal(tmp_path, asked, headers={"authorization": "Bearer ${FAR_KEY}"})
    assert all(b"authorization: Bearer correct-horse-battery\r\n" in request for request in asked.requests)
    assert asked.requests
    assert "correct-horse" not in message


def test_no_proxy_stands_between_this_machine_and_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    asked = Asked(answer(b"", "401 Unauthorized"))
    refusal(tmp_path, asked)
    assert asked.requests


def test_an_answer_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_http, "LONGEST", 1000)
    assert "the answer is longer than 1,000 bytes" in refusal(tmp_path, Asked(answer(b" " * 5000)))
