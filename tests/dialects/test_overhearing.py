from __future__ import annotations

import json
from typing import Any

import pytest

from callscope.core.events import (
    CallAssembled,
    CallDecided,
    Continued,
    Event,
    ExchangeEnded,
    ExchangeOpened,
    ItemsInserted,
    ResponseCompleted,
    ResponseFailed,
    ResponseStarted,
    SettingsChanged,
    TextDelta,
    ToolFinished,
    ToolsChanged,
    ToolStarted,
    UserMessage,
)
from callscope.core.state import Conversation, apply
from callscope.core.values import CallKey, Message, Reasoning, Request, Run, Settings, ToolCall, ToolResult, ToolSpec
from callscope.dialects.chat.dialect import ChatCompletions
from callscope.dialects.overhearing import Overheard, goes_on, latest, overhear, told_anew, told_first

URL = "https://models.test/v1/chat/completions"
USER = {"role": "user", "content": "Weather in Rome?"}
CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'}}
ASKS = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "21"}
THANKS = {"role": "user", "content": "Thanks"}


def heard(url: str = URL, headers: tuple[tuple[str, str], ...] = (), **body: Any) -> Overheard:
    found = overhear(Request("POST", url, headers, json.dumps(body).encode()))
    assert found is not None
    return found


def after(*events: Event) -> Conversation:
    conversation = Conversation()
    for event in events:
        conversation = apply(conversation, event)
    return conversation


def answered(*calls: tuple[str, str], text: str = "", failed: bool = False) -> Conversation:
    """A conversation in which one answer came: text, or calls with their ids and names."""
    request = Request("POST", URL, (), b"")
    made = [
        CallAssembled(ToolCall(CallKey(1, index), call_id, name, "{}")) for index, (call_id, name) in enumerate(calls)
    ]
    last = ResponseFailed("http", "busy", 503) if failed else ResponseCompleted("stop")
    words = [TextDelta("output", text)] if text else []
    opened = (UserMessage("Weather in Rome?"), ExchangeOpened(1, request), ResponseStarted(1))
    return after(*opened, *words, *made, ExchangeEnded(1, "complete"), last)


# ---- settings and tools -------------------------------------------------------------------------------------------


def test_settings_are_what_the_request_says() -> None:
    found = heard(
        model="m",
        messages=[{"role": "system", "content": "Be brief."}, USER],
        tool_choice="required",
        parallel_tool_calls=False,
        stream=True,
        temperature=0.5,
        stream_options={"include_usage": True},
    )
    assert found.settings == Settings(
        dialect="chat",
        url="https://models.test/v1",
        model="m",
        system="Be brief.",
        tool_choice="required",
        parallel=False,
        stream=True,
        approve="always",
        retries=0,
        parameters={"temperature": 0.5, "stream_options": {"include_usage": True}},
    )
    assert found.messages == (USER,)


def test_what_the_request_does_not_say_is_not_made_up() -> None:
    assert heard(messages=[USER]).settings == Settings(
        url="https://models.test/v1", stream=False, approve="always", retries=0
    )


def test_a_query_stays_with_the_url_so_that_requests_can_be_made_with_it_again() -> None:
    url = f"{URL}?api-version=1"
    settings = heard(url, messages=[USER]).settings
    assert ChatCompletions().request(Conversation(settings=settings)).request.url == url


def test_a_developer_is_a_system_and_its_words_may_be_parts() -> None:
    system = {"role": "developer", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}]}
    assert heard(messages=[system, USER]).settings.system == "Be brief."


def test_our_own_request_reads_back_as_the_settings_it_was_made_from() -> None:
    settings = Settings(
        url="https://models.test/v1", model="m", system="s", tool_choice="auto", parallel=True, retries=0
    )
    tools = (ToolSpec("f", "Does it.", {"type": "object"}, strict=True, source="the request"),)
    conversation = Conversation(settings=settings, tools=tools, items=(Message("user", "hi"),))
    found = overhear(ChatCompletions().request(conversation).request)
    assert found is not None
    assert found.tools == tools
    assert found.settings.parameters == {"stream_options": {"include_usage": True}}
    assert (found.settings.system, found.settings.tool_choice, found.settings.parallel) == ("s", "auto", True)


CALL = {"name": "f", "arguments": "{}"}


@pytest.mark.parametrize("choice", ["none", "auto", {"name": "f"}])
def test_a_request_from_before_tools_reads_back_as_what_would_make_it_again(choice: Any) -> None:
    function = {"name": "f", "description": "Does it.", "parameters": {"type": "object"}}
    history = [
        USER,
        {"role": "assistant", "content": None, "function_call": CALL},
        {"role": "function", "name": "f", "content": "done"},
    ]
    body = {"model": "m", "messages": history, "functions": [function], "function_call": choice, "stream": False}
    found = heard(**body)
    assert found.settings.tool_forms == ("functions",)
    assert found.settings.parameters == {}
    talk = after(SettingsChanged(found.settings), ToolsChanged(found.tools), *told_first(found.messages))
    assert json.loads(ChatCompletions().request(talk).request.body) == body


@pytest.mark.parametrize(
    "messages", [[USER, 5, {"role": "function"}], [USER, {"role": "assistant", "function_call": 5}]]
)
def test_odd_requests_from_before_tools_are_read_as_far_as_they_go(messages: Any) -> None:
    found = heard(messages=messages, functions=[5, {"name": 5}, {"name": "f"}], function_call={"nome": "f"})
    assert [tool.name for tool in found.tools] == ["f"]


def test_an_agent_is_heard_with_its_thread() -> None:
    found = heard("https://agents.test/v1/chat", messages=[USER], extra_body={"thread_id": "t1"})
    assert (found.settings.dialect, found.settings.url) == ("acf", "https://agents.test/v1/chat")
    assert found.settings.thread == "t1"
    by_header = heard("https://agents.test/v1/chat", (("x-ibm-thread-id", "t2"),), messages=[USER])
    assert by_header.settings.thread == "t2"


def test_tools_may_be_nested_flat_or_custom_and_one_without_a_name_is_none() -> None:
    nested = {"type": "function", "function": {"name": "a", "parameters": {"type": "object"}, "strict": True}}
    flat = {"type": "function", "name": "b", "description": "B"}
    custom = {"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}}
    found = heard(messages=[USER], tools=[nested, flat, custom, {"type": "function"}, {"name": 3}, "x", None])
    assert found.tools == (
        ToolSpec("a", "", {"type": "object"}, strict=True, source="the request"),
        ToolSpec("b", "B", source="the request"),
        ToolSpec("c", "", {"type": "text"}, "custom", source="the request"),
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"{}",
        b'{"messages": {}}',
        b'{"messages": []}',
        b'{"messages": ["hi"]}',
        b"\xff",
        b"1" * 5000,
    ]
    + [b'{"messages": [{"role": "user"}], "x": ' + b"[" * depth + b"]" * depth + b"}" for depth in (150, 100_000)],
)
def test_what_is_no_such_request_is_none(body: bytes) -> None:
    assert overhear(Request("POST", URL, (), body)) is None


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", URL),
        ("POST", "https://models.test/v1/embeddings"),
        ("POST", "https://models.test/v1/responses"),
        ("POST", "http://127.0.0.1:11434/api/chat"),
        ("POST", "https://models.test/"),
    ],
)
def test_a_request_to_another_place_is_none(method: str, url: str) -> None:
    assert overhear(Request(method, url, (), json.dumps({"messages": [USER]}).encode())) is None


# ---- the first request --------------------------------------------------------------------------------------------


def test_first_words_begin_a_turn() -> None:
    assert list(told_first([USER])) == [UserMessage("Weather in Rome?")]


def test_what_went_before_is_put_in_with_the_number_of_answers() -> None:
    reasoned = {"role": "assistant", "content": "It is 21.", "reasoning_content": "Easy."}
    key = CallKey(1, 0)
    assert list(told_first([USER, ASKS, RESULT, reasoned, THANKS])) == [
        ItemsInserted(
            (
                Message("user", "Weather in Rome?"),
                ToolCall(key, "c1", "get_weather", '{"city":"Rome"}'),
                ToolResult(key, "21"),
                Reasoning("Easy.", 2, {"reasoning_content": "Easy."}),
                Message("assistant", "It is 21.", 2),
            ),
            2,
        ),
        UserMessage("Thanks"),
    ]


def test_a_request_in_mid_turn_goes_on_without_words() -> None:
    inserted, then = told_first([USER, ASKS, RESULT])
    assert isinstance(inserted, ItemsInserted)
    assert (len(inserted.items), inserted.exchange, then) == (3, 1, Continued())


def test_several_words_in_a_row_are_put_in_and_the_last_begin_the_turn() -> None:
    assert list(told_first([USER, THANKS])) == [
        ItemsInserted((Message("user", "Weather in Rome?"),)),
        UserMessage("Thanks"),
    ]


def test_what_is_no_text_is_named() -> None:
    parts = [{"type": "text", "text": "Look: "}, {"type": "image_url", "image_url": {"url": "data:"}}, {"odd": 1}, 7]
    assert list(told_first([{"role": "user", "content": parts}])) == [UserMessage("Look: [image_url][part]")]


def test_odd_messages_are_left_out() -> None:
    odd = [{"role": "tool", "tool_call_id": "none", "content": "x"}, {"role": 7}, {}, {"role": "user", "content": None}]
    assert list(told_first(odd)) == [UserMessage("")]


def test_a_call_whose_arguments_are_no_string_has_them_as_json() -> None:
    entry = {"id": 5, "function": {"name": "f", "arguments": {"ä": 1}}}
    custom = {"id": "k", "type": "custom", "custom": {"name": "g", "input": "free"}}
    inserted = next(told_first([USER, {"role": "assistant", "tool_calls": [entry, custom, 3]}]))
    assert isinstance(inserted, ItemsInserted)
    assert inserted.items[1:] == (
        ToolCall(CallKey(1, 0), "", "f", '{"ä": 1}'),
        ToolCall(CallKey(1, 1), "k", "g", "free", "custom"),
    )


# ---- the requests after it ----------------------------------------------------------------------------------------


def ran(*results: tuple[CallKey, str]) -> list[Event]:
    """What is told of calls of get_weather that came back with these results."""
    keys = [key for key, _ in results]
    decided = [CallDecided(key, Run(), "policy") for key in keys]
    finished = [ToolFinished(ToolResult(key, output)) for key, output in results]
    return [*decided, *(ToolStarted(key, "get_weather", "{}") for key in keys), *finished]


def test_a_result_says_that_its_call_ran_and_new_words_begin_a_turn() -> None:
    conversation = answered(("c1", "get_weather"))
    assert list(told_anew(conversation, [ASKS, RESULT])) == ran((CallKey(1, 0), "21"))
    assert list(told_anew(conversation, [ASKS, RESULT, THANKS])) == [*ran((CallKey(1, 0), "21")), UserMessage("Thanks")]


def test_results_of_calls_that_the_client_renamed_are_found_by_their_places() -> None:
    conversation = answered(("", "get_weather"), ("", "get_weather"))
    calls = [{"id": name, "function": {"name": "get_weather"}} for name in ("a", "b")]
    results = [{"role": "tool", "tool_call_id": name, "content": name} for name in ("b", "a", "c")]
    told = list(told_anew(conversation, [{"role": "assistant", "tool_calls": calls}, *results]))
    assert told == ran((CallKey(1, 1), "b"), (CallKey(1, 0), "a"))


def test_the_same_request_after_a_failure_goes_on_without_words() -> None:
    assert list(told_anew(answered(failed=True), [])) == [Continued()]


@pytest.mark.parametrize(
    ("conversation", "new", "sure"),
    [
        (answered(text="It is 21."), [{"role": "assistant", "content": "It is 21."}, THANKS], 2),
        (answered(text="It is 21.\n"), [{"role": "assistant", "content": "It is 21."}, THANKS], 1),
        (answered(text="It is 21."), [{"role": "assistant", "content": "It is 22."}, THANKS], 0),
        (answered(text="It is 21."), [THANKS], 0),
        (answered(text="It is 21."), [], 0),
        (answered(("c1", "get_weather")), [ASKS, RESULT], 2),
        (answered(("x9", "get_weather")), [ASKS, RESULT], 1),
        (answered(("c1", "get_time")), [ASKS, RESULT], 0),
        (answered(("c1", "get_weather"), ("c2", "f")), [ASKS, RESULT], 0),
        (answered(("c1", "get_weather")), [ASKS, RESULT, {"role": "assistant", "content": "21"}, THANKS], 0),
        (answered(failed=True), [], 2),
        (answered(failed=True), [THANKS], 2),
        (answered(failed=True), [ASKS, RESULT], 0),
        (Conversation(), [THANKS], 0),
        (after(UserMessage("hi"), ExchangeOpened(1, Request("POST", URL, (), b"")), ResponseStarted(1)), [], 0),
    ],
)
def test_a_conversation_goes_on_where_the_answer_comes_back(
    conversation: Conversation, new: list[dict[str, Any]], sure: int
) -> None:
    assert goes_on(conversation, 1, [USER, *new]) == sure


def test_the_latest_of_the_messages_is_the_last_answer_and_all_after_it() -> None:
    assert latest([USER, ASKS, RESULT, THANKS]) == [ASKS, RESULT, THANKS]
    assert latest([USER]) == [USER]
