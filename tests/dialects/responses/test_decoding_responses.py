"""What a body of the Responses API comes to where the corpus does not look: orders, ends, sizes, memory."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from callscope.core.events import (
    CallAssembled,
    Diagnostic,
    PeerEvent,
    RemoteResult,
    ResponseCompleted,
    ResponseFailed,
    ResponseHead,
    TextDelta,
)
from callscope.core.values import ToolCall
from callscope.dialects.registry import dialect_named

STREAM = ResponseHead(1, 200, (("content-type", "text/event-stream"), ("x-request-id", "req_1")))
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}
CALL = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "f", "arguments": ""}

SQL = {"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_2", "name": "run_sql", "input": ""}


def event(kind: str, **members: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n".encode()


def said(text: str, item_id: str = "msg_1", kind: str = "output_text") -> bytes:
    return event(f"response.{kind}.delta", item_id=item_id, output_index=0, content_index=0, delta=text)


def asked(piece: str) -> bytes:
    return event("response.custom_tool_call_input.delta", item_id="ctc_1", output_index=0, delta=piece)


def added(item: dict[str, Any]) -> bytes:
    return event("response.output_item.added", output_index=0, item=item)


def done(item: dict[str, Any]) -> bytes:
    return event("response.output_item.done", output_index=0, item=item)


def ended(status: str = "completed", **members: Any) -> bytes:
    return event(f"response.{status}", response={"id": "resp_1", "status": status, "output": [], **members})


def decoded(*chunks: bytes, dialect: str = "responses") -> list[PeerEvent]:
    decoder = dialect_named(dialect).decoder(1, ())
    decoder.feed(STREAM)
    return [*(each for chunk in chunks for each in decoder.feed(chunk)), *decoder.close("complete")]


def text_of(events: Iterable[PeerEvent], channel: str = "output") -> str:
    return "".join(each.text for each in events if isinstance(each, TextDelta) and each.channel == channel)


def calls_of(events: Iterable[PeerEvent]) -> list[ToolCall]:
    return [each.call for each in events if isinstance(each, CallAssembled)]


def codes(events: Iterable[PeerEvent]) -> list[str]:
    return [each.code for each in events if isinstance(each, Diagnostic)]


def whole(text: str) -> dict[str, Any]:
    return {**MESSAGE, "status": "completed", "content": [{"type": "output_text", "text": text, "annotations": []}]}


# ---- ends -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "word"),
    [("max_output_tokens", "length"), ("content_filter", "content_filter"), ("max_messages", "max_messages")],
)
def test_no_call_of_an_incomplete_response_may_run_whole_or_not(reason: str, word: str) -> None:
    call = {**CALL, "arguments": "{}", "status": "completed"}
    events = decoded(added(CALL), done(call), ended("incomplete", incomplete_details={"reason": reason}))
    assert isinstance(events[-1], ResponseCompleted)
    assert events[-1].finish_reason == word
    assert [call.fault.code for call in calls_of(events) if call.fault] == ["response_incomplete"]


@pytest.mark.parametrize(
    "last",
    [
        event("response.incomplete", response={"id": "resp_1", "incomplete_details": {"reason": "max_output_tokens"}}),
        event("response.incomplete", response={"id": "resp_1", "status": "in_progress"}),
        event("response.incomplete"),
    ],
    ids=["no status", "a stale status", "no response"],
)
def test_the_event_alone_says_that_a_response_is_incomplete(last: bytes) -> None:
    events = decoded(added(CALL), done({**CALL, "arguments": "{}"}), last)
    assert [call.fault.code for call in calls_of(events) if call.fault] == ["response_incomplete"]


def test_a_call_whose_own_status_is_incomplete_is_not_run_whatever_the_response_says() -> None:
    events = decoded(added(CALL), done({**CALL, "arguments": "{}", "status": "incomplete"}), ended())
    assert [call.fault.code for call in calls_of(events) if call.fault] == ["response_incomplete"]


@pytest.mark.parametrize(
    "last",
    [ended("failed", error={"code": "server_error", "message": "Overloaded."}), ended("cancelled"), b""],
    ids=["failed", "cancelled", "no end"],
)
def test_no_call_of_a_broken_response_may_run(last: bytes) -> None:
    events = decoded(added(CALL), done({**CALL, "arguments": "{}"}), last)
    assert isinstance(events[-1], ResponseFailed)
    assert events[-1].request_id == "req_1"
    assert [call.fault.code for call in calls_of(events) if call.fault] == ["response_broken"]


def test_a_done_marker_alone_completes_nothing_whose_items_are_open() -> None:
    events = decoded(added(CALL), b"data: [DONE]\n\n")
    assert isinstance(events[-1], ResponseFailed)


def test_usage_and_the_id_of_the_response_are_kept() -> None:
    usage = {"input_tokens": 75, "output_tokens": 20, "total_tokens": 95, "input_tokens_details": {"cached_tokens": 9}}
    last = decoded(done(whole("Hi")), ended(usage=usage))[-1]
    assert isinstance(last, ResponseCompleted)
    assert last.usage is not None
    assert (last.usage.input_tokens, last.usage.output_tokens, last.usage.raw) == (75, 20, usage)
    assert last.echo["id"] == "resp_1"


# ---- what is said more than once ------------------------------------------------------------------------------------


def test_items_go_back_in_the_order_in_which_they_came_into_sight() -> None:
    first, second = {**CALL, "arguments": "{}"}, {**CALL, "id": "fc_2", "call_id": "call_2", "arguments": "{}"}
    events = decoded(added(CALL), added({**second, "arguments": ""}), done(second), done(first), ended())
    last = events[-1]
    assert isinstance(last, ResponseCompleted)
    assert last.echo["output"] == [first, second]


def test_the_item_of_its_own_end_is_what_goes_back_and_not_that_of_the_end_of_the_response() -> None:
    final = {**whole("Hello"), "phase": "final_answer"}
    last = decoded(added(MESSAGE), said("Hello"), done(final), ended(output=[whole("Hello!")]))[-1]
    assert isinstance(last, ResponseCompleted)
    assert last.echo["output"] == [final]


def test_arguments_that_contradict_themselves_are_not_run() -> None:
    deltas = event("response.function_call_arguments.delta", item_id="fc_1", output_index=0, delta='{"a":1}')
    events = decoded(added(CALL), deltas, done({**CALL, "arguments": '{"a":2}'}), ended())
    assert [call.fault.code for call in calls_of(events) if call.fault] == ["arguments_contradictory"]
    assert "arguments_differ" in codes(events)


def test_raw_text_that_is_another_at_its_end_is_not_run() -> None:
    events = decoded(added(SQL), asked("SELECT 1"), done({**SQL, "input": "DROP TABLE t"}), ended())
    assert [call.fault.code for call in calls_of(events) if call.fault] == ["arguments_contradictory"]


def test_raw_text_of_which_a_piece_could_not_be_read_is_not_run() -> None:
    lost = asked(" WHERE id = 7").replace(b"}\n\n", b"\n\n")
    events = decoded(added(SQL), asked("DELETE FROM t"), lost, ended())
    assert [call.fault.code for call in calls_of(events) if call.fault] == ["delta_lost"]


def test_characters_cut_in_two_are_joined_and_none_goes_back_in_halves() -> None:
    events = decoded(
        added(MESSAGE),
        said("a\ud83c"),
        said("\udf89b"),
        done(whole("a\ud83c\udf89b")),
        done({"type": "orq:note", "note": "\ud83c"}),
        ended(),
    )
    last = events[-1]
    assert isinstance(last, ResponseCompleted)
    assert text_of(events) == "a\U0001f389b"
    assert codes(events).count("lost_character") == 1, "the half in the note, and none of the text"
    assert json.dumps(last.echo["output"], ensure_ascii=False).encode()
    assert last.echo["output"][1]["note"] == "\ufffd"


# ---- the other protocol ---------------------------------------------------------------------------------------------


def test_an_answer_of_chat_completions_is_said_to_be_one() -> None:
    chunk = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}
    last = decoded(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode())[-1]
    assert isinstance(last, ResponseFailed)
    assert "--dialect chat" in last.message


@pytest.mark.parametrize(
    "body",
    [
        added(MESSAGE) + said("Hi") + ended(),
        json.dumps({"object": "response", "status": "completed", "output": [whole("Hi")]}).encode(),
    ],
    ids=["streamed", "in one piece"],
)
def test_an_answer_of_this_protocol_is_said_to_be_one_in_chat_completions(body: bytes) -> None:
    last = decoded(body, dialect="chat")[-1]
    assert isinstance(last, ResponseFailed)
    assert "--dialect responses" in last.message


# ---- what the server ran itself -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "name", "arguments", "output", "status"),
    [
        (
            {"type": "mcp_call", "name": "search", "arguments": '{"q":"x"}', "output": "found"},
            "search",
            '{"q":"x"}',
            "found",
            "ok",
        ),
        ({"type": "mcp_call", "name": "search", "arguments": "{}", "error": "gone"}, "search", "{}", "gone", "error"),
        (
            {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "x"}},
            "web_search",
            '{"type":"search","query":"x"}',
            "completed",
            "ok",
        ),
        (
            {"type": "code_interpreter_call", "code": "1+1", "outputs": [{"type": "logs", "logs": "2"}]},
            "code_interpreter",
            "1+1",
            '[{"type":"logs","logs":"2"}]',
            "ok",
        ),
    ],
)
def test_a_call_that_the_server_ran_is_shown_with_its_result(
    item: dict[str, Any], name: str, arguments: str, output: str, status: str
) -> None:
    events = decoded(done({"id": "x_1", **item}), done(whole("Found.")), ended())
    (call,) = calls_of(events)
    assert (call.executor, call.name, call.arguments, call.fault) == ("remote", name, arguments, None)
    results = [each.result for each in events if isinstance(each, RemoteResult)]
    assert [(result.key, result.output, result.status) for result in results] == [(call.key, output, status)]


def test_a_call_that_waits_for_an_answer_nobody_here_can_give_is_told() -> None:
    item = {"id": "mcpr_1", "type": "mcp_approval_request", "name": "search", "arguments": "{}"}
    assert "item_not_answered" in codes(decoded(done(item), ended()))


# ---- time and memory ------------------------------------------------------------------------------------------------


def many(count: int) -> Iterator[bytes]:
    yield added(MESSAGE)
    for _ in range(count):
        yield said("word ")
    yield done(whole("word " * count))
    yield ended()


def test_memory_is_bounded_by_what_was_said_and_not_by_the_number_of_events() -> None:
    decoder = dialect_named("responses").decoder(1, ())
    decoder.feed(STREAM)
    tracemalloc.start()
    try:
        for chunk in many(50_000):  # 250 kB said in some 8 MB of events
            decoder.feed(chunk)
        decoder.close("complete")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000


def test_many_types_of_events_that_nothing_is_made_of_are_not_all_told() -> None:
    events = decoded(*(event(f"response.x{number}.y") for number in range(100)), done(whole("Hi")), ended())
    assert codes(events).count("event_other") == 20


def test_a_complaint_about_an_item_does_not_repeat_a_type_without_an_end() -> None:
    events = decoded(added({"type": "k" * 100_000, "id": "i1"}), ended())
    (complaint,) = (each for each in events if isinstance(each, Diagnostic) and each.code == "item_unfinished")
    assert len(complaint.message) < 1_000


# ---- where a call broke off -----------------------------------------------------------------------------------------


def test_arguments_that_break_off_are_shown_where_they_did() -> None:
    begins = added(CALL)
    pieces = [
        event("response.function_call_arguments.delta", item_id="fc_1", output_index=0, delta=piece)
        for piece in ('{"ci', 'ty": "Pa')
    ]
    ends = ended("incomplete", incomplete_details={"reason": "max_output_tokens"})
    [found] = [
        each
        for each in decoded(begins, *pieces, ends)
        if isinstance(each, Diagnostic) and each.code == "arguments_incomplete"
    ]
    assert found.frame is not None
    assert found.frame.start == len(begins + pieces[0])


# ---- members of another kind ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        event("response.output_text.done", item_id="msg_1", output_index=0, content_index=0, text=7),
        ended(usage=7),
        ended(output={"0": MESSAGE}),
        ended(output=[7]),
    ],
)
def test_a_member_of_another_kind_is_told(body: bytes) -> None:
    assert "member_odd" in codes(decoded(added(MESSAGE), body))


def test_a_member_of_another_kind_is_told_in_the_words_of_json() -> None:
    found = decoded(event("response.output_item.added", output_index=0, item=None))
    told = [each.message for each in found if isinstance(each, Diagnostic) and each.code == "member_odd"]
    assert told == ["`item` is not of the kind the protocol says: null"]


def found_of_calls(events: list[PeerEvent]) -> list[tuple[str, str]]:
    """What is said of calls: the name of the call, and the code."""
    names = {call.key: call.name for call in calls_of(events)}
    return [(names[each.key], each.code) for each in events if isinstance(each, Diagnostic) and each.key is not None]


def test_what_is_odd_about_a_call_is_said_of_that_call_and_of_each() -> None:
    ends = [
        event("response.output_item.done", output_index=place, item=CALL | {"id": name, "call_id": name, "name": name})
        for place, name in enumerate("ab")
    ]
    bare = {"type": "function_call", "arguments": ""}
    begins = [
        event("response.output_item.added", output_index=place, item=bare | {"id": name})
        for place, name in enumerate("ab")
    ]
    objects = [
        event("response.function_call_arguments.done", item_id=name, output_index=place, arguments={"n": place})
        for place, name in enumerate("ab")
    ]
    found = found_of_calls(decoded(*begins, *objects, *ends, ended()))
    assert [one for one in found if one[1] == "arguments_as_object"] == [(name, "arguments_as_object") for name in "ab"]
    assert {name for name, code in found if code == "call_named_late"} == {"a", "b"}


def test_a_call_that_was_never_announced_is_not_said_to_have_been() -> None:
    piece = event("response.function_call_arguments.delta", item_id="fc_1", output_index=0, delta="{}")
    events = decoded(piece, done(CALL | {"arguments": "{}"}), ended())
    [said_of_it] = [each for each in events if isinstance(each, Diagnostic) and each.code == "call_named_late"]
    assert "announced" not in said_of_it.message
