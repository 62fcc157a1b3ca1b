"""/why in the REPL, and the word at the end of a turn that leads to it."""

from __future__ import annotations

from pathlib import Path

from callscope.core.events import ResponseCompleted, ResponseStarted
from callscope.dialects.diagnostics import diagnostic
from callscope.ui.view import PlainView
from playbook import Answer, calls, text
from scriptedrepl import ScriptedRepl

TOOLS = """
tools:
  - name: get_weather
    description: The weather.
    parameters: {type: object, properties: {city: {type: string}}, required: [city]}
    run: {mock: sunny}
"""


def repl(folder: Path, *answers: Answer, **settings: object) -> ScriptedRepl:
    made = ScriptedRepl(folder, TOOLS, answers=answers, approve="always", **settings)
    made.session.sinks.append(made.repl.witness)
    return made


def test_a_turn_in_words_is_explained(tmp_path: Path) -> None:
    said = repl(tmp_path, text("Hi.")).typed("hello", "/why")
    assert "certain: answered_in_words" in said
    assert "1 tool was offered" in said


def test_a_call_that_was_to_be_expected_is_hinted_at_once_and_words_are_not(tmp_path: Path) -> None:
    dropped = (diagnostic("finish_reason_without_calls", text="tool_calls"), ResponseCompleted("tool_calls"))
    said = repl(tmp_path, text("Hi."), Answer(((ResponseStarted(0),),), dropped)).typed("hello", "weather")
    assert said.count("/why says what to do") == 1
    assert said.index("/why says what to do") > said.index("Hi.")


def test_before_the_first_turn_there_is_nothing_to_explain(tmp_path: Path) -> None:
    assert "no turn to look at yet" in repl(tmp_path).typed("/why")


def test_the_turns_before_a_session_was_gone_on_with_are_explained_by_its_recording(tmp_path: Path) -> None:
    gone_on = ScriptedRepl(tmp_path, answers=(text("Hi."),))  # its witness did not see the turn
    said = gone_on.typed("hello", "/record on", "/why")
    assert gone_on.repl.recorder is not None
    assert f"callscope recordings why {gone_on.repl.recorder.path}" in said.replace("\n", "")


def test_tab_offers_the_calls_of_the_turn(tmp_path: Path) -> None:
    made = repl(tmp_path, calls(("get_weather", '{"city": "Paris"}')), text("Sunny."))
    made.typed("weather")
    assert isinstance(made.repl.view, PlainView)
    assert made.completed("/why ") == ["/why 1"]
