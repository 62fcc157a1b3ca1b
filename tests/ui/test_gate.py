"""The gates: what a person's keys, a script and nobody at all decide."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from callscope.core.errors import UsageError
from callscope.core.state import Conversation
from callscope.core.values import Abort, CallKey, Decision, Edit, Mock, Reject, Run, ToolCall
from callscope.ui.gate import AbsentGate, ScriptedGate, scripted_decision
from callscope.ui.prompt_gate import PromptGate

CALL = ToolCall(CallKey(1, 0), "c1", "get_weather", '{"city": "Paris"}')
AGAIN = ToolCall(CallKey(1, 1), "c2", "get_weather", '{"city": "Rome"}')


class Person:
    """Types these answers, and remembers what each prompt began with."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.defaults: list[str] = []

    async def __call__(self, prompt: str, default: str) -> str:
        self.defaults.append(default)
        return self.answers.pop(0)


def decided(*answers: str, calls: Sequence[ToolCall] = (CALL,), without_run: bool = False) -> list[Decision]:
    person = Person(*answers)

    def check(call: ToolCall, arguments: str) -> str | None:
        return None if arguments.startswith('{"city"') else "city is missing"

    gate = PromptGate(person, Console(file=io.StringIO()), check, lambda name: without_run)

    async def decide() -> list[Decision]:
        return [(await gate.decide(call, Conversation())).decision for call in calls]

    decisions = asyncio.run(decide())
    assert person.answers == [], "the gate did not ask as often as expected"
    return decisions


@pytest.mark.parametrize(
    ("keys", "decision"),
    [
        (("y",), Run()),
        (("n",), Reject()),
        (("r", "too hot"), Reject("too hot")),
        (("m", "snow"), Mock("snow")),
        (("a",), Abort()),
        (("e", '{"city": "Rome"}'), Edit('{"city": "Rome"}')),
        (("p", "y"), Run()),
        (("", "?", "y"), Run()),
    ],
    ids=["yes", "no", "reason", "mock", "abort", "edit", "print first", "no key twice"],
)
def test_a_key_is_a_decision(keys: tuple[str, ...], decision: Decision) -> None:
    assert decided(*keys) == [decision]


def test_an_edit_that_is_not_valid_is_asked_again() -> None:
    assert decided("e", "{}", '{"city": "Rome"}') == [Edit('{"city": "Rome"}')]


def test_an_empty_edit_goes_back_to_the_question() -> None:
    assert decided("e", "", "y") == [Run()]


def test_always_and_never_hold_for_further_calls_of_the_tool() -> None:
    assert decided("Y", calls=(CALL, AGAIN)) == [Run(), Run()]
    assert [type(decision) for decision in decided("N", calls=(CALL, AGAIN))] == [Reject, Reject]


def test_a_tool_without_implementation_is_answered_by_the_person() -> None:
    assert decided("blue", without_run=True) == [Mock("blue")]


def test_where_nobody_is_the_call_is_refused_as_absent() -> None:
    verdict = asyncio.run(AbsentGate().decide(CALL, Conversation()))
    assert isinstance(verdict.decision, Reject)
    assert verdict.by == "absent"


def test_a_script_decides_by_name_and_leaves_the_rest_to_the_next_gate() -> None:
    gate = ScriptedGate({"get_time": Run()}, AbsentGate())
    assert asyncio.run(gate.decide(CALL, Conversation())).by == "absent"
    gate = ScriptedGate({"get_weather": Mock("snow")}, AbsentGate())
    assert asyncio.run(gate.decide(CALL, Conversation())).decision == Mock("snow")


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
