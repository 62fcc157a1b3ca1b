"""The REPL in a real terminal: what a person types, and what is left behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from command_line import callscope
from replbench import Child, at_prompt, enter, furnish, last_messages, leave, open_repl, recorded, turn

PARIS = 'get_weather {"city": "Paris"}'

BEFORE_IT_STALLS = "misbehave"
"""A word that the demo agent says before it falls silent."""

Repl = Callable[..., Child]


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    with run_in_thread(DemoAgent(pace=0.0, stall=20.0)) as server:
        yield f"{server.url}/v1"


@pytest.fixture
def repl(demo: str, tmp_path: Path) -> Iterator[Repl]:
    """Open REPLs; none of them outlives the test."""
    furnish(tmp_path)
    opened: list[Child] = []

    def open_one(*arguments: str, **variables: str) -> Child:
        opened.append(open_repl(demo, tmp_path, *arguments, **variables))
        return opened[-1]

    yield open_one
    for child in opened:
        child.close(force=True)


def test_a_turn_asks_before_it_runs_a_call_and_the_recording_has_the_decision(repl: Repl, tmp_path: Path) -> None:
    child = repl()
    enter(child, PARIS)
    child.expect_exact("run it?")
    child.send("y")
    at_prompt(child)
    leave(child)
    assert [(line["action"], line["by"]) for line in recorded(tmp_path, "decision")] == [("run", "person")]


def test_an_edit_changes_what_runs_and_what_the_next_request_says(repl: Repl, tmp_path: Path) -> None:
    child = repl()
    enter(child, PARIS)
    child.expect_exact("run it?")
    child.send("e")
    child.expect_exact("arguments")
    child.send("\x15")  # clear the line
    turn(child, '{"city": "Rome"}')
    leave(child)
    body = json.loads(recorded(tmp_path, "request")[-1]["body"])
    calls = [call for message in body["messages"] for call in message.get("tool_calls", ())]
    assert [call["function"]["arguments"] for call in calls] == ['{"city": "Rome"}']
    assert recorded(tmp_path, "decision")[0]["proposed"] == '{"city": "Paris"}'


def test_a_refusal_with_a_reason_reaches_the_model(repl: Repl, tmp_path: Path) -> None:
    child = repl()
    enter(child, PARIS)
    child.expect_exact("run it?")
    child.send("r")
    child.expect_exact("reason")
    turn(child, "too hot today")
    leave(child)
    assert "too hot today" in recorded(tmp_path, "request")[-1]["body"]


def test_ctrl_c_at_the_gate_ends_the_turn_and_the_next_request_is_valid(repl: Repl, tmp_path: Path) -> None:
    child = repl()
    enter(child, PARIS)
    child.expect_exact("run it?")
    child.send("\x03")
    child.expect_exact("interrupted")
    turn(child, "hello")
    leave(child)
    assert [line["reason"] for line in recorded(tmp_path, "turn")] == ["interrupted", "completed"]


def test_ctrl_c_while_a_tool_runs_ends_the_turn(repl: Repl, tmp_path: Path) -> None:
    child = repl("--approve", "always")
    enter(child, "nap {}")
    child.expect_exact("fast asleep")
    child.send("\x03")
    child.expect_exact("interrupted")
    leave(child)
    assert recorded(tmp_path, "result")[0]["status"] == "cancelled"


def test_ctrl_c_while_a_tool_runs_ends_the_turn_after_a_person_let_it_run_too(repl: Repl, tmp_path: Path) -> None:
    child = repl()
    enter(child, "nap {}")
    child.expect_exact("run it?")
    child.send("y")
    child.expect_exact("fast asleep")
    child.send("\x03")
    child.expect_exact("interrupted")
    leave(child)
    assert recorded(tmp_path, "result")[0]["status"] == "cancelled"


def test_ctrl_c_while_the_server_is_silent_ends_the_turn(repl: Repl, tmp_path: Path) -> None:
    child = repl()
    enter(child, "hello, fault: stall")
    child.expect_exact(BEFORE_IT_STALLS)
    child.send("\x03")
    child.expect_exact("interrupted")
    leave(child)
    assert recorded(tmp_path, "end")[-1]["how"] == "cancelled"


def test_undo_takes_the_last_message_out_of_the_next_request(repl: Repl, tmp_path: Path) -> None:
    child = repl()
    turn(child, "hello one")
    enter(child, "/undo")
    child.expect_exact("taken back: hello one")
    turn(child, "hello two")
    leave(child)
    messages = json.loads(recorded(tmp_path, "request")[-1]["body"])["messages"]
    assert [message["content"] for message in messages] == ["hello two"]


def test_retry_says_the_same_words_again(repl: Repl, tmp_path: Path) -> None:
    child = repl()
    turn(child, "hello once")
    turn(child, "/retry")
    leave(child)
    assert [line["text"] for line in recorded(tmp_path, "user")] == ["hello once", "hello once"]
    assert len(json.loads(recorded(tmp_path, "request")[-1]["body"])["messages"]) == 1


def test_system_and_clear_change_the_next_request(repl: Repl, tmp_path: Path) -> None:
    child = repl()
    enter(child, "/system Be brief.")
    child.expect_exact("Be brief.")
    turn(child, "hello one")
    enter(child, "/clear")
    child.expect_exact("empty again")
    turn(child, "hello two")
    leave(child)
    messages = json.loads(recorded(tmp_path, "request")[-1]["body"])["messages"]
    assert [message["content"] for message in messages] == ["Be brief.", "hello two"]


def test_raw_shows_the_last_exchange_with_its_bytes(repl: Repl) -> None:
    child = repl()
    turn(child, "hello")
    enter(child, "/raw")
    child.expect_exact("POST ")
    child.expect_exact("HTTP 200")
    child.expect_exact("[DONE]")
    leave(child)


def test_an_unknown_command_is_answered_with_the_nearest_one(repl: Repl) -> None:
    child = repl()
    enter(child, "/sytem x")
    child.expect_exact("Did you mean /system?")
    enter(child, "/tools")
    child.expect_exact("get_weather")
    enter(child, "/help")
    child.expect_exact("/retry")
    leave(child)


def test_ctrl_c_at_the_prompt_clears_the_line_and_ctrl_d_leaves(repl: Repl, tmp_path: Path) -> None:
    child = repl()
    child.send("half a thou\x03")
    at_prompt(child)
    child.send("\x04")
    child.expect(pexpect.EOF)
    assert recorded(tmp_path, "user") == []


def test_a_session_that_was_held_edited_and_interrupted_replays_the_same(repl: Repl, tmp_path: Path) -> None:
    child = repl()
    enter(child, PARIS)
    child.expect_exact("run it?")
    child.send("y")
    at_prompt(child)
    enter(child, "hello, fault: stall")
    child.expect_exact(BEFORE_IT_STALLS)
    child.send("\x03")
    child.expect_exact("interrupted")
    leave(child)
    assert "the same: turns 2, exchanges 3, calls 1" in run_again(tmp_path)


def test_a_recording_that_begins_in_mid_session_replays_the_same(repl: Repl, tmp_path: Path) -> None:
    child = repl("--no-record")
    turn(child, "hello")
    enter(child, "/call! get_weather city=Oslo")
    child.expect_exact("by_hand_0")
    enter(child, "/record on")
    child.expect_exact("beginning with the 4 items so far")
    enter(child, PARIS)
    child.expect_exact("run it?")
    child.send("y")
    at_prompt(child)
    enter(child, "/record off")
    child.expect_exact("ended; ")
    leave(child)
    assert len(last_messages(tmp_path)) == 7
    assert "the same: turns 1, exchanges 2, calls 1" in run_again(tmp_path)


def run_again(folder: Path) -> str:
    """What a replay says that drives the one recording once more."""
    recording = next((folder / "recordings").glob("*.jsonl"))
    ran = callscope("replay", recording, "--server", "recorded", "--calls", "recorded", folder=folder)
    assert ran.code == 0, ran.err
    return ran.err


def test_the_history_keeps_what_was_said_but_no_secret(repl: Repl, tmp_path: Path) -> None:
    child = repl()
    turn(child, "hello sk-abcdefghijklmnop0123")
    leave(child)
    history = tmp_path / "state" / "callscope" / "history"
    assert "+hello *****" in history.read_text()
    assert "abcdefgh" not in history.read_text()
    assert history.stat().st_mode & 0o777 == 0o600


def test_a_history_that_cannot_be_kept_is_said_and_ends_nothing(repl: Repl, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    child = repl("--no-record")
    assert "history of this session is not kept" in (child.before or "")
    leave(child)
