"""`/undo`, `/retry` and `/edit` in a conversation in the Responses API, typed into a REPL against the demo server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from callscope.record.file.reading import open_recording
from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from recordbench import verify
from replbench import furnish, leave, open_repl, recorded, turn


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    furnish(tmp_path)
    with run_in_thread(DemoAgent(pace=0.0)) as server:
        yield f"{server.url}/v1/responses"


def typed(url: str, folder: Path, *lines: str, history: str = "full") -> list[dict[str, Any]]:
    """The requests that these lines led to, where the URL alone says which protocol it is."""
    repl = open_repl(url, folder, "--history", history, "--approve", "always", "--recordings", "recordings")
    for line in lines:
        turn(repl, line)
    leave(repl)
    (file,) = (folder / "recordings").glob("*.jsonl")
    assert verify(open_recording(file)) is None
    return [json.loads(line["body"]) for line in recorded(folder, "request") if line["method"] == "POST"]


@pytest.mark.parametrize("history", ["full", "server"])
def test_a_retry_sends_the_same_request_once_more(tmp_path: Path, url: str, history: str) -> None:
    sent = typed(url, tmp_path, "say one", "say two", "/retry", history=history)
    assert len(sent) == 3
    assert sent[2] == sent[1]


def test_after_an_undo_the_conversation_goes_on_from_the_answer_that_is_left(tmp_path: Path, url: str) -> None:
    sent = typed(url, tmp_path, "say one", "say two", "/undo", "say three", history="server")
    assert sent[2]["previous_response_id"] == sent[1]["previous_response_id"]
    assert sent[2]["input"] == [{"role": "user", "content": "say three"}]


def test_after_an_undo_the_whole_list_has_nothing_of_what_was_undone(tmp_path: Path, url: str) -> None:
    sent = typed(url, tmp_path, "say one", "say two", "/undo", "say three")
    assert "two" not in json.dumps(sent[2]["input"])
