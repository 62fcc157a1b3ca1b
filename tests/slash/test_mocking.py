"""Answers in the place of tools, from the prompt."""

from __future__ import annotations

from pathlib import Path

from scriptedrepl import ScriptedRepl
from toolbench import write

TWO = "tools: [{name: one, parameters: {type: object}, run: {mock: first}}, {name: two, run: {mock: second}}]"


def test_a_mock_holds_until_it_is_taken_off(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TWO, keys=["n", "n"])
    repl.typed("/mock one=other")
    assert "other" in repl.typed("/call one")
    assert "every tool answers for itself" in repl.typed("/mock off")
    assert "first" in repl.typed("/call one")


def test_a_second_mock_of_a_tool_takes_the_place_of_the_first(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TWO, keys=["n"])
    repl.typed("/mock one=other")
    assert "one=third" in repl.typed("/mock one=third")
    assert "one=other" not in repl.typed("/mock")
    assert "third" in repl.typed("/call one")


def test_one_mock_is_taken_off_and_the_others_stay(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TWO)
    repl.typed("/mock one=other")
    repl.typed("/mock two=other")
    shown = repl.typed("/mock off one")
    assert "two=other" in shown
    assert "one=other" not in shown


def test_a_tool_that_is_not_there_cannot_be_mocked_and_the_mocks_stay(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TWO)
    repl.typed("/mock one=other")
    assert "There is no tool three to mock" in repl.typed("/mock three=x")
    assert "one=other" in repl.typed("/mock")


def test_mocks_outlive_a_reload_and_go_with_their_tool(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TWO, keys=["n"])
    repl.typed("/mock one=other")
    repl.typed("/mock two=other")
    write(tmp_path, "tools.yaml", "tools: [{name: one, run: {mock: changed}}]")
    assert "There is no tool two to mock" in repl.typed("/reload")
    assert "other" in repl.typed("/call one")
    assert "two=" not in repl.typed("/mock")


def test_the_list_of_tools_marks_those_that_are_mocked(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TWO)
    repl.typed("/mock one=other")
    assert [line.split()[0] for line in repl.typed("/tools").splitlines() if "[mock]" in line] == ["one"]
    repl.typed("/mock off")
    assert "[mock]" not in repl.typed("/tools")
