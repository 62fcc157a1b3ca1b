from __future__ import annotations

import json
from typing import Any

import pytest

import demobench
from callscope.serving.demo.ask import Tool
from callscope.serving.demo.words import Wish, rounds, take_literals


def schema(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {**required, **optional}, "required": list(required)}


STRING, NUMBER, INTEGER = {"type": "string"}, {"type": "number"}, {"type": "integer"}
DEMO = tuple(
    Tool(each["function"]["name"], each["function"]["description"], each["function"]["parameters"])
    for each in demobench.demo_tools()
)
OTHERS = (
    Tool("add", "Adds two numbers.", schema({"a": NUMBER, "b": NUMBER})),
    Tool("search_web", "Searches the web.", schema({"query": STRING})),
    Tool("send_email", "Sends an e-mail.", schema({"to": STRING, "subject": STRING, "body": STRING})),
    Tool("roll_dice", "Rolls dice.", schema({"count": INTEGER, "sides": {"type": "integer", "default": 6}})),
    Tool("calculate", "Evaluates arithmetic.", schema({"expression": STRING})),
    Tool("sum_numbers", "The sum of a list of numbers.", schema({"numbers": {"type": "array", "items": NUMBER}})),
    Tool("set_light", "Switches a light.", schema({"room": {"enum": ["kitchen", "hall"]}, "on": {"type": "boolean"}})),
    Tool("read_file", "Reads a file.", schema({"path": STRING})),
    Tool("forecast", "Weather of the next days.", schema({"city": STRING}, days=INTEGER)),
)


def calls(
    prompt: str, tools: tuple[Tool, ...], choice: str = "auto", last_call: str = ""
) -> list[list[tuple[str, Any]]]:
    found = rounds(prompt, tools, choice, last_call)
    return [[(wish.tool.name, json.loads(wish.arguments)) for wish in stage] for stage in found]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("What's the weather in Paris?", [("get_weather", {"city": "Paris"})]),
        ("How's the weather in Paris today?", [("get_weather", {"city": "Paris"})]),
        ("weather in paris", [("get_weather", {"city": "paris"})]),
        ("Paris weather", [("get_weather", {"city": "Paris"})]),
        ("In Paris, what's the weather?", [("get_weather", {"city": "Paris"})]),
        ("Weather in 北京?", [("get_weather", {"city": "北京"})]),
        ("What is the weather in São Paulo", [("get_weather", {"city": "São Paulo"})]),
        ("weather in Paris in fahrenheit", [("get_weather", {"city": "Paris", "unit": "fahrenheit"})]),
        ("get_weather city=Paris unit=celsius", [("get_weather", {"city": "Paris", "unit": "celsius"})]),
        ("get_weather(city='New York')", [("get_weather", {"city": "New York"})]),
        ('weather for city "Rio de Janeiro"', [("get_weather", {"city": "Rio de Janeiro"})]),
        ("What time is it?", [("get_time", {})]),
        ("What time is it in Tokyo?", [("get_time", {"timezone": "Asia/Tokyo"})]),
        ("time in Europe/Rome", [("get_time", {"timezone": "Europe/Rome"})]),
        ("Convert 5 km to mi", [("convert_units", {"value": 5, "from_unit": "km", "to_unit": "mi"})]),
        ("convert 2.5kg to lb please", [("convert_units", {"value": 2.5, "from_unit": "kg", "to_unit": "lb"})]),
        ("Search my notes for tea", [("search_notes", {"query": "tea"})]),
        ("What do my notes say about the Lisbon trip?", [("search_notes", {"query": "Lisbon trip"})]),
        ("Brew me a black tea", [("brew_tea", {"kind": "black"})]),
        ("Exchange rate from EUR to USD", [("get_exchange_rate", {"base": "EUR", "quote": "USD"})]),
        ("EUR/USD exchange rate", [("get_exchange_rate", {"base": "EUR", "quote": "USD"})]),
        ("Ask my colleague: is lunch at noon?", [("ask_colleague", {"question": "is lunch at noon"})]),
    ],
)
def test_a_plain_sentence_about_the_demos_tools_becomes_a_call(prompt: str, expected: list[Any]) -> None:
    assert calls(prompt, DEMO) == [expected]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("add 2 and 3.5", [("add", {"a": 2, "b": 3.5})]),
        ("search for cheap flights to Rome", [("search_web", {"query": "cheap flights to Rome"})]),
        (
            'send an email to bob@example.org subject "Hi" body "see you"',
            [("send_email", {"to": "bob@example.org", "subject": "Hi", "body": "see you"})],
        ),
        ("roll 2 dice", [("roll_dice", {"count": 2, "sides": 6})]),
        ("roll 3 dice with sides 20", [("roll_dice", {"count": 3, "sides": 20})]),
        ("what is 2 + 2 * 3? calculate it", [("calculate", {"expression": "2 + 2 * 3"})]),
        ("sum the numbers 1, 2 and 3.5", [("sum_numbers", {"numbers": [1, 2, 3.5]})]),
        ("sum_numbers numbers=[4, 5]", [("sum_numbers", {"numbers": [4, 5]})]),
        ("set the light in the hall, on", [("set_light", {"room": "hall", "on": True})]),
        ("read the file docs/notes.md", [("read_file", {"path": "docs/notes.md"})]),
        ("forecast for Oslo, 3 days", [("forecast", {"city": "Oslo", "days": 3})]),
    ],
)
def test_values_are_found_by_the_schema_of_any_tool(prompt: str, expected: list[Any]) -> None:
    assert calls(prompt, OTHERS) == [expected]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("What's the weather in Paris and Rome?", [("get_weather", "Paris"), ("get_weather", "Rome")]),
        (
            "weather in New York, Oslo and Lima",
            [("get_weather", "New York"), ("get_weather", "Oslo"), ("get_weather", "Lima")],
        ),
        ("Compare the weather in Paris with the weather in Rome", [("get_weather", "Paris"), ("get_weather", "Rome")]),
        ("the weather in Paris and the time in Tokyo", [("get_weather", "Paris"), ("get_time", "Asia/Tokyo")]),
        ("time and weather in Tokyo", [("get_time", "Asia/Tokyo"), ("get_weather", "Tokyo")]),
    ],
)
def test_and_asks_for_calls_side_by_side(prompt: str, expected: list[Any]) -> None:
    (stage,) = calls(prompt, DEMO)
    assert [(name, next(iter(arguments.values()))) for name, arguments in stage] == expected


def test_then_asks_for_one_round_after_another() -> None:
    assert calls("Brew a green tea, then tell me the weather in Oslo", DEMO) == [
        [("brew_tea", {"kind": "green"})],
        [("get_weather", {"city": "Oslo"})],
    ]


def test_and_what_about_goes_on_with_the_tool_before() -> None:
    assert calls("And what about Rome?", DEMO, last_call="get_weather") == [[("get_weather", {"city": "Rome"})]]
    assert calls("And what about Rome?", DEMO) == []


def test_a_required_value_that_nobody_said_is_missing_and_not_made_up() -> None:
    ((wish,),) = rounds("What's the weather?", DEMO, "auto", "")
    assert (wish.arguments, wish.missing) == ("{}", ("city",))


@pytest.mark.parametrize("prompt", ["Hello", "Who are you?", "", "get me a coffee", "I am happy"])
def test_words_that_fit_no_tool_ask_for_no_call(prompt: str) -> None:
    assert calls(prompt, DEMO) == []


def test_tool_choice_none_forbids_calls() -> None:
    assert calls("What's the weather in Paris?", DEMO, "none") == []


def test_tool_choice_required_makes_the_likeliest_call_with_example_values() -> None:
    assert calls("Hello", DEMO, "required") == [[("get_weather", {"city": "Paris"})]]


def test_a_tool_named_by_tool_choice_is_called_whatever_the_words() -> None:
    assert calls("What's the weather in Oslo?", DEMO, "search_notes") == [
        [("search_notes", {"query": "weather in Oslo"})]
    ]
    assert calls("weather in Oslo and tea from my notes", DEMO, "get_weather") == [[("get_weather", {"city": "Oslo"})]]


def literal(text: str, tools: tuple[Tool, ...] = DEMO) -> tuple[list[tuple[str, str]], str]:
    wishes, rest = take_literals(text, tools)
    return [(wish.tool.name, wish.arguments) for wish in wishes], " ".join(rest.split())


def test_a_call_that_is_written_out_is_taken_word_for_word() -> None:
    assert literal('get_weather {"city":  "Paris"} please') == ([("get_weather", '{"city":  "Paris"}')], "please")


def test_several_written_calls_are_parallel_calls() -> None:
    text = 'get_weather({"city": "a}b"}) and get_time: {} and get_weather{"city": "R"}'
    assert literal(text)[0] == [
        ("get_weather", '{"city": "a}b"}'),
        ("get_time", "{}"),
        ("get_weather", '{"city": "R"}'),
    ]


@pytest.mark.parametrize("arguments", ["{'city': 'Paris'}", '{"city": NaN}', '{"city": {"a": 1,}}', '{"city": "Par'])
def test_what_is_no_json_is_sent_as_written_too(arguments: str) -> None:
    assert literal(f"get_weather {arguments}") == ([("get_weather", arguments)], "")


def test_a_custom_tool_gets_the_words_as_they_are() -> None:
    tool = Tool("run_sql", "Runs SQL.", {}, "custom")
    assert rounds("run_sql select 1 from dual", [tool], "auto", "") == [[Wish(tool, "select 1 from dual")]]


def test_references_and_nullable_types_of_a_schema_are_followed() -> None:
    parameters = {
        "type": "object",
        "properties": {"place": {"$ref": "#/$defs/Place"}, "days": {"anyOf": [{"type": "null"}, INTEGER]}},
        "required": ["place", "days"],
        "$defs": {"Place": STRING},
    }
    assert calls("forecast for Oslo, days 4", (Tool("forecast", "", parameters),)) == [
        [("forecast", {"place": "Oslo", "days": 4})]
    ]
