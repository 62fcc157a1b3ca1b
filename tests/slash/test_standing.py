"""What a person said once for every call of a tool."""

from __future__ import annotations

from pathlib import Path

from callscope.ui.gate import ScriptedGate
from callscope.ui.prompt_gate import PromptGate
from playbook import calls, text
from scriptedrepl import ScriptedRepl
from toolbench import write

TOOLS = """
    tools:
      - {name: get_weather, parameters: {type: object}, run: {mock: sunny}}
      - {name: get_time, parameters: {type: object}, run: {mock: noon}}
"""


def said(tmp_path: Path, *keys: str) -> ScriptedRepl:
    """A REPL in which both tools were called and these keys pressed."""
    answers = (calls(("get_weather", "{}"), ("get_time", "{}")), text("done"))
    repl = ScriptedRepl(tmp_path, TOOLS, answers=answers, keys=keys)
    toolbox = repl.repl.toolbox
    asked = PromptGate(repl.person, repl.repl.console, toolbox.check, toolbox.answered_by_person)
    repl.session.gate = ScriptedGate({}, asked)
    repl.typed("hello")
    return repl


def test_the_list_of_tools_shows_to_which_always_or_never_was_said(tmp_path: Path) -> None:
    shown = said(tmp_path, "Y", "N").typed("/tools")
    assert "get_weather  [you said: always]" in shown
    assert "get_time     [you said: never]" in shown
    assert "[" not in said(tmp_path, "y", "n").typed("/tools")


def test_one_tool_or_all_can_be_asked_about_again(tmp_path: Path) -> None:
    repl = said(tmp_path, "Y", "N")
    assert "asked again about get_time\n" in repl.typed("/ask-again get_time")
    assert repl.typed("/tools").count("you said") == 1
    assert "asked again about get_weather\n" in repl.typed("/ask-again")
    assert "you said" not in repl.typed("/tools")


def test_a_tool_that_is_another_after_a_reload_is_asked_about_again(tmp_path: Path) -> None:
    repl = said(tmp_path, "Y", "Y")
    write(tmp_path, "tools.yaml", TOOLS.replace("sunny", "rain"))
    repl.typed("/reload")
    shown = repl.typed("/tools")
    assert "get_weather\n" in shown
    assert "get_time     [you said: always]" in shown


def test_where_nothing_was_said_there_is_nothing_to_forget(tmp_path: Path) -> None:
    repl = said(tmp_path, "y", "n")
    assert "neither always nor never to any tool" in repl.typed("/ask-again")
    assert "neither always nor never to get_time" in repl.typed("/ask-again get_time")


def test_without_a_person_at_the_gate_there_is_nothing_to_forget(tmp_path: Path) -> None:
    assert "neither always nor never" in ScriptedRepl(tmp_path, TOOLS).typed("/tools", "/ask-again")


def test_only_tools_that_were_answered_for_complete_it(tmp_path: Path) -> None:
    assert said(tmp_path, "Y", "n").completed("/ask-again ") == ["/ask-again get_weather"]
