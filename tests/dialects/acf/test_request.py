"""Requests to agents: what is sent, and where."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from callscope.core.errors import UsageError
from callscope.core.events import (
    ExchangeOpened,
    ResponseStarted,
    Rewound,
    SettingsChanged,
    ThreadNamed,
    ToolsChanged,
    UserMessage,
)
from callscope.core.state import Conversation, apply
from callscope.core.values import CallKey, Item, Message, Request, Settings, ToolCall, ToolResult, ToolSpec
from callscope.dialects.acf.dialect import AgentConnect
from callscope.dialects.acf.urls import agents_urls, chat_url

BASE = "http://127.0.0.1:8080/v1/chat"
WEATHER = ToolSpec("get_weather", "The weather.", {"type": "object"})


def conversation(*items: Item, tools: tuple[ToolSpec, ...] = (), **members: Any) -> Conversation:
    settings = replace(Settings(dialect="acf", url=BASE, model="a"), **members)
    return Conversation(settings=settings, tools=tools, items=items)


def prepared(conversation: Conversation) -> tuple[dict[str, str], dict[str, Any]]:
    """The headers and the body of the next request."""
    request = AgentConnect().request(conversation).request
    return dict(request.headers), json.loads(request.body)


def remote(index: int, name: str = "search", arguments: str = '{"q":1}', exchange: int = 1) -> ToolCall:
    return ToolCall(CallKey(exchange, index), f"c{index}", name, arguments, executor="remote")


# ---- the body -------------------------------------------------------------------------------------------------------


def test_a_request_has_model_messages_and_stream_and_nothing_that_strict_agents_refuse() -> None:
    headers, body = prepared(conversation(Message("user", "Hi")))
    assert body == {"model": "a", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    assert headers["accept"] == "text/event-stream"


def test_a_model_is_sent_even_where_nobody_named_one() -> None:
    assert prepared(conversation(model=""))[1]["model"] == "agent"


def test_tools_system_prompt_and_parameters_go_along() -> None:
    asked = conversation(
        Message("user", "Hi"), tools=(WEATHER,), system="Be brief.", parameters={"temperature": 0}, stream=False
    )
    body = prepared(asked)[1]
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert body["tools"][0]["function"]["name"] == "get_weather"
    assert (body["temperature"], body["stream"]) == (0, False)


def test_the_agents_calls_go_back_before_its_words_in_the_shape_of_chat_completions() -> None:
    items = (
        Message("user", "Hi"),
        Message("assistant", "Found.", 1),
        remote(0),
        ToolResult(CallKey(1, 0), "[]"),
        Message("user", "More"),
    )
    function = {"name": "search", "arguments": '{"q":1}'}
    assert prepared(conversation(*items))[1]["messages"] == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "c0", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "c0", "content": "[]"},
        {"role": "assistant", "content": "Found."},
        {"role": "user", "content": "More"},
    ]


def test_a_call_of_the_agent_without_a_result_stays_out_of_the_history() -> None:
    items = (Message("user", "Hi"), Message("assistant", "Found.", 1), remote(0), Message("user", "More"))
    assert [message["role"] for message in prepared(conversation(*items))[1]["messages"]] == [
        "user",
        "assistant",
        "user",
    ]


def test_a_result_without_a_call_stays_out_of_the_history() -> None:
    items = (Message("user", "Hi"), Message("assistant", "Found.", 1), ToolResult(CallKey(1, 3), "[]"))
    assert [message["role"] for message in prepared(conversation(*items))[1]["messages"]] == ["user", "assistant"]


def test_a_call_for_us_follows_what_the_agent_ran_itself() -> None:
    ours = ToolCall(CallKey(1, 1), "c1", "get_weather", "{}")
    items = (
        Message("user", "Hi"),
        Message("assistant", "Let me see.", 1),
        remote(0),
        ours,
        ToolResult(CallKey(1, 0), "[]"),
        ToolResult(CallKey(1, 1), "sunny"),
    )
    messages = prepared(conversation(*items))[1]["messages"]
    assert [(m["role"], m.get("content"), [c["id"] for c in m.get("tool_calls", ())]) for m in messages] == [
        ("user", "Hi", []),
        ("assistant", "", ["c0"]),
        ("tool", "[]", []),
        ("assistant", "Let me see.", ["c1"]),
        ("tool", "sunny", []),
    ]


def test_only_the_last_words_go_where_the_agent_keeps_the_history() -> None:
    items = (Message("user", "Hi"), Message("assistant", "Hello.", 1), Message("user", "More"))
    assert prepared(conversation(*items, history="last"))[1]["messages"] == [{"role": "user", "content": "More"}]


# ---- threads --------------------------------------------------------------------------------------------------------


def test_no_thread_is_sent_before_one_is_given_or_learnt() -> None:
    headers, body = prepared(conversation(Message("user", "Hi")))
    assert not any("thread" in name.lower() for name in headers)
    assert "extra_body" not in body


def test_a_thread_is_sent_in_both_headers_and_in_the_body() -> None:
    headers, body = prepared(conversation(Message("user", "Hi"), thread="t1"))
    assert (headers["X-THREAD-ID"], headers["X-IBM-THREAD-ID"]) == ("t1", "t1")
    assert body["extra_body"] == {"thread_id": "t1"}


def test_what_the_person_says_of_extra_body_goes_before_the_thread() -> None:
    asked = conversation(Message("user", "Hi"), thread="t1", parameters={"extra_body": {"a": 1}})
    assert prepared(asked)[1]["extra_body"] == {"a": 1}


def learnt(thread: str, *, given: str | None = None) -> Conversation:
    """A conversation in which the agent named a thread."""
    started = conversation(thread=given)
    for event in (
        UserMessage("Hi"),
        ExchangeOpened(1, Request("POST", BASE, (), b"")),
        ResponseStarted(1),
        ThreadNamed(thread),
    ):
        started = apply(started, event)
    return started


def test_the_thread_that_the_agent_names_goes_before_the_one_that_was_asked_for() -> None:
    assert prepared(learnt("theirs", given="ours"))[0]["X-THREAD-ID"] == "theirs"


def test_taking_back_the_last_words_keeps_the_thread_and_clearing_all_forgets_it() -> None:
    known = apply(learnt("t1"), UserMessage("More"))
    assert prepared(apply(known, Rewound(1)))[0]["X-THREAD-ID"] == "t1"
    assert "X-THREAD-ID" not in prepared(apply(known, Rewound(0)))[0]
    assert prepared(apply(learnt("t1", given="mine"), Rewound(0)))[0]["X-THREAD-ID"] == "mine"


@pytest.mark.parametrize("change", [{"url": "http://127.0.0.1:1/v1/chat"}, {"dialect": "chat"}, {"thread": "other"}])
def test_another_server_or_thread_does_not_get_the_thread_that_was_learnt(change: dict[str, Any]) -> None:
    known = learnt("t1")
    assert apply(known, SettingsChanged(replace(known.settings, **change))).thread is None


def test_a_change_of_the_model_or_of_tools_keeps_the_thread() -> None:
    known = learnt("t1")
    changed = apply(apply(known, SettingsChanged(replace(known.settings, model="b"))), ToolsChanged((WEATHER,)))
    assert changed.thread == "t1"


# ---- where ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://h", "http://h/v1/chat"),
        ("http://h/", "http://h/v1/chat"),
        ("http://h/v1", "http://h/v1/chat"),
        ("http://h/v1/", "http://h/v1/chat"),
        ("https://h/agent-connect", "https://h/agent-connect/v1/chat"),
        ("https://h/agent-connect/v1/chat", "https://h/agent-connect/v1/chat"),
        ("https://h/v1/agents", "https://h/v1/chat"),
        ("https://h/chat/completions", "https://h/chat/completions"),
        ("https://h/v1/orchestrate/845c/chat/completions", "https://h/v1/orchestrate/845c/chat/completions"),
        ("https://h/invoke?region=eu", "https://h/invoke?region=eu"),
        ("https://h/stream/", "https://h/stream/"),
        ("https://h?x=1#there", "https://h/v1/chat?x=1"),
    ],
)
def test_a_base_gets_the_frameworks_path_and_a_full_url_stays(given: str, expected: str) -> None:
    assert chat_url(given) == expected


@pytest.mark.parametrize("given", ["", "h/v1", "ftp://h/v1", "http://"])
def test_what_is_no_url_is_refused(given: str) -> None:
    with pytest.raises(UsageError):
        chat_url(given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://h", ("http://h/v1/agents",)),
        ("http://h/v1", ("http://h/v1/agents",)),
        ("http://h/v1/chat", ("http://h/v1/agents",)),
        ("http://h/v1/agents", ("http://h/v1/agents",)),
        ("http://h/list/agents", ("http://h/list/agents",)),
        ("http://h/agent-connect/v1/chat", ("http://h/agent-connect/v1/agents", "http://h/v1/agents")),
        ("http://h/chat/completions", ("http://h/v1/agents",)),
    ],
)
def test_agents_are_looked_for_beside_the_chat_and_then_at_the_root(given: str, expected: tuple[str, ...]) -> None:
    assert agents_urls(given) == expected
