"""What could not be read in the middle of an answer, and what the server took back after its end: no call runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callscope.core.events import PeerEvent, ResponseHead
from callscope.core.values import ToolSpec
from callscope.dialects.registry import dialect_named
from chatbodies import DONE, calls, chunk, codes, completion, entry, failure, faults
from chatbodies import event as data

BROKEN = b'data: {"id":"c","choi<<<ces":[{"index":0,"del\n\n'
HEADLESS = b'data: ta":{"content":"x"},"finish_reason":null}]}\n\n'
HEARTBEAT = b"data: still thinking {almost}\n\n"
HEAD = calls(entry(0, "call_1", "get_time", "", type="function"))


def event(kind: str, **members: Any) -> bytes:
    return f"event: {kind}\n".encode() + data({"type": kind, **members})


ITEM = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "get_time", "arguments": ""}
ADDED = event("response.output_item.added", output_index=0, item=ITEM)
ENDED = event("response.completed", response={"id": "r", "status": "completed", "output": []})


def of_item(piece: str) -> bytes:
    return event("response.function_call_arguments.delta", item_id="fc_1", output_index=0, delta=piece)


def ended_item(arguments: str) -> bytes:
    return event("response.output_item.done", output_index=0, item={**ITEM, "arguments": arguments})


def decoded(dialect: str, *parts: bytes) -> list[PeerEvent]:
    decoder = dialect_named(dialect).decoder(1, [ToolSpec("get_time")])
    events = list(decoder.feed(ResponseHead(1, 200, (("content-type", "text/event-stream"),))))
    return [*events, *decoder.feed(b"".join(parts)), *decoder.close("complete")]


def chat_with(lost: bytes, first: str = '{"a":"x', rest: str = 'y"}') -> list[PeerEvent]:
    pieces = [calls(entry(0, arguments=piece)) if piece else b"" for piece in (first, rest)]
    return decoded("chat", HEAD, pieces[0], lost, pieces[1], chunk(finish="tool_calls"), DONE)


def responses_with(lost: bytes, first: str = '{"a":"x', rest: str = 'y"}') -> list[PeerEvent]:
    pieces = [of_item(piece) if piece else b"" for piece in (first, rest)]
    return decoded("responses", ADDED, pieces[0], lost, pieces[1], ENDED)


READERS = pytest.mark.parametrize("read", [chat_with, responses_with], ids=["chat", "responses"])


@READERS
@pytest.mark.parametrize("lost", [BROKEN, HEADLESS], ids=["without its end", "without its beginning"])
def test_a_call_that_a_broken_document_came_into_is_not_run(read: Any, lost: bytes) -> None:
    events = read(lost)
    assert faults(events) == ["delta_lost"]
    assert "event_not_json" in codes(events)


@READERS
def test_words_in_the_middle_of_a_call_damage_nothing(read: Any) -> None:
    assert faults(read(HEARTBEAT)) == [None]


def test_a_call_that_was_whole_before_a_broken_document_runs() -> None:
    assert faults(chat_with(BROKEN, '{"a":"xy"}', "")) == [None]
    whole = (ADDED, of_item('{"a":"xy"}'), ended_item('{"a":"xy"}'), BROKEN, ENDED)
    assert faults(decoded("responses", *whole)) == [None]


def test_a_broken_document_before_any_call_leaves_the_answer_and_is_told() -> None:
    for events in (
        decoded("chat", BROKEN, HEAD, calls(entry(0, arguments="{}")), chunk(finish="tool_calls"), DONE),
        decoded("responses", BROKEN, ADDED, of_item("{}"), ended_item("{}"), ENDED),
    ):
        assert faults(events) == [None]
        assert completion(events)
        assert "event_not_json" in codes(events)


OVERLOADED = {"message": "overloaded", "type": "server_error"}
LATE = {
    "chat": [data({"error": OVERLOADED}), b"event: error\n" + data(OVERLOADED)],
    "responses": [
        event("response.failed", response={"id": "r", "status": "failed", "error": OVERLOADED}),
        event("error", **{name: word for name, word in OVERLOADED.items() if name != "type"}),
        data({"error": OVERLOADED}),
    ],
}


@pytest.mark.parametrize(("dialect", "late"), [(dialect, late) for dialect, all_ in LATE.items() for late in all_])
def test_an_error_after_the_end_takes_the_answer_back(dialect: str, late: bytes) -> None:
    if dialect == "chat":
        events = decoded("chat", HEAD, calls(entry(0, arguments="{}")), chunk(finish="tool_calls"), DONE, late)
    else:
        events = decoded("responses", ADDED, of_item("{}"), ended_item("{}"), ENDED, late)
    assert failure(events).kind == "error"
    assert "overloaded" in failure(events).message
    assert faults(events) == ["response_broken"]


def test_an_error_between_the_finish_reason_and_the_end_marker_takes_the_answer_back() -> None:
    parts = (HEAD, calls(entry(0, arguments="{}")), chunk(finish="tool_calls"), data({"error": OVERLOADED}), DONE)
    assert faults(decoded("chat", *parts)) == ["response_broken"]


def test_what_else_comes_after_the_end_changes_nothing() -> None:
    late = data({"choices": [{"index": 0, "delta": {"content": json.dumps("more")}}]})
    events = decoded("chat", HEAD, calls(entry(0, arguments="{}")), chunk(finish="tool_calls"), DONE, late)
    assert faults(events) == [None]
    assert codes(events) == {"data_after_done"}
