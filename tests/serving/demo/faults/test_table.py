from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import demobench
from callscope.core.values import Request
from callscope.serving.connection import HangUp
from callscope.serving.demo.agent import DemoAgent
from callscope.serving.demo.faults.fault import RULES, Reply, Stall
from callscope.serving.demo.faults.table import FAULTS, as_markdown, asked_for, named
from callscope.serving.server import run_in_thread
from demobench import Raw, asking, post
from how_many import pairs

PROMPT = "What's the weather in 北京 and Rome?"
DONE = b"data: [DONE]\n\n"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with run_in_thread(DemoAgent(pace=0.0, stall=0.05)) as server:
        yield server.url


@pytest.fixture(scope="module")
def honest(url: str) -> Raw:
    return post(url, asking(PROMPT))


def cut_off(raw: Raw) -> bool:
    """The arguments of the last call have begun and are not whole."""
    text = raw.body.decode()
    return "[DONE]" not in text and '"index":1,"function":{"arguments":' in text and 'Rome\\"}' not in text


def continuations(raw: Raw) -> list[dict[str, Any]]:
    return [entry for entry in raw.entries() if entry["function"].get("name") != "get_weather"]


def indexes(raw: Raw) -> set[Any]:
    return {entry.get("index", "missing") for entry in raw.entries()}


def ids(raw: Raw) -> list[Any]:
    return [entry.get("id", "missing") for entry in raw.entries() if entry["function"].get("name")]


def sent_arguments(raw: Raw) -> list[Any]:
    return [entry["function"].get("arguments", "missing") for entry in raw.entries() if entry["function"].get("name")]


def last(raw: Raw) -> dict[str, Any]:
    return raw.events()[-1]


def lines(raw: Raw) -> list[str]:
    return raw.body.decode().splitlines()


def reasoning(raw: Raw, member: str) -> str:
    return "".join(delta.get(member) or "" for delta in raw.deltas())


def is_error(raw: Raw, status: int) -> bool:
    error = json.loads(raw.body)["error"]
    return raw.status == status and "The demo was asked" in error["message"]


ROME = '{"city": "Rome"}'
CLAIMS: dict[str, Callable[[Raw], Any]] = {
    "index always 0": lambda raw: indexes(raw) == {0} and len(set(ids(raw))) == 2,
    "index missing": lambda raw: indexes(raw) == {"missing"} and ids(raw) == ["call_1", "call_2"],
    "index null": lambda raw: indexes(raw) == {None},
    "id in place of index": lambda raw: (
        indexes(raw) == {"missing"} and {e["id"] for e in raw.entries()} == {"call_1", "call_2"}
    ),
    "index from 1": lambda raw: indexes(raw) == {1, 2} and raw.arguments(2) == ROME,
    "index shifts": lambda raw: raw.arguments(2) == "" and raw.arguments(3) == ROME,
    "interleaved calls": lambda raw: (
        [e["index"] for e in raw.entries()][:4] == [0, 1, 0, 1] and raw.arguments(1) == ROME
    ),
    "empty id on continuations": lambda raw: (
        all((e["id"], e["type"], e["function"]["name"]) == ("", "function", "") for e in continuations(raw))
    ),
    "id and name on every chunk": lambda raw: (
        continuations(raw) == [] and {e["id"] for e in raw.entries()} == {"call_1", "call_2"}
    ),
    "name in pieces": lambda raw: [e["function"]["name"] for e in raw.entries() if "name" in e["function"]][:2]
    == ["get_w", "eather"],
    "null on continuations": lambda raw: (
        all((e["id"], e["type"], e["function"]["name"]) == (None, None, None) for e in continuations(raw))
    ),
    "id missing": lambda raw: ids(raw) == ["missing", "missing"],
    "id null": lambda raw: ids(raw) == [None, None],
    "id empty": lambda raw: ids(raw) == ["", ""],
    "shared id": lambda raw: ids(raw) == ["call_same", "call_same"],
    "arguments as object": lambda raw: sent_arguments(raw) == [{"city": "北京"}, {"city": "Rome"}],
    "arguments null": lambda raw: sent_arguments(raw) == [None, None] and continuations(raw) == [],
    "arguments empty": lambda raw: sent_arguments(raw) == ["", ""] and continuations(raw) == [],
    "arguments missing": lambda raw: sent_arguments(raw) == ["missing", "missing"] and continuations(raw) == [],
    "calls as object": lambda raw: {type(d["tool_calls"]) for d in raw.deltas() if "tool_calls" in d} == {dict},
    "cumulative arguments": lambda raw: (
        (texts := [e["function"]["arguments"] for e in continuations(raw) if e["index"] == 1])[-1] == ROME
        and all(after.startswith(before) for before, after in pairwise(texts))
        and len(texts) > 2
    ),
    "repeated arguments": lambda raw: (
        raw.arguments(1) == ROME * 2 and continuations(raw)[-1]["function"]["arguments"] == ROME
    ),
    "doubled arguments": lambda raw: (
        raw.arguments(1) == ROME * 2 and continuations(raw)[-1]["function"]["arguments"] != ROME
    ),
    "leading empty object": lambda raw: raw.arguments(1) == "{}" + ROME,
    "doubly encoded arguments": lambda raw: json.loads(json.loads(raw.arguments(1))) == {"city": "Rome"},
    "cut arguments": lambda raw: raw.arguments(1) == '{"city": "' and raw.finish_reasons() == ["tool_calls"],
    "invalid arguments": lambda raw: raw.arguments(1) == '{"city": "Rome", "odds": NaN}',
    "python arguments": lambda raw: raw.arguments(1) == "{'city': 'Rome'}",
    "two documents": lambda raw: raw.arguments(1) == ROME + '{"city": "another"}',
    "wrong arguments": lambda raw: json.loads(raw.arguments(1)) == {"nonsense": True},
    "unknown tool": lambda raw: raw.entries()[0]["function"]["name"] == "get_weather_of_tomorrow",
    "stop with calls": lambda raw: raw.finish_reasons() == ["stop"] and raw.arguments(1) == ROME,
    "no finish reason": lambda raw: raw.finish_reasons() == [] and raw.arguments(1) == ROME,
    "empty finish reason": lambda raw: raw.finish_reasons() == [""] and raw.arguments(1) == ROME,
    "finish reason twice": lambda raw: raw.finish_reasons() == ["stop", "tool_calls"],
    "tool_calls without calls": lambda raw: raw.finish_reasons() == ["tool_calls"] and raw.entries() == [],
    "length": lambda raw: raw.finish_reasons() == ["length"] and raw.arguments(1) == '{"city": "',
    "content filter": lambda raw: raw.finish_reasons() == ["content_filter"] and raw.entries() == [],
    "error in mid-stream": lambda raw: "asked to fail" in last(raw)["error"]["message"],
    "error as string": lambda raw: raw.body.endswith(b'data: {"error": "The demo was asked to fail here."}\n\n'),
    "error event": lambda raw: b"\nevent: error\ndata: {" in raw.body and cut_off(raw),
    "error field": lambda raw: b'\nerror: {"code": 500' in raw.body and cut_off(raw),
    "error as finish reason": lambda raw: (
        (end := json.loads(lines(raw)[-2].removeprefix("data: ")))["choices"][0]["finish_reason"] == "error"
        and "asked to fail" in end["error"]["message"]
    ),
    "HTTP 401": lambda raw: is_error(raw, 401),
    "HTTP 404": lambda raw: is_error(raw, 404),
    "HTTP 429": lambda raw: is_error(raw, 429) and raw.headers["retry-after"] == "1",
    "HTTP 500": lambda raw: is_error(raw, 500),
    "HTTP 503": lambda raw: is_error(raw, 503),
    "HTML answer": lambda raw: (
        raw.status == 200 and raw.headers["content-type"].startswith("text/html") and b"<html>" in raw.body
    ),
    "JSON error": lambda raw: is_error(raw, 200) and raw.headers["content-type"] == "application/json",
    "early end after the calls": lambda raw: raw.ended and raw.body.endswith(b'"}"}}]},"finish_reason":null}]}\n\n'),
    "early end": lambda raw: cut_off(raw) and raw.ended,
    "no DONE": lambda raw: b"[DONE]" not in raw.body and b'"finish_reason":"tool_calls"' in raw.body and raw.ended,
    "DONE alone": lambda raw: raw.body == DONE,
    "more after DONE": lambda raw: raw.body.count(DONE) == 1 and not raw.body.endswith(DONE),
    "empty answer": lambda raw: (raw.status, raw.body, raw.ended) == (200, b"", True),
    "reset": lambda raw: raw.reset and cut_off(raw),
    "cut in mid-chunk": lambda raw: not raw.ended and not raw.reset and not raw.body.endswith(b"\n"),
    "wrong content-length": lambda raw: int(raw.headers["content-length"]) == len(raw.body) + 1000,
    "no last chunk": lambda raw: raw.body.endswith(DONE) and not raw.ended and not raw.reset,
    "hang up at once": lambda raw: (raw.status, raw.body, raw.ended) == (200, b"", False),
    "stall": lambda raw: cut_off(raw) and not raw.ended and not raw.reset,
    "slow": lambda raw: raw.arguments(1) == ROME,
    "endless": lambda raw: raw.body.count(b'"content":" call') > 10_000 or raw.body.count(b'"content":""') > 10_000,
    "ping comments": lambda raw: lines(raw).count(": ping") > 10 and raw.body.endswith(DONE),
    "meta events": lambda raw: {"event: ping", "id: 7", "retry: 3000", "data:"} <= set(lines(raw)),
    "BOM": lambda raw: raw.body.startswith(b"\xef\xbb\xbfdata: {"),
    "CRLF": lambda raw: raw.body.count(b"\r\n") == raw.body.count(b"\n") > 10 and 1 in raw.chunk_sizes,
    "CR": lambda raw: b"\n" not in raw.body and raw.body.endswith(b"data: [DONE]\r\r"),
    "U+2028": lambda raw: raw.text().startswith("\u2028\u2029\u0085I") and "\u2028".encode() in raw.body,
    "no blank lines": lambda raw: b"\n\n" not in raw.body and raw.body.endswith(b"}\ndata: [DONE]\n"),
    "glued events": lambda raw: b"}data: {" in raw.body,
    "unterminated last event": lambda raw: raw.body.endswith(b"}") and b"[DONE]" not in raw.body and raw.ended,
    "no space after the colon": lambda raw: raw.body.startswith(b"data:{") and raw.body.endswith(b"\ndata:[DONE]\n\n"),
    "multi-line data": lambda raw: raw.body.startswith(b"data: {\ndata:  ") and raw.body.endswith(DONE),
    "split UTF-8": lambda raw: raw.chunk_sizes.count(1) == 2 and raw.body.endswith(DONE),
    "one byte at a time": lambda raw: set(raw.chunk_sizes) == {1, 0},
    "all at once": lambda raw: len(raw.chunk_sizes) == 2,
    "gzip": lambda raw: (
        raw.headers["content-encoding"] == "gzip" and zlib.decompress(raw.body, wbits=31).endswith(DONE)
    ),
    "wrong content type": lambda raw: raw.headers["content-type"] == "text/plain" and raw.body.endswith(DONE),
    "empty choices": lambda raw: raw.events()[0]["choices"] == [] and "prompt_filter_results" in raw.events()[0],
    "null choices": lambda raw: [chunk["choices"] for chunk in raw.events()].count(None) > 10,
    "null delta": lambda raw: last(raw)["choices"][0]["delta"] is None,
    "missing delta": lambda raw: "delta" not in last(raw)["choices"][0],
    "choice index 1": lambda raw: {chunk["choices"][0]["index"] for chunk in raw.events()} == {1},
    "null members": lambda raw: all({"content", "tool_calls", "refusal"} <= set(delta) for delta in raw.deltas()),
    "content as list": lambda raw: (
        next(delta["content"] for delta in raw.deltas() if delta.get("content")) == [{"type": "text", "text": "I"}]
    ),
    "whole message at the end": lambda raw: (
        [c["function"]["arguments"] for c in last(raw)["choices"][0]["message"]["tool_calls"]]
        == ['{"city": "北京"}', ROME]
    ),
    "function_call": lambda raw: (
        raw.entries() == []
        and "".join(d.get("function_call", {}).get("arguments", "") for d in raw.deltas()) == '{"city": "北京"}'
        and raw.finish_reasons() == ["function_call"]
    ),
    "usage on every chunk": lambda raw: all(chunk["usage"]["prompt_tokens"] for chunk in raw.events()),
    "refusal": lambda raw: reasoning(raw, "refusal") == "I was asked to refuse, so I refuse." and not raw.text(),
    "reasoning in two fields": lambda raw: reasoning(raw, "reasoning") == reasoning(raw, "reasoning_content") != "",
    "reasoning details": lambda raw: any(
        delta.get("reasoning_details", [{}])[0].get("signature") == "demo-signature" for delta in raw.deltas()
    ),
    "think tags": lambda raw: raw.text().startswith("<think>The words of the prompt decide.</think>I call"),
    "leaked hermes call": lambda raw: (
        f'<tool_call>\n{{"name": "get_weather", "arguments": {ROME}}}\n</tool_call>' in raw.text() and not raw.entries()
    ),
    "leaked mistral call": lambda raw: f'[TOOL_CALLS][{{"name": "get_weather", "arguments": {ROME}}}]' in raw.text(),
    "leaked llama call": lambda raw: f'"name": "get_weather", "parameters": {ROME}}}' in raw.text(),
    "leaked kimi call": lambda raw: f"functions.get_weather:0<|tool_call_argument_begin|>{ROME}" in raw.text(),
    "leaked deepseek call": lambda raw: f'｜invoke name="get_weather">{ROME}</' in raw.text() and not raw.entries(),
    "leak beside the call": lambda raw: ROME in raw.text() and raw.arguments(1) == ROME,
}  # fmt: skip


def test_every_fault_has_its_claim_tested() -> None:
    assert {fault.name for fault in FAULTS} == set(CLAIMS)


@pytest.mark.parametrize("name", [name for name in CLAIMS if name != "endless"])
def test_a_fault_sends_the_bytes_it_claims(url: str, honest: Raw, name: str) -> None:
    raw = post(url, asking(PROMPT), x_fault=name)
    assert CLAIMS[name](raw), raw.body[-2000:].decode(errors="replace")


@pytest.mark.parametrize("name", [name for name in CLAIMS if name != "slow"])
def test_an_honest_answer_does_not_pass_for_a_fault(honest: Raw, name: str) -> None:
    try:
        claimed = bool(CLAIMS[name](honest))
    except (KeyError, IndexError, ValueError, TypeError, zlib.error):
        claimed = False
    assert not claimed


def test_an_endless_answer_is_bounded_and_ends_as_an_answer() -> None:
    fault = named("endless")
    reply = fault.change(Reply(None, [b"a", b"b", b'"content":"x', DONE]))  # type: ignore[union-attr,arg-type,call-arg]
    sent = list(reply.pieces)  # type: ignore[union-attr]
    assert len(sent) == 20_000 + 4
    assert (sent[0], sent[-1]) == (b"a", DONE)


def test_a_slow_answer_takes_ten_times_as_long() -> None:
    assert named("slow").change(Reply(None, [b"a"])).slowness == 10.0  # type: ignore[union-attr,arg-type,call-arg]


def test_a_stall_lies_between_the_beginning_and_the_hang_up() -> None:
    sent = list(named("stall").change(Reply(None, [b'"content"', b'"content"', DONE])).pieces)  # type: ignore[union-attr,arg-type,call-arg]
    assert sent == [b'"content"', Stall(), HangUp()]


# ---- how a fault is asked for -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "names", "rest"),
    [
        ('get_weather {"city": "Paris"} with cut arguments', ["cut arguments"], 'get_weather {"city": "Paris"}'),
        ("Weather in Paris with index always 0?", ["index always 0"], "Weather in Paris ?"),
        ("Weather in Paris, with a reset and slow", ["reset", "slow"], "Weather in Paris,"),
        ("Weather in Paris (fault: index-always-0)", ["index always 0"], "Weather in Paris"),
        ("fault: ping comments, BOM", ["ping comments", "BOM"], ""),
        ("Weather in Paris, error in mid-stream", ["error in mid-stream"], "Weather in Paris"),
        ("Weather in Paris, but with split utf-8 please", ["split UTF-8"], "Weather in Paris, but please"),
        ("with the shared ids", ["shared id"], ""),
        ("reset", ["reset"], ""),
        ("Weather in Paris with legacy function_call.", ["function_call"], "Weather in Paris ."),
        ("Show the length of the list", [], "Show the length of the list"),
        ("Please reset the router with care", [], "Please reset the router with care"),
        ("Go with slow music", [], "Go with slow music"),
    ],
)
def test_a_prompt_asks_for_faults_in_plain_words(prompt: str, names: list[str], rest: str) -> None:
    found, left, unknown = asked_for(prompt)
    assert ([fault.name for fault in found], " ".join(left.split()), unknown) == (names, rest, "")


def test_a_fault_that_nobody_knows_is_answered_with_the_nearest(url: str) -> None:
    text = post(url, asking("Weather in Paris, fault: index allways 0")).text()
    assert text == "I know no fault 'index allways 0'; did you mean 'index always 0'?"


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_each_fault_answers_to_its_name_in_a_prompt_and_in_a_models_name(name: str) -> None:
    fault = named(name)
    assert fault is not None
    assert named(fault.slug) is fault
    assert asked_for(f"Weather in Paris with {name}")[0] == [fault]
    for alias in fault.aliases:
        assert asked_for(f"Weather in Paris, {alias}")[0] == [fault]


def test_no_two_faults_share_a_name() -> None:
    spoken = [name.lower() for fault in FAULTS for name in (fault.name, *fault.aliases)]
    assert len(spoken) == len(set(spoken))


def test_a_models_name_can_carry_a_fault(url: str) -> None:
    assert indexes(post(url, asking(PROMPT, model="callscope-demo:index-always-0"))) == {0}


def test_an_unknown_fault_in_the_header_is_refused(url: str) -> None:
    raw = post(url, asking(PROMPT), x_fault="nonsense")
    assert raw.status == 400
    assert b"I know no fault" in raw.body


def test_a_prompt_that_only_names_a_fault_is_shown_it_on_an_example(url: str) -> None:
    raw = post(url, asking("cut arguments"))
    assert (raw.entries()[0]["function"]["name"], raw.arguments()) == ("get_weather", '{"city": "P')


def test_the_words_of_a_prompt_spoil_only_the_first_answer(url: str) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    history = [
        {"role": "user", "content": "Weather in Paris with early end"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ]
    assert post(url, asking("", messages=history)).finish_reasons() == ["stop"]
    assert post(url, asking("", messages=history, model="callscope-demo:early-end")).body.endswith(DONE) is False


def test_a_header_says_which_faults_had_an_effect(url: str) -> None:
    told = post(url, asking("Hello with index always 0 and BOM")).headers["x-callscope-faults"]
    assert told == "index always 0 (without effect here), BOM"
    assert "x-callscope-faults" not in post(url, asking("Hello")).headers


@pytest.mark.parametrize("name", ["HTTP 429", "HTTP 503"])
def test_a_fault_that_heals_answers_the_same_request_the_next_time(url: str, name: str) -> None:
    body = asking(f"Weather in Oslo with {name}")
    assert [post(url, body).status for _ in range(4)] == [int(name[5:]), 200, int(name[5:]), 200]


# ---- whatever is asked for, the demo stays whole ------------------------------------------------------------------


def replies(agent: DemoAgent, body: dict[str, Any], *names: str) -> Reply:
    headers = (("x-fault", ",".join(names)),)
    reply = agent._reply(Request("POST", "/v1/chat/completions", headers, json.dumps(body).encode()))
    assert not isinstance(reply.pieces, list) or all(not isinstance(piece, str) for piece in reply.pieces)
    return reply


CUSTOM = {"type": "custom", "custom": {"name": "run_sql", "description": "Runs SQL."}}


@pytest.mark.parametrize(
    "body",
    [
        asking(PROMPT, stream=False),
        asking("Hello"),
        asking("Hello", stream=False),
        asking("run_sql select 1", tools=[CUSTOM]),
        asking("run_sql select 1", tools=[CUSTOM], stream=False),
        asking('get_weather {"city": NaN', stream_options={"include_usage": True}, max_tokens=9),
    ],
    ids=["in one piece", "words", "words in one piece", "custom", "custom in one piece", "cut by hand"],
)
def test_every_fault_can_meet_every_kind_of_answer(body: dict[str, Any]) -> None:
    agent = DemoAgent()
    for fault in FAULTS:
        reply = replies(agent, body, fault.name)
        assert reply.head.status in (200, 401, 404, 429, 500, 503)


def test_any_two_faults_can_be_asked_for_together() -> None:
    agent = DemoAgent()
    body = asking(PROMPT, tools=demobench.demo_tools()[:1])
    for one, other in pairs(FAULTS):
        assert replies(agent, body, one.name, other.name).head.status >= 200


def test_think_tags_stand_around_all_of_the_reasoning(url: str) -> None:
    text = post(url, asking("Think: weather in Rome?"), x_fault="think tags").text()
    assert text.startswith("<think>The words point to get_weather")
    assert text.count("think>") == 2


def test_an_answer_in_one_piece_can_be_spoilt_too(url: str) -> None:
    def arguments(name: str) -> Any:
        raw = post(url, asking("Weather in Rome", stream=False), x_fault=name)
        return json.loads(raw.body)["choices"][0]["message"]["tool_calls"][0]["function"].get("arguments")

    assert arguments("arguments as object") == {"city": "Rome"}
    assert arguments("cut arguments") == '{"city": "'
    assert arguments("arguments missing") is None
    assert arguments("doubled arguments") == ROME * 2
    refused = json.loads(post(url, asking("Hi", stream=False), x_fault="refusal").body)["choices"][0]["message"]
    assert refused["content"] is None
    assert refused["refusal"].startswith("I was asked to refuse")


# ---- one table for all --------------------------------------------------------------------------------------------


def test_every_rule_has_faults() -> None:
    assert {fault.rule for fault in FAULTS} == set(RULES)


def test_the_demo_lists_its_faults_when_asked(url: str) -> None:
    assert as_markdown().strip() in post(url, asking("faults")).text()


def test_the_page_on_the_demo_has_the_table_as_it_is() -> None:
    page = (Path(__file__).parents[4] / "docs" / "demo.md").read_text(encoding="utf-8")
    assert as_markdown().strip() in page, "write callscope.serving.demo.faults.table.as_markdown() into docs/demo.md"


def test_the_sentences_of_the_table_are_sentences() -> None:
    assert [fault.name for fault in FAULTS if not re.fullmatch(r"[A-Z`].*\.", fault.sentence)] == []


def test_the_demo_imports_no_decoder_of_ours() -> None:
    folder = Path(demobench.DATA).parents[1]
    wrong = re.compile(r"^\s*(from|import) .*\b(dialects|session)\b", re.MULTILINE)
    assert [file.name for file in folder.rglob("*.py") if wrong.search(file.read_text(encoding="utf-8"))] == []
