"""The demo agent in the Agent Connect Framework, as raw bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from callscope.serving.demo.acf.agent import TABLE, as_markdown
from callscope.serving.demo.acf.faults import AGENT_FAULTS
from callscope.serving.demo.agent import DemoAgent
from callscope.serving.demo.faults.table import FAULTS
from callscope.serving.server import run_in_thread
from demobench import Raw, demo_tools, get, post

PARIS = '{"city": "Paris", "temperature": -1, "unit": "celsius", "sky": "sunny", "note": "made-up demo data"}'


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with run_in_thread(DemoAgent(pace=0.0, stall=0.05)) as server:
        yield server.url


def ask(url: str, prompt: str, *, stream: bool = True, fault: str = "", **members: Any) -> Raw:
    body = {"model": "x", "messages": [{"role": "user", "content": prompt}], "stream": stream, **members}
    return post(url, body, "/v1/chat", **({"x_fault": fault} if fault else {}))


def events(raw: Raw) -> list[tuple[str, Any]]:
    """The name and the JSON of each event."""
    found = []
    for block in raw.body.decode().strip("\n").split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in block.split("\n"))
        if fields["data"] != "[DONE]":
            found.append((fields.get("event", ""), json.loads(fields["data"])))
    return found


def deltas(raw: Raw) -> list[dict[str, Any]]:
    return [frame["choices"][0]["delta"] for _, frame in events(raw)]


def steps(raw: Raw) -> list[dict[str, Any]]:
    return [delta["step_details"] for delta in deltas(raw) if "step_details" in delta]


def text(raw: Raw) -> str:
    return "".join(delta.get("content") or "" for delta in deltas(raw))


def test_the_agent_thinks_calls_its_own_tool_tells_the_result_and_answers(url: str) -> None:
    raw = ask(url, "Weather in Paris")
    assert raw.headers["content-type"].startswith("text/event-stream")
    assert [step["type"] for step in steps(raw)] == ["thinking", "tool_calls", "tool_response"]
    assert steps(raw)[1]["tool_calls"] == [{"id": "call_1", "name": "get_weather", "args": {"city": "Paris"}}]
    assert steps(raw)[2] == {
        "type": "tool_response",
        "content": PARIS,
        "name": "get_weather",
        "tool_call_id": "call_1",
    }
    assert "temperature -1" in text(raw)
    assert raw.body.endswith(b"data: [DONE]\n\n")


def test_each_event_line_says_what_the_object_says(url: str) -> None:
    found = events(ask(url, "Weather in Paris"))
    assert {name for name, _ in found} == {"thread.run.step.delta", "thread.message.delta"}
    assert all(name == frame["object"] for name, frame in found)


def test_the_same_request_gets_the_same_bytes(url: str) -> None:
    assert ask(url, "Weather in Oslo").body == ask(url, "Weather in Oslo").body


def test_a_call_of_an_offered_tool_is_left_to_the_client_in_the_shape_of_chat_completions(url: str) -> None:
    raw = ask(url, "Weather in Paris", tools=demo_tools())
    function = {"name": "get_weather", "arguments": '{"city": "Paris"}'}
    assert steps(raw)[1:] == [
        {"type": "tool_calls", "tool_calls": [{"id": "call_1", "type": "function", "function": function}]}
    ]
    assert text(raw) == ""


def test_after_the_clients_result_the_agent_goes_on(url: str) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
    history = [
        {"role": "user", "content": "Weather in Paris"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ]
    raw = ask(url, "", messages=history, tools=demo_tools())
    assert text(raw) == 'get_weather {"city": "Paris"} says: sunny'


def test_a_failing_tool_of_the_agent_is_a_result(url: str) -> None:
    raw = ask(url, 'convert_units {"value": 1, "from_unit": "kg", "to_unit": "km"}')
    assert json.loads(steps(raw)[2]["content"])["error"]["type"] == "ValueError"


def test_an_answer_in_one_piece_names_the_thread(url: str) -> None:
    answer = json.loads(ask(url, "Weather in Paris", stream=False).body)
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert "temperature -1" in answer["choices"][0]["message"]["content"]
    assert answer["thread_id"].startswith("thread-demo-")


@pytest.mark.parametrize("header", ["X_THREAD_ID", "X_IBM_THREAD_ID"])
def test_a_thread_of_either_header_is_kept(url: str, header: str) -> None:
    body = {"model": "x", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    raw = post(url, body, "/v1/chat", **{header: "mine"})
    assert {frame["thread_id"] for _, frame in events(raw)} == {"mine"}


def test_a_thread_of_the_body_is_kept(url: str) -> None:
    raw = ask(url, "Hi", extra_body={"thread_id": "mine"})
    assert {frame["thread_id"] for _, frame in events(raw)} == {"mine"}


def test_the_agents_are_listed_with_all_that_the_framework_asks_for(url: str) -> None:
    [agent] = json.loads(get(url, "/v1/agents").body)["agents"]
    assert {"name", "description", "provider", "version", "documentation_url", "capabilities"} <= agent.keys()
    assert agent["capabilities"] == {"streaming": True}
    assert agent["provider"].keys() == {"organization", "url"}


def test_the_wrong_method_is_refused(url: str) -> None:
    assert get(url, "/v1/chat").status == 405
    assert post(url, {}, "/v1/agents").status == 405


# ---- faults -------------------------------------------------------------------------------------------------------


def results(raw: Raw) -> list[dict[str, Any]]:
    return [step for step in steps(raw) if step["type"] == "tool_response"]


def calls(raw: Raw) -> list[dict[str, Any]]:
    return [call for step in steps(raw) if step["type"] == "tool_calls" for call in step["tool_calls"]]


CLAIMS = {
    "no event lines": lambda raw: b"event: " not in raw.body and b'"object":"thread.message.delta"' in raw.body,
    "id lines": lambda raw: raw.body.startswith(b"id: 0\nevent: thread.run.step.delta\ndata: {"),
    "contradicting event lines": lambda raw: {name for name, _ in events(raw)} == {"thread.message.delta"},
    "thinking as message": lambda raw: deltas(raw)[0]["content"]["type"] == "thinking",
    "text in step": lambda raw: {frame["object"] for _, frame in events(raw)} == {"thread.run.step.delta"},
    "words joined": lambda raw: "Paris" in text(raw) and " " not in text(raw),
    "error by id": lambda raw: events(raw)[-1][1]["id"] == "error-1" and "asked to fail" in text(raw),
    "openai calls": lambda raw: (
        json.loads(calls(raw)[0]["function"]["arguments"]) == {"city": "Paris"} and results(raw)
    ),
    "results missing": lambda raw: calls(raw) and not results(raw),
    "wrong result ids": lambda raw: results(raw)[0]["tool_call_id"] == "toolu_call_1",
    "run ids": lambda raw: len(calls(raw)[0]["id"]) == 36 and calls(raw)[0]["id"] == results(raw)[0]["tool_call_id"],
    "call ids missing": lambda raw: "id" not in calls(raw)[0] and "tool_call_id" not in results(raw)[0],
    "args as text": lambda raw: calls(raw)[0]["args"] == '{"city": "Paris"}',
    "python results": lambda raw: results(raw)[0]["content"].startswith("{'city': 'Paris'"),
    "heartbeats": lambda raw: deltas(raw)[::2] == [{"role": "system", "content": ""}] * (len(deltas(raw)) // 2),
    "fresh threads": lambda raw: len({frame["thread_id"] for _, frame in events(raw)}) == len(events(raw)),
    "final chunk": lambda raw: events(raw)[-1][1]["choices"][0]["finish_reason"] == "stop",
    "empty last delta": lambda raw: deltas(raw)[-1] == {},
    "object missing": lambda raw: not any("object" in frame for _, frame in events(raw)),
    "whole message": lambda raw: events(raw)[-1][1]["data"]["message"]["content"][0]["text"].startswith("get_weather"),
    "second dialect": lambda raw: [name for name, _ in events(raw)][:4]
    == ["assistant_thinking", "tool_call_start", "tool_result", "text_delta"]
    and events(raw)[-1] == ("stream_end", events(raw)[-1][1]),
}  # fmt: skip


def test_every_fault_of_agents_has_its_claim_tested() -> None:
    assert {fault.name for fault in AGENT_FAULTS} == CLAIMS.keys()


@pytest.mark.parametrize("name", CLAIMS)
def test_a_fault_sends_the_bytes_it_claims_and_an_honest_answer_does_not(url: str, name: str) -> None:
    raw = ask(url, "Weather in Paris", fault=name)
    assert CLAIMS[name](raw), raw.body[-1500:].decode()
    assert raw.headers["x-callscope-faults"] == name
    honest = ask(url, "Weather in Paris")
    try:
        claimed = bool(CLAIMS[name](honest))
    except (KeyError, IndexError, TypeError):
        claimed = False
    assert not claimed


def test_the_words_of_a_prompt_ask_for_a_fault(url: str) -> None:
    assert b"event: " not in ask(url, "Weather in Paris, with no event lines").body
    assert len(calls(ask(url, "openai calls"))) == 1


def test_a_fault_of_chat_completions_bytes_spoils_an_agent_too(url: str) -> None:
    assert ask(url, "Weather in Paris", fault="CRLF").body.count(b"\r\n") > 10
    assert ask(url, "Weather in Paris", fault="HTTP 401").status == 401
    assert ask(url, "Weather in Paris", fault="reset").reset


def test_a_fault_without_effect_on_agents_says_so(url: str) -> None:
    told = ask(url, "Weather in Paris", fault="index always 0").headers["x-callscope-faults"]
    assert told == "index always 0 (without effect here)"


def test_an_unknown_fault_is_refused(url: str) -> None:
    assert ask(url, "Hi", fault="nonsense").status == 400
    assert "did you mean 'no event lines'" in text(ask(url, "Hi, fault: no event line"))


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("prompt", ["Hello", "Weather in Paris", "faults"])
def test_every_fault_can_meet_every_kind_of_answer(url: str, prompt: str, stream: bool) -> None:
    for fault in {*FAULTS, *AGENT_FAULTS} - {TABLE.named("endless"), TABLE.named("slow")}:
        assert ask(url, prompt, stream=stream, fault=fault.name).status in (200, 401, 404, 429, 500, 503)  # type: ignore[union-attr]


def test_the_page_tells_of_every_fault() -> None:
    page = (Path(__file__).parents[4] / "docs" / "demo.md").read_text(encoding="utf-8")
    assert as_markdown() in page, "write callscope.serving.demo.acf.agent.as_markdown() into docs/demo.md"
