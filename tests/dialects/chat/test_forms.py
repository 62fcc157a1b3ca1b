"""The history as servers want it that are not like the others: legacy calls, and calls without ids."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callscope.core.events import (
    Event,
    ExchangeEnded,
    ExchangeOpened,
    ResponseHead,
    SettingsChanged,
    ToolFinished,
    ToolsChanged,
    UserMessage,
)
from callscope.core.state import Conversation, apply
from callscope.core.values import Request, Settings, ToolForm, ToolResult, ToolSpec
from callscope.dialects.chat.dialect import ChatCompletions
from chatbodies import DONE, answer, assembled, calls, chunk, entry

ROLL = ToolSpec("roll", parameters={"type": "object", "properties": {"n": {"type": "integer"}}})


def prepared(*bodies: bytes, forms: tuple[ToolForm, ...] = ()) -> tuple[dict[str, Any], list[str]]:
    """The request after these responses, each call of which has a result, and what was told with it."""
    settings = Settings(url="http://127.0.0.1:1/v1", model="m", tool_forms=forms)
    talk = taken(Conversation(), SettingsChanged(settings), ToolsChanged((ROLL,)), UserMessage("Hi"))
    for number, body in enumerate(bodies, start=1):
        decoder = ChatCompletions().decoder(number, talk.tools)
        talk = taken(talk, ExchangeOpened(number, Request("POST", "", (), b"")))
        decoded = [*decoder.feed(ResponseHead(number, 200, ())), *decoder.feed(body), *decoder.close("complete")]
        results = [ToolFinished(ToolResult(call.key, f"result {call.key.index}")) for call in assembled(decoded)]
        talk = taken(talk, *decoded, ExchangeEnded(number, "complete"), *results)
    made = ChatCompletions().request(talk)
    return json.loads(made.request.body), [each.code for each in made.diagnostics]


def taken(talk: Conversation, *events: Event) -> Conversation:
    for event in events:
        talk = apply(talk, event)
    return talk


def messages(*bodies: bytes, forms: tuple[ToolForm, ...] = ()) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = prepared(*bodies, forms=forms)[0]["messages"]
    return found[1:]


LEGACY = answer({"content": "Rolling.", "function_call": {"name": "roll", "arguments": '{"n":1}'}}, "function_call")


def test_a_legacy_call_is_echoed_as_it_came_and_its_result_bears_the_name_of_the_function() -> None:
    assert messages(LEGACY, forms=("functions",)) == [
        {
            "role": "assistant",
            "content": "Rolling.",
            "function_call": {"name": "roll", "arguments": '{"n":1}'},
        },
        {"role": "function", "name": "roll", "content": "result 0"},
    ]


def test_a_streamed_legacy_call_is_echoed_as_well() -> None:
    body = b"".join(
        [
            chunk({"role": "assistant", "function_call": {"name": "roll", "arguments": ""}}),
            chunk({"function_call": {"arguments": '{"n":'}}),
            chunk({"function_call": {"arguments": "2}"}}),
            chunk(finish="function_call"),
            DONE,
        ]
    )
    assert messages(body, forms=("functions",))[0]["function_call"] == {"name": "roll", "arguments": '{"n":2}'}


def test_a_legacy_call_goes_back_among_tool_calls_where_tools_are_offered() -> None:
    call, result = messages(LEGACY)
    assert call["tool_calls"][0]["function"] == {"name": "roll", "arguments": '{"n":1}'}
    assert result["tool_call_id"] == call["tool_calls"][0]["id"] == "call_1_0"


def test_two_calls_of_one_response_are_two_messages_in_the_legacy_form_and_the_words_stand_with_the_first() -> None:
    body = chunk({"content": "Two."}) + calls(entry(0, "a", "roll", "{}"), entry(1, "b", "roll", '{"n":2}'))
    found = messages(body + chunk(finish="tool_calls") + DONE, forms=("functions",))
    assert [(each["role"], each["content"]) for each in found] == [
        ("assistant", "Two."),
        ("function", "result 0"),
        ("assistant", None),
        ("function", "result 1"),
    ]
    assert not any("tool_calls" in each for each in found)


def test_words_without_a_call_are_a_plain_message_in_the_legacy_form() -> None:
    assert messages(answer({"content": "Hi."}), forms=("functions",)) == [{"role": "assistant", "content": "Hi."}]


def test_an_id_that_two_responses_share_is_renamed_in_no_form_without_ids() -> None:
    body = calls(entry(0, "same", "roll", "{}")) + chunk(finish="tool_calls") + DONE
    assert prepared(body, body, forms=("functions",))[1] == []


@pytest.mark.parametrize("call_id", [None, ""])
def test_a_call_that_came_without_an_id_goes_back_with_null_by_choice_alone(call_id: str | None) -> None:
    body = calls({"index": 0, "id": call_id, "type": "function", "function": {"name": "roll", "arguments": "{}"}})
    body += chunk(finish="tool_calls") + DONE
    for forms, sent in (((), "call_1_0"), (("null-ids",), None)):
        call, result = messages(body, forms=forms)
        assert call["tool_calls"] == [{"id": sent, "type": "function", "function": {"name": "roll", "arguments": "{}"}}]
        assert result == {"role": "tool", "tool_call_id": sent, "content": "result 0"}


def test_the_servers_own_ids_stay_verbatim_beside_null_ones() -> None:
    body = calls(entry(0, "roll:0", "roll", "{}"), entry(1, None, "roll", '{"n":2}'))
    found = messages(body + chunk(finish="tool_calls") + DONE, forms=("null-ids",))
    assert [each["tool_call_id"] for each in found[1:]] == ["roll:0", None]
