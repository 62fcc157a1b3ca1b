from __future__ import annotations

import json
from typing import Any

import pytest

import demobench
from callscope.serving.demo.ask import PastCall, Refused
from callscope.serving.demo.request import read

USER = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def call(call_id: str = "a", name: str = "f", arguments: str = "{}") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def made(*calls: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **members}


def result(call_id: str = "a", content: Any = "ok") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def body(**members: Any) -> bytes:
    return json.dumps({"model": "callscope-demo", "messages": [USER], **members}).encode()


def refusal(data: bytes) -> str:
    with pytest.raises(Refused) as refused:
        read(data)
    assert refused.value.status == 400
    assert refused.value.body["error"]["type"] == "invalid_request_error"
    return str(refused.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "could not parse the JSON body"),
        (b"{", "could not parse the JSON body"),
        (b"\xff", "could not parse the JSON body"),
        pytest.param(b"[" * 5000, "could not parse the JSON body", id="too deep"),
        (b'{"messages": NaN}', "NaN is not JSON"),
        (b"[]", "must be a JSON object"),
        (b"{}", "Missing required parameter: 'messages'"),
    ],
)
def test_a_body_that_is_no_request_is_refused(data: bytes, words: str) -> None:
    assert words in refusal(data)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"messages": []}, "at least one message"),
        ({"messages": "hi"}, "expected list"),
        ({"stream": "yes"}, "expected bool"),
        ({"stream_options": {"include_usage": True}}, "only allowed when 'stream'"),
        ({"n": 2}, "'n' must be 1"),
        ({"max_tokens": 0}, "at least 1"),
        ({"max_tokens": True}, "expected int"),
        ({"max_completion_tokens": "5"}, "expected int"),
        ({"parallel_tool_calls": False}, "only allowed when 'tools'"),
        ({"tool_choice": "auto"}, "only allowed when 'tools'"),
        ({"tools": [TOOL], "tool_choice": "always"}, "names no tool"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}}, "names no tool"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "name": "f"}}, "names no tool"),
        ({"tools": []}, "too short"),
        ({"tools": ["f"]}, "tools[0].type"),
        ({"tools": [{"type": "function", "name": "f", "parameters": {}}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "must match"),
        ({"tools": [{"type": "function", "function": {"name": "f" * 65}}]}, "must match"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "string"}}}]}, "object"),
        ({"tools": [TOOL, TOOL]}, "comes twice"),
    ],
)
def test_a_member_that_strict_servers_refuse_is_refused(members: dict[str, Any], words: str) -> None:
    assert words in refusal(body(**members))


@pytest.mark.parametrize(
    ("history", "words"),
    [
        ([{"role": "robot", "content": "x"}], "Invalid value for 'messages[0].role'"),
        (["hi"], "Invalid value for 'messages[0].role'"),
        ([{"role": "user"}], "expected a string or a list of parts"),
        ([{"role": "user", "content": 7}], "expected a string or a list of parts"),
        ([{"role": "assistant", "content": None}], "expected a string or a list of parts"),
        ([USER, result()], "must be a response to a preceding message with 'tool_calls'"),
        ([USER, made(call()), USER], "did not have response messages: a"),
        ([USER, made(call())], "did not have response messages: a"),
        ([USER, made(call(), call("b")), result("b"), USER], "did not have response messages: a"),
        ([USER, made(call()), result(), result()], "is the id of no open call"),
        ([USER, made(call()), result("b")], "is the id of no open call"),
        ([USER, made(call()), result(content=None)], "expected a string or a list of parts"),
        ([USER, made(call(), call()), result()], "Duplicate tool call id"),
        ([USER, made()], "at least one call"),
        ([USER, made(call(""))], "tool_calls[0].id"),
        ([USER, made(call(name="a b"))], "must match"),
        ([USER, made(call(arguments=""))], "a JSON object, written as a string"),
        ([USER, made(call(arguments='{"a":'))], "a JSON object, written as a string"),
        ([USER, made(call(arguments="[]"))], "a JSON object, written as a string"),
        ([USER, made(call(arguments='{"a": NaN}'))], "a JSON object, written as a string"),
        ([USER, made({"id": "a", "type": "function"})], "needs a 'type' and a member of that name"),
        ([USER, made({"id": "a", "function": {"name": "f", "arguments": "{}"}})], "needs a 'type'"),
    ],
)
def test_a_history_that_strict_servers_refuse_is_refused(history: list[Any], words: str) -> None:
    assert words in refusal(body(messages=history))


def test_a_valid_request_is_read_with_its_results_since_the_prompt() -> None:
    history = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "old"},
        made(call("a")),
        result("a", "first"),
        {"role": "assistant", "content": "done"},
        {"role": "user", "content": [{"type": "text", "text": "new"}]},
        made(call("b", "g", '{"x": 1}'), call("c"), content="I call."),
        result("c", [{"type": "text", "text": "third"}]),
        result("b", "second"),
    ]
    ask = read(body(messages=history, tools=[TOOL], stream=True, stream_options={"include_usage": True}))
    assert ask.prompt == "new"
    assert ask.results == (PastCall("f", "{}", "third"), PastCall("g", '{"x": 1}', "second"))
    assert (ask.calls_before, ask.last_call, ask.stream, ask.include_usage) == (3, "g", True, True)
    assert (ask.choice, ask.parallel, ask.max_tokens) == ("auto", True, None)


def test_a_custom_tool_and_its_call_are_read() -> None:
    tool = {"type": "custom", "custom": {"name": "sql", "format": {"type": "text"}}}
    past = {"id": "a", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}
    ask = read(body(messages=[USER, made(past), result()], tools=[tool]))
    assert ask.tools[0].kind == "custom"
    assert ask.results == (PastCall("sql", "select 1", "ok"),)


def test_null_means_absent() -> None:
    ask = read(body(tools=None, tool_choice=None, stream=None, stream_options=None, max_tokens=None, n=None))
    assert (ask.tools, ask.choice, ask.stream, ask.max_tokens) == ((), "auto", False, None)


def test_the_demos_own_tools_are_valid() -> None:
    names = [tool.name for tool in read(json.dumps(demobench.asking("hi")).encode()).tools]
    assert "get_weather" in names


@pytest.mark.parametrize("inner", [True, False])
def test_allowed_tools_are_read_in_both_published_shapes(inner: bool) -> None:
    other = {"type": "function", "function": {"name": "g"}}
    allowed: dict[str, Any] = {"mode": "required", "tools": [{"type": "function", "function": {"name": "g"}}]}
    choice: dict[str, Any] = {"type": "allowed_tools", **({"allowed_tools": allowed} if inner else allowed)}
    ask = read(body(tools=[TOOL, other], tool_choice=choice))
    assert ([tool.name for tool in ask.tools], ask.choice) == (["g"], "required")
    choice["allowed_tools" if inner else "tools"] = [] if not inner else {**allowed, "tools": []}
    assert "allowed_tools needs" in refusal(body(tools=[TOOL, other], tool_choice=choice))


# ---- the form of 2023 -----------------------------------------------------------------------------------------------

FUNCTION = {"name": "f", "parameters": {"type": "object", "properties": {}}}
LEGACY_CALL = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
LEGACY_RESULT = {"role": "function", "name": "f", "content": "ok"}


def test_functions_are_tools_of_which_one_is_called_at_a_time() -> None:
    ask = read(body(functions=[FUNCTION], function_call={"name": "f"}))
    assert ([tool.name for tool in ask.tools], ask.choice, ask.parallel, ask.legacy) == (["f"], "f", False, True)


def test_the_result_of_a_function_belongs_to_the_call_before_it() -> None:
    ask = read(body(functions=[FUNCTION], messages=[USER, LEGACY_CALL, LEGACY_RESULT]))
    assert ask.results == (PastCall("f", "{}", "ok"),)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"functions": []}, "too short"),
        ({"functions": [FUNCTION], "tools": [TOOL]}, "Only one of"),
        ({"function_call": "auto"}, "only allowed when 'functions'"),
        ({"functions": [FUNCTION], "function_call": "required"}, "names no function"),
        ({"functions": [FUNCTION], "function_call": {"name": "g"}}, "names no function"),
        ({"functions": ["f"]}, "Missing required parameter"),
        ({"functions": [FUNCTION], "messages": [USER, LEGACY_RESULT]}, "must follow"),
        ({"functions": [FUNCTION], "messages": [USER, LEGACY_CALL, {**LEGACY_RESULT, "name": "g"}]}, "must follow"),
        ({"functions": [FUNCTION], "messages": [USER, LEGACY_CALL, LEGACY_RESULT, LEGACY_RESULT]}, "must follow"),
        ({"functions": [FUNCTION], "messages": [USER, LEGACY_CALL]}, "must be followed by"),
    ],
)
def test_what_servers_of_2023_refuse_is_refused(members: dict[str, Any], words: str) -> None:
    assert words in refusal(body(**members))
