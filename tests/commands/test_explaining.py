"""`callscope recordings why`, and the member `why` of the last JSON line, as a script meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from callscope.commands.explaining import why_recording
from callscope.core.errors import UsageError
from command_line import callscope
from written_recording import WEATHER, Written, says, wants

SAMPLES = Path(__file__).parents[2] / "recordings" / "samples"
OFFER = json.dumps({"model": "m", "messages": [], "tools": [{"type": "function", "function": WEATHER}]}).encode()
LEAK = '<tool_call>{"name": "get_weather", "arguments": {}}</tool_call>'


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two turns: in the first a call broke, in the second one leaked."""
    written = Written().add("tools", tools=[WEATHER]).add("user", text="Paris?")
    written.exchanged(wants("get_weather", '{"city"', ": nope}", call_id="call_a"), body=OFFER)
    output = '{"error": {"type": "arguments_invalid", "message": "x"}}'
    written.add("result", call=[1, 0], status="error", output=output, duration=0.0)
    written.exchanged(says("It failed."), body=OFFER).add("turn", reason="completed")
    written.add("user", text="Rome?").exchanged(says(LEAK), body=OFFER).add("turn", reason="completed")
    return written.write(tmp_path / "two.jsonl")


def told(recording: Path, capsys: pytest.CaptureFixture[str], turn: int | None = None, call: str | None = None) -> Any:
    why_recording(recording, turn, call, as_json=True)
    return json.loads(capsys.readouterr().out)


def codes(said: Any) -> list[str]:
    return [each["code"] for each in said["why"]]


def test_the_last_turn_is_told_of_where_none_is_named(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = told(recording, capsys)
    assert (said["turn"], said["turns"], said["words"], codes(said)) == (2, 2, "Rome?", ["call_leaked"])


def test_a_turn_by_its_number(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = told(recording, capsys, turn=1)
    assert (said["turn"], codes(said)) == (1, ["arguments_invalid"])
    assert said["calls"][0]["broken"]["delta"] == 2


@pytest.mark.parametrize("word", ["call_a", "1.0", "get_weather"])
def test_a_call_is_found_in_whatever_turn_it_is(word: str, recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (call,) = told(recording, capsys, call=word)["calls"]
    assert [each["text"] for each in call["fragments"]] == ['{"city"', ": nope}"]
    assert (call["json"], call["broken"]["at"], call["ran_with"]) == (
        "invalid",
        10,
        None,
    )  # what begins with n may still be null


def test_evidence_has_the_bytes_of_the_body(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (evidence,) = told(recording, capsys)["why"][0]["evidence"]
    begin = b"".join(says(LEAK)).index(b"<tool_call>")
    assert (evidence["exchange"], evidence["side"], evidence["bytes"][0]) == (3, "response", begin)


@pytest.mark.parametrize(
    ("turn", "call", "words"),
    [
        (3, None, "--turn 3: "),
        (None, "call_z", "no call of this id"),
        (2, "call_a", "turn 2 of "),
    ],
)
def test_what_is_not_there_is_one_sentence(recording: Path, turn: int | None, call: str | None, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        why_recording(recording, turn, call, as_json=False)


def test_a_recording_without_a_turn_says_so(tmp_path: Path) -> None:
    empty = Written([]).write(tmp_path / "empty.jsonl")
    ran = callscope("recordings", "why", empty, folder=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "has no turn that could be looked at" in ran.err


def test_a_recording_ends_with_0_and_shows_the_byte_that_broke_it(tmp_path: Path) -> None:
    ran = callscope("recordings", "why", SAMPLES / "cut-arguments.jsonl", "--call", "1", folder=tmp_path)
    assert ran.code == 0
    assert "break off at byte 1,098 of exchange 1" in " ".join(ran.out.split())
    assert "▲" in ran.out


def test_a_turn_that_was_taken_back_and_said_anew_is_the_later_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = Written().add("tools", tools=[WEATHER]).add("user", text="Paris?").exchanged(says(LEAK), body=OFFER)
    written.add("rewind", to=0).add("user", text="Oslo?").exchanged(says("Fine."), body=OFFER)
    said = told(written.write(tmp_path / "again.jsonl"), capsys)
    assert (said["turn"], said["words"], codes(said)) == (1, "Oslo?", ["answered_in_words"])


@pytest.mark.parametrize(
    ("prompt", "code", "call"),
    [
        ("What's the weather in Paris?, leaked hermes call", "call_leaked", None),
        ("What's the weather in Paris? (fault: invalid arguments)", "arguments_invalid", [1, 0]),
        ("What's the weather in Paris? (fault: tool_calls without calls)", "call_dropped", None),
        ("What's the weather in Paris? (fault: refusal)", "refused", None),
        ("What's the weather in Paris? (fault: HTTP 500)", "http_error", None),
    ],
)
def test_the_last_json_line_says_why(prompt: str, code: str, call: list[int] | None, tmp_path: Path) -> None:
    ran = callscope("ask", "--demo", "--json", "--no-record", "--approve", "always", prompt, folder=tmp_path)
    first = ran.last["why"][0]
    assert (first["code"], first["call"]) == (code, call)


def test_the_last_json_line_says_nothing_where_every_call_ran(tmp_path: Path) -> None:
    weather = "What's the weather in Paris?"
    ran = callscope("ask", "--demo", "--json", "--no-record", "--approve", "always", weather, folder=tmp_path)
    assert ran.last["why"] == []
