"""`callscope replay` and `callscope recordings` as a person and a script meet them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from callscope.version import VERSION
from command_line import callscope

SAMPLES = Path(__file__).parent.parent / "recordings" / "samples"


@pytest.fixture
def weather(tmp_path: Path) -> Path:
    return Path(shutil.copy(SAMPLES / "weather.jsonl", tmp_path))


def test_a_recording_is_shown_again_with_its_answer_on_stdout(weather: Path, tmp_path: Path) -> None:
    ran = callscope("replay", weather, "--speed", "max", folder=tmp_path)
    assert ran.code == 0
    assert "Here is what came back" in ran.out
    assert "get_weather" in ran.err


def test_json_lines_of_a_replay_begin_and_end_as_those_of_a_prompt(weather: Path, tmp_path: Path) -> None:
    ran = callscope("replay", weather, "--speed", "max", "--json", folder=tmp_path)
    assert json.loads(ran.out.splitlines()[0])["event"] == "session"
    assert (ran.last["event"], ran.last["exit_code"], len(ran.last["tool_calls"])) == ("ended", 0, 2)


def test_one_changed_byte_of_an_argument_is_shown_and_is_a_difference(weather: Path, tmp_path: Path) -> None:
    text = weather.read_text()
    piece = next(line for line in text.splitlines() if '"read"' in line and "aris" in line and "arguments" in line)
    weather.write_text(text.replace(piece, piece.replace("aris", "orto", 1)))
    ran = callscope("replay", weather, "--speed", "max", folder=tmp_path)
    assert ran.code == 1
    assert "Porto" in ran.err
    assert "derives otherwise" in ran.err


@pytest.mark.parametrize(("program", "code"), [(VERSION, 1), ("0.0.9", 0)])
@pytest.mark.parametrize("way", [["--speed", "max"], ["--server", "recorded", "--calls", "recorded"]])
def test_a_complaint_that_a_line_lacks_is_a_difference_if_this_version_wrote_it(
    tmp_path: Path, program: str, code: int, way: list[str]
) -> None:
    recording = Path(shutil.copy(SAMPLES / "cut-arguments.jsonl", tmp_path))
    lines = [json.loads(line) for line in recording.read_text().splitlines()]
    lines[0]["program"] = program
    said = next(line for line in lines if line.get("diagnostics"))
    said["diagnostics"] = []
    recording.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    ran = callscope("replay", recording, *way, folder=tmp_path)
    assert ran.code == code
    assert ("other things of the same bytes" in ran.err) == (code == 0 and "max" in way)


def test_the_whole_loop_runs_again_offline(weather: Path, tmp_path: Path) -> None:
    ran = callscope("replay", weather, "--server", "recorded", "--calls", "recorded", folder=tmp_path)
    assert ran.code == 0
    assert "the same: turns 1, exchanges 2, calls 2" in ran.err


def test_the_verdict_stands_on_a_line_of_its_own_after_reasoning_that_came_last(tmp_path: Path) -> None:
    ask = ["ask", "--demo", "--no-stream", "--param", "reasoning_effort=low", "--recordings", tmp_path, "hello"]
    assert callscope(*ask, folder=tmp_path).code == 0
    recording = next(tmp_path.glob("*.jsonl"))
    ran = callscope("replay", recording, "--server", "recorded", "--calls", "recorded", folder=tmp_path)
    assert "reasoning: " in ran.err
    assert ran.err.splitlines()[-1].startswith("callscope: the same: turns")


def test_a_result_that_was_changed_is_the_first_divergence_of_the_next_request(weather: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in weather.read_text().splitlines()]
    for line in lines:
        if line["kind"] == "result":
            line["output"] = line["output"].replace("sunny", "foggy")
    weather.write_text("".join(json.dumps(line) + "\n" for line in lines))
    ran = callscope("replay", weather, "--server", "recorded", "--calls", "recorded", folder=tmp_path)
    assert ran.code == 1
    assert "foggy" in ran.err
    assert "sunny" in ran.err
    assert "messages" in ran.err  # the JSON path


def test_accepting_rewrites_what_is_derived_and_nothing_else(weather: Path, tmp_path: Path) -> None:
    before = weather.read_text()
    weather.write_text(before.replace('"finish_reason":"tool_calls"', '"finish_reason":"toll_calls"'))
    assert callscope("replay", weather, "--speed", "max", folder=tmp_path).code == 1
    assert callscope("replay", weather, "--accept", folder=tmp_path).code == 0
    assert weather.read_text() == before


def test_recordings_are_listed_newest_first_with_the_broken_ones(tmp_path: Path) -> None:
    for name, sample in (("a.jsonl", "weather.jsonl"), ("b.jsonl", "decisions.jsonl")):
        shutil.copy(SAMPLES / sample, tmp_path / name)
    (tmp_path / "c.jsonl").write_text("no recording")
    ran = callscope("recordings", "list", "--recordings", tmp_path, folder=tmp_path)
    assert [line.split()[0] for line in ran.out.splitlines()] == ["c.jsonl", "b.jsonl", "a.jsonl"]
    assert "unusable" in ran.out


def test_a_recording_is_shown_whole_with_its_summary(weather: Path, tmp_path: Path) -> None:
    ran = callscope("recordings", "show", weather, folder=tmp_path)
    assert ran.code == 0
    assert "1 turn, 2 exchanges, 2 calls" in ran.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--accept", "--json"], "--json says nothing beside it"),
        (["--accept", "--server", "recorded"], "--server says nothing beside it"),
        (["--accept", "--step"], "--step says nothing beside it"),
        (["--server", "recorded", "--speed", "2"], "--speed is for showing"),
        (["--calls", "recorded", "--step"], "--step is for showing"),
        (["--tools", "tools.yaml"], "--tools says which tools run again"),
        (["--server", "recorded", "--tools", "tools.yaml"], "--tools says which tools run again"),
        (["--step", "--speed", "2"], "keep one of them"),
        (["--calls", "run"], "say which with --tools FILE"),
        (["--server", "lives"], "write recorded or live"),
        (["--calls", "runs"], "write recorded, run, ask or mock"),
        (["--match", "bytes"], "write wire, semantic or shape"),
        (["--match", "wire", "--ignore", "$.a"], "drop --ignore"),
        (["--ignore", "messages"], "write a JSON path"),
        (["--mock", "get_weather=x"], "--mock answers calls"),
        (["-m", "other"], "it needs --server live"),
        (["--url", "http://127.0.0.1:9/v1"], "it needs --server live"),
        (["--key-env", "KEY"], "it needs --server live"),
        (["--runs", "3"], "alike each time"),
        (["--slower", "2"], "alike each time"),
        (["--server", "live", "--slower", "0.5"], "1 or more"),
        (["--recordings", "."], "--recordings says where"),
        (["--calls", "ask"], "it needs a terminal"),
        (["--calls", "mock"], "get_weather has no mock"),
    ],
)
def test_options_that_mean_nothing_together_are_refused(
    weather: Path, tmp_path: Path, options: list[str], words: str
) -> None:
    before = weather.read_bytes()
    ran = callscope("replay", weather, *options, folder=tmp_path)
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert words in ran.err
    assert weather.read_bytes() == before
