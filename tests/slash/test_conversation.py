"""Commands that change the conversation, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from callscope.core.values import Message
from playbook import calls, text
from scriptedrepl import ScriptedRepl


def said(repl: ScriptedRepl) -> list[str]:
    return [item.text for item in repl.conversation.items if isinstance(item, Message) and item.role == "user"]


def test_editing_a_message_goes_on_from_there_with_the_new_words(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, answers=[text("1"), text("2"), text("3")])
    repl.typed("one", "two", "/edit 1", "uno")
    assert said(repl) == ["uno"]
    assert repl.prompt.defaults[3] == "one"
    assert repl.play.transcript[-4] == "-> request 3"


def test_editing_without_a_number_takes_the_last_message(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, answers=[text("1"), text("2"), text("3")])
    repl.typed("one", "two", "/edit", "due")
    assert said(repl) == ["one", "due"]


def test_editing_to_nothing_changes_nothing(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, answers=[text("1")])
    assert "nothing changed" in repl.typed("one", "/edit", "  ")
    assert said(repl) == ["one"]


@pytest.mark.parametrize("number", ["0", "2", "x", "-1", "1.0", "²"])
def test_a_number_that_no_message_has_is_refused(tmp_path: Path, number: str) -> None:
    repl = ScriptedRepl(tmp_path, answers=[text("1")])
    assert f"There is no message {number}: you have said 1" in repl.typed("one", f"/edit {number}")
    assert said(repl) == ["one"]


@pytest.mark.parametrize("command", ["/edit", "/retry"])
def test_a_number_of_thousands_of_digits_is_refused_like_any_other(tmp_path: Path, command: str) -> None:
    repl = ScriptedRepl(tmp_path, answers=[text("1")])
    assert "There is no message 999" in repl.typed("one", f"{command} {'9' * 5000}")
    assert said(repl) == ["one"]


@pytest.mark.parametrize("command", ["/edit", "/undo", "/retry"])
def test_where_nothing_was_said_there_is_nothing_to_change(tmp_path: Path, command: str) -> None:
    assert "you have said nothing yet" in ScriptedRepl(tmp_path).typed(command)


def test_an_earlier_message_can_be_said_again(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, answers=[text("1"), text("2"), text("3")])
    repl.typed("one", "two", "/retry 1")
    assert said(repl) == ["one"]


def test_undo_takes_calls_and_results_along(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, answers=[text("1"), calls(("get_time", "{}")), text("2")], approve="always")
    repl.typed("one", "two", "/undo")
    assert len(repl.conversation.items) == 2
    assert said(repl) == ["one"]


def test_a_policy_is_shown_changed_and_checked(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path)
    assert "ask before each call" in repl.typed("/approve")
    assert "result: run, and show each result" in repl.typed("/approve result")
    assert repl.conversation.settings.approve == "result"
    assert "/approve sometimes: write ask, always, result, never." in repl.typed("/approve sometimes")
    assert len(repl.settings_said()) == 1


def test_a_break_holds_the_next_call_whatever_the_policy_says(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, answers=[calls(("get_time", "{}")), text("2")], approve="always")
    repl.typed("/break", "what time is it")
    assert "held 0" in repl.play.transcript


def test_model_and_system_prompt_change_the_next_request_alone(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, model="m1")
    assert repl.typed("/model").strip() == "m1"
    repl.typed("/model m2", "/system Be brief.")
    assert [(made.model, made.system) for made in repl.settings_said()] == [("m2", None), ("m2", "Be brief.")]
    assert "no system prompt" in repl.typed("/system -")


def test_a_changed_model_is_told_with_the_one_before_and_from_when_it_answers(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, model="m1")
    assert repl.typed("/model m2").strip() == "m2 answers from your next message on; it was m1"


def test_a_session_without_a_model_says_so(tmp_path: Path) -> None:
    assert ScriptedRepl(tmp_path, model="").typed("/model").strip() == "no model"


def test_a_command_takes_words_of_several_lines(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path)
    repl.typed("/system\nBe brief.\nBe kind.")
    assert repl.conversation.settings.system == "Be brief.\nBe kind."
