"""The reducer: what each event means for the conversation, and that no order of events breaks it."""

from __future__ import annotations

from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.core.events import (
    ArgumentsDelta,
    CallAssembled,
    CallDecided,
    CallHeld,
    CallStarted,
    Continued,
    Event,
    ExchangeEnded,
    ExchangeOpened,
    RemoteResult,
    ResponseCompleted,
    ResponseFailed,
    ResponseStarted,
    Rewound,
    SettingsChanged,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    UserMessage,
)
from callscope.core.plan import plan
from callscope.core.state import Conversation, apply
from callscope.core.values import (
    CallKey,
    Edit,
    Message,
    Reasoning,
    Request,
    Run,
    Settings,
    ToolCall,
    ToolResult,
)

KEY = CallKey(1, 0)
CALL = ToolCall(KEY, "c1", "get_weather", "{}")
REQUEST = Request("POST", "http://x/", (), b"")


def after(*events: Event) -> Conversation:
    return reduce(apply, events, Conversation())


def test_deltas_become_one_message_when_the_response_ends() -> None:
    conversation = after(
        UserMessage("Hi"),
        ExchangeOpened(1, REQUEST),
        ResponseStarted(1),
        TextDelta("output", "Hel"),
        TextDelta("output", "lo"),
        ResponseCompleted("stop"),
    )
    assert conversation.items == (Message("user", "Hi"), Message("assistant", "Hello", 1))


def test_reasoning_text_refusal_and_calls_stand_in_this_order() -> None:
    conversation = after(
        UserMessage("Hi"),
        ExchangeOpened(1, REQUEST),
        ResponseStarted(1),
        CallAssembled(CALL),
        TextDelta("refusal", "No."),
        TextDelta("output", "Well."),
        TextDelta("reasoning", "Hm."),
        ResponseCompleted("tool_calls", echo={"reasoning_content": "Hm."}),
    )
    assert conversation.items[1:] == (
        Reasoning("Hm.", 1, {"reasoning_content": "Hm."}),
        Message("assistant", "Well.", 1),
        Message("assistant", "No.", 1, refusal=True),
        CALL,
    )


def test_what_a_broken_response_brought_is_kept() -> None:
    conversation = after(
        UserMessage("Hi"),
        ExchangeOpened(1, REQUEST),
        ResponseStarted(1),
        TextDelta("output", "Hel"),
        ResponseFailed("reset", "connection reset"),
    )
    assert conversation.items[-1] == Message("assistant", "Hel", 1)


def test_a_second_result_of_a_call_changes_nothing() -> None:
    once = after(
        UserMessage("Hi"),
        ExchangeOpened(1, REQUEST),
        ResponseStarted(1),
        CallAssembled(CALL),
        ResponseCompleted("tool_calls"),
        ToolFinished(ToolResult(KEY, "21")),
    )
    assert apply(once, ToolFinished(ToolResult(KEY, "22"))) == once


def test_a_remote_call_never_waits_for_a_decision() -> None:
    remote = ToolCall(KEY, "c1", "search", "{}", executor="remote")
    conversation = after(
        UserMessage("Hi"),
        ExchangeOpened(1, REQUEST),
        ResponseStarted(1),
        CallAssembled(remote),
        RemoteResult(ToolResult(KEY, "found")),
        ResponseCompleted("stop"),
    )
    assert conversation.calls == {}
    assert conversation.items[1:] == (remote, ToolResult(KEY, "found"))


def test_rewinding_cuts_the_items_and_forgets_the_turn() -> None:
    conversation = after(UserMessage("One"), UserMessage("Two"), Rewound(1))
    assert conversation.items == (Message("user", "One"),)
    assert conversation.turn is None


def test_a_delta_after_the_end_of_its_response_changes_nothing() -> None:
    ended = after(ExchangeOpened(1, REQUEST), ResponseStarted(1), ResponseCompleted("stop"))
    apply(ended, TextDelta("output", "late"))
    assert ended.response is not None
    assert ended.response.text("output") == ""


EVENTS = st.sampled_from(
    [
        UserMessage("Hi"),
        ExchangeOpened(1, REQUEST),
        ExchangeEnded(1, "complete"),
        ResponseStarted(1),
        TextDelta("output", "a"),
        CallStarted(KEY, "c1", "get_weather"),
        ArgumentsDelta(KEY, "{}"),
        CallAssembled(CALL),
        RemoteResult(ToolResult(CallKey(1, 9), "x")),
        ResponseCompleted("tool_calls"),
        ResponseFailed("reset", "reset"),
        CallHeld(KEY),
        CallDecided(KEY, Run()),
        CallDecided(KEY, Edit("{}")),
        ToolStarted(KEY, "get_weather", "{}"),
        ToolFinished(ToolResult(KEY, "21")),
        Rewound(0),
        Rewound(-3),
        Continued(),
        SettingsChanged(Settings(model="m")),
        TurnEnded("completed"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(EVENTS, max_size=30))
def test_any_order_of_events_leaves_a_conversation_with_a_next_step(events: list[Event]) -> None:
    conversation = after(*events)
    plan(conversation)
    results = [item.key for item in conversation.items if isinstance(item, ToolResult) and item.key == KEY]
    calls = [item.key for item in conversation.items if isinstance(item, ToolCall)]
    assert len(results) <= len(calls)
