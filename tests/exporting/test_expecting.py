"""What may be expected of a recorded session, and what is found wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from callscope.core.errors import UnusableFile, UsageError
from callscope.exporting.expecting import problems
from written_recording import WEATHER, Written, says, wants

SAMPLES = Path(__file__).parents[2] / "recordings" / "samples"


def asked(name: str = "get_weather", arguments: str = '{"city": "Rome"}', status: str = "ok") -> Written:
    """A session with one call that ran."""
    written = Written().add("tools", tools=[WEATHER]).add("user", text="Weather?")
    written.exchanged(wants(name, arguments))
    written.add("decision", call=[1, 0], action="run", by="policy")
    written.add("started", call=[1, 0], name=name, arguments=arguments)
    written.add("result", call=[1, 0], status=status, output="21")
    return written.exchanged(says("21")).add("turn", reason="completed")


@pytest.mark.parametrize(
    "expectation",
    [
        "calls valid",
        "no errors",
        "no warnings",
        "no diagnostics",
        "results ok",
        "turns completed",
        "diagnostic:x absent",
    ],
)
def test_a_session_in_order_is_as_expected_in_every_way(expectation: str, tmp_path: Path) -> None:
    assert problems(asked().write(tmp_path / "x.jsonl"), [expectation]) == []


def test_arguments_that_their_schema_forbids_are_not_valid(tmp_path: Path) -> None:
    [problem] = problems(asked(arguments='{"town": "Rome"}').write(tmp_path / "x.jsonl"), ["calls valid"])
    assert problem.startswith("get_weather · c1: ")
    assert "city" in problem


def test_a_call_without_a_name_is_told_as_that(tmp_path: Path) -> None:
    [problem] = problems(asked(name="").write(tmp_path / "x.jsonl"), ["calls valid"])
    assert problem.startswith("a call without a name · c1: ")


def test_a_call_of_no_tool_is_not_valid(tmp_path: Path) -> None:
    [problem] = problems(asked(name="get_wether").write(tmp_path / "x.jsonl"), ["calls valid"])
    assert "there is no tool get_wether" in problem


def test_arguments_that_were_cut_off_are_not_valid() -> None:
    [problem] = problems(SAMPLES / "cut-arguments.jsonl", ["calls valid"])
    assert "incomplete" in problem


def test_an_error_of_a_decoder_is_an_error() -> None:
    [problem] = problems(SAMPLES / "cut-arguments.jsonl", ["no errors"])
    assert problem.startswith("exchange 1: error arguments_incomplete: ")


def test_a_turn_that_failed_is_an_error() -> None:
    [problem] = problems(SAMPLES / "error-in-mid-stream.jsonl", ["no errors"])
    assert problem == "turn 1 failed: error: The demo was asked to fail here. (type server_error, code 502)"


def test_a_named_diagnostic_is_looked_for_alone() -> None:
    cut = SAMPLES / "cut-arguments.jsonl"
    assert problems(cut, ["diagnostic:stream_unterminated absent"]) == []
    assert len(problems(cut, ["diagnostic:arguments_incomplete absent"])) == 1


def test_warnings_are_more_than_errors() -> None:
    cut = SAMPLES / "cut-arguments.jsonl"
    assert len(problems(cut, ["no warnings"])) > len(problems(cut, ["no errors"]))


def test_a_result_that_is_an_error_is_not_ok(tmp_path: Path) -> None:
    path = asked(status="timeout").write(tmp_path / "x.jsonl")
    assert problems(path, ["results ok"]) == ["result of get_weather · c1: timeout: 21"]


def test_a_session_without_an_end_is_not_completed(tmp_path: Path) -> None:
    written = asked()
    written.lines.pop()
    assert problems(written.write(tmp_path / "x.jsonl"), ["turns completed"]) == ["no turn came to an end"]


def test_tools_of_today_check_the_calls_and_run_them_again(tmp_path: Path) -> None:
    path = asked(status="error").write(tmp_path / "x.jsonl")
    tools = tmp_path / "tools.py"
    tools.write_text('def get_weather(city: str) -> str:\n    """The weather."""\n    return city.upper()\n')
    assert problems(path, ["calls valid", "results ok"], [tools]) == []
    tools = tmp_path / "other.py"
    tools.write_text('def get_weather(city: int) -> str:\n    """The weather."""\n    return str(1 / 0)\n')
    valid, ok = problems(path, ["calls valid", "results ok"], [tools])
    assert valid.startswith("get_weather · c1: ")
    assert ok.startswith("result of get_weather · c1: error: ")


def test_what_nobody_knows_is_refused_with_all_that_is_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There are: calls valid, .*diagnostic:CODE absent"):
        problems(asked().write(tmp_path / "x.jsonl"), ["no bugs"])


def test_a_file_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("{}\n")
    with pytest.raises(UnusableFile):
        problems(tmp_path / "x.jsonl", ["calls valid"])
