"""`callscope recordings fork | trim | diff | verify` as a person and a script meet them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from callscope.commands.curating import turn_numbers
from callscope.core.errors import UsageError
from command_line import callscope

SAMPLES = Path(__file__).parents[2] / "recordings" / "samples"


@pytest.fixture
def weather(tmp_path: Path) -> Path:
    return Path(shutil.copy(SAMPLES / "weather.jsonl", tmp_path))


def test_a_fork_prints_where_it_is_and_runs_again(weather: Path, tmp_path: Path) -> None:
    ran = callscope("recordings", "fork", weather, "--at", "1", folder=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    forked = Path(ran.out.strip())
    assert forked.parent == tmp_path
    assert callscope("replay", "--server", "recorded", forked, folder=tmp_path).code == 0


def test_trimming_prints_where_the_smaller_one_is(weather: Path, tmp_path: Path) -> None:
    ran = callscope("recordings", "trim", weather, "--turns", "1", "-o", "small.jsonl", folder=tmp_path)
    assert (ran.code, ran.out) == (0, "small.jsonl\n")
    assert callscope("recordings", "verify", "small.jsonl", folder=tmp_path).code == 0


@pytest.mark.parametrize(
    ("command", "arguments", "code", "words"),
    [
        ("fork", ["--at", "2"], 2, "There is no turn 2 in"),
        ("trim", ["--turns", "1,7"], 2, "There is no turn 7 in"),
        ("trim", ["--turns", "x"], 2, "write numbers and ranges"),
        ("fork", ["-o", "weather.jsonl"], 3, "is there already"),
        ("fork", ["-o", "no/such/folder.jsonl"], 3, "cannot be written: no such file or directory"),
    ],
)
def test_what_cannot_be_made_is_one_sentence_and_nothing_is_written(
    weather: Path, tmp_path: Path, command: str, arguments: list[str], code: int, words: str
) -> None:
    ran = callscope("recordings", command, weather, *arguments, folder=tmp_path)
    assert (ran.code, words in ran.err, ran.out) == (code, True, "")
    assert list(tmp_path.iterdir()) == [weather]


def test_the_same_recording_does_not_differ_from_itself(weather: Path, tmp_path: Path) -> None:
    ran = callscope("recordings", "diff", weather, SAMPLES / "weather.jsonl", folder=tmp_path)
    assert (ran.code, ran.out) == (0, "no difference\n")


def test_other_calls_are_told_by_path_and_end_with_1(weather: Path, tmp_path: Path) -> None:
    ran = callscope("recordings", "diff", weather, SAMPLES / "decisions.jsonl", folder=tmp_path)
    assert ran.code == 1
    assert 'arguments  turn 1, call 1: $.city "北京" → "Paris"' in ran.out
    assert ran.out.splitlines()[-1].startswith("prose")


def test_differences_as_json_have_whole_values(weather: Path, tmp_path: Path) -> None:
    ran = callscope("recordings", "diff", "--json", weather, SAMPLES / "decisions.jsonl", folder=tmp_path)
    assert ran.last["differ"] is True
    absent = [change for change in ran.last["changes"] if change["class"] == "calls"]
    assert absent[0]["b"] == {"absent": True}


def test_an_escape_sequence_in_a_difference_is_shown_and_not_obeyed(weather: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text(weather.read_text().replace('"kind":"user","text":"What', '"kind":"user","text":"\\u001b[2JWhat'))
    ran = callscope("recordings", "diff", weather, other, folder=tmp_path)
    assert (ran.code, "\x1b" in ran.out) == (0, False)


def test_all_recordings_are_verified_and_the_worst_decides(weather: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text(weather.read_text().replace("aris", "oros", 3))
    ran = callscope("recordings", "verify", weather, broken, folder=tmp_path)
    assert ran.code == 1
    assert f"{weather}: whole, 82 lines, no secret found" in ran.out
    assert f"{broken}, line " in ran.out


def test_a_verdict_as_json_is_an_object_a_file(weather: Path, tmp_path: Path) -> None:
    ran = callscope("recordings", "verify", "--json", weather, folder=tmp_path)
    assert json.loads(ran.out) == {"path": str(weather), "problems": [], "warnings": [], "lines": 82}


def test_a_given_secret_is_told_by_the_name_of_its_variable_alone(weather: Path, tmp_path: Path) -> None:
    ran = callscope(
        "recordings", "verify", weather, "--value-env", "NOTE", folder=tmp_path, env={"NOTE": "made-up demo data"}
    )
    assert (ran.code, "made-up" in ran.out + ran.err) == (1, False)
    assert "the value of NOTE stands in $.output" in ran.out


@pytest.mark.parametrize(
    ("written", "numbers"), [("1", {1}), ("2,4-6", {2, 4, 5, 6}), (" 3 - 3 , 1", {1, 3}), ("1,1-2", {1, 2})]
)
def test_turns_are_written_as_numbers_and_ranges(written: str, numbers: set[int]) -> None:
    assert turn_numbers(written) == numbers


@pytest.mark.parametrize("written", ["", "-1", "2-1", "1,,2", "1..3", "a", "9999999"])
def test_what_is_no_list_of_turns_is_refused(written: str) -> None:
    with pytest.raises(UsageError, match="write numbers and ranges"):
        turn_numbers(written)
