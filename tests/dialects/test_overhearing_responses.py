from __future__ import annotations

import json
from typing import Any

import pytest

from callscope.core.events import (
    CallAssembled,
    Event,
    ExchangeEnded,
    ExchangeOpened,
    ItemsInserted,
    ResponseCompleted,
    ResponseStarted,
    ToolFinished,
    UserMessage,
)
from callscope.core.state import Conversation, apply
from callscope.core.values import CallKey, Reasoning, Request, ToolCall, ToolResult, ToolSpec
from callscope.dialects.overhearing import Overheard, goes_on, goes_on_from, overhear, told_anew, told_first
from callscope.dialects.responses.dialect import Responses

URL = "https://models.test/v1/responses"
USER = {"role": "user", "content": [{"type": "input_text", "text": "Weather in Rome?"}]}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Rome."}]}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "get_weather", "arguments": '{"city":"Rome"}'}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "21"}


def heard(**body: Any) -> Overheard:
    found = overhear(Request("POST", URL, (), json.dumps({"model": "m", **body}).encode()))
    assert found is not None
    return found


def answered(response_id: str = "resp_1") -> Conversation:
    """A conversation in which one answer with a call came."""
    conversation = Conversation()
    events: tuple[Event, ...] = (
        UserMessage("Weather in Rome?"),
        ExchangeOpened(1, Request("POST", URL, (), b"")),
        ResponseStarted(1),
        CallAssembled(ToolCall(CallKey(1, 0), "c1", "get_weather", '{"city":"Rome"}')),
        ExchangeEnded(1, "complete"),
        ResponseCompleted("completed", None, {"id": response_id, "output": [CALL]}),
    )
    for event in events:
        conversation = apply(conversation, event)
    return conversation


def test_the_url_loses_its_resource_and_the_dialect_is_known_by_it() -> None:
    settings = heard(input="hi").settings
    assert (settings.dialect, settings.url) == ("responses", "https://models.test/v1")


def test_a_text_for_input_is_what_the_person_said() -> None:
    assert list(told_first(heard(input="hi").messages)) == [UserMessage("hi")]


def test_instructions_are_the_system_prompt() -> None:
    assert heard(input="hi", instructions="Be brief.").settings.system == "Be brief."


def test_a_developer_message_is_the_system_prompt_where_there_are_no_instructions() -> None:
    found = heard(input=[{"role": "developer", "content": "Be brief."}, USER])
    assert found.settings.system == "Be brief."
    assert list(told_first(found.messages)) == [UserMessage("Weather in Rome?")]


def test_flat_tools_are_read() -> None:
    tool = {"type": "function", "name": "now", "description": "The time.", "parameters": {"type": "object"}}
    assert heard(input="hi", tools=[tool]).tools == (
        ToolSpec("now", "The time.", {"type": "object"}, source="the request"),
    )


def test_what_callscope_does_not_write_itself_stays_a_parameter() -> None:
    settings = heard(input="hi", store=False, include=["reasoning.encrypted_content"]).settings
    assert settings.parameters == {"store": False, "include": ["reasoning.encrypted_content"]}


def test_a_result_that_goes_back_is_the_call_s() -> None:
    conversation = answered()
    messages = heard(input=[USER, THOUGHT, CALL, RESULT]).messages
    assert goes_on(conversation, 1, messages) == 2
    results = [event.result for event in told_anew(conversation, messages[1:]) if isinstance(event, ToolFinished)]
    assert results == [ToolResult(CallKey(1, 0), "21")]


def test_a_custom_call_goes_on_with_its_result() -> None:
    custom = {"type": "custom_tool_call", "call_id": "c1", "name": "get_weather", "input": "Rome"}
    output = {"type": "custom_tool_call_output", "call_id": "c1", "output": "21"}
    conversation = answered()
    messages = heard(input=[USER, custom, output]).messages
    assert goes_on(conversation, 1, messages) == 2


def test_a_request_that_names_the_last_response_goes_on_with_it_and_brings_the_results_alone() -> None:
    conversation = answered("resp_7")
    found = heard(input=[RESULT], previous_response_id="resp_7")
    assert goes_on_from(conversation, found.previous)
    results = [event.result for event in told_anew(conversation, found.messages) if isinstance(event, ToolFinished)]
    assert results == [ToolResult(CallKey(1, 0), "21")]


@pytest.mark.parametrize("previous", ["resp_6", ""])
def test_a_request_that_names_another_response_does_not_go_on(previous: str) -> None:
    assert not goes_on_from(answered("resp_7"), previous)


def test_a_history_keeps_its_items_as_they_came_and_sends_them_again() -> None:
    unknown = {"type": "orq:current_date", "id": "od_1", "date": "2026-11-21"}
    found = heard(input=[USER, THOUGHT, unknown, CALL, RESULT, {"role": "user", "content": "And Paris?"}])
    inserted, said = list(told_first(found.messages))
    assert isinstance(inserted, ItemsInserted)
    assert Reasoning("Rome.", 1, {"output": [THOUGHT, unknown, CALL]}) in inserted.items
    conversation = Conversation(settings=found.settings)
    for event in (ItemsInserted(inserted.items), said):
        conversation = apply(conversation, event)
    again = json.loads(Responses().request(conversation).request.body)["input"]
    assert again[1:5] == [THOUGHT, unknown, CALL, RESULT]


def test_a_body_without_input_is_no_request() -> None:
    assert overhear(Request("POST", URL, (), b'{"model":"m"}')) is None


@pytest.mark.parametrize("odd", [{"type": []}, {"type": {}, "role": "assistant"}, {"type": None, "role": []}])
def test_an_item_whose_type_is_none_is_kept_as_it_came(odd: dict[str, Any]) -> None:
    found = heard(input=[USER, odd, {"role": "user", "content": "And Paris?"}])
    assert found.messages[1]["output"] == [odd]
