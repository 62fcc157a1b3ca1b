"""`ask` hangs up on an answer that is too large to keep: live, in the recording, and when that runs again."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from callscope.commands import chat as commands
from callscope.compose import Options
from callscope.core.events import ExchangeEnded, ResponseFailed, ToolStarted
from callscope.dialects import limits
from callscope.record.deriving.checking import check
from callscope.record.deriving.rechunking import cut_named, rechunk
from callscope.record.deriving.rederiving import derive
from callscope.record.file.reading import open_recording
from callscope.record.rerunning.rerunning import rerun
from callscope.settings.config import Flags
from command_line import callscope

SECONDS = 30.0
"""What an answer may take that nobody hangs up on: far more than any of these does."""

CALL = {"id": "a", "function": {"name": "roll", "arguments": "{}"}}
TEXT = "word " * 2_000
BEGINNINGS: dict[str, Any] = {
    "chat": {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, **CALL}]}}]},
    "responses": {
        "type": "response.output_item.done",
        "output_index": 0,
        "item": {"type": "function_call", "id": "f", "call_id": "a", "name": "roll", "arguments": "{}"},
    },
    "acf": {"object": "thread.message.delta", "choices": [{"delta": {"role": "assistant", "tool_calls": [CALL]}}]},
}
PIECES: dict[str, Any] = {
    "chat": {"choices": [{"index": 0, "delta": {"content": TEXT}}]},
    "responses": {"type": "response.output_text.delta", "item_id": "m", "output_index": 1, "delta": TEXT},
    "acf": {"object": "thread.message.delta", "choices": [{"delta": {"role": "assistant", "content": TEXT}}]},
}
TOOLS = """\
tools:
  - name: roll
    description: Rolls a die.
    parameters: {type: object, properties: {}}
    run: {mock: "6"}
"""


def framed(document: Any) -> bytes:
    name = f"event: {document['type']}\n" if "type" in document else ""
    return f"{name}data: {json.dumps(document)}\n\n".encode()


class Endless:
    """A server that answers one request for ever; `sent` bytes, until the client is `gone`."""

    def __init__(self, begin: bytes, again: bytes, label: str = "text/event-stream") -> None:
        self._begin, self._again, self._label = begin, again, label
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.sent = 0
        self.gone = threading.Event()

    def run(self) -> None:
        peer, _ = self._listener.accept()
        with peer, self._listener:
            peer.settimeout(SECONDS)
            request = b""
            while b"\r\n\r\n" not in request:
                request += peer.recv(65_536)
            peer.sendall(f"HTTP/1.1 200 OK\r\ncontent-type: {self._label}\r\nconnection: close\r\n\r\n".encode())
            try:
                peer.sendall(self._begin)
                while True:
                    peer.sendall(self._again)
                    self.sent += len(self._again)
            except ConnectionError:
                self.gone.set()


@contextmanager
def endless(begin: bytes, again: bytes, label: str = "text/event-stream") -> Iterator[Endless]:
    server = Endless(begin, again, label)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield server
    thread.join(SECONDS)


def flags(server: Endless, dialect: str, **more: Any) -> dict[str, Any]:
    url = f"http://127.0.0.1:{server.port}" + ("/v1/chat" if dialect == "acf" else "/v1")
    return {"url": url, "model": "m", "dialect": dialect, "approve": "always", "retries": 0, **more}


def ask(server: Endless, dialect: str, folder: Path, **more: Any) -> tuple[int, dict[str, Any], Path]:
    """The exit code, the last line and the recording of one prompt, as `ask --json` takes it."""
    (folder / "tools.yaml").write_text(TOOLS)
    given = flags(server, dialect, tools=(folder / "tools.yaml",), **more)
    out, began = io.StringIO(), time.monotonic()
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        options = Options(Flags(**given), recordings=folder / "recordings")
        code = commands.ask(options, "hi", None, as_json=True, seconds=SECONDS)
    assert time.monotonic() - began < SECONDS
    [recording] = (folder / "recordings").iterdir()
    return code, json.loads(out.getvalue().splitlines()[-1]), recording


@pytest.fixture
def low(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_KEPT", 2_000_000)


@pytest.mark.parametrize("dialect", PIECES)
def test_an_endless_answer_is_hung_up_on_runs_nothing_and_runs_again_to_the_same(
    dialect: str, low: None, tmp_path: Path
) -> None:
    with endless(framed(BEGINNINGS[dialect]), framed(PIECES[dialect])) as server:
        code, last, recording = ask(server, dialect, tmp_path)
        assert server.gone.wait(5)
    assert (code, last["error"]["kind"]) == (4, "too_large")
    assert "characters of text. Limit the answer" in last["error"]["message"]
    assert last["why"][0]["code"] == "answer_too_large"
    checked = check(recording)
    assert (checked.problems, checked.warnings) == ([], [])
    events = [stamped.event for stamped in derive(open_recording(recording))]
    [end] = [event for event in events if isinstance(event, ExchangeEnded)]
    assert (end.how, end.detail) == ("cancelled", "the answer is too large: not read on")
    assert [event.kind for event in events if isinstance(event, ResponseFailed)] == ["too_large"]
    assert not any(isinstance(event, ToolStarted) for event in events)
    report = asyncio.run(rerun(open_recording(recording)))
    assert report.divergence is None
    for cut in ("frames", "random:1", "utf8"):
        assert rechunk(open_recording(recording), cut_named(cut)).difference is None


def test_a_document_without_an_end_is_hung_up_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callscope.dialects.body.LIMIT", 1_000_000)
    begin = b'{"choices":[{"message":{"content":"'
    with endless(begin, b"x" * 65_536, "application/json") as server:
        code, last, _ = ask(server, "chat", tmp_path, stream=False)
        assert server.gone.wait(5)
    assert (code, last["error"]["kind"]) == (4, "too_large")


def test_the_real_limit_ends_a_command_by_itself_and_replays_to_the_same(tmp_path: Path) -> None:
    piece = framed({"choices": [{"index": 0, "delta": {"content": "word " * 40_000}}]})
    with endless(b"", piece) as server:
        url = f"http://127.0.0.1:{server.port}/v1"
        ran = callscope(
            "ask", "--json", "--url", url, "-m", "m", "--recordings", tmp_path, "--timeout", 60, "hi", folder=tmp_path
        )
        assert server.gone.wait(5)
    assert (ran.code, ran.last["error"]["kind"]) == (4, "too_large")
    [recording] = tmp_path.glob("*.jsonl")
    assert callscope("recordings", "verify", recording, folder=tmp_path).code == 0
    assert callscope("replay", recording, "--json", folder=tmp_path).code == 0
