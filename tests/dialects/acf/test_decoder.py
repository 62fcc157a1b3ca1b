"""Answers of agents, decoded: what the corpus of tests/quirks/acf does not show."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentbodies import (
    DONE,
    MESSAGE,
    STREAM,
    called,
    codes,
    decode,
    event,
    frame,
    openai,
    own,
    said,
    step,
    text,
    thought,
    told,
)
from callscope.core.events import (
    CallAssembled,
    CallStarted,
    Diagnostic,
    PeerEvent,
    RemoteResult,
    ResponseCompleted,
    ResponseFailed,
    ResponseStarted,
    ThreadNamed,
)
from callscope.core.values import CallKey, ToolResult

ARGUMENTS = '{"city":"Rome"}'


def calls(events: list[PeerEvent]) -> list[tuple[str, str, str]]:
    return [(e.call.name, e.call.arguments, e.call.executor) for e in events if isinstance(e, CallAssembled)]


def last(events: list[PeerEvent]) -> PeerEvent:
    return events[-1]


# ---- order ----------------------------------------------------------------------------------------------------------


def test_thinking_calls_results_and_words_come_as_events_in_their_order() -> None:
    body = thought("Hm.") + called(own("c1", "get_weather", {"city": "Rome"})) + told("c1", "sunny") + said("Sunny.")
    kinds = [type(event).__name__ for event in decode(body + DONE)]
    assert kinds == [
        "ResponseStarted",
        "ThreadNamed",
        "TextDelta",
        "CallStarted",
        "ArgumentsDelta",
        "CallAssembled",
        "RemoteResult",
        "TextDelta",
        "ResponseCompleted",
    ]


def test_a_call_of_the_agent_is_remote_even_where_we_offered_its_tool() -> None:
    events = decode(called(own("c1", "get_weather", {"city": "Rome"})), tools=["get_weather"])
    assert calls(events) == [("get_weather", ARGUMENTS, "remote")]


def test_a_call_left_to_us_and_one_of_the_agent_in_one_response_are_told_apart() -> None:
    body = called(own("c1", "search", {"q": 1}), openai("c2", "get_weather", ARGUMENTS)) + told("c1", "[]", "search")
    events = decode(body, tools=["get_weather", "search"])
    assert calls(events) == [("search", '{"q":1}', "remote"), ("get_weather", ARGUMENTS, "local")]
    keys = [event.call.key for event in events if isinstance(event, CallAssembled)]
    assert keys == [CallKey(1, 0), CallKey(1, 1)]


def test_a_call_for_us_in_a_broken_response_must_not_run() -> None:
    events = decode(called(openai("c1", "get_weather", ARGUMENTS)), tools=["get_weather"], how="reset")
    [assembled] = [event for event in events if isinstance(event, CallAssembled)]
    assert assembled.call.fault is not None
    assert isinstance(last(events), ResponseFailed)


def test_cut_arguments_of_a_call_for_us_are_a_fault() -> None:
    events = decode(called(openai("c1", "get_weather", '{"city":"Ro')), tools=["get_weather"])
    [assembled] = [event for event in events if isinstance(event, CallAssembled)]
    assert assembled.call.fault is not None
    assert assembled.call.fault.code == "arguments_incomplete"


def test_the_executor_of_a_call_in_another_shape_is_guessed_by_its_name_first() -> None:
    body = called(openai("c1", "get_weather", ARGUMENTS), openai("c2", "search", "{}"))
    events = decode(body, tools=["get_weather"])
    assert [e.executor for e in events if isinstance(e, CallStarted)] == ["local", "remote"]


def test_a_result_that_says_it_is_an_error_has_the_status_error() -> None:
    body = event({"id": "c1", "name": "f", "arguments_str": "{}"}, "tool_call_start")
    body += event({"id": "c1", "name": "f", "output": "no", "is_error": True}, "tool_result")
    body += event({"status": "completed"}, "stream_end")
    results = [e.result for e in decode(body) if isinstance(e, RemoteResult)]
    assert results == [ToolResult(CallKey(1, 0), "no", "error")]


# ---- threads --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["X-Thread-Id", "X-IBM-THREAD-ID"])
def test_a_thread_of_the_responses_head_is_learnt(header: str) -> None:
    events = decode(said("Hi", thread_id=None), headers=(*STREAM, (header, "t9")))
    assert events[:2] == [ResponseStarted(1, "m"), ThreadNamed("t9")]


def test_a_thread_of_a_frame_goes_before_that_of_the_head() -> None:
    events = decode(said("Hi"), headers=(*STREAM, ("x-thread-id", "t9")))
    assert [event for event in events if isinstance(event, ThreadNamed)] == [ThreadNamed("t1")]
    assert codes(events) == []


def test_a_thread_is_learnt_from_a_refusal_too() -> None:
    events = decode(
        b'{"detail":"no"}', status=403, headers=(("content-type", "application/json"), ("x-thread-id", "t"))
    )
    assert ThreadNamed("t") in events
    assert isinstance(last(events), ResponseFailed)


@pytest.mark.parametrize("thread", [None, "", 7, {"id": "x"}])
def test_what_is_no_thread_names_none(thread: Any) -> None:
    events = decode(said("Hi", thread_id=thread))
    assert not any(isinstance(event, ThreadNamed) for event in events)


# ---- ends -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["truncated", "reset", "timeout", "cancelled"])
def test_only_a_clean_end_ends_an_answer_without_an_end_marker(how: Any) -> None:
    assert isinstance(last(decode(said("Hi"))), ResponseCompleted)
    failed = last(decode(said("Hi"), how=how))
    assert isinstance(failed, ResponseFailed)
    assert failed.kind == how


def test_done_alone_is_an_empty_answer() -> None:
    events = decode(DONE)
    assert isinstance(last(events), ResponseCompleted)
    assert codes(events) == ["response_empty"]


def test_comments_alone_are_no_answer() -> None:
    failed = last(decode(b": ping\n\n: ping\n\n"))
    assert isinstance(failed, ResponseFailed)
    assert failed.kind == "truncated"


def test_an_answer_of_chat_completions_ends_with_its_finish_reason() -> None:
    chunk = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}
    end = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    events = decode(event(chunk, "") + event(end, "") + DONE)
    assert text(events) == "Hi"
    assert last(events) == ResponseCompleted("stop")


@pytest.mark.parametrize(
    "body",
    [
        b"[1, 2",
        b"null",
        b'{"object": 7, "choices": 7}',
        b'data: {"object": "thread.message.delta", "choices": [null, 3, {"delta": 7}]}\n\n',
        b'data: {"object": "thread.run.step.delta", "choices": [{"delta": {"step_details": [1]}}]}\n\n',
        b'data: {"object": "thread.run.step.delta", "choices": [{"delta": {"step_details": {"type": {}}}}]}\n\n',
        step("tool_calls", tool_calls=[None, 3, {"function": None}, {"name": {"a": 1}, "id": [1], "args": [1]}]),
        step("tool_calls"),
        step("tool_response", content=None, name=7, tool_call_id={"a": 1}),
        event({"object": "thread.message.completed", "data": {"message": {"content": [{"type": "image"}, 7]}}}),
        event({"id": 7, "name": None, "arguments_str": None}, "tool_call_start"),
        event({"status": 7}, "stream_end"),
        event({}, "text_delta"),
        b"data: " + b'{"choices":[' * 3000 + b"\n\n",
    ],
)
def test_nothing_that_an_agent_can_send_raises(body: bytes) -> None:
    assert isinstance(last(decode(body)), ResponseCompleted | ResponseFailed)


# ---- framing --------------------------------------------------------------------------------------------------------


def test_a_compressed_answer_of_an_agent_is_inflated_before_its_habits_are_looked_at() -> None:
    body = gzip.compress(b"id: 1\r\n" + said("Hi").replace(b"\n", b"\r\n"))
    events = decode([body[:9], body[9:]], headers=(*STREAM, ("content-encoding", "gzip")))
    assert text(events) == "Hi"
    assert {"crlf", "id_line", "body_compressed"} <= set(codes(events))


def test_an_id_line_is_said_of_the_frame_that_has_it() -> None:
    second = b"id: 7\n" + said("two")
    events = decode(said("one") + second)
    [found] = [e for e in events if isinstance(e, Diagnostic)]
    assert found.code == "id_line"
    assert found.frame is not None
    assert found.frame.start == len(said("one"))


def test_text_that_says_id_is_no_id_line() -> None:
    assert codes(decode(said("id: 7\nid: 8"))) == []


# ---- words without spaces -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pieces", "lost"),
    [
        (["The", "weather", "in", "Berlin", "is", "fine", "today."], True),
        (["The", " weather", " in", " Berlin", " is", " fine", " today."], False),
        (["Donau", "dampf", "schiff"], False),
        (list("Hello, this is typed."), False),
        (["今天", "北京", "的", "天气", "很好", "，", "适合", "散步", "，", "也", "适合", "骑车", "出行"], False),
        (["The weather in Berlin", "is fine today, said", "the man", "from the", "station there"], False),
    ],
)
def test_words_that_were_split_at_white_space_are_noticed_and_tokens_are_not(pieces: list[str], lost: bool) -> None:
    body = b"".join(said(piece) for piece in pieces)
    assert ("words_joined" in codes(decode(body))) == lost


# ---- chat completions meets an agent --------------------------------------------------------------------------------


def test_the_other_dialect_says_which_one_would_read_an_agent() -> None:
    from callscope.dialects.chat.dialect import ChatCompletions

    decoder = ChatCompletions().decoder(1, [])
    assert "acf_answer" in codes([*decoder.feed(said("Hi")), *decoder.close("complete")])


# ---- any stream, any cut --------------------------------------------------------------------------------------------

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=9)
ARGS = st.dictionaries(WORDS, WORDS | st.integers() | st.none(), max_size=3)


@st.composite
def doings(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """What an agent does, as plain values."""
    found: list[tuple[str, Any]] = []
    for number in range(draw(st.integers(1, 6))):
        match draw(st.sampled_from(["think", "say", "call"])):
            case "think":
                found.append(("think", draw(WORDS)))
            case "say":
                found.append(("say", draw(WORDS)))
            case _:
                found.append(("call", (f"c{number}", draw(WORDS), draw(ARGS), draw(WORDS))))
    return found


def frames_of(done: list[tuple[str, Any]]) -> bytes:
    body = b""
    for kind, value in done:
        if kind == "think":
            body += thought(value)
        elif kind == "say":
            body += said(value)
        else:
            call_id, name, args, result = value
            body += called(own(call_id, name, args)) + told(call_id, result, name)
    return body


def events_of(done: list[tuple[str, Any]]) -> bytes:
    body = b""
    for kind, value in done:
        if kind == "think":
            body += event({"content": value}, "assistant_thinking")
        elif kind == "say":
            body += event({"content": value}, "text_delta")
        else:
            call_id, name, args, result = value
            members = {"id": call_id, "name": name, "arguments_str": json.dumps(args)}
            body += event(members, "tool_call_start")
            body += event({"id": call_id, "name": name, "output": result, "is_error": False}, "tool_result")
    return body + event({"status": "completed"}, "stream_end")


@pytest.mark.parametrize("written", [frames_of, events_of])
@settings(max_examples=60, deadline=None)
@given(done=doings())
def test_whatever_an_agent_does_reads_the_same_in_either_dialect(written: Any, done: list[tuple[str, Any]]) -> None:
    events = decode(written(done))
    assert text(events) == "".join(value for kind, value in done if kind == "say")
    assert text(events, "reasoning") == "".join(value for kind, value in done if kind == "think")
    made = [value for kind, value in done if kind == "call"]
    assembled = [event.call for event in events if isinstance(event, CallAssembled)]
    assert [(call.call_id, call.name, json.loads(call.arguments)) for call in assembled] == [m[:3] for m in made]
    results = [event.result.output for event in events if isinstance(event, RemoteResult)]
    assert results == [result for *_, result in made]
    assert isinstance(last(events), ResponseCompleted)


@pytest.mark.parametrize("written", [frames_of, events_of])
@pytest.mark.parametrize("nl", [b"\n", b"\r\n", b"\r"])
@settings(max_examples=40, deadline=None)
@given(done=doings(), data=st.data())
def test_any_stream_of_an_agent_reads_the_same_however_it_is_cut(
    written: Any, nl: bytes, done: list[tuple[str, Any]], data: st.DataObject
) -> None:
    body = (b": ping\n\n" + written(done) + b"id: 3\n" + said("x") + DONE).replace(b"\n", nl)
    body = body[: data.draw(st.integers(0, len(body)))]
    how = data.draw(st.sampled_from(["complete", "truncated", "reset"]))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=9)) | {0, len(body)})
    assert decode([body[a:b] for a, b in pairwise(cuts)], how=how) == decode(body, how=how)


def test_a_message_of_no_object_goes_by_its_event_line() -> None:
    events = decode(frame(MESSAGE, {"content": "Hi"}, object=None).replace(b"data:", b"event: x\ndata:", 1))
    assert text(events) == "Hi"
    assert codes(events) == ["object_missing"]


def test_a_call_of_ours_and_one_of_the_agents_never_share_an_id() -> None:
    """A result that goes back would be taken for the other one's."""
    ours = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    theirs = own("c1", "search_crm", {"q": "Acme"})
    for calls in ([theirs, ours], [ours, theirs]):
        events = decode(b"".join(map(called, calls)) + said("x") + DONE, tools=["get_weather"])
        assembled = [event.call for event in events if isinstance(event, CallAssembled)]
        assert len({call.call_id for call in assembled}) == 2
        assert "id_shared" in codes(events)


# ---- members under other names --------------------------------------------------------------------------------------


def told_of_members(events: list[PeerEvent]) -> list[str]:
    return [code for code in codes(events) if code not in ("call_unanswered", "response_empty")]


@pytest.mark.parametrize("member", ["arguments_str", "arguments", "input"])
def test_arguments_of_a_step_under_another_name_are_read_and_told(member: str) -> None:
    events = decode(step("tool_calls", tool_calls=[{"id": "c1", "name": "f", member: {"a": 1}}]))
    [assembled] = [event for event in events if isinstance(event, CallAssembled)]
    assert assembled.call.arguments == '{"a":1}'
    assert told_of_members(events) == ["member_renamed"]


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("text_delta", {"text": "Hi"}),
        ("text_delta", {"delta": "Hi"}),
        ("assistant_thinking", {"thinking": "Hm."}),
        ("tool_call_start", {"id": "c1", "name": "f", "args": {}}),
        ("tool_call_start", {"id": "c1", "name": "f", "arguments": "{}"}),
        ("tool_result", {"id": "c1", "name": "f", "content": "4"}),
        ("tool_result", {"tool_call_id": "c1", "name": "f", "output": "4"}),
    ],
)
def test_a_member_of_the_second_dialect_under_another_name_is_told(name: str, members: dict[str, Any]) -> None:
    body = event({"id": "c1", "name": "f", "arguments_str": "{}"}, "tool_call_start") if "result" in name else b""
    events = decode(body + event(members, name) + event({"status": "completed"}, "stream_end"))
    assert told_of_members(events) == ["member_renamed"]


def test_the_name_of_an_event_in_its_data_is_told() -> None:
    events = decode(event({"type": "text_delta", "content": "Hi"}) + event({"type": "stream_end"}))
    assert text(events) == "Hi"
    assert codes(events) == ["event_line_missing"]


def test_an_event_line_beside_the_name_in_the_data_is_told() -> None:
    events = decode(event({"type": "text_delta", "content": "Hi"}, "message") + event({}, "stream_end"))
    assert text(events) == "Hi"
    assert codes(events) == ["event_line_contradicts"]


def test_a_number_for_an_id_pairs_a_result_with_its_call_and_is_told() -> None:
    body = event({"id": 7, "name": "f", "arguments_str": "{}"}, "tool_call_start")
    body += event({"id": 7, "name": "f", "output": "4"}, "tool_result") + event({}, "stream_end")
    events = decode(body)
    assert [e.result for e in events if isinstance(e, RemoteResult)] == [ToolResult(CallKey(1, 0), "4", "ok")]
    assert told_of_members(events) == ["id_not_text"]


def test_a_name_that_is_no_text_is_told() -> None:
    assert "member_odd" in codes(decode(step("tool_calls", tool_calls=[{"id": "c1", "name": {"a": 1}, "args": {}}])))
