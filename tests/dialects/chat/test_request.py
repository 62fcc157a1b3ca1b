"""Requests: a conversation written so that strict servers take it, and nothing silently changed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.core.errors import UsageError
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
from callscope.core.ports import Prepared
from callscope.core.state import Conversation, apply
from callscope.core.values import CallKey, Ending, Request, Settings, ToolResult, ToolSpec
from callscope.dialects.chat.dialect import ChatCompletions
from callscope.dialects.chat.tools import tool_definition
from callscope.dialects.registry import dialect_named, models_url
from callscope.dialects.urls import endpoint_url
from chatbodies import DONE, answer, assembled, calls, chunk, entry

ROLL = ToolSpec("roll", "Rolls dice.", {"type": "object", "properties": {"n": {"type": "integer"}}}, strict=True)
BASE = Settings(url="http://127.0.0.1:1/v1", model="m")


class Talk:
    """A conversation that grows by words and raw response bodies."""

    def __init__(self, settings: Settings = BASE, tools: tuple[ToolSpec, ...] = (ROLL,)) -> None:
        self.conversation = Conversation()
        self.take(SettingsChanged(settings), ToolsChanged(tools))

    def take(self, *events: Event) -> None:
        for event in events:
            self.conversation = apply(self.conversation, event)

    def change(self, **members: Any) -> None:
        self.take(SettingsChanged(replace(self.conversation.settings, **members)))

    def hear(self, body: bytes, how: Ending = "complete") -> None:
        """Receive a response, and give each of its calls a result that names it."""
        number = self.conversation.exchange + 1
        decoder = ChatCompletions().decoder(number, self.conversation.tools)
        self.take(ExchangeOpened(number, Request("POST", "", (), b"")))
        decoded = [*decoder.feed(ResponseHead(number, 200, ())), *decoder.feed(body), *decoder.close(how)]
        self.take(*decoded, ExchangeEnded(number, how))
        for call in reversed(assembled(decoded)):
            self.take(ToolFinished(ToolResult(call.key, f"result of {call.call_id}")))

    def prepare(self) -> Prepared:
        return ChatCompletions().request(self.conversation)

    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.prepare().request.body)
        return found

    def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.body()["messages"]
        return found

    def codes(self) -> list[str]:
        return [item.code for item in self.prepare().diagnostics]


def talk(*bodies: bytes, **settings: Any) -> Talk:
    found = Talk(replace(BASE, **settings))
    found.take(UserMessage("Hi 北京"))
    for body in bodies:
        found.hear(body)
    return found


def a_call(call_id: str, arguments: str, **members: Any) -> bytes:
    return calls(entry(0, call_id, "roll", arguments, **members)) + chunk(finish="tool_calls") + DONE


# ---- the envelope ---------------------------------------------------------------------------------------------------


def test_a_request_is_compact_readable_json_with_plain_headers() -> None:
    request = talk(system="Short.").prepare().request
    assert (request.method, request.url) == ("POST", "http://127.0.0.1:1/v1/chat/completions")
    assert dict(request.headers) == {
        "content-type": "application/json",
        "accept": "text/event-stream",
        "accept-encoding": "identity",
    }
    assert request.body.decode().startswith(
        '{"model":"m","messages":[{"role":"system","content":"Short."},{"role":"user","content":"Hi 北京"}],"tools":['
    )


def test_a_plain_answer_is_asked_for_without_stream_options() -> None:
    body = talk(stream=False).body()
    assert body["stream"] is False
    assert "stream_options" not in body


def test_usage_is_asked_for_in_a_stream() -> None:
    assert talk().body()["stream_options"] == {"include_usage": True}


def test_parameters_have_the_last_word() -> None:
    body = talk(parameters={"temperature": 0, "stream_options": None, "model": "other"}).body()
    assert (body["temperature"], body["stream_options"], body["model"]) == (0, None, "other")


def test_half_a_character_in_a_prompt_does_not_break_the_request() -> None:
    found = Talk()
    found.take(UserMessage("a\ud83c"))
    assert found.messages() == [{"role": "user", "content": "a?"}]


# ---- tools ----------------------------------------------------------------------------------------------------------


def test_without_tools_nothing_that_belongs_to_tools_is_sent() -> None:
    found = Talk(replace(BASE, tool_choice="required", parallel=False), tools=())
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & found.body().keys()


def test_tools_are_nested_under_their_kind() -> None:
    assert tool_definition(ROLL) == {
        "type": "function",
        "function": {"name": "roll", "description": "Rolls dice.", "parameters": ROLL.parameters, "strict": True},
    }
    assert tool_definition(ToolSpec("now"))["function"]["parameters"] == {"type": "object", "properties": {}}


def test_a_flat_grammar_of_a_custom_tool_is_nested_once_more() -> None:
    grammar = {"type": "grammar", "syntax": "regex", "definition": "\\d+"}
    nested = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "\\d+"}}
    for given_format in (grammar, nested):
        assert tool_definition(ToolSpec("t", parameters=given_format, kind="custom")) == {
            "type": "custom",
            "custom": {"name": "t", "format": nested},
        }


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("required", "required"),
        ("roll", {"type": "function", "function": {"name": "roll"}}),
        ({"type": "function", "function": {"name": "x"}}, {"type": "function", "function": {"name": "x"}}),
    ],
)
def test_a_tools_bare_name_chooses_that_tool(choice: Any, sent: Any) -> None:
    body = talk(tool_choice=choice, parallel=True).body()
    assert (body["tool_choice"], body["parallel_tool_calls"]) == (sent, True)


# ---- the history ----------------------------------------------------------------------------------------------------


def test_results_follow_their_calls_in_the_order_of_the_calls() -> None:
    body = (
        chunk({"content": "Rolling."})
        + calls(entry(0, "a", "roll", '{"n": 1}'), entry(1, "b", "roll", '{"n":2}'))
        + chunk(finish="tool_calls")
    )
    assert talk(body).messages()[1:] == [
        {
            "role": "assistant",
            "content": "Rolling.",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "roll", "arguments": '{"n": 1}'}},
                {"id": "b", "type": "function", "function": {"name": "roll", "arguments": '{"n":2}'}},
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "result of a"},
        {"role": "tool", "tool_call_id": "b", "content": "result of b"},
    ]


def test_a_message_without_text_has_null_for_content() -> None:
    assert talk(a_call("a", "{}")).messages()[1]["content"] is None


def test_no_arguments_are_sent_as_an_empty_object_without_complaint() -> None:
    found = talk(a_call("a", ""))
    assert found.messages()[1]["tool_calls"][0]["function"]["arguments"] == "{}"
    assert found.codes() == []


@pytest.mark.parametrize("broken", ['{"n"', "[1]", '{"n":NaN}', '{"n":1}{"n":2}'])
def test_broken_arguments_are_sent_as_an_empty_object_and_told(broken: str) -> None:
    found = talk(a_call("a", broken))
    assert found.messages()[1]["tool_calls"][0]["function"]["arguments"] == "{}"
    assert found.messages()[2] == {"role": "tool", "tool_call_id": "a", "content": "result of a"}
    (told,) = found.prepare().diagnostics
    assert (told.code, told.severity) == ("arguments_replaced", "warning")
    assert told.message.endswith(f"{{}} goes back in place of {broken}")


def test_what_is_changed_in_a_call_is_told_with_the_first_request_after_it_and_with_no_later_one() -> None:
    found = talk(a_call("a", '{"n"'))
    found.hear(chunk({"content": "Broken."}) + chunk(finish="stop") + DONE)
    found.take(UserMessage("And now?"))
    assert found.messages()[1]["tool_calls"][0]["function"]["arguments"] == "{}"
    assert found.codes() == []


def test_ids_that_a_server_counts_anew_are_unique_in_the_request() -> None:
    found = talk(a_call("call_0", "{}"), a_call("call_0", "{}"))
    ids = [message["tool_call_id"] for message in found.messages() if message["role"] == "tool"]
    assert ids == ["call_0", "call_0_2"]
    assert found.messages()[3]["tool_calls"][0]["id"] == "call_0_2"
    assert found.codes() == ["id_renamed"]


def test_vendor_members_of_a_call_go_back_with_it() -> None:
    found = talk(a_call("a", "{}", extra_content={"google": {"thought_signature": "c2ln"}}))
    assert found.messages()[1]["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "c2ln"}}


def test_reasoning_goes_back_beside_calls_only_and_details_always() -> None:
    thought = chunk({"reasoning_content": "why"})
    beside, alone = talk(thought + a_call("a", "{}")), talk(thought + chunk({"content": "x"}) + chunk(finish="stop"))
    assert beside.messages()[1]["reasoning_content"] == "why"
    assert alone.messages()[1] == {"role": "assistant", "content": "x"}
    details = chunk({"reasoning_details": [{"type": "reasoning.encrypted", "data": "c2ln"}]})
    kept = talk(details + chunk({"content": "x"}) + chunk(finish="stop"))
    assert kept.messages()[1]["reasoning_details"] == [{"type": "reasoning.encrypted", "data": "c2ln"}]


def test_an_answer_of_reasoning_alone_leaves_no_message() -> None:
    found = talk(chunk({"reasoning": "why"}) + chunk(finish="stop"))
    assert [message["role"] for message in found.messages()] == ["user"]


def test_a_refusal_goes_back_as_one() -> None:
    found = talk(answer({"content": None, "refusal": "No."}))
    assert found.messages()[1] == {"role": "assistant", "content": None, "refusal": "No."}


def test_what_a_broken_response_said_stays_in_a_valid_history() -> None:
    found = Talk()
    found.take(UserMessage("Hi"))
    found.hear(chunk({"content": "half"}) + calls(entry(0, "a", "roll", '{"n"')), how="reset")
    assert [message["role"] for message in found.messages()] == ["user", "assistant", "tool"]


def test_the_short_history_begins_with_the_last_words_of_the_person() -> None:
    found = talk(a_call("a", "{}"), chunk({"content": "x"}) + chunk(finish="stop"), history="last", system="S")
    found.take(UserMessage("And now?"))
    found.hear(a_call("b", "{}"))
    assert [message["role"] for message in found.messages()] == ["system", "user", "assistant", "tool"]
    assert found.messages()[1]["content"] == "And now?"


def test_a_call_without_a_result_gets_an_error_result_and_is_told() -> None:
    found = talk(a_call("a", "{}"))
    cut = [item for item in found.conversation.items if not isinstance(item, ToolResult)]
    found.conversation = replace(found.conversation, items=tuple(cut))
    assert json.loads(found.messages()[2]["content"])["error"]["type"] == "cancelled"
    assert found.codes() == ["result_missing"]


def test_a_custom_call_goes_back_with_its_input() -> None:
    custom = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}
    found = talk(calls(custom) + chunk(finish="tool_calls"))
    assert found.messages()[1]["tool_calls"] == [
        {"id": "a", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}
    ]


def test_a_result_of_an_unknown_call_is_not_sent() -> None:
    found = talk(chunk({"content": "x"}) + chunk(finish="stop"))
    found.conversation = replace(
        found.conversation, items=(*found.conversation.items, ToolResult(CallKey(9, 9), "orphan"))
    )
    assert "orphan" not in found.prepare().request.body.decode()


NAMES = st.sampled_from(["a", "a", "b", "", "call_1_0"])
ARGUMENTS = st.sampled_from(["", "{}", '{"n":1}', '{"n"', "null", "[1]", '{"n":1}{"n":1}'])
RESPONSES = st.lists(st.lists(st.tuples(NAMES, ARGUMENTS), max_size=3), max_size=4)


@settings(max_examples=80, deadline=None)
@given(RESPONSES, st.booleans())
def test_every_history_is_one_that_a_strict_server_takes(made: list[list[tuple[str, str]]], resets: bool) -> None:
    found = Talk()
    for response in made:
        found.take(UserMessage("go"))
        entries = [entry(index, call_id, "roll", text) for index, (call_id, text) in enumerate(response)]
        body = b"".join(calls(item) for item in entries)
        found.hear(body if resets else body + chunk(finish="tool_calls"), how="reset" if resets else "complete")
    owed: list[str] = []
    seen: set[str] = set()
    for message in found.messages():
        if message["role"] == "tool":
            assert message["tool_call_id"] == owed.pop(0)
            continue
        assert owed == []
        for call in message.get("tool_calls", ()):
            assert call["id"]
            assert call["id"] not in seen
            seen.add(call["id"])
            owed.append(call["id"])
            assert isinstance(json.loads(call["function"]["arguments"]), dict)
    assert owed == []


# ---- URLs and names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("http://h", "/v1/chat/completions"),
        ("http://h/", "/v1/chat/completions"),
        ("http://h/v1", "/v1/chat/completions"),
        ("http://h/v1/", "/v1/chat/completions"),
        ("http://h/api/v3/", "/api/v3/chat/completions"),
        ("http://h/v1/chat/completions", "/v1/chat/completions"),
        ("http://h/v1/chat/completions/", "/v1/chat/completions"),
        ("http://h/chat/completions?k=v", "/chat/completions?k=v"),
        ("http://h/openai/deployments/d?api-version=1", "/openai/deployments/d/chat/completions?api-version=1"),
        ("  http://h?k=v#part ", "/v1/chat/completions?k=v"),
    ],
)
def test_a_base_url_may_be_written_in_any_way(base: str, path: str) -> None:
    assert endpoint_url(base) == f"http://h{path}"
    assert models_url(base) == f"http://h{path}".replace("/chat/completions", "/models")


@pytest.mark.parametrize("base", ["", "localhost:8000", "ftp://h", "http://", "/v1", "http://[::1"])
def test_what_is_no_url_is_a_usage_error(base: str) -> None:
    with pytest.raises(UsageError):
        endpoint_url(base)


def test_a_dialect_is_found_by_its_name() -> None:
    assert dialect_named("chat").name == "chat"
    with pytest.raises(UsageError, match="chat"):
        dialect_named("smoke signals")


def test_a_url_that_is_refused_does_not_show_its_secrets() -> None:
    with pytest.raises(UsageError) as refusal:
        endpoint_url("ftp://user:hunter22@h/v1?key=hunter22")
    assert "hunter22" not in str(refusal.value)
