"""What goes to a server of the Responses API: items as they came, and only what this server would take."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Literal

import pytest

from callscope.core.events import (
    CallDecided,
    Event,
    ExchangeEnded,
    ExchangeOpened,
    ItemsInserted,
    ResponseHead,
    Rewound,
    SettingsChanged,
    ToolFinished,
    ToolsChanged,
    UserMessage,
)
from callscope.core.ports import Prepared
from callscope.core.state import Conversation, apply
from callscope.core.values import (
    CallKey,
    Edit,
    Json,
    Message,
    Reasoning,
    Request,
    Settings,
    ToolCall,
    ToolResult,
    ToolSpec,
)
from callscope.dialects.chat.dialect import ChatCompletions
from callscope.dialects.responses.dialect import Responses

SETTINGS = Settings(dialect="responses", url="https://models.test/v1", model="m")
HEAD = ResponseHead(1, 200, (("content-type", "application/json"),))
THOUGHT = {"id": "rs_1", "type": "reasoning", "summary": []}
SEALED = {**THOUGHT, "encrypted_content": "gAAA"}
OPEN = {**THOUGHT, "content": [{"type": "reasoning_text", "text": "Rome."}]}
CALL = {
    "id": "fc_1",
    "type": "function_call",
    "status": "completed",
    "call_id": "call_1",
    "name": "get_weather",
    "arguments": '{"city": "Rome"}',
    "namespace": "weather",
}
SAID = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "phase": "final_answer",
    "content": [{"type": "output_text", "text": "It is 21.", "annotations": [], "logprobs": []}],
}
DATE = {"type": "orq:current_date", "id": "od_1", "date": "2026-11-21"}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "21"}
ASKED = {"role": "user", "content": "Weather in Rome?"}


def talk(*events: Event, settings: Settings = SETTINGS) -> Conversation:
    conversation = Conversation()
    for event in (SettingsChanged(settings), UserMessage("Weather in Rome?"), *events):
        conversation = apply(conversation, event)
    return conversation


def answer(*items: dict[str, Any], exchange: int = 1, **members: Json) -> list[Event]:
    """The events of an exchange in which the server answered these items in one piece."""
    response = {"id": f"resp_{exchange}", "object": "response", "status": "completed", "output": items, **members}
    decoder = Responses().decoder(exchange, ())
    body = json.dumps({name: value for name, value in response.items() if value is not None}).encode()
    decoded = [*decoder.feed(HEAD), *decoder.feed(body), *decoder.close("complete")]
    return [ExchangeOpened(exchange, Request("POST", "", (), b"")), ExchangeEnded(exchange, "complete"), *decoded]


def ran(exchange: int = 1, output: str = "21") -> ToolFinished:
    return ToolFinished(ToolResult(CallKey(exchange, 0), output))


def sent(conversation: Conversation) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(Responses().request(conversation).request.body)
    return body


def codes(prepared: Prepared) -> list[str]:
    return [each.code for each in prepared.diagnostics]


# ---- the request ----------------------------------------------------------------------------------------------------


def test_the_least_request_has_nothing_that_a_stateless_server_refuses() -> None:
    assert sent(talk()) == {"model": "m", "input": [ASKED], "stream": True}


@pytest.mark.parametrize(
    "base",
    ["https://models.test/v1", "https://models.test", "https://models.test/v1/", "https://models.test/v1/responses"],
)
def test_the_url_gets_the_resource_once(base: str) -> None:
    request = Responses().request(talk(settings=replace(SETTINGS, url=base))).request
    assert request.url == "https://models.test/v1/responses"


def test_the_path_and_the_query_of_a_router_stay() -> None:
    settings = replace(SETTINGS, url="https://api.orq.test/v3/router?tenant=a")
    assert (
        Responses().request(talk(settings=settings)).request.url == "https://api.orq.test/v3/router/responses?tenant=a"
    )


def test_the_system_prompt_is_the_instructions_of_each_request() -> None:
    settings = replace(SETTINGS, system="Be brief.")
    assert sent(talk(settings=settings))["instructions"] == "Be brief."


def test_tools_are_flat() -> None:
    tool = ToolSpec("now", "The time.", {"type": "object", "properties": {}})
    body = sent(talk(ToolsChanged((tool,))))
    assert (body["tools"][0]["type"], body["tools"][0]["name"]) == ("function", "now")


def test_where_nothing_is_stored_reasoning_is_asked_for_encrypted() -> None:
    body = sent(talk(settings=replace(SETTINGS, parameters={"store": False})))
    assert (body["store"], body["include"]) == (False, ["reasoning.encrypted_content"])


def test_what_the_person_says_to_include_is_what_is_included() -> None:
    settings = replace(SETTINGS, parameters={"store": False, "include": []})
    assert sent(talk(settings=settings))["include"] == []


# ---- what the server said -------------------------------------------------------------------------------------------


def test_items_go_back_as_they_came_and_in_their_order_with_the_results_behind_them() -> None:
    body = sent(talk(*answer(SEALED, DATE, CALL), ran()))
    assert body["input"] == [ASKED, SEALED, DATE, CALL, RESULT]


def test_an_answer_in_words_goes_back_as_it_came() -> None:
    body = sent(talk(*answer(SAID), UserMessage("Thanks")))
    assert body["input"] == [ASKED, SAID, {"role": "user", "content": "Thanks"}]


def test_an_edited_call_goes_back_with_the_arguments_that_ran_and_all_else_as_it_came() -> None:
    conversation = talk(*answer(CALL), CallDecided(CallKey(1, 0), Edit('{"city":"Paris"}')), ran())
    assert sent(conversation)["input"][1] == {**CALL, "arguments": '{"city":"Paris"}'}


def test_a_custom_call_is_answered_as_one() -> None:
    custom = {"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_1", "name": "run_sql", "input": "SELECT 1"}
    body = sent(talk(*answer(custom), ran()))
    assert body["input"][1:] == [custom, {"type": "custom_tool_call_output", "call_id": "call_1", "output": "21"}]


def test_a_call_without_call_id_never_goes_by_its_item_s_id() -> None:
    nameless = {name: value for name, value in CALL.items() if name != "call_id"}
    body = sent(talk(*answer(nameless), ran()))
    assert body["input"][1]["id"] == "fc_1"
    assert body["input"][1]["call_id"] == body["input"][2]["call_id"] == "call_1_0"


def test_one_id_in_two_responses_is_told_apart() -> None:
    conversation = talk(*answer(CALL), ran(), *answer({**CALL, "id": "fc_2"}, exchange=2), ran(2, "22"))
    prepared = Responses().request(conversation)
    items = json.loads(prepared.request.body)["input"]
    assert [item["call_id"] for item in items[1:]] == ["call_1", "call_1", "call_1_2", "call_1_2"]
    assert codes(prepared) == ["id_renamed"]


def test_broken_arguments_do_not_go_back() -> None:
    prepared = Responses().request(talk(*answer({**CALL, "arguments": '{"city": "Ro'}), ran()))
    assert json.loads(prepared.request.body)["input"][1]["arguments"] == "{}"
    assert codes(prepared) == ["arguments_replaced"]


def test_a_call_that_a_rewind_left_without_a_result_gets_an_error_for_one() -> None:
    prepared = Responses().request(talk(*answer(CALL)))
    assert json.loads(prepared.request.body)["input"][-1]["type"] == "function_call_output"
    assert codes(prepared) == ["result_missing"]


def test_a_rewind_into_an_answer_leaves_out_the_calls_that_are_gone() -> None:
    conversation = talk(*answer(SAID, CALL), ran(), Rewound(3))
    assert sent(conversation)["input"] == [ASKED, SAID]


# ---- reasoning that a server would refuse ---------------------------------------------------------------------------


@pytest.mark.parametrize("item", [SEALED, OPEN])
def test_reasoning_that_stands_on_its_own_goes_back_where_nothing_is_stored(item: dict[str, Any]) -> None:
    settings = replace(SETTINGS, parameters={"store": False})
    assert item in sent(talk(*answer(item, CALL), ran(), settings=settings))["input"]


@pytest.mark.parametrize(("parameters", "said"), [({"store": False}, None), ({}, False)])
def test_reasoning_that_is_kept_nowhere_stays_out_and_that_is_said(parameters: dict[str, Any], said: Json) -> None:
    settings = replace(SETTINGS, parameters=parameters)
    prepared = Responses().request(talk(*answer(THOUGHT, CALL, store=said), ran(), settings=settings))
    assert json.loads(prepared.request.body)["input"] == [ASKED, CALL, RESULT]
    assert codes(prepared) == ["reasoning_left_out"]


def test_stored_reasoning_goes_back_by_its_id() -> None:
    assert sent(talk(*answer(THOUGHT, CALL), ran()))["input"][1] == THOUGHT


def test_reasoning_that_nothing_followed_stays_out() -> None:
    cut = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    conversation = talk(*answer(SEALED, **cut), UserMessage("Go on"))  # type: ignore[arg-type]
    assert sent(conversation)["input"] == [ASKED, {"role": "user", "content": "Go on"}]


def test_another_server_gets_no_ids_and_no_reasoning_of_the_first() -> None:
    moved = SettingsChanged(replace(SETTINGS, url="https://other.test/v1"))
    prepared = Responses().request(talk(*answer(SEALED, CALL), ran(), moved))
    foreign = {name: value for name, value in CALL.items() if name not in ("id", "status")}
    assert json.loads(prepared.request.body)["input"] == [ASKED, foreign, RESULT]
    assert codes(prepared) == ["reasoning_left_out"]


def test_what_is_left_out_is_told_with_the_first_request_that_goes_without_it_alone() -> None:
    settings = replace(SETTINGS, parameters={"store": False})
    conversation = talk(*answer(THOUGHT, CALL), ran(), *answer(SAID, exchange=2), UserMessage("Hm"), settings=settings)
    assert codes(Responses().request(conversation)) == []


# ---- from one protocol to the other ---------------------------------------------------------------------------------


def test_a_conversation_that_began_in_chat_completions_goes_on() -> None:
    call = ToolCall(CallKey(1, 0), "c1", "get_weather", "{}")
    items = (Reasoning("Hm", 1, {"reasoning_content": "Hm"}), Message("assistant", "I look.", 1), call)
    body = sent(talk(ItemsInserted((*items, ToolResult(call.key, "21")), 1)))
    assert [item.get("type", "message") for item in body["input"]] == [
        "message",
        "message",
        "function_call",
        "function_call_output",
    ]


def test_a_conversation_that_began_here_goes_on_in_chat_completions_without_items() -> None:
    conversation = talk(*answer(SEALED, SAID, CALL), ran(), SettingsChanged(replace(SETTINGS, dialect="chat")))
    messages = json.loads(ChatCompletions().request(conversation).request.body)["messages"]
    assert messages[1].keys() == {"role", "content", "tool_calls"}
    assert messages[1]["content"] == "It is 21."


# ---- the server's own memory ----------------------------------------------------------------------------------------

SERVER = replace(SETTINGS, history="server")


def test_a_response_that_the_server_keeps_is_gone_on_from_with_the_results_alone() -> None:
    body = sent(talk(*answer(CALL), ran(), settings=SERVER))
    assert (body["previous_response_id"], body["input"]) == ("resp_1", [RESULT])


def test_instructions_and_tools_are_sent_again_because_the_server_does_not_carry_them_over() -> None:
    tool = ToolSpec("get_weather", "", {"type": "object", "properties": {}})
    settings = replace(SERVER, system="Be brief.")
    body = sent(talk(ToolsChanged((tool,)), *answer(CALL), ran(), settings=settings))
    assert body["instructions"] == "Be brief."
    assert len(body["tools"]) == 1


def test_the_next_words_go_behind_the_last_response() -> None:
    body = sent(talk(*answer(CALL), ran(), *answer(SAID, exchange=2), UserMessage("Thanks"), settings=SERVER))
    assert (body["previous_response_id"], body["input"]) == ("resp_2", [{"role": "user", "content": "Thanks"}])


def test_after_a_rewind_the_conversation_goes_on_from_the_last_response_that_is_left() -> None:
    later = [UserMessage("Thanks"), *answer(SAID, exchange=2), Rewound(3), UserMessage("Hm")]
    body = sent(talk(*answer(SAID), *later, settings=SERVER))
    assert (body["previous_response_id"], body["input"]) == ("resp_1", [{"role": "user", "content": "Hm"}])


def test_after_a_rewind_to_the_beginning_nothing_is_gone_on_from() -> None:
    body = sent(talk(*answer(SAID), Rewound(0), UserMessage("Hm"), settings=SERVER))
    assert "previous_response_id" not in body


WHOLE = [
    pytest.param([CallDecided(CallKey(1, 0), Edit("{}")), ran()], SERVER, {}, "changed here", id="an edited call"),
    pytest.param([ran()], replace(SERVER, parameters={"store": False}), {}, "store is false", id="asked not to store"),
    pytest.param([ran()], SERVER, {"store": False}, "store is false", id="the server says that it stores nothing"),
    pytest.param([ran()], SERVER, {"id": None}, "no id", id="no id"),
    pytest.param(
        [ran(), SettingsChanged(replace(SERVER, url="https://other.test/v1"))],
        SERVER,
        {},
        "another server",
        id="a changed server",
    ),
    pytest.param(
        [ran(), SettingsChanged(replace(SERVER, dialect="chat")), SettingsChanged(SERVER)],
        SERVER,
        {},
        "another server",
        id="there and back",
    ),
]


@pytest.mark.parametrize(("events", "settings", "members", "reason"), WHOLE)
def test_where_the_server_s_memory_is_another_the_whole_list_goes_and_that_is_said(
    events: list[Event], settings: Settings, members: dict[str, Json], reason: str
) -> None:
    prepared = Responses().request(talk(*answer(CALL, **members), *events, settings=settings))  # type: ignore[arg-type]
    body = json.loads(prepared.request.body)
    assert "previous_response_id" not in body
    assert body["input"][0] == ASKED
    said = [each.message for each in prepared.diagnostics if each.code == "server_history_unused"]
    assert len(said) == 1
    assert reason in said[0]


def test_a_broken_answer_is_told_behind_the_last_whole_one() -> None:
    events = answer({**CALL, "call_id": "call_2"}, exchange=2, status="failed", error={"message": "Overloaded."})
    body = sent(talk(*answer(SAID), UserMessage("And Paris?"), *events, UserMessage("Again"), settings=SERVER))
    assert body["previous_response_id"] == "resp_1"
    assert body["input"][0] == {"role": "user", "content": "And Paris?"}
    assert body["input"][-1] == {"role": "user", "content": "Again"}


def test_in_chat_completions_the_server_keeps_nothing_and_the_whole_list_goes() -> None:
    settings = replace(SERVER, dialect="chat")
    body = json.loads(ChatCompletions().request(talk(*answer(SAID), UserMessage("Hm"), settings=settings)).request.body)
    assert len(body["messages"]) == 3


@pytest.mark.parametrize(
    "words",
    [
        "Previous response with id 'resp_1' not found.",
        "previous_response_id is not supported",
        "Unsupported parameter: 'previous_response_id'.",
    ],
)
def test_a_server_that_keeps_no_responses_is_met_with_a_word_about_what_to_do(words: str) -> None:
    decoder = Responses().decoder(2, ())
    events = decoder.feed(ResponseHead(2, 400, (("content-type", "application/json"),)))
    events += decoder.feed(json.dumps({"error": {"message": words, "param": "previous_response_id"}}).encode())
    events += decoder.close("complete")
    assert "server_history_refused" in [getattr(event, "code", "") for event in events]


@pytest.mark.parametrize("history", ["full", "server"])
@pytest.mark.parametrize("odd", [{"type": []}, {"type": {}, "call_id": []}, {"type": None}, {}])
def test_an_item_whose_type_is_none_does_not_keep_the_next_request_from_leaving(
    odd: dict[str, Any], history: Literal["full", "server"]
) -> None:
    settings = replace(SETTINGS, history=history)
    body = sent(talk(*answer(odd, SAID), UserMessage("And Paris?"), settings=settings))
    assert body["input"][-1] == {"role": "user", "content": "And Paris?"}
