"""What is offered, and chosen, in the bytes of each protocol; and what has no place there, told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from callscope.core.events import Diagnostic, SettingsChanged, ToolsChanged, UserMessage
from callscope.core.state import Conversation, Turn, apply
from callscope.core.values import JsonObject, Settings, ToolSpec
from callscope.dialects.acf.request import prepare as acf_request
from callscope.dialects.chat.request import prepare as chat_request
from callscope.dialects.chat.tools import tool_members as chat_members
from callscope.dialects.choices import told
from callscope.dialects.responses.tools import tool_members as responses_members

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = ToolSpec("get_weather", "Weather of a city.", CITY)
TIME = ToolSpec("get_time", "The time.", CITY, strict=True)
SQL = ToolSpec("run_sql", "Runs one statement.", kind="custom")
LARK = ToolSpec(
    "calc", "", {"type": "grammar", "syntax": "lark", "definition": "start: NUMBER\n%import common.NUMBER"}, "custom"
)
REGEX = ToolSpec(
    "day", "", {"type": "grammar", "grammar": {"syntax": "regex", "definition": r"^\d{4}-\d{2}-\d{2}$"}}, "custom"
)
TEXT = ToolSpec("note", "", {"type": "text"}, "custom")
TOOLS = (WEATHER, TIME, SQL)


def settings(dialect: str, choice: Any = None, **more: Any) -> Settings:
    return Settings(dialect=dialect, url="http://127.0.0.1:1/v1", model="m", tool_choice=choice, **more)


def conversation(given: Settings, tools: tuple[ToolSpec, ...] = TOOLS) -> Conversation:
    found = Conversation()
    for event in (SettingsChanged(given), ToolsChanged(tools), UserMessage("Hi")):
        found = apply(found, event)
    return found


def chat(choice: Any = None, tools: tuple[ToolSpec, ...] = TOOLS, **more: Any) -> JsonObject:
    return chat_members(settings("chat", choice, **more), tools)


def responses(choice: Any = None, tools: tuple[ToolSpec, ...] = TOOLS, **more: Any) -> JsonObject:
    return responses_members(settings("responses", choice, **more), tools)


def complaints(given: Settings, tools: tuple[ToolSpec, ...] = TOOLS) -> list[tuple[str, str]]:
    return [(each.code, each.message) for each in told(conversation(given, tools))]


# ---- the choice -----------------------------------------------------------------------------------------------------

RAW = {"type": "mcp", "server_label": "deepwiki"}
CHOICES: list[tuple[Any, str, str]] = [
    ("none", '"none"', '"none"'),
    ("auto", '"auto"', '"auto"'),
    ("required", '"required"', '"required"'),
    ("any", '"any"', '"any"'),
    (
        "get_weather",
        '{"type":"function","function":{"name":"get_weather"}}',
        '{"type":"function","name":"get_weather"}',
    ),
    ("run_sql", '{"type":"custom","custom":{"name":"run_sql"}}', '{"type":"custom","name":"run_sql"}'),
    (
        "allowed:auto:get_weather,run_sql",
        (
            '{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":'
            '"get_weather"}},{"type":"custom","custom":{"name":"run_sql"}}]}}'
        ),
        (
            '{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"get_weather"},'
            '{"type":"custom","name":"run_sql"}]}'
        ),
    ),
    (
        "allowed:required:get_time",
        (
            '{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":'
            '"get_time"}}]}}'
        ),
        '{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"get_time"}]}',
    ),
    (RAW, '{"type":"mcp","server_label":"deepwiki"}', '{"type":"mcp","server_label":"deepwiki"}'),
]


@pytest.mark.parametrize(("choice", "in_chat", "in_responses"), CHOICES, ids=str)
def test_a_choice_is_written_as_each_protocol_has_it(choice: Any, in_chat: str, in_responses: str) -> None:
    assert json.dumps(chat(choice)["tool_choice"], separators=(",", ":")) == in_chat
    assert json.dumps(responses(choice)["tool_choice"], separators=(",", ":")) == in_responses


def test_allowed_tools_can_be_written_without_their_inner_level() -> None:
    found = chat("allowed:auto:get_weather,get_time", tool_forms=("flat-allowed",))
    assert json.dumps(found["tool_choice"], separators=(",", ":")) == (
        '{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","function":{"name":"get_weather"}},'
        '{"type":"function","function":{"name":"get_time"}}]}'
    )


@pytest.mark.parametrize("members", [chat, responses])
def test_without_a_choice_none_is_sent(members: Any) -> None:
    assert members().keys() == {"tools"}


@pytest.mark.parametrize("members", [chat, responses])
@pytest.mark.parametrize("parallel", [True, False])
def test_parallel_calls_are_asked_for_or_forbidden(members: Any, parallel: bool) -> None:
    assert members(parallel=parallel)["parallel_tool_calls"] is parallel


@pytest.mark.parametrize("members", [chat, responses])
def test_without_tools_nothing_of_the_offer_is_sent(members: Any) -> None:
    assert members("required", (), parallel=False, strict=True) == {}


# ---- definitions ----------------------------------------------------------------------------------------------------

FORMATS = [
    (SQL, None, None),
    (TEXT, {"type": "text"}, {"type": "text"}),
    (
        LARK,
        {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: NUMBER\n%import common.NUMBER"}},
        {"type": "grammar", "syntax": "lark", "definition": "start: NUMBER\n%import common.NUMBER"},
    ),
    (
        REGEX,
        {"type": "grammar", "grammar": {"syntax": "regex", "definition": r"^\d{4}-\d{2}-\d{2}$"}},
        {"type": "grammar", "syntax": "regex", "definition": r"^\d{4}-\d{2}-\d{2}$"},
    ),
]


@pytest.mark.parametrize(("tool", "nested", "flat"), FORMATS, ids=lambda value: getattr(value, "name", ""))
def test_a_format_is_nested_once_more_in_chat_and_flat_in_responses(tool: ToolSpec, nested: Any, flat: Any) -> None:
    assert chat(tools=(tool,))["tools"][0]["custom"].get("format") == nested
    assert responses(tools=(tool,))["tools"][0].get("format") == flat


def test_one_definition_is_nested_in_chat_and_flat_in_responses() -> None:
    assert json.dumps(chat(tools=(TIME,))["tools"][0]) == (
        '{"type": "function", "function": {"name": "get_time", "description": "The time.", "parameters": '
        f'{json.dumps(CITY)}, "strict": true}}}}'
    )
    assert json.dumps(responses(tools=(TIME,))["tools"][0]) == (
        '{"type": "function", "name": "get_time", "description": "The time.", "parameters": '
        f'{json.dumps(CITY)}, "strict": true}}'
    )


@pytest.mark.parametrize(("strict", "sent"), [(None, [None, True]), (True, [True, True]), (False, [False, False])])
def test_strict_for_all_goes_before_what_each_tool_says_and_leaves_custom_tools_alone(strict: Any, sent: Any) -> None:
    nested, flat = chat(strict=strict)["tools"], responses(strict=strict)["tools"]
    assert [tool["function"].get("strict") for tool in nested[:2]] == sent
    assert [tool.get("strict") for tool in flat[:2]] == sent
    assert "strict" not in nested[2]["custom"].keys() | flat[2].keys()


# ---- the legacy form ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "sent"),
    [("none", "none"), ("auto", "auto"), ("get_weather", {"name": "get_weather"}), ({"name": "x"}, {"name": "x"})],
)
def test_a_legacy_choice_is_a_word_or_a_bare_name(choice: Any, sent: Any) -> None:
    found = chat(choice, tool_forms=("functions",))
    assert found["function_call"] == sent
    assert found.keys() == {"functions", "function_call"}


def test_legacy_functions_are_bare_definitions() -> None:
    assert chat(tools=(WEATHER,), tool_forms=("functions",)) == {
        "functions": [{"name": "get_weather", "description": "Weather of a city.", "parameters": CITY}]
    }


def test_what_the_legacy_form_has_no_place_for_is_left_out_and_told() -> None:
    given = settings("chat", "required", parallel=True, tool_forms=("functions",))
    assert complaints(given) == [
        ("strict_not_sent", "The legacy `functions` has no strict mode: get_time is offered without it."),
        ("tool_not_offered", "The legacy `functions` has no custom tools: run_sql is not offered."),
        (
            "choice_not_sent",
            "The legacy `functions` has no `required`; it can name one function: no tool choice is sent.",
        ),
        ("parallel_not_sent", "The legacy `functions` has no `parallel_tool_calls`: it is not sent."),
    ]
    body = json.loads(chat_request(conversation(given)).request.body)
    assert [function["name"] for function in body["functions"]] == ["get_weather", "get_time"]
    assert not body.keys() & {"tools", "tool_choice", "function_call", "parallel_tool_calls"}


def test_allowed_tools_have_no_place_in_the_legacy_form() -> None:
    codes = [code for code, _ in complaints(settings("chat", "allowed:auto:get_time", tool_forms=("functions",)))]
    assert "choice_not_sent" in codes


# ---- agents ---------------------------------------------------------------------------------------------------------


def test_an_agent_gets_function_tools_alone_and_the_person_is_told() -> None:
    prepared = acf_request(conversation(settings("acf", "allowed:auto:get_time,run_sql")))
    body = json.loads(prepared.request.body)
    assert [tool["function"]["name"] for tool in body["tools"]] == ["get_weather", "get_time"]
    assert "tool_choice" not in body
    assert [each.message for each in prepared.diagnostics] == [
        "The Agent Connect Framework has no custom tools: run_sql is not offered.",
        "The Agent Connect Framework has no custom tools, so run_sql cannot be allowed: no tool choice is sent.",
    ]


def test_an_agent_that_is_offered_custom_tools_alone_is_offered_nothing() -> None:
    body = json.loads(acf_request(conversation(settings("acf", "run_sql", parallel=True), (SQL,))).request.body)
    assert not body.keys() & {"tools", "tool_choice", "parallel_tool_calls"}


def test_a_choice_of_a_function_goes_to_an_agent_as_in_chat() -> None:
    body = json.loads(acf_request(conversation(settings("acf", "get_time"))).request.body)
    assert body["tool_choice"] == {"type": "function", "function": {"name": "get_time"}}


# ---- what is told ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["responses", "acf"])
@pytest.mark.parametrize("form", ["functions", "flat-allowed", "null-ids"])
def test_a_form_of_chat_changes_nothing_elsewhere_and_is_told(dialect: str, form: Any) -> None:
    tools = (WEATHER,)
    plain, formed = settings(dialect), settings(dialect, tool_forms=(form,))
    members = responses_members if dialect == "responses" else chat_members
    assert members(formed, tools) == members(plain, tools)
    assert [code for code, _ in complaints(formed, tools)] == ["form_not_used"]


def test_what_fits_is_told_in_no_protocol() -> None:
    assert complaints(settings("chat", "allowed:auto:run_sql", parallel=True, strict=True)) == []
    assert complaints(settings("responses", "allowed:auto:run_sql", parallel=True, strict=True)) == []


def test_it_is_told_with_the_first_request_of_a_turn_alone() -> None:
    asked = conversation(settings("acf"))
    assert [each.code for each in told(asked)] == ["tool_not_offered"]
    assert told(replace(asked, turn=Turn(rounds=1))) == ()


FLAT = {"type": "function", "name": "f", "parameters": {}}
NESTED = {"type": "function", "function": {"name": "f", "parameters": {}}}


def misshapen(dialect: str, choice: Any = None, **parameters: Any) -> list[Diagnostic]:
    given = settings(dialect, choice, parameters=parameters)
    return [each for each in told(conversation(given, (WEATHER,))) if each.code == "offer_misshapen"]


def test_nested_json_given_to_responses_is_sent_and_told_with_what_it_should_be() -> None:
    choice = {"type": "function", "function": {"name": "get_weather"}}
    [found] = misshapen("responses", choice)
    assert found.message == (
        "The tool choice is nested, as Chat Completions has it, but the Responses API has it flat: "
        '{"type":"function","name":"get_weather"}'
    )
    assert responses(choice)["tool_choice"] == choice


def test_flat_json_given_to_chat_is_told_with_what_it_should_be() -> None:
    [found] = misshapen("chat", {"type": "custom", "name": "t"})
    assert found.message.endswith('Chat Completions nests it: {"type":"custom","custom":{"name":"t"}}')


def test_definitions_among_the_parameters_are_held_against_the_protocol_too() -> None:
    assert [each.message.partition(" is ")[0] for each in misshapen("responses", tools=[FLAT, NESTED])] == [
        "`tools[1]`"
    ]
    assert [each.message.partition(" is ")[0] for each in misshapen("chat", tools=[FLAT, NESTED])] == ["`tools[0]`"]


@pytest.mark.parametrize(
    ("dialect", "wrong", "right"),
    [
        (
            "responses",
            {"type": "custom", "custom": {"name": "t", "format": {"type": "grammar", "grammar": {"syntax": "lark"}}}},
            {"type": "custom", "name": "t", "format": {"type": "grammar", "syntax": "lark"}},
        ),
        (
            "chat",
            {"type": "custom", "name": "t", "format": {"type": "grammar", "syntax": "lark"}},
            {"type": "custom", "custom": {"name": "t", "format": {"type": "grammar", "grammar": {"syntax": "lark"}}}},
        ),
        (
            "responses",
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "x", "function": {}}]}},
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "x", "function": {}}]},
        ),
    ],
)
def test_what_is_told_to_be_right_is_right_down_to_the_grammar(dialect: str, wrong: Any, right: Any) -> None:
    [found] = misshapen(dialect, tool_choice=wrong)
    assert json.loads(found.message.partition(": ")[2]) == right


@pytest.mark.parametrize("dialect", ["chat", "responses", "acf"])
@pytest.mark.parametrize(
    "odd",
    [None, "x", 5, [], {}, {"type": []}, {"type": "function"}, {"type": "allowed_tools", "mode": "auto", "tools": 5}],
)
def test_whatever_json_a_person_writes_as_a_choice_raises_nothing(dialect: str, odd: Any) -> None:
    assert misshapen(dialect, odd, tools=odd) == []
