"""A member that is null and one that was never sent are two faults, and are told apart."""

from __future__ import annotations

import json
from typing import Any

import pytest

from examined import DOCUMENT, exchange, finding


def events(*documents: dict[str, Any]) -> bytes:
    return b"".join(f"data: {json.dumps(document)}\n\n".encode() for document in documents)


ITEM = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "get_weather", "arguments": ""}


@pytest.mark.parametrize(
    ("dialect", "rule", "document", "member"),
    [
        ("responses", "responses.sequence", {"type": "response.created"}, "sequence_number"),
        ("responses", "responses.output_index", {"type": "response.output_item.added", "item": ITEM}, "output_index"),
        ("chat", "chat.object", {"id": "c", "choices": [{"index": 0, "delta": {}}]}, "object"),
        ("chat", "chat.choices", {"id": "c", "choices": [{"delta": {}}]}, "index"),
        ("chat", "chat.choices", {"id": "c", "choices": [{"index": 0}]}, "delta"),
        ("acf", "acf.object", {"choices": [{"delta": {"role": "assistant", "content": "hi"}}]}, "object"),
    ],
)
def test_what_is_absent_is_missing_and_what_is_null_is_null(
    dialect: str, rule: str, document: dict[str, Any], member: str
) -> None:
    with_null = json.loads(json.dumps(document))
    holder = with_null if member in ("sequence_number", "output_index", "object") else with_null["choices"][0]
    holder[member] = None
    assert f"`{member}` is missing" in finding([exchange(dialect, [events(document)])], dialect, rule).came
    assert f"`{member}` is null" in finding([exchange(dialect, [events(with_null)])], dialect, rule).came


def test_a_response_in_one_piece_without_a_member_is_told_so() -> None:
    whole = json.dumps({"object": "response", "status": "completed", "output": []}).encode()
    asked = {"stream": False}
    came = finding([exchange("responses", [whole], asked, headers=DOCUMENT)], "responses", "responses.response").came
    assert came == "`id` is missing"


def test_an_error_without_words_is_told_so() -> None:
    refused = exchange("chat", [b'{"error": {"type": "x"}}'], status=400, headers=DOCUMENT)
    assert finding([refused], "chat", "http.error_shape").came == "in `error`, `message` is missing"
