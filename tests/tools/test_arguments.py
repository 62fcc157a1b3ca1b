from __future__ import annotations

import json
import signal
import socket
from typing import Any

import pytest

from callscope.tools.arguments import Schema
from callscope.tools.invalid import InvalidArguments

WEATHER = {
    "type": "object",
    "properties": {
        "location": {"type": "string", "minLength": 1, "description": "City name."},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
        "where": {
            "type": "object",
            "properties": {"lat": {"type": "number"}, "lon": {"type": "number"}},
            "required": ["lat", "lon"],
            "additionalProperties": False,
        },
        "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}, "maxItems": 2},
        "when": {"anyOf": [{"type": "string", "enum": ["now"]}, {"type": "integer", "minimum": 0}, {"type": "null"}]},
        "exact": {"const": 3},
        "step": {"multipleOf": 5},
    },
    "required": ["location"],
    "additionalProperties": False,
}


def problems(arguments: Any, schema: dict[str, Any] = WEATHER) -> list[str]:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    with pytest.raises(InvalidArguments) as raised:
        Schema(schema).check(text)
    return [sentence for _, sentence in raised.value.problems]


@pytest.mark.parametrize(
    ("arguments", "sentences"),
    [
        ({}, ["missing argument location (City name)"]),
        ({"locaton": "x"}, ["unknown argument locaton (did you mean location, which is required and missing?)"]),
        ({"location": "x", "Units": "celsius"}, ["unknown argument Units (did you mean unit?)"]),
        (
            {"location": "x", "zzz": 1},
            ["unknown argument zzz; known: location, unit, days, where, tags, when, exact, step"],
        ),
        ({"location": 3}, ["location must be a string, not the number 3"]),
        ({"location": None}, ["location must be a string, not null"]),
        ({"location": "x", "days": "3"}, ['days must be an integer, not the string "3"']),
        ({"location": "x", "days": 2.5}, ["days must be an integer, not the number 2.5"]),
        ({"location": "x", "days": True}, ["days must be an integer, not true"]),
        ({"location": "x", "days": 0}, ["days must be at least 1, not 0"]),
        ({"location": "x", "days": 8}, ["days must be at most 7, not 8"]),
        (
            {"location": "x", "unit": "Celcius"},
            ['unit must be "celsius" or "fahrenheit", not "Celcius" (did you mean "celsius"?)'],
        ),
        (
            {"location": "x", "where": {"lat": 1, "long": 2}},
            ["unknown argument where.long (did you mean lon, which is required and missing?)"],
        ),
        ({"location": "x", "where": {}}, ["missing argument where.lat", "missing argument where.lon"]),
        ({"location": "x", "where": []}, ["where must be an object, not an array"]),
        ({"location": "x", "tags": ["a", 1]}, ["tags[1] must be a string, not the number 1"]),
        ({"location": "x", "tags": ["A"]}, ['tags[0] must match ^[a-z]+$, and "A" does not']),
        ({"location": "x", "tags": ["a", "b", "c"]}, ["tags must have at most 2 items, not 3"]),
        ({"location": ""}, ["location must have at least 1 characters, not 0"]),
        ({"location": "x", "when": -1}, ["when must be at least 0, not -1"]),
        ({"location": "x", "when": "later"}, ['when must be "now", not "later"']),
        ({"location": "x", "when": []}, ["when must be a string, an integer or null, not []"]),
        ({"location": "x", "exact": 4}, ["exact must be 3, not 4"]),
        ({"location": "x", "step": 4}, ["step must be a multiple of 5, not 4"]),
        ({"location": {"a": "b" * 1000}}, ["location must be a string, not an object"]),
    ],
)
def test_a_problem_is_a_sentence_that_says_what_would_be_right(arguments: Any, sentences: list[str]) -> None:
    assert problems(arguments) == sentences


def test_all_problems_are_told_at_once() -> None:
    assert problems({"locaton": "x", "unit": "kelvin", "days": 0}) == [
        "unknown argument locaton (did you mean location, which is required and missing?)",
        'unit must be "celsius" or "fahrenheit", not "kelvin"',
        "days must be at least 1, not 0",
    ]


def test_two_unknown_arguments_are_not_taken_for_the_same_missing_one() -> None:
    assert problems({"locaton": "x", "location_": "y"}) == [
        "unknown argument locaton (did you mean location, which is required and missing?)",
        "unknown argument location_ (did you mean location?)",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "the arguments are no JSON: Expecting property name enclosed in double quotes at character 1"),
        ('{"location": NaN}', "the arguments are no JSON: NaN is no JSON number"),
        ('{"location": "a", "location": "b"}', "location stands twice in one object"),
        ("[]", "the arguments must be a JSON object, not an array"),
        ("null", "the arguments must be a JSON object, not null"),
        ('"{}"', 'the arguments must be a JSON object, not the string "{}" (were they encoded twice?)'),
        ("[" * 100_000, "the arguments are nested too deeply"),
    ],
)
def test_arguments_that_are_no_object_are_said_to_be_none(text: str, sentence: str) -> None:
    assert problems(text) == [sentence]


def test_a_number_too_long_for_python_is_no_crash() -> None:
    assert problems('{"days": ' + "9" * 5000 + "}")[0].startswith("the arguments cannot be read")


@pytest.mark.parametrize("text", ["", "  ", "{}"])
def test_no_text_is_no_arguments(text: str) -> None:
    assert Schema({"type": "object", "additionalProperties": False}).check(text) == "{}"


def test_arguments_that_fit_are_given_back_as_they_came() -> None:
    text = '{"location":  "北京", "days": 3.0}'
    assert Schema(WEATHER).check(text) == text


def test_unknown_arguments_of_a_tool_that_takes_none_are_said_so() -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    assert problems({"a": 1}, schema) == ["unknown argument a; none are known"]


def test_a_pattern_of_names_is_known() -> None:
    schema = {"type": "object", "patternProperties": {"^x-": {}}, "additionalProperties": False}
    assert problems({"x-a": 1, "y": 2}, schema) == ["unknown argument y; none are known"]


def test_a_local_reference_is_followed() -> None:
    schema = {"properties": {"a": {"$ref": "#/$defs/City"}}, "$defs": {"City": {"type": "string"}}}
    assert problems({"a": 1}, schema) == ["a must be a string, not the number 1"]


def test_no_reference_is_ever_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: Any, **__: Any) -> Any:
        raise AssertionError("tried to reach the network")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    monkeypatch.setattr(socket.socket, "connect", no_network)
    with pytest.raises(Exception, match="Unresolvable"):
        Schema({"$ref": "http://example.com/schema.json"}).check("{}")


def test_a_pattern_that_would_search_for_years_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callscope.tools.arguments.LONGEST_CHECK", 0.2)
    schema = Schema({"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}})
    with pytest.raises(TimeoutError):
        schema.check(json.dumps({"a": "a" * 60 + "!"}))
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
