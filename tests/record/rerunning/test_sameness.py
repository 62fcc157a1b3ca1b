"""What of two events has to be the same again."""

import json

from callscope.core.events import ExchangeOpened, ToolFinished
from callscope.core.values import CallKey, Request, ToolResult
from callscope.record.rerunning.sameness import Sameness, Terms
from callscope.record.rerunning.script import Fact

BELL = "at \x01 the prompt"


def told_in(output: str) -> Request:
    """A request that carries the result of a tool."""
    message = {"role": "tool", "tool_call_id": "call_1", "content": output}
    return Request("POST", "http://127.0.0.1/v1", (), json.dumps({"messages": [message]}).encode())


def asked(output: str) -> Fact:
    """The recorded request that carries this result."""
    return Fact(("request", 2, 0), 1, ExchangeOpened(2, told_in(output)))


def test_a_result_with_a_control_character_that_was_told_to_differ_is_not_told_of_the_next_request_again():
    sameness = Sameness(Terms())
    sameness.carry([BELL], ["another"])

    assert list(sameness.of_requests(asked(BELL), told_in("another"))) == []


def test_a_control_character_of_a_tool_is_shown_as_it_was_recorded():
    recorded, now = (ToolFinished(ToolResult(CallKey(1, 0), output)) for output in (BELL, "at * the prompt"))
    fact = Fact(("result", 1, 0), 1, recorded)

    assert [one.recorded for one in Sameness(Terms()).differences(fact, now)] == [BELL]


def test_the_same_id_in_arguments_is_no_id_although_calls_were_minted_the_other_way_round():
    sameness = Sameness(Terms())
    sameness.ids.meet("1", "2", 1)
    sameness.ids.meet("2", "1", 1)

    assert list(sameness.of_requests(asked("1"), told_in("1"))) == []
    assert [one.path for one in sameness.of_requests(asked("1"), told_in("2"))] == ["$.body.messages[0].content"]
