"""Whatever a server sends, the rules find something to say of it and never fail themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.doctor.battery import BATTERIES
from callscope.doctor.report import examine
from callscope.doctor.seen import MOST_COMMENTS, Seen
from examined import DOCUMENT, STREAM, exchange

NAMES = (
    "choices",
    "delta",
    "message",
    "content",
    "role",
    "index",
    "id",
    "type",
    "function",
    "name",
    "arguments",
    "tool_calls",
    "finish_reason",
    "usage",
    "error",
    "object",
    "thread_id",
    "step_details",
    "tool_call_id",
    "args",
    "agents",
    "provider",
    "capabilities",
    "response",
    "item",
    "item_id",
    "output",
    "output_index",
    "content_index",
    "sequence_number",
    "part",
    "text",
    "summary",
    "call_id",
    "input",
    "status",
)
WORDS = (
    "thread.message.delta",
    "thread.run.step.delta",
    "chat.completion.chunk",
    "tool_calls",
    "tool_response",
    "thinking",
    "function",
    "response.created",
    "response.completed",
    "response.output_item.added",
    "response.output_item.done",
    "message",
    "function_call",
    "response.function_call_arguments.delta",
    "response.output_text.delta",
    "error",
    "custom",
    "assistant",
)

leaf = st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from([*WORDS, "", "{}", "c1"]) | st.floats(0, 1)
value: st.SearchStrategy[Any] = st.recursive(
    leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
)
document = st.dictionaries(st.sampled_from([*NAMES, "choices", "object", "type"]), value, max_size=6)


@pytest.mark.parametrize("dialect", sorted(BATTERIES))
@given(documents=st.lists(document, min_size=1, max_size=4), asked=document, streamed=st.booleans())
@settings(max_examples=60, deadline=None)
def test_no_document_makes_a_rule_raise(
    dialect: str, documents: list[Any], asked: dict[str, Any], streamed: bool
) -> None:
    body = b"".join(b"data: %b\n\n" % json.dumps(each).encode() for each in documents)
    whole = json.dumps(documents[0]).encode()
    sent = asked | {"stream": streamed, "tools": [{"type": "function", "function": {"name": "function"}}]}
    came = exchange(dialect, [body if streamed else whole], sent, headers=STREAM if streamed else DOCUMENT)
    assert len(examine([came], dialect)) == len(BATTERIES[dialect].rules)


@pytest.mark.parametrize("dialect", sorted(BATTERIES))
@given(body=st.binary(max_size=200), status=st.sampled_from([200, 400, 500]))
@settings(max_examples=60, deadline=None)
def test_no_bytes_make_a_rule_raise(dialect: str, body: bytes, status: int) -> None:
    assert len(examine([exchange(dialect, [body], status=status)], dialect)) == len(BATTERIES[dialect].rules)


@pytest.mark.parametrize("dialect", sorted(BATTERIES))
def test_deep_nesting_makes_no_rule_raise(dialect: str) -> None:
    deep = b'data: {"choices":%b}\n\n' % (b"[" * 100_000)
    assert len(examine([exchange(dialect, [deep])], dialect)) == len(BATTERIES[dialect].rules)


@pytest.mark.parametrize("dialect", BATTERIES)
def test_an_answer_of_heartbeats_alone_is_not_kept_frame_by_frame(dialect: str) -> None:
    seen = Seen(exchange(dialect, [b":\n" * 200_000 + b"data: [DONE]\n\n"]), dialect)
    assert len(seen.frames) == MOST_COMMENTS + 1
    assert seen.frames[-1].data == "[DONE]"
    assert seen.body[seen.frames[-1].start : seen.frames[-1].end] == b"data: [DONE]"
