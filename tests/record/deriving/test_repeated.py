from __future__ import annotations

import json
from pathlib import Path

import pytest

from callscope.record.deriving.checking import check
from callscope.record.deriving.rederiving import derive, differences
from callscope.record.deriving.repeated import MOST
from callscope.record.file.reading import open_recording
from recordbench import Scene, plain, says, wants


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Scene(tmp_path, [wants(("get_weather", "{}")), says("Sunny.")]).play("Weather?")


def put_again(path: Path, kind: str, *, at_the_end: bool = False, times: int = 1) -> int:
    """Write the first line of this kind once more, right behind it or last; gives the number of the new line."""
    lines = path.read_text().splitlines(keepends=True)
    first = next(place for place, line in enumerate(lines) if json.loads(line)["kind"] == kind)
    place = len(lines) if at_the_end else first + 1
    path.write_text("".join([*lines[:place], *[lines[first]] * times, *lines[place:]]))
    return place + 1


@pytest.mark.parametrize("at_the_end", [False, True], ids=["behind it", "at the end"])
@pytest.mark.parametrize("kind", ["request", "response", "end", "assembled"])
def test_a_line_that_an_exchange_has_once_is_told_where_it_comes_again(path: Path, kind: str, at_the_end: bool) -> None:
    number = put_again(path, kind, at_the_end=at_the_end)
    told = [str(problem) for problem in check(path, dialects=plain).problems]
    assert f"line {number}: a second `{kind}` of exchange 1, where there can be only one [format]" in told


def test_whoever_shows_a_recording_is_told_too(path: Path) -> None:
    number = put_again(path, "response")
    found: list[object] = []
    for _ in derive(open_recording(path), plain, found):  # type: ignore[arg-type]
        pass
    assert found == list(differences(open_recording(path), plain))
    assert [one.line for one in differences(open_recording(path), plain)] == [number]


def test_questions_about_a_server_may_be_asked_any_number_of_times(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    asked = [line for line in lines if json.loads(line).get("exchange") == 1 and '"assembled"' not in line]
    about = [json.dumps(json.loads(line) | {"exchange": 0}) + "\n" for line in asked]
    path.write_text("".join([lines[0], *about, *about, *lines[1:]]))
    assert check(path, dialects=plain).problems == []


def test_a_line_that_comes_a_thousand_times_is_not_named_a_thousand_times(path: Path) -> None:
    put_again(path, "response", times=1000)
    assert len(check(path, dialects=plain).problems) == MOST


@pytest.mark.parametrize("number", ["[1]", '{"a":1}', "null", '"1"', "true"])
def test_a_line_whose_exchange_is_no_number_is_none_that_comes_again(path: Path, number: str) -> None:
    whole = path.read_text()
    path.write_text(whole + f'{{"t":9.0,"kind":"assembled","exchange":{number}}}\n' * 2)
    assert check(path, dialects=plain).problems == []
