"""A conversation with an agent, from the command line to the recording and back: the demo agent on loopback."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest

from callscope.compose import Options, open_session
from callscope.core.values import Request
from callscope.record.deriving.rederiving import differences
from callscope.record.file.reading import open_recording
from callscope.serving.connection import Piece
from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from callscope.settings.config import Flags
from callscope.ui.gate import AbsentGate
from command_line import Ran, callscope

TOOLS = """
tools:
  - name: get_time
    description: The current time in a time zone.
    parameters: {type: object, properties: {timezone: {type: string}}, required: [timezone]}
    run: {mock: noon}
"""
PARIS = 'get_weather {"city": "Paris"}'


class Watched:
    """The demo agent, and the requests that it got."""

    def __init__(self) -> None:
        self.agent = DemoAgent(pace=0.0, stall=0.05)
        self.requests: list[Request] = []

    async def __call__(self, request: Request) -> AsyncGenerator[Piece, None]:
        self.requests.append(request)
        async for piece in self.agent(request):
            yield piece


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def url(watched: Watched) -> Iterator[str]:
    with run_in_thread(watched) as server:
        yield server.url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "recordings").mkdir()
    return tmp_path


def ask(url: str, folder: Path, *arguments: str, env: dict[str, str] | None = None) -> Ran:
    return callscope("ask", "--url", url, "--json", *arguments, folder=folder, env=env)


def lines(ran: Ran, event: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, ran.out.splitlines()) if line["event"] == event]


def same_again(recording: Path, folder: Path) -> None:
    """The recording derives and runs again as it was."""
    assert list(differences(open_recording(recording))) == []
    assert callscope("replay", recording, "--speed", "max", folder=folder).code == 0
    again = callscope("replay", recording, "--server", "recorded", "--calls", "recorded", folder=folder)
    assert (again.code, "the same: turns" in again.err) == (0, True), again.err


# ---- what a person sees ---------------------------------------------------------------------------------------------


def test_an_agents_own_calls_are_shown_as_its_own_and_nobody_is_asked(url: str, folder: Path) -> None:
    ran = ask(f"{url}/v1/chat", folder, "--approve", "never", PARIS)
    assert (ran.code, ran.last["reason"]) == (0, "completed")
    assert [(call["name"], call["executor"]) for call in ran.last["tool_calls"]] == [("get_weather", "remote")]
    assert lines(ran, "held") == lines(ran, "decided") == lines(ran, "started") == []
    assert json.loads(lines(ran, "remote_result")[0]["output"])["city"] == "Paris"
    assert "temperature -1" in ran.last["text"]
    assert ran.last["reasoning"].startswith("The words point to get_weather")


def test_the_lines_of_a_terminal_say_who_ran_a_call(url: str, folder: Path) -> None:
    ran = callscope("ask", "--url", f"{url}/v1/chat", PARIS, folder=folder)
    assert "run by the agent itself" in ran.err
    assert "the agent's own result" in ran.err
    assert re.search(r"thread thread-demo-[0-9a-f]{8}", ran.err)


def test_an_answer_in_one_piece_is_an_answer_too(url: str, folder: Path) -> None:
    ran = ask(f"{url}/v1/chat", folder, "--no-stream", PARIS)
    assert "temperature -1" in ran.last["text"]
    assert ran.last["thread"].startswith("thread-demo-")


def test_a_call_left_to_us_is_run_and_the_agent_goes_on(url: str, folder: Path, watched: Watched) -> None:
    (folder / "tools.yaml").write_text(TOOLS)
    prompt = "Weather in Paris, then the time in Europe/Rome"
    ran = ask(f"{url}/v1/chat", folder, "--approve", "always", prompt)
    assert [(call["name"], call["executor"]) for call in ran.last["tool_calls"]] == [
        ("get_weather", "remote"),
        ("get_time", "local"),
    ]
    assert [line["output"] for line in lines(ran, "result")] == ["noon"]
    assert "noon" in ran.last["text"]
    roles = [message["role"] for message in json.loads(watched.requests[-1].body)["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant", "tool"]
    same_again(Path(folder / str(ran.last["recording"])), folder)


def test_an_agent_that_is_too_busy_is_never_asked_again(url: str, folder: Path, watched: Watched) -> None:
    ran = ask(f"{url}/v1/chat", folder, "-H", "x-fault: HTTP 503", PARIS)
    assert (ran.code, ran.last["error"]["status"]) == (4, 503)
    assert len(watched.requests) == 1


# ---- threads and keys -----------------------------------------------------------------------------------------------


def sent(watched: Watched) -> dict[str, str]:
    """The headers of the last request, their names in lower case."""
    return {name.lower(): value for name, value in watched.requests[-1].headers}


def test_a_thread_that_is_asked_for_is_sent_and_kept(url: str, folder: Path, watched: Watched) -> None:
    ran = ask(f"{url}/v1/chat", folder, "--thread", "mine", PARIS)
    assert (sent(watched)["x-thread-id"], sent(watched)["x-ibm-thread-id"]) == ("mine", "mine")
    assert json.loads(watched.requests[-1].body)["extra_body"] == {"thread_id": "mine"}
    assert ran.last["thread"] == "mine"


def test_no_thread_is_made_up(url: str, folder: Path, watched: Watched) -> None:
    ask(f"{url}/v1/chat", folder, PARIS)
    assert not any("thread" in name for name in sent(watched))


def test_a_thread_that_the_agent_names_goes_back_with_the_next_words(url: str, folder: Path, watched: Watched) -> None:
    async def talk() -> Path:
        options = Options(Flags(url=f"{url}/v1/chat"), no_tools=True, recordings=folder)
        async with open_session(
            options, gate=lambda toolbox: AbsentGate(), views=lambda recorder, told: [], say=lambda text: None
        ) as opened:
            await opened.session.say("Weather in Paris")
            named = opened.session.conversation.thread
            await opened.session.say("And what about Rome?")
            assert opened.session.conversation.thread == named == sent(watched)["x-thread-id"]
            assert opened.recorder is not None
            return opened.recorder.path

    same_again(asyncio.run(talk()), folder)
    body = json.loads(watched.requests[-1].body)
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "tool", "assistant", "user"]
    assert "x-thread-id" not in {name.lower() for name, _ in watched.requests[0].headers}


def test_a_key_goes_as_a_bearer_token_or_in_the_header_that_is_named(url: str, folder: Path, watched: Watched) -> None:
    key = {"AGENT_KEY": "a-key-of-an-agent"}
    ask(f"{url}/v1/chat", folder, "--key-env", "AGENT_KEY", PARIS, env=key)
    assert sent(watched)["authorization"] == "Bearer a-key-of-an-agent"
    ran = ask(f"{url}/v1/chat", folder, "--key-env", "AGENT_KEY", "--key-header", "X-API-Key", PARIS, env=key)
    assert sent(watched)["x-api-key"] == "a-key-of-an-agent"
    assert "authorization" not in sent(watched)
    assert "a-key-of-an-agent" not in (folder / str(ran.last["recording"])).read_text()


# ---- the dialect ----------------------------------------------------------------------------------------------------


def test_the_url_tells_the_dialect_and_it_is_said_how(url: str, folder: Path) -> None:
    ran = ask(f"{url}/v1/chat", folder, "--no-record", "hello")
    assert "The dialect is acf: the URL ends in /chat." in [found["message"] for found in ran.last["diagnostics"]]


def test_a_server_that_is_asked_for_its_dialect_is_recorded_as_exchange_0(url: str, folder: Path) -> None:
    ran = ask(url, folder, "-m", "callscope-demo", "hello")
    assert [line["exchange"] for line in lines(ran, "request")] == [0, 1]
    recording = folder / str(ran.last["recording"])
    assert [entry.kind for entry in open_recording(recording).entries][:4] == ["request", "response", "read", "end"]
    same_again(recording, folder)


def test_the_embedded_agent_speaks_the_framework_when_it_is_told_to(folder: Path) -> None:
    ran = callscope("ask", "--demo", "--dialect", "acf", "--no-tools", "--json", PARIS, folder=folder)
    assert [call["executor"] for call in ran.last["tool_calls"]] == ["remote"]


def test_an_unknown_dialect_is_refused_with_those_there_are(folder: Path) -> None:
    ran = callscope("ask", "--demo", "--dialect", "soap", "hello", folder=folder)
    assert ran.code == 2
    assert "auto, chat, acf" in ran.err


# ---- recordings -----------------------------------------------------------------------------------------------------

FAULTS = (
    "no event lines",
    "CRLF",
    "one byte at a time",
    "openai calls",
    "wrong result ids",
    "fresh threads",
    "second dialect",
    "error by id",
    "error event",
    "reset",
    "cut in mid-chunk",
    "HTTP 401",
    "gzip",
)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_recorded_session_with_an_agent_derives_and_runs_the_same_again(url: str, folder: Path, fault: str) -> None:
    ran = ask(f"{url}/v1/chat", folder, "-H", f"x-fault: {fault}", "Weather in Paris and Rome")
    same_again(folder / str(ran.last["recording"]), folder)


# ---- callscope agents -----------------------------------------------------------------------------------------------


def test_agents_are_listed_as_a_table(url: str, folder: Path) -> None:
    ran = callscope("agents", url, folder=folder)
    assert ran.code == 0
    head, row = ran.out.splitlines()
    assert head.split() == ["NAME", "VERSION", "STREAMS", "PROVIDER", "DESCRIPTION"]
    assert row.split()[:4] == ["callscope-demo", "1.0.0", "yes", "Callscope"]
    assert f"callscope chat --url {url}/v1/chat -m callscope-demo" in ran.err


def test_agents_are_listed_as_json_with_all_that_the_server_says(url: str, folder: Path) -> None:
    [line] = callscope("agents", f"{url}/v1/chat", "--json", folder=folder).out.splitlines()
    agent = json.loads(line)
    assert agent["provider_url"].startswith("https://")
    assert agent["metadata"] == {"tools": ["get_weather", "convert_units"]}


def test_a_server_without_agents_is_an_error_of_the_endpoint(folder: Path) -> None:
    ran = callscope("agents", "http://127.0.0.1:1", folder=folder)
    assert (ran.code, ran.out) == (4, "")
    assert "No list of agents from http://127.0.0.1:1/v1/agents" in ran.err


def test_what_an_agent_says_of_itself_cannot_command_a_terminal(folder: Path) -> None:
    async def hostile(request: Request) -> AsyncGenerator[Piece, None]:
        from callscope.serving.connection import Head

        yield Head(200, (("content-type", "application/json"),))
        yield json.dumps({"agents": [{"name": "\x1b]0;x\x07", "description": "a\nb\x1b[2J"}]}).encode()

    with run_in_thread(hostile) as server:
        ran = callscope("agents", server.url, folder=folder)
    assert "\x1b" not in ran.out + ran.err
    assert len(ran.out.splitlines()) == 2
