"""The command line against an agent server that others wrote: BeeAI's, for watsonx Orchestrate.

It is used where it is installed and never fetched: the variable BEEAI names the Python of an environment that has
`beeai-framework[watsonx-orchestrate]`, `sse-starlette` and `mcp`. Its model is a script of ours, so no key is needed.
What was seen is in docs/real-servers.md.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from command_line import Ran, callscope

BEEAI = os.environ.get("BEEAI")
pytestmark = [
    pytest.mark.skipif(BEEAI is None, reason="BEEAI names no Python with beeai-framework"),
    pytest.mark.timeout(240),  # it takes long to import
]
KEY = "the-key-of-the-agent"
AGENT = '''
import json, sys
from beeai_framework.adapters.watsonx_orchestrate import WatsonxOrchestrateServer, WatsonxOrchestrateServerConfig
from beeai_framework.agents.requirement import RequirementAgent
from beeai_framework.backend.chat import ChatModel
from beeai_framework.backend.message import AssistantMessage, MessageToolCallContent, ToolMessage, UserMessage
from beeai_framework.backend.types import ChatModelOutput
from beeai_framework.memory import UnconstrainedMemory
from beeai_framework.tools import tool
from beeai_framework.tools.think import ThinkTool

@tool
def get_weather(city: str) -> dict:
    """Weather of a city."""
    if city == "Atlantis":
        raise ValueError("no such city")
    return {"city": city, "temperature": 21, "wind": None}

class Scripted(ChatModel):
    model_id = "scripted"
    provider_id = "openai"
    def answer(self, input):
        place = max(i for i, m in enumerate(input.messages) if isinstance(m, UserMessage))
        prompt = input.messages[place].text
        done = sum(isinstance(m, ToolMessage) for m in input.messages[place:])
        if "boom" in prompt:
            raise RuntimeError("the model broke")
        plan = [("think", {"thoughts": "I should look it up.", "next_step": ["get_weather"]})]
        if "eather" in prompt:
            plan.append(("get_weather", {"city": "Atlantis" if "Atlantis" in prompt else "Paris"}))
        plan.append(("final_answer", {"response": f"{len(input.messages)} messages."}))
        name, args = plan[done]
        call = MessageToolCallContent(id=f"call_{done}", tool_name=name, args=json.dumps(args))
        return ChatModelOutput(output=[AssistantMessage([call])], finish_reason="tool_calls")
    async def _create(self, input, run):
        return self.answer(input)
    async def _create_stream(self, input, run):
        yield self.answer(input)

config = WatsonxOrchestrateServerConfig(host="127.0.0.1", port=int(sys.argv[1]), api_key=sys.argv[2])
server = WatsonxOrchestrateServer(config=config)
server.register(RequirementAgent(llm=Scripted(), tools=[get_weather, ThinkTool()], memory=UnconstrainedMemory()))
server.serve()
'''


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """BeeAI's server, from the moment it answers."""
    (folder / "agent.py").write_text(AGENT)
    port = free_port()
    command = [str(BEEAI), str(folder / "agent.py"), str(port), KEY]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while True:
            assert process.poll() is None, "the server ended"
            try:
                urllib.request.urlopen(f"{url}/openapi.json", timeout=5).close()
                break
            except urllib.error.URLError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        yield f"{url}/chat/completions"
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("beeai")) as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "recordings").mkdir()
    return tmp_path


def ask(agent: str, folder: Path, *arguments: str) -> Ran:
    key = ("--key-env", "AGENT_KEY", "--key-header", "X-API-Key")
    fixed = ("ask", "--url", agent, "--dialect", "acf", "--json", *key)
    return callscope(*fixed, *arguments, folder=folder, env={"AGENT_KEY": KEY})


def codes(ran: Ran) -> set[str]:
    return {found["code"] for found in ran.last["diagnostics"]}


def test_thinking_calls_results_and_answer_of_beeai_are_read(agent: str, folder: Path) -> None:
    ran = ask(agent, folder, "--thread", "t-1", "Weather in Paris?")
    assert (ran.code, ran.last["thread"]) == (0, "t-1")
    assert [(c["name"], c["executor"]) for c in ran.last["tool_calls"]] == [
        ("think", "remote"),
        ("get_weather", "remote"),
    ]
    assert ran.last["reasoning"] == "I should look it up."
    assert ran.last["text"].endswith("messages.")
    assert codes(ran) == {"crlf", "id_line", "call_id_of_a_run", "thinking_in_message", "result_python_repr"}


def test_a_session_with_beeai_runs_the_same_again(agent: str, folder: Path) -> None:
    recording = folder / str(ask(agent, folder, "Weather in Paris?").last["recording"])
    assert KEY not in recording.read_text()
    assert callscope("replay", recording, "--speed", "max", folder=folder).code == 0
    again = callscope("replay", recording, "--server", "recorded", "--calls", "recorded", folder=folder)
    assert "the same: turns 1" in again.err


def test_a_tool_of_beeai_that_fails_is_a_call_without_a_result(agent: str, folder: Path) -> None:
    ran = ask(agent, folder, "Weather in Atlantis?")
    assert ran.code == 0
    assert "call_unanswered" in codes(ran)


def test_a_model_that_breaks_cuts_the_answer(agent: str, folder: Path) -> None:
    ran = ask(agent, folder, "boom")
    assert (ran.code, ran.last["error"]["kind"]) == (4, "truncated")


def test_beeai_wants_its_key_in_a_header_of_its_own(agent: str, folder: Path) -> None:
    ran = callscope("ask", "--url", agent, "--dialect", "acf", "--json", "--no-record", "hello", folder=folder)
    assert (ran.code, ran.last["error"]["status"]) == (4, 401)


def test_an_answer_of_beeai_in_one_piece_is_read(agent: str, folder: Path) -> None:
    ran = ask(agent, folder, "--no-stream", "Weather in Paris?")
    assert (ran.code, codes(ran)) == (0, {"object_odd"})
    assert json.loads(ran.out.splitlines()[0])["event"] == "session"
