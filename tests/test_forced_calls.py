"""A call that the request forced by name and that ends with `stop`, as at OpenAI: no complaint, whoever reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from callscope.core.events import Diagnostic, ExchangeOpened, PeerEvent, ResponseHead
from callscope.core.values import Request
from callscope.dialects.registry import dialect_named
from callscope.doctor.seen import Seen
from chatbodies import DONE, calls, chunk, entry
from command_line import callscope
from examined import exchange

CODE = "finish_reason_despite_calls"
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("roll", "get_time")]
ROLL = {"type": "function", "function": {"name": "roll"}}
"""What asks for the tool `roll`."""


def stopped(reason: str = "stop") -> bytes:
    return calls(entry(0, "x", "roll", "{}")) + chunk(finish=reason) + DONE


def events(asked: dict[str, Any], body: bytes) -> list[PeerEvent]:
    decoder = dialect_named("chat").decoder(1, ())
    decoder.feed(ExchangeOpened(1, Request("POST", "http://127.0.0.1", (), json.dumps(asked).encode())))
    decoder.feed(ResponseHead(1, 200, (("content-type", "text/event-stream"),)))
    return [*decoder.feed(body), *decoder.close("complete")]


def complains(asked: dict[str, Any], reason: str = "stop") -> bool:
    return CODE in [event.code for event in events(asked, stopped(reason)) if isinstance(event, Diagnostic)]


@pytest.mark.parametrize(
    "asked",
    [
        {"tools": TOOLS, "tool_choice": ROLL},
        {"tools": TOOLS, "tool_choice": {"type": "custom", "custom": {"name": "roll"}}},
        {"functions": [{"name": "roll"}], "function_call": {"name": "roll"}},
    ],
)
def test_stop_is_usual_behind_a_call_that_was_forced(asked: dict[str, Any]) -> None:
    assert not complains(asked)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"tools": TOOLS},
        {"tools": TOOLS, "tool_choice": "required"},
        {"tools": TOOLS, "tool_choice": {"type": "allowed_tools", "tools": [{"type": "function", "name": "roll"}]}},
    ],
)
def test_stop_is_told_behind_a_call_of_the_models_choice(asked: dict[str, Any]) -> None:
    assert complains(asked)


def test_another_word_is_told_behind_a_forced_call_too() -> None:
    assert complains({"tools": TOOLS, "tool_choice": ROLL}, "eos")


@pytest.mark.parametrize("choice", [ROLL, "required"])
def test_the_doctor_and_its_decoder_say_the_same(choice: Any) -> None:
    seen = Seen(exchange("chat", [stopped()], {"tools": TOOLS, "tool_choice": choice}), "chat")
    assert any(seen.reported(CODE)) == (choice != ROLL)


class Stopping(BaseHTTPRequestHandler):
    """Calls `roll` and says `stop`, whatever the request says."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = stopped()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Stopping)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(("choice", "told"), [("roll", False), ("auto", True)])
def test_a_session_and_its_replay_say_the_same_of_a_forced_call(
    url: str, tmp_path: Path, choice: str, told: bool
) -> None:
    (tmp_path / "tools.yaml").write_text("tools:\n  - {name: roll, description: Roll., run: {mock: six}}\n")
    (tmp_path / "recordings").mkdir()
    options = ("--url", url, "-m", "m", "--tool-choice", choice, "--max-rounds", "1", "--json")
    ran = callscope("ask", *options, "Roll.", folder=tmp_path)
    assert (CODE in {found["code"] for found in ran.last["diagnostics"]}) == told
    [recording] = (tmp_path / "recordings").glob("*.jsonl")
    checked = callscope("replay", "--speed", "max", str(recording), folder=tmp_path)
    assert (checked.code, CODE in recording.read_text()) == (0, told)
