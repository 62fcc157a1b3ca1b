"""A call that its request did not allow: told, asked about whatever the policy says, the same when it is replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from command_line import Ran, callscope

TOOLS = """
tools:
  - {name: get_weather, description: Weather., parameters: {type: object, properties: {}}, run: {mock: sunny}}
  - {name: get_time, description: Time., parameters: {type: object, properties: {}}, run: {mock: noon}}
"""

both_dialects = pytest.mark.parametrize("dialect", ["chat", "responses"])


class Disobedient(BaseHTTPRequestHandler):
    """Calls get_weather, and get_time too where two are wanted, whatever the request says; then speaks."""

    calls = 1

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answer = self.response(request) if self.path.endswith("/responses") else self.completion(request)
        body = json.dumps({"model": "m", **answer}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def names(self, *, told: bool) -> tuple[str, ...]:
        return () if told else ("get_weather", "get_time")[: self.calls]

    def completion(self, request: dict[str, Any]) -> dict[str, Any]:
        told = any(message["role"] == "tool" for message in request["messages"])
        entries = [
            {"id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": "{}"}}
            for name in self.names(told=told)
        ]
        message: dict[str, Any] = {"role": "assistant", "content": "Done." if told else None}
        message |= {} if told else {"tool_calls": entries}
        choice = {"index": 0, "message": message, "finish_reason": "stop" if told else "tool_calls"}
        return {"object": "chat.completion", "choices": [choice]}

    def response(self, request: dict[str, Any]) -> dict[str, Any]:
        told = any(item.get("type") == "function_call_output" for item in request["input"])
        parts = [{"type": "output_text", "text": "Done.", "annotations": []}]
        words = {"type": "message", "id": "msg", "role": "assistant", "status": "completed", "content": parts}
        output = (
            [words]
            if told
            else [
                {
                    "type": "function_call",
                    "id": f"fc_{name}",
                    "call_id": f"call_{name}",
                    "name": name,
                    "arguments": "{}",
                }
                for name in self.names(told=told)
            ]
        )
        return {"object": "response", "id": "resp", "status": "completed", "output": output}

    def log_message(self, *_: Any) -> None:
        pass


class TwoCalls(Disobedient):
    calls = 2


@pytest.fixture(params=[Disobedient])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), request.param)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def ask(url: str, folder: Path, *options: str) -> Ran:
    (folder / "tools.yaml").write_text(TOOLS)
    (folder / "recordings").mkdir()
    always = ("--url", url, "-m", "m", "--no-stream", "--approve", "always", "--json")
    return callscope("ask", *always, *options, "Weather?", folder=folder)


def said(ran: Ran) -> set[str]:
    return {found["code"] for found in ran.last["diagnostics"]}


def results(ran: Ran) -> list[str]:
    lines = [json.loads(line) for line in ran.out.splitlines()]
    return [line["status"] for line in lines if line["event"] == "result"]


@both_dialects
@pytest.mark.parametrize("choice", ["none", "get_time", "allowed:auto:get_time"])
def test_a_call_that_was_not_allowed_does_not_run_unasked(url: str, tmp_path: Path, choice: str, dialect: str) -> None:
    ran = ask(url, tmp_path, "--tool-choice", choice, "--dialect", dialect)
    assert ran.code == 5
    assert results(ran) == ["rejected"]
    assert "call_not_allowed" in said(ran)
    assert any(found["code"] == "call_not_allowed" for found in ran.last["why"])


@both_dialects
@pytest.mark.parametrize("choice", ["auto", "required", "get_weather", "allowed:auto:get_time,get_weather"])
def test_a_call_that_was_allowed_runs_as_the_policy_says(url: str, tmp_path: Path, choice: str, dialect: str) -> None:
    ran = ask(url, tmp_path, "--tool-choice", choice, "--dialect", dialect)
    assert ran.code == 0
    assert results(ran) == ["mocked"]
    assert "call_not_allowed" not in said(ran)


def test_a_script_that_names_the_tool_decides_on_a_call_that_was_not_allowed(url: str, tmp_path: Path) -> None:
    ran = ask(url, tmp_path, "--tool-choice", "none", "--decide", "get_weather=run")
    assert results(ran) == ["mocked"]
    assert "call_not_allowed" in said(ran)


@both_dialects
@pytest.mark.parametrize("url", [TwoCalls], indirect=True)
def test_a_second_call_where_one_was_wanted_is_told_and_runs(url: str, tmp_path: Path, dialect: str) -> None:
    ran = ask(url, tmp_path, "--no-parallel", "--dialect", dialect)
    assert results(ran) == ["mocked", "mocked"]
    assert "call_not_alone" in said(ran)


def test_a_session_with_a_call_that_was_not_allowed_replays_as_it_was(url: str, tmp_path: Path) -> None:
    recording = ask(url, tmp_path, "--tool-choice", "none").last["recording"]
    assert callscope("replay", "--speed", "max", recording, folder=tmp_path).code == 0
    again = callscope("replay", "--server", "recorded", "--calls", "recorded", recording, folder=tmp_path)
    assert again.code == 0, again.err
