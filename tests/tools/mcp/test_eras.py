"""Servers made with the official SDK, in both eras of the protocol, on stdio and over HTTP."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from callscope.core.errors import UnusableFile
from callscope.tools.mcp.servers import SERVERS
from callscope.tools.running.toolbox import LocalToolbox
from mcpbench import REAL, loaded, server, soon
from toolbench import error_of, run

ERAS = ["auto", "legacy"]


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def serving(port: int) -> Iterator[str]:
    """The real server over HTTP, killed at the end; gives its URL."""
    command = [sys.executable, str(REAL), "http", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        soon(lambda: answers(port))
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        process.wait(10)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(free_port()) as url:
        yield url


@pytest.fixture
def no_server_left() -> Iterator[None]:
    yield
    SERVERS.close()


@pytest.fixture(scope="module", params=["stdio auto", "stdio legacy", "http auto", "http legacy", "http 2026-07-28"])
def tools(request: pytest.FixtureRequest, url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalToolbox]:
    transport, mode = request.param.split()
    settings: dict[str, Any] = server(REAL) if transport == "stdio" else {"url": url}
    yield LocalToolbox(loaded(tmp_path_factory.mktemp("mcp"), real={**settings, "mode": mode}).tools)
    SERVERS.close()


def test_a_number_comes_as_it_is_and_needs_no_second_telling(tools: LocalToolbox) -> None:
    result = run(tools, "real__add", {"a": 1, "b": 2})
    assert (result.status, result.output) == ("ok", "3")
    assert "structured content" not in result.prints


def test_an_object_comes_as_json(tools: LocalToolbox) -> None:
    result = run(tools, "real__place", {"city": "Rome"})
    assert (result.status, "".join(result.output.split())) == ("ok", '{"city":"Rome","country":"Italy"}')
    assert "structured content" not in result.prints


def test_progress_is_told_as_it_came(tools: LocalToolbox, tmp_path: Path) -> None:
    prints = run(tools, "real__slow", {"steps": 3, "seconds": 0.01, "notes": str(tmp_path / "n")}).prints
    told = [line for line in prints.splitlines() if line.startswith("progress")]
    assert told == [f"progress {step} of 3: step {step}" for step in range(3)]


def test_a_call_past_its_time_is_stopped_where_it_runs(tools: LocalToolbox, tmp_path: Path) -> None:
    from dataclasses import replace

    notes = tmp_path / "notes"
    impatient = LocalToolbox(replace(tool, timeout=0.4) for tool in tools._tools.values())
    result = run(impatient, "real__slow", {"steps": 1, "seconds": 30, "notes": str(notes)})
    assert result.status == "timeout"
    assert soon(lambda: notes.exists() and notes.read_text()) == "CancelledError"


def test_a_picture_is_told_by_its_type_and_size(tools: LocalToolbox) -> None:
    assert run(tools, "real__picture").output == "[image image/png, 10 bytes]"


def test_a_tool_that_raises_is_an_error(tools: LocalToolbox) -> None:
    assert error_of(run(tools, "real__broken"))["message"] == "Error executing tool broken"


@pytest.mark.usefixtures("no_server_left")
@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_a_server_without_sessions_tells_of_tools_that_came(tmp_path: Path, url: str, transport: str) -> None:
    settings: dict[str, Any] = server(REAL) if transport == "stdio" else {"url": url}
    tools = LocalToolbox(loaded(tmp_path, one={**settings, "mode": "2026-07-28"}).tools)
    assert "; /reload reads them]" in soon(lambda: grown(tools, transport))


def grown(tools: LocalToolbox, transport: str) -> str:
    """What is said once a tool came; again and again, for the subscription may not stand at the first try."""
    name = f"{transport}{time.monotonic_ns()}"
    prints = run(tools, "one__grow", {"name": name}).prints + run(tools, "one__add", {"a": 1, "b": 2}).prints
    return prints if "the server's tools have changed: added" in prints else ""


# ---- over HTTP ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_server_left")
def test_a_server_that_forgot_the_session_is_asked_again_in_a_new_one(tmp_path: Path) -> None:
    port = free_port()
    with serving(port) as url:
        tools = LocalToolbox(loaded(tmp_path, real={"url": url, "mode": "legacy"}).tools)
    with serving(port):
        result = run(tools, "real__add", {"a": 1, "b": 2})
    assert result.output == "3", result
    assert "had forgotten the session; a new one was begun" in result.prints


@pytest.mark.usefixtures("no_server_left")
def test_a_server_that_went_away_is_an_error_and_is_found_again_when_it_is_back(tmp_path: Path) -> None:
    port = free_port()
    with serving(port) as url:
        tools = LocalToolbox(loaded(tmp_path, real={"url": url}).tools)
    assert run(tools, "real__add", {"a": 1, "b": 2}).status == "error"
    with serving(port):
        assert run(tools, "real__add", {"a": 1, "b": 2}).output == "3"


@pytest.mark.usefixtures("no_server_left")
def test_a_url_where_nobody_listens_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(UnusableFile, match="the MCP server real cannot be used: "):
        loaded(tmp_path, real={"url": f"http://127.0.0.1:{free_port()}/mcp"})
