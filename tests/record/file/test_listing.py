from __future__ import annotations

import json
from pathlib import Path

import pytest

from callscope.core.errors import UnusableFile
from callscope.record.file.listing import list_recordings, summarize
from recordbench import Scene, says, wants

CALLING = [wants(("get_weather", "{}"), ("get_weather", "{}")), says("Sunny."), says("Bye.")]


def test_a_summary_counts_what_happened(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather in\n Paris?", "Bye!")
    summary = summarize(path)
    assert (summary.turns, summary.exchanges, summary.calls) == (2, 3, 2)
    assert (summary.model, summary.ending, summary.words) == ("tiny", "completed", "Weather in\n Paris?")
    assert summary.size == path.stat().st_size
    assert 0 < summary.seconds < 1


def test_a_summary_is_one_line(tmp_path: Path) -> None:
    line = str(summarize(Scene(tmp_path, CALLING).play("Weather in\n Paris?", "Bye!")))
    assert "2 turns, 3 exchanges, 2 calls  completed" in line
    assert line.endswith("  Weather in Paris?")


def test_escape_sequences_of_a_recording_never_reach_a_terminal(tmp_path: Path) -> None:
    line = str(summarize(Scene(tmp_path, CALLING).play("\x1b]0;gotcha\x07\u202eWeather?", "Bye!")))
    assert line.isprintable()


def test_a_session_that_was_killed_in_mid_turn_is_cut_off(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?", "Bye!")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:8]))
    assert summarize(path).ending == "cut off"


def test_recordings_are_listed_newest_first_and_broken_ones_with_their_problem(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?", "Bye!")
    (tmp_path / "00000000T000000Z-old.jsonl").write_text("nonsense\n")
    (tmp_path / "notes.txt").write_text("not listed")
    newest, oldest = list_recordings(tmp_path)
    assert newest.path == path
    assert oldest.problem == "is no Callscope recording: its first line is not the header of one."
    assert "unusable" in str(oldest)


def test_a_summary_as_json_can_be_written(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?", "Bye!")
    assert json.loads(json.dumps(summarize(path).as_json()))["path"] == str(path)


def test_a_folder_that_is_missing_lists_nothing(tmp_path: Path) -> None:
    assert list_recordings(tmp_path / "nowhere") == []


def test_one_recording_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnusableFile, match="no such file"):
        summarize(tmp_path / "nowhere.jsonl")
