"""The demo agent in the Responses API, as raw bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from callscope.core.values import Request
from callscope.serving.demo.agent import DemoAgent
from callscope.serving.demo.faults.fault import Fault
from callscope.serving.demo.faults.table import FAULTS
from callscope.serving.demo.responses.agent import REMEMBERED, RESPONSE_FAULTS, TABLE, as_markdown
from callscope.serving.server import run_in_thread
from demobench import Raw, demo_tools, get, post
from how_many import pairs

PROMPT = "think: weather in 北京 and Rome"
ROME = '{"city": "Rome"}'
Events = list[dict[str, Any]]


def tools() -> list[dict[str, Any]]:
    """The demo's tools as this protocol has them: flat; and one that takes free text."""
    custom = {"type": "custom", "name": "run_sql", "description": "Runs one SQL statement."}
    return [*({"type": "function", **tool["function"]} for tool in demo_tools()), custom]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with run_in_thread(DemoAgent(pace=0.0, stall=0.05)) as server:
        yield server.url


def ask(url: str, given: Any, *, stream: bool = True, fault: str = "", **members: Any) -> Raw:
    body = {"model": "callscope-demo", "input": given, "tools": tools(), "stream": stream, **members}
    return post(url, body, "/v1/responses", **({"x_fault": fault} if fault else {}))


def events(raw: Raw) -> Events:
    """The JSON of each event."""
    blocks = raw.body.decode().strip("\n").split("\n\n")
    found = [block.partition("data: ")[2] for block in blocks]
    return [json.loads(data) for data in found if data != "[DONE]"]


def kinds(raw: Raw) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events(raw)]


def of(raw: Raw, ending: str) -> Events:
    return [event for event in events(raw) if event.get("type", "").endswith(ending)]


def joined(raw: Raw, ending: str, index: int | None = None) -> str:
    return "".join(each["delta"] for each in of(raw, ending) if index in (None, each.get("output_index")))


def items(raw: Raw) -> list[dict[str, Any]]:
    """The items as they are done."""
    return [event["item"] for event in of(raw, "output_item.done")]


def final(raw: Raw) -> dict[str, Any]:
    response: dict[str, Any] = events(raw)[-1]["response"]
    return response


def calls(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in found if item["type"] in ("function_call", "custom_tool_call")]


def refusal(raw: Raw, status: int = 400) -> str:
    assert raw.status == status, raw.body
    return str(json.loads(raw.body)["error"]["message"])


# ---- honest answers -------------------------------------------------------------------------------------------------


def test_words_come_with_every_event_that_belongs_to_them(url: str) -> None:
    raw = ask(url, "count to 2")
    assert kinds(raw) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert raw.body.startswith(b'event: response.created\ndata: {"type":"response.created","sequence_number":0,')
    assert (final(raw)["status"], final(raw)["output"]) == ("completed", items(raw))
    assert b"[DONE]" not in raw.body


def test_reasoning_words_and_calls_side_by_side_are_items_in_this_order(url: str) -> None:
    raw = ask(url, PROMPT)
    assert [item["type"] for item in items(raw)] == ["reasoning", "message", "function_call", "function_call"]
    assert [call["call_id"] for call in calls(items(raw))] == ["call_1", "call_2"]
    assert joined(raw, "arguments.delta", 3) == of(raw, "arguments.done")[1]["arguments"] == ROME
    assert joined(raw, "summary_text.delta") == items(raw)[0]["summary"][0]["text"]
    assert [event["sequence_number"] for event in events(raw)] == list(range(len(events(raw))))


def test_an_item_is_announced_without_its_words(url: str) -> None:
    added = [event["item"] for event in of(ask(url, PROMPT), "output_item.added")]
    assert [item.get("arguments", item.get("content", item.get("summary"))) for item in added] == [[], [], "", ""]
    assert {item["status"] for item in added[1:]} == {"in_progress"}


def test_a_custom_tool_gets_its_raw_text(url: str) -> None:
    raw = ask(url, "run_sql SELECT 1")
    [call] = calls(items(raw))
    assert (call["type"], call["input"], call["id"][:4]) == ("custom_tool_call", "SELECT 1", "ctc_")
    assert joined(raw, "custom_tool_call_input.delta") == of(raw, "input.done")[0]["input"] == "SELECT 1"


def test_an_answer_in_one_piece_says_the_same(url: str) -> None:
    whole = json.loads(ask(url, PROMPT, stream=False).body)
    streamed = final(ask(url, PROMPT))
    assert [{**item, "id": ""} for item in whole["output"]] == [{**item, "id": ""} for item in streamed["output"]]
    assert whole["usage"] == streamed["usage"]
    usage = whole["usage"]
    assert usage["input_tokens"] + usage["output_tokens"] == usage["total_tokens"]
    assert usage["output_tokens_details"]["reasoning_tokens"] > 0


def test_the_same_request_gets_the_same_bytes(url: str) -> None:
    assert ask(url, PROMPT).body == ask(url, PROMPT).body


def test_the_token_limit_cuts_the_last_item_and_says_so(url: str) -> None:
    raw = ask(url, "weather in Paris", max_output_tokens=5)
    assert (final(raw)["status"], final(raw)["incomplete_details"]) == (
        "incomplete",
        {"reason": "max_output_tokens"},
    )
    assert events(raw)[-1]["type"] == "response.incomplete"
    assert calls(items(raw))[0]["status"] == "incomplete"
    assert calls(items(raw))[0]["arguments"] == joined(raw, "arguments.delta") != '{"city": "Paris"}'
    assert of(raw, "arguments.done") == []
    assert 0 < final(raw)["usage"]["output_tokens"] <= 5


def test_after_the_outputs_it_answers_with_what_they_say(url: str) -> None:
    call = {"type": "function_call", "call_id": "a", "name": "get_weather", "arguments": '{"city": "Paris"}'}
    history = [{"role": "user", "content": "weather in Paris"}, call, output("a", "sunny")]
    assert joined(ask(url, history), "output_text.delta") == 'get_weather {"city": "Paris"} says: sunny'


def output(call_id: str = "a", text: Any = "ok", kind: str = "function_call_output") -> dict[str, Any]:
    return {"type": kind, "call_id": call_id, "output": text}


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", []),
        ("required", ["get_weather"]),
        ({"type": "function", "name": "get_time"}, ["get_time"]),
        ({"type": "custom", "name": "run_sql"}, ["run_sql"]),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "get_time"}]},
            ["get_time"],
        ),
        ({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "get_time"}]}, []),
    ],
)
def test_every_tool_choice_is_obeyed(url: str, choice: Any, called: list[str]) -> None:
    raw = ask(url, "weather in Paris", tool_choice=choice)
    assert [call["name"] for call in calls(items(raw))] == called


def test_calls_that_may_not_be_parallel_come_one_by_one(url: str) -> None:
    assert len(calls(items(ask(url, "weather in Paris and Rome", parallel_tool_calls=False)))) == 1


# ---- what it keeps --------------------------------------------------------------------------------------------------


def test_a_stored_response_is_continued_by_its_id(url: str) -> None:
    first = final(ask(url, "weather in Paris"))
    raw = ask(url, [output("call_1", "sunny")], previous_response_id=first["id"])
    assert joined(raw, "output_text.delta") == 'get_weather {"city": "Paris"} says: sunny'
    assert final(raw)["previous_response_id"] == first["id"]
    again = ask(url, "And what about Rome?", previous_response_id=final(raw)["id"])
    assert calls(items(again))[0]["arguments"] == ROME


def test_what_is_not_to_be_stored_cannot_be_continued(url: str) -> None:
    first = final(ask(url, "weather in Oslo", store=False))
    words = refusal(ask(url, [output("call_1")], previous_response_id=first["id"]))
    assert words == f"Previous response with id '{first['id']}' not found."


def test_only_the_newest_responses_are_kept() -> None:
    agent = DemoAgent()

    def say(number: int, **members: Any) -> dict[str, Any]:
        body = json.dumps({"model": "callscope-demo", "input": f"count to {number}", **members}).encode()
        reply = agent._reply(Request("POST", "/v1/responses", (), body))
        found: dict[str, Any] = json.loads(b"".join(piece for piece in reply.pieces if isinstance(piece, bytes)))
        return found

    names = [say(number)["id"] for number in range(1, REMEMBERED + 2)]
    assert "not found" in say(1, previous_response_id=names[0])["error"]["message"]
    assert say(2, previous_response_id=names[1])["status"] == "completed"


def test_reasoning_is_sealed_where_the_request_includes_it(url: str) -> None:
    sealed = items(ask(url, PROMPT, store=False, include=["reasoning.encrypted_content"]))
    assert sealed[0]["encrypted_content"].startswith("demo-sealed-")
    assert "encrypted_content" not in items(ask(url, PROMPT))[0]


# ---- what it refuses ------------------------------------------------------------------------------------------------

USER = {"role": "user", "content": "hi"}
CALL = {"type": "function_call", "call_id": "a", "name": "get_weather", "arguments": "{}"}
CUSTOM = {"type": "custom_tool_call", "call_id": "a", "name": "run_sql", "input": "SELECT 1"}
SAID = {"role": "assistant", "content": [{"type": "output_text", "text": "hi"}]}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "at least one item"),
        (7, "Missing required parameter: 'input'"),
        (["hi"], "expected an item"),
        ([{"role": "tool", "content": "x"}], "expected an item"),
        ([{"type": "item_of_tomorrow"}], "Invalid value: 'item_of_tomorrow'"),
        ([{"role": "user", "content": [{"type": "output_text", "text": "x"}]}], "'input_text' and 'input_image'"),
        ([{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}], "'output_text' and 'refusal'"),
        ([USER, CALL], "No tool output found for function call a."),
        ([USER, output()], "No tool call found for function call output with call_id a."),
        ([USER, output(), CALL], "No tool call found"),
        ([USER, CALL, output(), output()], "No tool call found"),
        ([USER, CALL, CALL, output()], "Duplicate call_id 'a'"),
        ([USER, CUSTOM, output()], "No tool call found for function call output"),
        ([USER, CALL, output(kind="custom_tool_call_output")], "No tool call found for custom tool call output"),
        ([USER, {**CALL, "call_id": ""}], "call_id"),
        ([USER, {**CALL, "name": ""}], "must match"),
        ([USER, {**CALL, "arguments": {"city": "Paris"}}], "expected a JSON object, written as a string"),
        ([USER, {**CALL, "arguments": '{"city'}], "expected a JSON object"),
        ([USER, {**CUSTOM, "input": None}], "expected a JSON object"),
        ([USER, CALL, output(text=None)], "expected a string or a list"),
        ([USER, {"type": "reasoning", "id": "rs_1"}], "summary"),
        ([USER, {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"}], "not be verified"),
        ([USER, {**SAID, "id": "msg_1a2b3c4dr"}], "without its required 'reasoning' item: 'rs_1a2b3c4dr'"),
        ([USER, {**CALL, "id": "fc_1a2b3c4dr_1"}], "without its required 'reasoning' item"),
    ],
)
def test_a_history_that_strict_servers_refuse_is_refused(url: str, given: Any, words: str) -> None:
    assert words in refusal(ask(url, given))


def test_reasoning_without_what_followed_it_is_refused(url: str) -> None:
    [reasoning, *rest] = items(ask(url, PROMPT, store=False, include=["reasoning.encrypted_content"]))
    for given in ([USER, reasoning], [USER, reasoning, USER]):
        assert "without its required following item" in refusal(ask(url, given))
    outputs = [output("call_1"), output("call_2")]
    assert ask(url, [USER, reasoning, *rest, *outputs]).status == 200


def test_reasoning_that_is_neither_stored_nor_sealed_is_not_found(url: str) -> None:
    [reasoning, *rest] = items(ask(url, PROMPT, store=False))
    words = refusal(ask(url, [USER, reasoning, *rest, output("call_1"), output("call_2")]), 404)
    assert "Items are not persisted when `store` is set to false" in words
    [reasoning, *rest] = items(ask(url, "think: weather in Lima"))
    assert ask(url, [USER, reasoning, *rest, output("call_1")]).status == 200


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"messages": [USER], "input": None}, "it is called 'input'"),
        ({"tools": demo_tools()}, "Tools are flat here"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "name": "a b"}]}, "must match"),
        ({"tools": [{"type": "function", "name": "f"}] * 2}, "comes twice"),
        ({"tools": [{"type": "function", "name": "f", "parameters": {"type": "string"}}]}, "must be"),
        ({"tools": [{"type": "custom", "name": "f", "format": {"type": "grammar", "syntax": "ebnf"}}]}, "grammar"),
        ({"tool_choice": {"type": "function", "name": "nobody"}}, "names no tool"),
        ({"tool_choice": {"type": "function", "function": {"name": "get_time"}}}, "names no tool"),
        ({"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}}, "allowed_tools"),
        ({"stream": False, "stream_options": {"include_obfuscation": False}}, "only allowed when 'stream'"),
        ({"include": ["everything"]}, "include"),
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"max_output_tokens": 0}, "at least 1"),
        ({"store": "no"}, "expected bool"),
        ({"previous_response_id": "resp_nobody"}, "not found"),
    ],
)
def test_a_member_that_strict_servers_refuse_is_refused(url: str, members: dict[str, Any], words: str) -> None:
    stream = members.pop("stream", True)
    assert words in refusal(ask(url, members.pop("input", "hi"), stream=stream, **members))


def test_a_grammar_and_a_schema_are_taken(url: str) -> None:
    grammar = {"type": "grammar", "syntax": "regex", "definition": "^a$"}
    offered = [*tools(), {"type": "custom", "name": "letter", "format": grammar}]
    assert ask(url, "hello", tools=offered).status == 200


def test_the_wrong_method_and_an_unknown_model_are_refused(url: str) -> None:
    assert get(url, "/v1/responses").status == 405
    assert "does not exist" in refusal(ask(url, "hi", model="gpt-5"), 404)
    assert "did you mean 'no deltas'" in refusal(ask(url, "hi", fault="no delta"))


# ---- faults ---------------------------------------------------------------------------------------------------------


def id_in(event: dict[str, Any]) -> Any:
    return event["item"].get("id") if event.get("item") else event.get("item_id")


def indexes(raw: Raw) -> set[Any]:
    return {event.get("output_index", "missing") for event in of(raw, ".delta")}


def ids(raw: Raw) -> list[Any]:
    return [call.get("call_id", "missing") for call in calls(items(raw))]


def arguments(raw: Raw) -> list[Any]:
    return [call["arguments"] for call in calls(items(raw))]


def is_cut(raw: Raw) -> bool:
    """The last call's arguments have begun and are not whole, and nothing says that the response is completed."""
    return 0 < len(joined(raw, "arguments.delta", 3)) < len(ROME) and "completed" not in kinds(raw)


def unlined(raw: Raw) -> Events:
    return [json.loads(block.partition("data: ")[2]) for block in raw.body.decode().strip().split("\n\n")]


CLAIMS: dict[str, Callable[[Raw], Any]] = {
    "item ids rotate": lambda raw: len(found := [each for each in map(id_in, events(raw)) if each]) == len(set(found)),
    "item ids differ": lambda raw: items(raw)[1]["id"].endswith("_done")
    and final(raw)["output"][1]["id"].endswith("_final"),
    "item ids missing": lambda raw: not any(map(id_in, events(raw))),
    "call id in place of item id": lambda raw: {each.get("call_id") for each in of(raw, "arguments.delta")}
    == {"call_1", "call_2"},
    "output index always 0": lambda raw: indexes(raw) == {0},
    "output index from 1": lambda raw: indexes(raw) == {1, 2, 3, 4},
    "indexes missing": lambda raw: indexes(raw) == {"missing"} and b"content_index" not in raw.body,
    "interleaved calls": lambda raw: [each["output_index"] for each in of(raw, "arguments.delta")][:4] == [2, 3, 2, 3],
    "call id missing": lambda raw: ids(raw) == ["missing", "missing"],
    "call id null": lambda raw: ids(raw) == [None, None],
    "call id late": lambda raw: ids(raw) == ["call_1", "call_2"]
    and [each["item"]["name"] for each in of(raw, "item.added")[2:]] == ["", ""],
    "shared call id": lambda raw: ids(raw) == ["call_same", "call_same"],
    "call id is item id": lambda raw: ids(raw) == [call["id"] for call in calls(items(raw))],
    "no deltas": lambda raw: of(raw, ".delta") == [] and len(of(raw, "arguments.done")) == 2,
    "one delta": lambda raw: [each["delta"] for each in of(raw, "arguments.delta")] == ['{"city": "北京"}', ROME],
    "no done events": lambda raw: {each["type"] for each in of(raw, ".done")} == {"response.output_item.done"},
    "items done alone": lambda raw: set(kinds(raw)) == {"created", "output_item.done", "completed"},
    "completed alone": lambda raw: kinds(raw) == ["completed"] and len(calls(final(raw)["output"])) == 2,
    "empty output": lambda raw: final(raw)["output"] == [] and len(calls(items(raw))) == 2,
    "no created": lambda raw: kinds(raw)[0] == "output_item.added",
    "items not added": lambda raw: of(raw, ".added") == [] and len(of(raw, "arguments.delta")) > 2,
    "null item": lambda raw: of(raw, "item.added")[0]["item"] is None and of(raw, "item.added")[1]["output_index"] == 1,
    "DONE at the end": lambda raw: raw.body.endswith(b"\n\ndata: [DONE]\n\n"),
    "keepalive events": lambda raw: kinds(raw)[1::2] == ["keepalive"] * (len(events(raw)) // 2),
    "sequence numbers 0": lambda raw: {event["sequence_number"] for event in events(raw)} == {0},
    "no sequence numbers": lambda raw: b"sequence_number" not in raw.body,
    "obfuscation": lambda raw: all("obfuscation" in each for each in of(raw, ".delta")),
    "no event lines": lambda raw: b"event: " not in raw.body and unlined(raw)[0]["type"] == "response.created",
    "no types": lambda raw: raw.body.startswith(b"event: response.created\ndata: {") and "type" not in events(raw)[0],
    "arguments as object": lambda raw: arguments(raw) == [{"city": "北京"}, {"city": "Rome"}],
    "arguments null": lambda raw: arguments(raw) == [None, None],
    "arguments empty": lambda raw: arguments(raw) == ["", ""],
    "doubly encoded arguments": lambda raw: json.loads(json.loads(joined(raw, "arguments.delta", 3))) == {
        "city": "Rome"
    },
    "cut arguments": lambda raw: arguments(raw)[1] == joined(raw, "arguments.delta", 3) == '{"city": "'
    and final(raw)["status"] == "completed",
    "python arguments": lambda raw: arguments(raw)[1] == joined(raw, "arguments.delta", 3) == "{'city': 'Rome'}",
    "two documents": lambda raw: arguments(raw)[1] == ROME + '{"city": "another"}',
    "wrong arguments": lambda raw: json.loads(arguments(raw)[1]) == {"nonsense": True},
    "cumulative arguments": lambda raw: arguments(raw)[1] == ROME
    and [each["delta"] for each in of(raw, "arguments.delta") if each["output_index"] == 3][-1] == ROME,
    "encrypted deltas": lambda raw: arguments(raw)[1] == ROME
    and joined(raw, "arguments.delta", 3) == ROME.encode().hex(),
    "contradicting done": lambda raw: joined(raw, "arguments.delta", 3) == ROME
    and json.loads(arguments(raw)[1]) == {"nonsense": True},
    "unknown tool": lambda raw: {call["name"] for call in calls(items(raw))} == {"get_weather_of_tomorrow"},
    "flat error": lambda raw: is_cut(raw) and "asked to fail" in events(raw)[-1]["message"],
    "nested error": lambda raw: is_cut(raw) and "asked to fail" in events(raw)[-1]["error"]["message"],
    "error at once": lambda raw: kinds(raw) == ["created", "error"],
    "failed": lambda raw: is_cut(raw) and "asked to fail" in final(raw)["error"]["message"],
    "failed without error": lambda raw: is_cut(raw) and (final(raw)["status"], final(raw)["error"]) == ("failed", None),
    "error then failed": lambda raw: is_cut(raw) and kinds(raw)[-2:] == ["error", "failed"],
    "length": lambda raw: is_cut(raw)
    and final(raw)["incomplete_details"] == {"reason": "max_output_tokens"}
    and calls(items(raw))[1]["arguments"] == joined(raw, "arguments.delta", 3),
    "content filter": lambda raw: is_cut(raw) and final(raw)["incomplete_details"] == {"reason": "content_filter"},
    "cancelled": lambda raw: final(raw)["status"] == "cancelled",
    "no completed": lambda raw: kinds(raw)[-1] == "output_item.done" and raw.ended,
    "web search": lambda raw: items(raw)[0]["type"] == "web_search_call" and "web_search_call.searching" in kinds(raw),
    "MCP call": lambda raw: items(raw)[0]["type"] == "mcp_call"
    and joined(raw, "mcp_call_arguments.delta") == items(raw)[0]["arguments"],
    "unknown item": lambda raw: items(raw)[0]["type"] == "demo:weather_report",
    "namespace": lambda raw: {call.get("namespace") for call in calls(items(raw))} == {"demo"},
    "refusal": lambda raw: joined(raw, "refusal.delta") == items(raw)[0]["content"][0]["refusal"],
    "reasoning text": lambda raw: joined(raw, "reasoning_text.delta") == items(raw)[0]["content"][0]["text"],
    "leaked call": lambda raw: calls(items(raw)) == []
    and "<tool_call>" in joined(raw, "output_text.delta") == items(raw)[1]["content"][0]["text"],
    "chat usage": lambda raw: "prompt_tokens" in final(raw)["usage"],
    "usage null": lambda raw: final(raw)["usage"] is None,
}  # fmt: skip


def test_every_fault_of_this_protocol_has_its_claim_tested() -> None:
    assert {fault.name for fault in RESPONSE_FAULTS} == CLAIMS.keys() | {"custom as function"}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_fault_sends_the_bytes_it_claims_and_an_honest_answer_does_not(url: str, name: str) -> None:
    raw = ask(url, PROMPT, fault=name)
    assert CLAIMS[name](raw), raw.body[-1500:].decode()
    assert raw.headers["x-callscope-faults"] == name
    honest = ask(url, PROMPT)
    try:
        claimed = bool(CLAIMS[name](honest))
    except (KeyError, IndexError, TypeError, ValueError):
        claimed = False
    assert not claimed


@pytest.mark.parametrize("stream", [True, False])
def test_a_custom_call_may_come_as_one_of_a_function(url: str, stream: bool) -> None:
    raw = ask(url, "run_sql SELECT 1", stream=stream, fault="custom as function")
    [call] = calls(items(raw) if stream else json.loads(raw.body)["output"])
    assert (call["type"], call["arguments"]) == ("function_call", '{"input": "SELECT 1"}')
    if stream:
        assert joined(raw, "function_call_arguments.delta") == call["arguments"]


def test_a_fault_not_about_numbers_leaves_them_in_sequence(url: str) -> None:
    for fault in RESPONSE_FAULTS:
        raw = ask(url, PROMPT, fault=fault.name)
        numbers = [event["sequence_number"] for event in events(raw) if "sequence_number" in event]
        assert fault.name == "sequence numbers 0" or numbers == list(range(len(numbers))), fault.name


def test_the_words_of_a_prompt_ask_for_a_fault(url: str) -> None:
    assert ids(ask(url, "weather in Paris, with call id null")) == [None]
    assert len(calls(items(ask(url, "item ids rotate")))) == 1
    assert as_markdown() in joined(ask(url, "faults"), "output_text.delta")


def test_a_fault_of_chat_completions_bytes_spoils_this_protocol_too(url: str) -> None:
    assert ask(url, PROMPT, fault="CRLF").body.count(b"\r\n") > 10
    assert ask(url, PROMPT, fault="HTTP 401").status == 401
    assert ask(url, PROMPT, fault="reset").reset
    assert is_cut(ask(url, PROMPT, fault="early end"))


def test_a_fault_without_effect_here_says_so(url: str) -> None:
    told = ask(url, PROMPT, fault="index always 0").headers["x-callscope-faults"]
    assert told == "index always 0 (without effect here)"


def test_a_request_that_was_refused_once_is_answered_when_it_comes_again(url: str) -> None:
    assert [ask(url, "weather in Rome", fault="HTTP 503").status for _ in range(2)] == [503, 200]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("prompt", ["count to 2", PROMPT, "run_sql SELECT 1"])
def test_every_fault_can_meet_every_kind_of_answer(url: str, prompt: str, stream: bool) -> None:
    for fault in {*FAULTS, *RESPONSE_FAULTS} - {TABLE.named("endless"), TABLE.named("slow")}:
        raw = ask(url, prompt, stream=stream, fault=fault.name)
        assert raw.status in (200, 401, 404, 429, 500, 503)


def test_any_two_faults_can_be_asked_for_together() -> None:
    agent = DemoAgent()
    body = {"model": "callscope-demo", "input": PROMPT, "tools": tools()}
    for stream in (True, False):
        data = json.dumps({**body, "stream": stream}).encode()
        for pair in pairs(RESPONSE_FAULTS):
            assert spoilt(agent, data, pair).headers


def spoilt(agent: DemoAgent, data: bytes, faults: tuple[Fault, ...]) -> Any:
    names = ", ".join(fault.name for fault in faults)
    return agent._reply(Request("POST", "/v1/responses", (("x-fault", names),), data)).head


def test_the_page_tells_of_every_fault() -> None:
    page = (Path(__file__).parents[4] / "docs" / "demo.md").read_text(encoding="utf-8")
    assert as_markdown() in page, "write callscope.serving.demo.responses.agent.as_markdown() into docs/demo.md"
