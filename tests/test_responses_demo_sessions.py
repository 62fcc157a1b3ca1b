"""A conversation in the Responses API, from the words to the recording and back: the demo agent on loopback.

The demo refuses a history that strict servers refuse, so each answer to a follow-up says that the follow-up was valid.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from callscope.compose import Options, open_session
from callscope.core.state import Conversation
from callscope.core.values import Message, Request, ToolCall
from callscope.record.deriving.rederiving import differences
from callscope.record.file.reading import open_recording
from callscope.serving.connection import Piece
from callscope.serving.demo.agent import DemoAgent
from callscope.serving.demo.responses.agent import RESPONSE_FAULTS
from callscope.serving.server import run_in_thread
from callscope.settings.config import Flags
from callscope.ui.gate import AbsentGate
from command_line import callscope

TOOLS = """
tools:
  - name: get_weather
    description: Current weather for a city.
    parameters: {type: object, properties: {city: {type: string}}, required: [city]}
    run: {mock: sunny}
  - name: run_sql
    description: Runs one SQL statement.
    type: custom
    run: {mock: 1 row}
"""
History = Literal["full", "server"]


class Watched:
    """The demo agent, and the requests that it got."""

    def __init__(self) -> None:
        self.agent = DemoAgent(pace=0.0, stall=0.05)
        self.bodies: list[dict[str, Any]] = []

    async def __call__(self, request: Request) -> AsyncGenerator[Piece, None]:
        self.bodies.append(json.loads(request.body))
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
    (tmp_path / "tools.yaml").write_text(TOOLS)
    return tmp_path


def talk(
    url: str, folder: Path, *prompts: str, history: History = "full", param: tuple[str, ...] = (), stream: bool = True
) -> tuple[Conversation, list[str | None], Path]:
    """The conversation after these prompts, how each turn ended, and its recording."""
    flags = Flags(
        url=f"{url}/v1",
        model="callscope-demo",
        dialect="responses",
        tools=(folder / "tools.yaml",),
        history=history,
        param=param,
        stream=stream,
        approve="always",
    )

    async def talking() -> tuple[Conversation, list[str | None], Path]:
        async with open_session(
            Options(flags, recordings=folder),
            gate=lambda toolbox: AbsentGate(),
            views=lambda recorder, told: [],
            say=lambda text: None,
        ) as opened:
            ends: list[str | None] = []
            for prompt in prompts:
                await opened.session.say(prompt)
                turn = opened.session.conversation.turn
                ends.append(turn.ended if turn else None)
            assert opened.recorder is not None
            return opened.session.conversation, ends, opened.recorder.path

    return asyncio.run(talking())


def said(conversation: Conversation) -> str:
    return [item.text for item in conversation.items if isinstance(item, Message)][-1]


def calls(conversation: Conversation) -> list[tuple[str, str]]:
    return [
        (item.name, item.arguments)
        for item in conversation.items
        if isinstance(item, ToolCall) and item.executor == "local"
    ]


def types(body: dict[str, Any]) -> list[str]:
    return [item.get("type", item.get("role")) for item in body["input"]]


# ---- honest answers -------------------------------------------------------------------------------------------------


def test_a_question_is_asked_run_recorded_and_replayed_the_same(folder: Path) -> None:
    prompt = "think: what's the weather in Paris and Rome?"
    ran = callscope("ask", "--demo", "--dialect", "responses", "--approve", "always", "--json", prompt, folder=folder)
    assert (ran.code, ran.last["reason"]) == (0, "completed")
    assert [call["arguments"] for call in ran.last["tool_calls"]] == ['{"city": "Paris"}', '{"city": "Rome"}']
    assert ran.last["text"].count("says: sunny") == 2
    recording = folder / str(ran.last["recording"])
    assert list(differences(open_recording(recording))) == []
    assert callscope("replay", recording, "--speed", "max", folder=folder).code == 0
    again = callscope("replay", recording, "--server", "recorded", "--calls", "recorded", folder=folder)
    assert (again.code, "the same: turns" in again.err) == (0, True), again.err


@pytest.mark.parametrize("stream", [True, False])
def test_a_custom_tool_is_called_with_its_raw_text(url: str, folder: Path, watched: Watched, stream: bool) -> None:
    conversation, ends, _ = talk(url, folder, "run_sql SELECT 1", stream=stream)
    assert (calls(conversation), ends) == ([("run_sql", "SELECT 1")], ["completed"])
    assert types(watched.bodies[-1])[-2:] == ["custom_tool_call", "custom_tool_call_output"]
    assert said(conversation) == "run_sql SELECT 1 says: 1 row"


def test_where_nothing_is_stored_the_sealed_reasoning_goes_back(url: str, folder: Path, watched: Watched) -> None:
    _, ends, _ = talk(url, folder, "think: weather in Paris", param=("store=false",))
    assert ends == ["completed"]
    assert types(watched.bodies[-1]) == ["user", "reasoning", "message", "function_call", "function_call_output"]
    assert watched.bodies[-1]["input"][1]["encrypted_content"].startswith("demo-sealed-")


def test_a_stored_response_is_continued_with_the_outputs_alone(url: str, folder: Path, watched: Watched) -> None:
    _, ends, _ = talk(url, folder, "think: weather in Paris", "And what about Rome?", history="server")
    assert ends == ["completed", "completed"]
    assert [types(body) for body in watched.bodies[1:]] == [
        ["function_call_output"],
        ["user"],
        ["function_call_output"],
    ]
    assert all(body["previous_response_id"].startswith("resp_") for body in watched.bodies[1:])


# ---- faults ---------------------------------------------------------------------------------------------------------

BREAKING = {
    "flat error",
    "nested error",
    "error at once",
    "failed",
    "failed without error",
    "error then failed",
    "cancelled",
    "no completed",
}
CUT = {"length": "length", "content filter": "content_filter"}
UNFINISHED = {
    "length",
    "content filter",
    "refusal",
    "leaked call",
    "cut arguments",
    "python arguments",
    "two documents",
    "contradicting done",
}


@pytest.mark.parametrize("history", ["full", "unstored", "server"])
@pytest.mark.parametrize("fault", [fault.name for fault in RESPONSE_FAULTS])
def test_after_any_fault_the_conversation_goes_on_and_derives_the_same(
    url: str, folder: Path, fault: str, history: Literal["full", "unstored", "server"]
) -> None:
    asked = "run_sql SELECT 1" if fault == "custom as function" else "think: weather in Paris and Rome"
    conversation, ends, recording = talk(
        url,
        folder,
        f"{asked}, with {fault}",
        "get_weather city=Oslo",
        history="server" if history == "server" else "full",
        param=("store=false",) if history == "unstored" else (),
    )
    assert ends[1] == "completed"
    assert said(conversation) == 'get_weather {"city": "Oslo"} says: sunny'
    assert ends[0] == ("failed" if fault in BREAKING else CUT.get(fault, "completed"))
    assert list(differences(open_recording(recording))) == []


HARMLESS = sorted(
    {fault.name for fault in RESPONSE_FAULTS}
    - BREAKING
    - UNFINISHED
    - {"custom as function", "unknown tool", "wrong arguments", "arguments null", "arguments empty"}
)


@pytest.mark.parametrize("fault", HARMLESS)
def test_what_says_the_same_in_another_way_is_run_the_same(url: str, folder: Path, fault: str) -> None:
    conversation, _, _ = talk(url, folder, f"think: weather in Paris and Rome, with {fault}")
    made = [(name, json.loads(arguments)) for name, arguments in calls(conversation)]
    assert made == [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})]
    assert said(conversation).count("says: sunny") == 2


@pytest.mark.parametrize("fault", sorted(UNFINISHED))
def test_what_cannot_be_run_is_not_run(url: str, folder: Path, fault: str) -> None:
    conversation, _, _ = talk(url, folder, f"weather in Paris and Rome, with {fault}")
    assert not any(record.started for record in conversation.calls.values())
    assert "sunny" not in said(conversation)


def test_a_history_that_the_server_cannot_continue_goes_whole_and_that_is_said(
    url: str, folder: Path, watched: Watched
) -> None:
    talk(url, folder, "weather in Paris, with call id missing", history="server")
    assert "previous_response_id" not in watched.bodies[-1]
    assert types(watched.bodies[-1]) == ["user", "message", "function_call", "function_call_output"]
