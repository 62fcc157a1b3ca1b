"""Each fault of the demo agent is caught by the rule that is about it, and the honest agent by none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from callscope.doctor.exchange import Gathering
from callscope.doctor.report import examine
from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from examined import asked_of

CHAT = {
    "index always 0": "chat.call_index",
    "index missing": "chat.call_index",
    "index null": "chat.call_index",
    "id in place of index": "chat.call_index",
    "index from 1": "chat.call_index",
    "index shifts": "chat.call_index",
    "empty id on continuations": "chat.continuations",
    "id and name on every chunk": "chat.continuations",
    "null on continuations": "chat.continuations",
    "name in pieces": "chat.call_name",
    "id missing": "chat.call_id",
    "id null": "chat.call_id",
    "id empty": "chat.call_id",
    "shared id": "chat.call_id",
    "arguments as object": "chat.arguments_text",
    "arguments null": "chat.arguments_text",
    "arguments empty": "calls.json",
    "arguments missing": "calls.json",
    "calls as object": "chat.call_list",
    "function_call": "chat.call_list",
    "cumulative arguments": "chat.arguments_once",
    "repeated arguments": "chat.arguments_once",
    "doubled arguments": "chat.arguments_once",
    "leading empty object": "chat.arguments_once",
    "doubly encoded arguments": "calls.json",
    "cut arguments": "calls.json",
    "invalid arguments": "calls.json",
    "python arguments": "calls.json",
    "two documents": "calls.json",
    "wrong arguments": "calls.fit",
    "unknown tool": "calls.offered",
    "stop with calls": "chat.finish_calls",
    "no finish reason": "chat.finish_reason",
    "empty finish reason": "chat.finish_reason",
    "finish reason twice": "chat.finish_once",
    "tool_calls without calls": "tools.required",
    "error in mid-stream": "chat.no_error",
    "error as string": "chat.no_error",
    "error event": "chat.no_error",
    "error field": "chat.no_error",
    "error as finish reason": "chat.no_error",
    "HTTP 401": "http.answers",
    "HTTP 404": "http.answers",
    "HTTP 500": "http.answers",
    "HTML answer": "http.streams",
    "JSON error": "chat.no_error",
    "early end": "chat.done",
    "early end after the calls": "chat.done",
    "no DONE": "chat.done",
    "DONE alone": "chat.says",
    "more after DONE": "chat.nothing_after_done",
    "empty answer": "http.answers",
    "reset": "http.complete",
    "cut in mid-chunk": "http.complete",
    "wrong content-length": "http.complete",
    "no last chunk": "http.complete",
    "hang up at once": "http.complete",
    "stall": "http.complete",
    "meta events": "chat.plain_events",
    "BOM": "stream.no_bom",
    "no blank lines": "stream.separated",
    "glued events": "stream.json",
    "unterminated last event": "stream.terminated",
    "gzip": "http.identity",
    "wrong content type": "http.content_type",
    "empty choices": "chat.choices_filled",
    "null choices": "chat.choices",
    "null delta": "chat.choices",
    "missing delta": "chat.choices",
    "choice index 1": "chat.choices",
    "content as list": "chat.content",
    "whole message at the end": "chat.message_once",
    "think tags": "chat.reasoning_apart",
    "leaked hermes call": "chat.no_leak",
    "leaked mistral call": "chat.no_leak",
    "leaked llama call": "chat.no_leak",
    "leaked kimi call": "chat.no_leak",
    "leaked deepseek call": "chat.no_leak",
    "leak beside the call": "chat.no_leak",
}

ACF = {
    "error in mid-stream": "acf.no_error",
    "error as string": "acf.no_error",
    "error event": "acf.no_error",
    "error field": "acf.no_error",
    "HTTP 500": "http.answers",
    "JSON error": "acf.no_error",
    "early end": "acf.done",
    "no DONE": "acf.done",
    "DONE alone": "acf.answers",
    "more after DONE": "acf.nothing_after_done",
    "empty answer": "http.answers",
    "reset": "http.complete",
    "cut in mid-chunk": "http.complete",
    "no blank lines": "stream.separated",
    "glued events": "stream.json",
    "unterminated last event": "stream.terminated",
    "wrong content type": "http.content_type",
    "BOM": "stream.no_bom",
    "CRLF": "acf.no_crlf",
    "ping comments": "acf.no_comments",
    "meta events": "acf.only_envelopes",
    "id lines": "acf.no_id_line",
    "contradicting event lines": "acf.event_line",
    "thinking as message": "acf.thinking",
    "text in step": "acf.step_details",
    "words joined": "acf.spaces",
    "error by id": "acf.error_as_text",
    "openai calls": "acf.call_shape",
    "results missing": "acf.result_comes",
    "wrong result ids": "acf.result_id",
    "run ids": "acf.call_id_own",
    "call ids missing": "acf.call_id",
    "args as text": "acf.call_args",
    "python results": "acf.result_json",
    "heartbeats": "acf.role",
    "fresh threads": "acf.one_thread",
    "final chunk": "acf.no_chunks",
    "empty last delta": "acf.delta",
    "object missing": "acf.object",
    "whole message": "acf.framework_only",
    "second dialect": "acf.events",
}

RESPONSES = {
    "call id missing": "responses.call_id",
    "call id null": "responses.call_id",
    "call id late": "responses.call_id",
    "shared call id": "responses.call_id",
    "arguments as object": "responses.arguments_text",
    "arguments null": "responses.arguments_text",
    "arguments empty": "calls.json",
    "doubly encoded arguments": "calls.json",
    "cut arguments": "calls.json",
    "python arguments": "calls.json",
    "two documents": "calls.json",
    "wrong arguments": "calls.fit",
    "unknown tool": "calls.offered",
    "custom as function": "tools.custom",
    "cumulative arguments": "responses.done_agrees",
    "encrypted deltas": "responses.done_agrees",
    "contradicting done": "responses.done_agrees",
    "item ids rotate": "responses.item_id",
    "item ids differ": "responses.item_id",
    "item ids missing": "responses.item_id",
    "call id in place of item id": "responses.item_id",
    "output index always 0": "responses.output_index",
    "output index from 1": "responses.output_index",
    "indexes missing": "responses.output_index",
    "no deltas": "responses.deltas",
    "no done events": "responses.done_events",
    "items done alone": "responses.item_added",
    "items not added": "responses.item_added",
    "null item": "responses.item_done",
    "completed alone": "responses.created",
    "no created": "responses.created",
    "empty output": "responses.output",
    "no completed": "responses.terminal",
    "DONE at the end": "responses.no_done",
    "keepalive events": "responses.known_events",
    "unknown item": "responses.known_events",
    "sequence numbers 0": "responses.sequence",
    "no sequence numbers": "responses.sequence",
    "no event lines": "responses.event_lines",
    "no types": "responses.type",
    "flat error": "responses.no_error",
    "nested error": "responses.no_error",
    "error at once": "responses.no_error",
    "error field": "responses.no_error",
    "failed": "responses.no_error",
    "cancelled": "responses.response",
    "chat usage": "responses.usage",
    "usage null": "responses.usage",
    "leaked call": "responses.no_leak",
    "HTTP 500": "http.answers",
    "early end": "responses.terminal",
    "reset": "http.complete",
}

HARMLESS = {
    "chat": ["interleaved calls", "multi-line data", "ping comments", "CRLF", "CR", "U+2028", "split UTF-8"],
    "responses": [
        "web search",
        "MCP call",
        "one delta",
        "interleaved calls",
        "obfuscation",
        "namespace",
        "call id is item id",
        "reasoning text",
    ],
    "acf": ["no event lines", "multi-line data", "CR", "U+2028", "split UTF-8", "no space after the colon"],
}
"""What the standard allows: no rule may complain of it."""

BASES = {"chat": "/v1", "responses": "/v1", "acf": "/v1/chat"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with run_in_thread(DemoAgent(pace=0.0, stall=2.0)) as server:
        yield server.url


def broken(url: str, dialect: str, fault: str = "") -> set[str]:
    """The rules that the agent breaks with this fault."""
    headers = (("x-fault", fault),) if fault else ()
    gathering: Gathering = asyncio.run(asked_of(f"{url}{BASES[dialect]}", dialect, *headers, limit=1.0))
    return {one.rule.id for one in examine(gathering.exchanges, dialect) if one.outcome == "fail"}


@pytest.mark.parametrize("fault", CHAT)
def test_a_fault_of_chat_completions_breaks_its_rule(url: str, fault: str) -> None:
    assert CHAT[fault] in broken(url, "chat", fault)


@pytest.mark.parametrize("fault", RESPONSES)
def test_a_fault_of_the_responses_api_breaks_its_rule(url: str, fault: str) -> None:
    assert RESPONSES[fault] in broken(url, "responses", fault)


@pytest.mark.parametrize("fault", ACF)
def test_a_fault_of_an_agent_breaks_its_rule(url: str, fault: str) -> None:
    assert ACF[fault] in broken(url, "acf", fault)


@pytest.mark.parametrize(("dialect", "fault"), [(d, fault) for d, faults in HARMLESS.items() for fault in faults])
def test_what_the_standard_allows_breaks_no_rule(url: str, dialect: str, fault: str) -> None:
    assert broken(url, dialect, fault) == set()


@pytest.mark.parametrize("dialect", BASES)
def test_the_honest_agent_breaks_no_rule_and_leaves_none_unshown(url: str, dialect: str) -> None:
    gathering = asyncio.run(asked_of(f"{url}{BASES[dialect]}", dialect))
    outcomes = {one.rule.id: one.outcome for one in examine(gathering.exchanges, dialect) if one.outcome != "pass"}
    # without a pace the stream comes at once, there is no key to leave out, and the agent thinks only when asked to
    assert outcomes.keys() <= {"http.no_key", "stream.cadence", "responses.reasoning"}
    assert "fail" not in outcomes.values()
