"""Rules that no fault of the demo agent is about: the smallest answer that breaks each, and one that holds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from callscope.core.values import Headers, Request
from callscope.doctor.exchange import Exchange
from callscope.doctor.report import examine
from callscope.doctor.seen import NO_KEY, NO_SUCH_MODEL
from examined import DOCUMENT, STREAM, exchange, finding

DONE = b"data: [DONE]\n\n"
MARKED = {"role": "tool", "tool_call_id": "c1", "content": "17.3"}
ASKED_TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
OTHER_TOOL = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object"}}}
STRICT_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "strict": True,
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def events(*documents: Any) -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(each).encode() for each in documents)


def chunk(delta: dict[str, Any], finish: str | None = None, **members: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "x", "object": "chat.completion.chunk", "choices": [choice], **members}


def call(name: str = "get_weather", arguments: str = "{}", index: int = 0, **members: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"index": index, "id": f"c{index}", "type": "function", "function": function, **members}


def called(*calls: dict[str, Any]) -> bytes:
    return events(chunk({"role": "assistant", "tool_calls": list(calls)}), chunk({}, "tool_calls")) + DONE


def said(text: str) -> bytes:
    return events(chunk({"role": "assistant", "content": text}), chunk({}, "stop")) + DONE


def chat(body: bytes, headers: Headers = STREAM, status: int = 200, **asked: Any) -> Exchange:
    return exchange("chat", [body], asked, headers=headers, status=status)


def completion(**members: Any) -> bytes:
    message = {"role": "assistant", "content": "hi"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    whole = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": USAGE}
    return json.dumps(whole | members).encode()


def envelope(kind: str, delta: Any, **members: Any) -> dict[str, Any]:
    head = {"id": "x", "object": f"thread.{kind}.delta", "thread_id": "t", "model": "m", "created": 1}
    return {**head, "choices": [{"delta": {"role": "assistant", **delta}}], **members}


def step(**details: Any) -> dict[str, Any]:
    return envelope("run.step", {"step_details": details})


WORDS = envelope("message", {"content": "Hello there."})
OWN = {"id": "c1", "name": "get_weather", "args": {}}


def acf(*documents: Any, **asked: Any) -> Exchange:
    return exchange("acf", [events(*documents) + DONE], asked)


def got(path: str, document: Any, status: int = 200) -> Exchange:
    base = exchange("acf", [json.dumps(document).encode()], headers=DOCUMENT, status=status)
    return _with_request(base, Request("GET", f"http://127.0.0.1{path}", (), b""))


def _with_request(base: Exchange, request: Request) -> Exchange:
    return replace(base, request=request)


def raw(dialect: str, sent: bytes, answer: bytes, status: int, *headers: tuple[str, str]) -> Exchange:
    base = exchange(dialect, [answer], headers=DOCUMENT, status=status)
    return _with_request(base, Request("POST", "http://127.0.0.1/v1/chat/completions", headers, sent))


REFUSED = json.dumps({"error": {"message": "No.", "type": "t", "code": None, "param": None}}).encode()
AGENT = {
    "name": "a",
    "description": "d",
    "version": "1",
    "documentation_url": "u",
    "provider": {"organization": "o", "url": "u"},
    "capabilities": {"streaming": True},
}
NAMED = {"type": "function", "function": {"name": "get_time"}}

BROKEN: dict[str, tuple[str, Exchange]] = {
    "http.whole": ("chat", chat(said("hi"), headers=DOCUMENT)),
    "http.bad_body": ("chat", raw("chat", b"{", completion(), 200)),
    "http.no_key": ("chat", raw("chat", b'{"model":"m"}', b"oops", 500, NO_KEY)),
    "http.error_shape": ("chat", raw("chat", b"{", b'{"detail":"no"}', 400)),
    "http.bad_model": ("chat", raw("chat", json.dumps({"model": NO_SUCH_MODEL}).encode(), REFUSED, 500)),
    "http.models": ("chat", got("/v1/models", {"data": [{"name": "no id"}]})),
    "stream.utf8": ("chat", chat(b'data: {"choices":[{"index":0,"delta":{"content":"\xff"}}]}\n\n' + DONE)),
    "stream.fields": ("chat", chat(b" Data: {}\n\n" + said("hi"))),
    "stream.only_events": ("chat", chat(said("hi")[:-14] + b"Traceback: no\n\n" + DONE)),
    "chat.object": ("chat", chat(events(chunk({"content": "a"}, object="chunk")) + DONE)),
    "chat.member_kinds": ("chat", chat(events(chunk({"content": "a", "refusal": 7})) + DONE)),
    "chat.usage": ("chat", chat(said("hi"), stream_options={"include_usage": True})),
    "chat.usage_once": ("chat", chat(events(chunk({"content": "a"}, usage=USAGE), chunk({}, "stop", usage=USAGE)))),
    "chat.whole": ("chat", chat(completion(choices=[]), headers=DOCUMENT)),
    "chat.whole_usage": ("chat", chat(completion(usage=None), headers=DOCUMENT)),
    "chat.call_type": ("chat", chat(called(call(type="tool")), tools=[ASKED_TOOL])),
    "tools.accepted": ("chat", chat(REFUSED, DOCUMENT, 400, tools=[ASKED_TOOL])),
    "tools.required": ("chat", chat(said("no"), tools=[ASKED_TOOL], tool_choice="required")),
    "tools.named": ("chat", chat(called(call()), tools=[ASKED_TOOL, OTHER_TOOL], tool_choice=NAMED)),
    "tools.none": ("chat", chat(called(call()), tools=[ASKED_TOOL], tool_choice="none")),
    "tools.parallel": ("chat", chat(REFUSED, DOCUMENT, 400, tools=[ASKED_TOOL], parallel_tool_calls=True)),
    "tools.not_parallel": (
        "chat",
        chat(called(call(), call(index=1)), tools=[ASKED_TOOL], parallel_tool_calls=False),
    ),
    "tools.strict": ("chat", chat(called(call(arguments='{"town":"x"}')), tools=[STRICT_TOOL])),
    "tools.results": ("chat", chat(REFUSED, DOCUMENT, 400, tools=[ASKED_TOOL], messages=[MARKED])),
    "responses.says": (
        "responses",
        exchange("responses", [b'{"object":"response","id":"r","status":"completed","output":[]}'], headers=DOCUMENT),
    ),
    "responses.member_kinds": (
        "responses",
        exchange(
            "responses",
            [events({"type": "response.completed", "response": {"id": "r", "status": "completed", "usage": 7}})],
            {"stream": True},
        ),
    ),
    "responses.previous": (
        "responses",
        exchange("responses", [REFUSED], {"previous_response_id": "r"}, headers=DOCUMENT, status=400),
    ),
    "responses.stateless": (
        "responses",
        exchange("responses", [REFUSED], {"store": False}, headers=DOCUMENT, status=400),
    ),
    "responses.reasoning": (
        "responses",
        exchange("responses", [REFUSED], {"input": [{"type": "reasoning"}]}, headers=DOCUMENT, status=400),
    ),
    "acf.id": ("acf", acf({**WORDS, "id": None})),
    "acf.created": ("acf", acf({**WORDS, "created": "now"})),
    "acf.model": ("acf", acf({**WORDS, "model": ""})),
    "acf.step_place": ("acf", acf(envelope("message", {"content": "", "step_details": {"type": "thinking"}}), WORDS)),
    "acf.call_name": ("acf", acf(step(type="tool_calls", tool_calls=[{"id": "c1", "args": {}}]), WORDS)),
    "acf.result_name": (
        "acf",
        acf(
            step(type="tool_calls", tool_calls=[OWN]),
            step(type="tool_response", tool_call_id="c1", content="x"),
            WORDS,
        ),
    ),
    "acf.whole_message": ("acf", exchange("acf", [completion(choices=[{}])], headers=DOCUMENT)),
    "acf.thread_kept": ("acf", acf(WORDS, extra_body={"thread_id": "another"})),
    "acf.history": (
        "acf",
        exchange("acf", [b"no"], {"messages": [{"role": "assistant", "content": "x"}]}, status=422),
    ),
    "acf.history_of_calls": ("acf", exchange("acf", [b"no"], {"messages": [MARKED]}, status=422)),
    "acf.model_optional": ("acf", raw("acf", b'{"messages":[]}', b"{}", 422)),
    "acf.agents": ("acf", got("/v1/agents", {"data": []})),
    "acf.agent_members": ("acf", got("/v1/agents", {"agents": [{**AGENT, "version": None}]})),
    "acf.streaming_declared": ("acf", got("/v1/agents", {"agents": [{**AGENT, "capabilities": {"streaming": False}}]})),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_the_smallest_answer_that_breaks_a_rule_breaks_it(rule: str) -> None:
    dialect, came = BROKEN[rule]
    assert finding([came], dialect, rule).outcome == "fail"


NOT_SHOWN: dict[str, Exchange] = {
    "tools.parallel": chat(called(call()), tools=[ASKED_TOOL], parallel_tool_calls=True),
    "tools.not_parallel": chat(said("no"), tools=[ASKED_TOOL], parallel_tool_calls=False),
    "tools.strict": chat(said("no"), tools=[STRICT_TOOL]),
    "tools.results_used": chat(said("Nice weather."), tools=[ASKED_TOOL], messages=[MARKED]),
    "tools.required": chat(
        events(chunk({"content": "I was"}), chunk({}, "length")) + DONE, tools=[ASKED_TOOL], tool_choice="required"
    ),
    "http.bad_model": raw("chat", json.dumps({"model": NO_SUCH_MODEL}).encode(), completion(), 200),
}


@pytest.mark.parametrize("rule", NOT_SHOWN)
def test_what_a_model_may_leave_undone_is_not_shown_and_not_broken(rule: str) -> None:
    assert finding([NOT_SHOWN[rule]], "chat", rule).outcome == "not_shown"


HELD: dict[str, Exchange] = {
    "tools.required": chat(called(call()), tools=[ASKED_TOOL], tool_choice="required"),
    "tools.none": chat(said("no"), tools=[ASKED_TOOL], tool_choice="none"),
    "tools.parallel": chat(called(call(), call(index=1)), tools=[ASKED_TOOL], parallel_tool_calls=True),
    "tools.results_used": chat(said("It is 17,3 °C."), tools=[ASKED_TOOL], messages=[MARKED]),
    "http.bad_body": raw("chat", b"{", REFUSED, 400),
    "http.error_shape": raw("chat", b"{", REFUSED, 400),
    "http.no_key": raw("chat", b'{"model":"m"}', REFUSED, 401, NO_KEY),
    "chat.fragments": chat(called(call()), tools=[ASKED_TOOL]),
}


@pytest.mark.parametrize("rule", HELD)
def test_an_answer_that_keeps_a_rule_holds_it(rule: str) -> None:
    assert finding([HELD[rule]], "chat", rule).outcome == "pass"


def test_the_empty_id_of_a_first_chunk_without_a_choice_is_no_other_answer() -> None:
    azure = {"id": "", "object": "chat.completion.chunk", "choices": [], "prompt_filter_results": []}
    came = chat(events(azure, chunk({"content": "a"}), chunk({}, "stop")) + DONE)
    assert finding([came], "chat", "chat.object").outcome == "pass"


@pytest.mark.parametrize(("choice", "outcome"), [(NAMED, "pass"), ("required", "fail")])
def test_a_named_tool_may_end_with_stop_as_it_does_at_openai(choice: Any, outcome: str) -> None:
    body = events(chunk({"tool_calls": [call("get_time")]}), chunk({}, "stop")) + DONE
    came = chat(body, tools=[ASKED_TOOL, OTHER_TOOL], tool_choice=choice)
    assert finding([came], "chat", "chat.finish_calls").outcome == outcome


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_a_limit_or_a_filter_may_end_an_answer_behind_its_calls(reason: str) -> None:
    body = events(chunk({"tool_calls": [call("get_time")]}), chunk({}, reason)) + DONE
    assert finding([chat(body, tools=[ASKED_TOOL, OTHER_TOOL])], "chat", "chat.finish_calls").outcome == "pass"


def test_a_rule_that_was_broken_once_is_broken_whatever_else_held() -> None:
    once = [HELD["tools.required"], BROKEN["tools.required"][1], HELD["tools.required"]]
    assert finding(once, "chat", "tools.required").outcome == "fail"


def test_an_exchange_that_was_interrupted_says_nothing() -> None:
    came = exchange("chat", [b"data: {"], how="cancelled")
    assert {one.outcome for one in examine([came], "chat")} == {"not_asked"}


def test_arguments_that_were_cut_are_shown_in_the_last_frame_that_has_any_of_them() -> None:
    begun = chunk({"role": "assistant", "tool_calls": [call(arguments='{"ci')]})
    grown = chunk({"tool_calls": [{"index": 0, "function": {"arguments": 'ty": "P'}}]})
    body = events(begun, grown, chunk({}, "tool_calls")) + DONE
    found = finding([chat(body, tools=[ASKED_TOOL])], "chat", "calls.json")
    assert found.outcome == "fail"
    assert found.evidence is not None
    assert json.loads(found.evidence.text.removeprefix("data: ")) == grown


def test_a_call_that_was_not_offered_is_shown_in_its_own_frame() -> None:
    found = finding([chat(called(call("get_time")), tools=[ASKED_TOOL])], "chat", "calls.offered")
    assert found.evidence is not None
    assert "get_time" in found.evidence.text
