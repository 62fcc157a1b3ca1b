"""The Responses API as the openai SDK and its stream helper read it."""

from __future__ import annotations

import json
from typing import Any

from callscope.readers.values import Recorded
from readersbench import JSON, read_all, response, rows, verdicts

SHELL = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "tools": [], "error": None}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "get_weather", "status": "completed"}
ARGUMENTS = '{"city":"Paris"}'
USAGE = {"input_tokens": 75, "output_tokens": 20, "total_tokens": 95}


def framed(*events: dict[str, Any]) -> bytes:
    """A stream of these events, numbered."""
    numbered = ({**event, "sequence_number": number} for number, event in enumerate(events))
    return b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in numbered)


def whole(status: str = "completed", **members: Any) -> dict[str, Any]:
    return SHELL | {"status": status, "output": [], "usage": None, "incomplete_details": None} | members


def stream(*between: dict[str, Any], last: dict[str, Any]) -> Recorded:
    created = {"type": "response.created", "response": whole("in_progress")}
    return response(framed(created, *between, last), dialect="responses")


def call_in_pieces(done: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    of_item = {"item_id": "fc_1", "output_index": 0}
    return (
        {"type": "response.output_item.added", "output_index": 0, "item": CALL | {"arguments": ""}},
        {"type": "response.function_call_arguments.delta", "delta": ARGUMENTS[:7], **of_item},
        {"type": "response.function_call_arguments.delta", "delta": ARGUMENTS[7:], **of_item},
        {"type": "response.function_call_arguments.done", "arguments": ARGUMENTS, **of_item},
        {"type": "response.output_item.done", "output_index": 0, "item": done},
    )


def test_a_call_as_openai_sends_it_is_the_same_to_all() -> None:
    done = CALL | {"arguments": ARGUMENTS}
    last = {"type": "response.completed", "response": whole(output=[done], usage=USAGE)}
    [one] = read_all(stream(*call_in_pieces(done), last=last))
    assert [call.arguments for call in one.ours.calls] == [ARGUMENTS]
    assert verdicts(one) == {"openai-loop": "same", "openai-helper": "same", "httpx-sse": "same"}


def test_a_cut_answer_is_length_to_all() -> None:
    cut = whole("incomplete", incomplete_details={"reason": "max_output_tokens"}, usage=USAGE)
    [one] = read_all(stream(last={"type": "response.incomplete", "response": cut}))
    assert one.ours.finish_reason == "length"
    assert verdicts(one)["openai-loop"] == "same"


def test_a_failed_response_is_an_error_to_all() -> None:
    failed = whole("failed", error={"code": "server_error", "message": "It broke."})
    [one] = read_all(stream(last={"type": "response.failed", "response": failed}))
    assert verdicts(one) == {"openai-loop": "same", "openai-helper": "same", "httpx-sse": "same"}


def test_a_call_that_was_never_added_crashes_who_joins_deltas() -> None:
    done = CALL | {"arguments": ARGUMENTS}
    last = {"type": "response.completed", "response": whole(output=[done], usage=USAGE)}
    [one] = read_all(stream(*call_in_pieces(done)[1:], last=last))
    assert rows(one)["openai-loop"].differences[0].theirs == "KeyError: 0"


def test_an_early_end_is_silent_to_the_loop() -> None:
    created = {"type": "response.created", "response": whole("in_progress")}
    [one] = read_all(response(framed(created), dialect="responses"))
    assert verdicts(one)["openai-loop"] == "silent end"


def test_an_answer_in_one_piece_is_read_where_no_stream_was_asked_for() -> None:
    body = json.dumps(whole(output=[CALL | {"arguments": ARGUMENTS}], usage=USAGE)).encode()
    [one] = read_all(response(body, dialect="responses", streamed=False, headers=JSON))
    assert verdicts(one) == {"openai-loop": "same", "openai-helper": "not read", "httpx-sse": "not read"}
