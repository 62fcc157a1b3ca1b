"""The gates: what a person's keys, a script and nobody at all decide."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from callscope.core.errors import UsageError
from callscope.core.events import CallDecided, Diagnostic, ResultReviewed
from callscope.core.state import CallRecord, Conversation, Response
from callscope.core.values import (
    Abort,
    Approval,
    CallKey,
    Decision,
    Edit,
    Fault,
    Mock,
    Reject,
    Run,
    Settings,
    ToolCall,
    ToolResult,
    ToolSpec,
)
from callscope.ui.asking import Choices, Draft
from callscope.ui.gate import AbsentGate, ScriptedGate, scripted_decision
from callscope.ui.prompt_gate import PromptGate, gate_of_person

CALL = ToolCall(CallKey(1, 0), "c1", "get_weather", '{"city": "Paris"}')
AGAIN = ToolCall(CallKey(1, 1), "c2", "get_weather", '{"city": "Rome"}')
OTHER = ToolCall(CallKey(1, 2), "c3", "get_time", "{}")
RESULT = ToolResult(CALL.key, '{"temperature": 21}', "ok", 0.25)
FAULT = Fault("arguments_incomplete", "They are incomplete.")
NEVER = Reject("The person refuses every call of this tool.")


class Person:
    """Gives these answers, in this order, and remembers what was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.drafts: list[Draft] = []
        self.problems: list[str] = []

    async def key(self, question: str, choices: Choices, leaving: str = "") -> str:
        self.asked.append(f"{question} {''.join(choices)}")
        key = self.answers.pop(0)
        assert key in choices, f"{key} is no key of this question"
        return key

    async def words(self, prompt: str, hint: str = "") -> str:
        self.asked.append(prompt)
        return self.answers.pop(0)

    async def edit(self, draft: Draft) -> str | None:
        self.asked.append(draft.prompt)
        self.drafts.append(draft)
        while text := self.answers.pop(0):
            if (problem := draft.problem(text)) is None:
                return text
            self.problems.append(problem)
        return None


class Asked:
    """A gate with a person at it, and what it showed."""

    def __init__(self, *answers: str, without_run: bool = False) -> None:
        self.person = Person(*answers)
        self.screen = io.StringIO()
        self.held_by_us = 0
        console = Console(file=self.screen, width=200)
        self.gate = PromptGate(self.person, console, check, lambda name: without_run, self.aside)

    @contextmanager
    def aside(self) -> Iterator[None]:
        self.held_by_us += 1
        yield

    def decide(self, *calls: ToolCall, conversation: Conversation | None = None) -> list[CallDecided]:
        async def one_after_the_other() -> list[CallDecided]:
            return [await self.gate.decide(call, conversation or Conversation()) for call in calls]

        return asyncio.run(one_after_the_other())

    def review(self, result: ToolResult = RESULT) -> ResultReviewed:
        return asyncio.run(self.gate.review(CALL, result, Conversation()))


def check(call: ToolCall, arguments: str) -> str | None:
    return None if arguments.startswith('{"city"') else "city is missing"


def decided(*answers: str, calls: Sequence[ToolCall] = (CALL,), without_run: bool = False) -> list[Decision]:
    asked = Asked(*answers, without_run=without_run)
    decisions = [verdict.decision for verdict in asked.decide(*calls)]
    assert asked.person.answers == [], "the gate did not ask as often as expected"
    return decisions


def conversation_of(*records: CallRecord, approve: Approval = "ask") -> Conversation:
    tools = tuple(ToolSpec(name, approve=approve) for name in ("get_weather", "get_time"))
    calls = {record.call.key: record for record in records}
    return Conversation(settings=Settings(approve="always"), tools=tools, calls=calls)


# ---- a key is a decision ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "decision"),
    [
        (("y",), Run()),
        (("Y",), Run()),
        (("n",), Reject()),
        (("N",), NEVER),
        (("r", "too hot"), Reject("too hot")),
        (("m", "snow"), Mock("snow")),
        (("o",), Run(review=True)),
        (("a",), Abort()),
        (("e", '{"city": "Rome"}'), Edit('{"city": "Rome"}')),
        (("p", "y"), Run()),
    ],
    ids=["yes", "always", "no", "never", "reason", "mock", "output", "abort", "edit", "print first"],
)
def test_a_key_is_a_decision(keys: tuple[str, ...], decision: Decision) -> None:
    assert decided(*keys) == [decision]


@pytest.mark.parametrize("key", ["r", "m", "e"])
def test_an_empty_text_goes_back_to_the_question(key: str) -> None:
    assert decided(key, "", "y") == [Run()]


def test_always_and_never_hold_for_further_calls_of_the_tool_alone() -> None:
    assert decided("Y", "n", calls=(CALL, AGAIN, OTHER)) == [Run(), Run(), Reject()]
    assert decided("N", "y", calls=(CALL, AGAIN, OTHER)) == [NEVER, NEVER, Run()]


def test_a_standing_answer_is_known_and_can_be_forgotten() -> None:
    asked = Asked("Y", "N")
    asked.decide(CALL, OTHER)
    assert asked.gate.standing() == {"get_weather": Run(), "get_time": NEVER}
    asked.gate.forget("get_weather")
    assert asked.gate.standing() == {"get_time": NEVER}
    asked.gate.forget()
    assert asked.gate.standing() == {}
    asked.gate.forget("get_weather")  # of which nothing is known any more


def test_a_break_is_asked_about_whatever_was_said_for_the_tool() -> None:
    asked = Asked("Y", "n")
    at_break = conversation_of(CallRecord(AGAIN, held=True, at_break=True), approve="result")
    assert asked.decide(CALL)[0].decision == Run()
    assert asked.decide(AGAIN, conversation=at_break)[0].decision == Reject()


def test_a_call_that_was_not_allowed_is_asked_about_though_its_tool_always_runs() -> None:
    asked = Asked("Y", "n")
    told = Response(1)
    told.chunks.diagnostics.append(Diagnostic("warning", "call_not_allowed", "It was called all the same.", AGAIN.key))
    unforeseen = replace(conversation_of(CallRecord(AGAIN, held=True)), response=told)
    assert asked.decide(CALL)[0].decision == Run()
    assert asked.decide(AGAIN, conversation=unforeseen)[0].decision == Reject()
    assert "It was called all the same." in asked.screen.getvalue()


def test_a_break_is_asked_about_where_only_the_result_would_be_held() -> None:
    at_break = conversation_of(CallRecord(CALL, held=True, at_break=True), approve="result")
    assert Asked("n").decide(CALL, conversation=at_break)[0].decision == Reject()


def test_where_the_policy_holds_results_the_call_runs_without_a_question() -> None:
    asked = Asked()
    held = conversation_of(CallRecord(CALL, held=True), approve="result")
    assert asked.decide(CALL, conversation=held) == [CallDecided(CALL.key, Run(), "policy")]
    assert asked.held_by_us == 0


def test_where_the_session_asks_the_person_is_asked_before_the_call_too() -> None:
    held = conversation_of(CallRecord(CALL, held=True), approve="result")
    asking = replace(held, settings=Settings(approve="ask"))
    assert Asked("n").decide(CALL, conversation=asking)[0].decision == Reject()


def test_the_person_is_told_which_of_the_held_calls_it_is() -> None:
    first, second = CallRecord(CALL, held=True), CallRecord(OTHER, held=True)
    by_policy = CallRecord(AGAIN, decision=Run(), decided_by="policy")
    asked = Asked("y", "y")
    asked.decide(CALL, conversation=conversation_of(first, by_policy, second))
    answered = replace(first, held=False, decision=Run(), decided_by="person")
    asked.decide(OTHER, conversation=conversation_of(answered, by_policy, second))
    first_question, second_question = asked.person.asked
    assert first_question.startswith("1 of 2 · get_weather · c1 — run it?")
    assert second_question.startswith("2 of 2 · get_time · c3 — run it?")


@pytest.mark.parametrize("shown", ["gate.md", "screen.svg"])
def test_a_page_and_a_picture_show_the_question_as_it_is_asked(shown: str) -> None:
    call = replace(CALL, call_id="call_1")
    asked = Asked("y")
    asked.decide(call, conversation=conversation_of(CallRecord(call, held=True), CallRecord(OTHER, held=True)))
    question = asked.person.asked[0].removeprefix("1 of 2").partition("?")[0]
    page = (Path(__file__).parents[2] / "docs" / shown).read_text(encoding="utf-8").replace("&#160;", " ")
    assert question in page


def test_a_call_that_is_held_alone_is_not_counted() -> None:
    asked = Asked("y")
    asked.decide(CALL, conversation=conversation_of(CallRecord(CALL, held=True)))
    assert asked.person.asked[0].startswith("get_weather · c1 — run it?")
    assert asked.screen.getvalue() == "", "its panel stands above"


@pytest.mark.parametrize(
    ("reason", "fault", "said"),
    [
        ("length", FAULT, "! the answer was cut (finish_reason length): what the calls give will not be sent on"),
        ("length", None, "! the answer was cut (finish_reason length)\n"),
        ("content_filter", FAULT, "! the answer was cut (finish_reason content_filter): what the calls give will not"),
        ("content_filter", None, "! the answer was cut (finish_reason content_filter)\n"),
    ],
)
def test_that_the_answer_was_cut_is_said_before_anything_is_asked(reason: str, fault: Fault | None, said: str) -> None:
    cut = replace(AGAIN, fault=fault)
    conversation = conversation_of(CallRecord(CALL, held=True), CallRecord(cut))
    response = Response(1, "completed", finish_reason=reason)
    asked = Asked("y")
    asked.decide(CALL, conversation=replace(conversation, response=response))
    assert said in asked.screen.getvalue()


def test_what_was_found_in_a_response_is_said_before_its_first_call_is_asked_about_and_once() -> None:
    first, second = CallRecord(CALL, held=True), CallRecord(AGAIN, held=True)
    response = Response(1, "completed", finish_reason="tool_calls")
    found = Diagnostic("warning", "index_reused", "Again.", AGAIN.key)
    response.chunks.diagnostics += [found, found, Diagnostic("info", "comment", "…")]
    asked = Asked("y", "y")
    asked.decide(CALL, conversation=replace(conversation_of(first, second), response=response))
    answered = replace(first, held=False, decision=Run(), decided_by="person")
    asked.decide(AGAIN, conversation=replace(conversation_of(answered, second), response=response))
    assert asked.screen.getvalue() == "  ! found in this response: index_reused\n"


def test_the_terminal_is_taken_for_a_question_and_not_for_a_standing_answer() -> None:
    asked = Asked("Y")
    asked.decide(CALL, AGAIN)
    assert asked.held_by_us == 1


def test_what_is_wrong_with_the_arguments_is_said_before_the_question() -> None:
    asked = Asked("n")
    asked.decide(replace(CALL, arguments="{}"))
    assert "! city is missing" in asked.screen.getvalue()


def test_a_call_and_its_whole_arguments_are_shown_but_not_obeyed() -> None:
    asked = Asked("p", "y")
    hostile = json.dumps({"city": "\x1b[2J" + "x" * 1000}, ensure_ascii=False)
    asked.decide(replace(CALL, name="get\x1b[1m", arguments=hostile))
    shown = asked.screen.getvalue() + asked.person.asked[0]
    assert "\x1b" not in shown
    assert "get\\x1b[1m · c1" in shown
    assert "x" * 1000 in shown.replace("\n", "")


# ---- an edit ------------------------------------------------------------------------------------------------------


def test_an_edit_begins_with_the_arguments_as_they_came_and_is_checked_until_it_is_valid() -> None:
    asked = Asked("e", "{}", '{"city": \n"Rome"', '{"city": "Rome"}')
    assert asked.decide(CALL)[0].decision == Edit('{"city": "Rome"}')
    assert asked.person.drafts[0].text == CALL.arguments
    assert asked.person.problems == ["city is missing", "not JSON: Expecting ',' delimiter at line 2, column 7"]


def test_the_input_of_a_custom_tool_is_edited_as_plain_text() -> None:
    asked = Asked("e", '{"city" as you like')
    assert asked.decide(replace(CALL, kind="custom"))[0].decision == Edit('{"city" as you like')
    assert asked.person.drafts[0].suffix == "txt"


# ---- an answer in the tool's place --------------------------------------------------------------------------------


def test_a_tool_without_implementation_is_answered_at_once() -> None:
    asked = Asked("blue", without_run=True)
    assert asked.decide(CALL)[0].decision == Mock("blue")
    assert asked.person.asked == ["your answer"]


def test_a_tool_without_implementation_is_answered_even_where_the_policy_holds_results() -> None:
    held = conversation_of(CallRecord(CALL, held=True), approve="result")
    assert Asked("blue", without_run=True).decide(CALL, conversation=held)[0].decision == Mock("blue")


def test_who_gives_no_answer_may_refuse_but_not_run_what_has_no_implementation() -> None:
    asked = Asked("", "r", "ask somebody else", without_run=True)
    assert asked.decide(CALL)[0].decision == Reject("ask somebody else")
    assert asked.person.asked[1] == "get_weather · c1 — answer it? mnNrpa"


# ---- a result -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "output"),
    [
        (("y",), None),
        (("p", "y"), None),
        (("e", '{"temperature": 40}'), '{"temperature": 40}'),
        (("e", "", "y"), None),
        (("m", "no idea"), "no idea"),
        (("m", "", "y"), None),
    ],
    ids=["yes", "print first", "edit", "no edit", "other words", "no other words"],
)
def test_a_key_says_what_goes_back(keys: tuple[str, ...], output: str | None) -> None:
    assert Asked(*keys).review() == ResultReviewed(CALL.key, output, "person")


def test_stopping_at_a_result_stops_the_turn() -> None:
    with pytest.raises(asyncio.CancelledError):
        Asked("a").review()


def test_a_result_that_was_json_is_edited_as_json_and_any_other_as_text() -> None:
    asked = Asked("e", '{"temperature"', '{"temperature": 40}', "")
    asked.review()
    assert asked.person.drafts[0].suffix == "json"
    said = "not JSON: Expecting ':' delimiter at line 1, column 15; Esc, then m sends other words"
    assert asked.person.problems == [said]
    asked = Asked("e", "sunny")
    assert asked.review(replace(RESULT, output="rain")).output == "sunny"
    assert asked.person.drafts[0].suffix == "txt"


def test_a_result_that_stands_above_the_question_is_named_and_printed_only_when_asked_for() -> None:
    asked = Asked("p", "y")
    asked.review(replace(RESULT, output="\x1b]0;title\x07" + "\n".join(f"line {number}" for number in range(100))))
    assert asked.person.asked[0] == "result of get_weather · c1, ok, 799 bytes — send it? yempa"
    shown = asked.screen.getvalue()
    assert "\x1b" not in shown
    assert shown.count("line 99") == 1


def test_the_persons_gate_is_found_behind_a_script() -> None:
    gate = Asked().gate
    assert gate_of_person(gate) is gate
    assert gate_of_person(ScriptedGate({}, ScriptedGate({}, gate))) is gate
    assert gate_of_person(ScriptedGate({}, AbsentGate())) is None


# ---- nobody, or a script ------------------------------------------------------------------------------------------


def test_where_nobody_is_the_call_is_refused_as_absent() -> None:
    verdict = asyncio.run(AbsentGate().decide(CALL, Conversation()))
    assert isinstance(verdict.decision, Reject)
    assert verdict.by == "absent"


def test_where_nobody_is_a_result_goes_back_as_it_is() -> None:
    reviewed = asyncio.run(AbsentGate().review(CALL, RESULT, Conversation()))
    assert reviewed == ResultReviewed(CALL.key, None, "absent")


def test_a_script_decides_by_name_and_leaves_the_rest_to_the_next_gate() -> None:
    gate = ScriptedGate({"get_time": Run()}, AbsentGate())
    assert asyncio.run(gate.decide(CALL, Conversation())).by == "absent"
    gate = ScriptedGate({"get_weather": Mock("snow")}, AbsentGate())
    assert asyncio.run(gate.decide(CALL, Conversation())).decision == Mock("snow")


def test_a_script_does_not_decide_at_a_break() -> None:
    at_break = conversation_of(CallRecord(CALL, held=True, at_break=True))
    gate = ScriptedGate({"get_weather": Run()}, AbsentGate())
    assert asyncio.run(gate.decide(CALL, at_break)).by == "absent"


@pytest.mark.parametrize(
    ("rule", "decision"),
    [
        ("f=run", Run()),
        ("f=reject:no: not now", Reject("no: not now")),
        ('f=edit:{"a": "b=c"}', Edit('{"a": "b=c"}')),
        ("f=mock:21", Mock("21")),
        ("f=abort", Abort()),
    ],
)
def test_a_scripted_decision_reads_as_written(rule: str, decision: Decision) -> None:
    assert scripted_decision(rule) == ("f", decision)


@pytest.mark.parametrize("rule", ["f", "f=", "=run", "f=maybe", ""])
def test_a_scripted_decision_that_means_nothing_is_refused(rule: str) -> None:
    with pytest.raises(UsageError, match="write TOOL=run"):
        scripted_decision(rule)
