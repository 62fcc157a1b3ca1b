"""Every rule of the lint: broken by one definition, kept by its neighbour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscope.core.values import ToolSpec
from callscope.linting.checking import lint
from callscope.linting.findings import RULES, Finding, Provider
from callscope.linting.walking import places

DOCS = Path(__file__).parent.parent.parent / "docs" / "lint.md"
CITY = {"type": "string", "description": "Name of the city"}


def schema(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def tool(
    parameters: dict[str, Any] | None = None,
    *,
    name: str = "get_weather",
    description: str = "Current weather for a city.",
    strict: bool | None = None,
) -> ToolSpec:
    return ToolSpec(name, description, parameters if parameters is not None else schema(city=CITY), strict=strict)


def found(*tools: ToolSpec, provider: Provider = "openai", without_run: tuple[str, ...] = ()) -> list[Finding]:
    return lint(tools, provider=provider, without_run=without_run, holds_secret=lambda text: "SECRET" in text)


def rules(*tools: ToolSpec, provider: Provider = "openai") -> set[str]:
    return {one.rule for one in found(*tools, provider=provider)}


def test_a_good_definition_breaks_no_rule_of_any_provider_it_is_meant_for() -> None:
    assert rules(tool(strict=True)) == set()
    assert rules(tool(), provider="anthropic") == set()


BROKEN: list[tuple[str, ToolSpec, str]] = [
    ("no-description", tool(description=" "), "$.description"),
    ("thin-description", tool(description="Weather."), "$.description"),
    ("parameter-undescribed", tool(schema(city={"type": "string"})), "$.parameters.properties.city"),
    ("untyped-parameter", tool(schema(city={"description": "Name"})), "$.parameters.properties.city"),
    (
        "bare-object",
        tool(schema(where={"type": "object", "description": "Where", "additionalProperties": False})),
        "$.parameters.properties.where",
    ),
    (
        "enum-in-words",
        tool(schema(unit={"type": "string", "description": "One of celsius, fahrenheit or kelvin"})),
        "$.parameters.properties.unit",
    ),
    (
        "unit-unsaid",
        tool(schema(timeout={"type": "number", "description": "How long to wait"})),
        "$.parameters.properties.timeout",
    ),
    ("alike-parameters", tool(schema(userid=CITY, user_id=CITY)), "$.parameters.properties.user_id"),
    ("mixed-naming", tool(schema(user_id=CITY, placeName=CITY)), "$.parameters.properties"),
    ("root-not-object", tool({"type": "string"}), "$.parameters"),
    ("required-unknown", tool(schema(city=CITY) | {"required": ["city", "town"]}), "$.parameters.required[1]"),
    ("required-twice", tool(schema(city=CITY) | {"required": ["city", "city"]}), "$.parameters.required[1]"),
    ("default-invalid", tool(schema(city=CITY | {"default": 3})), "$.parameters.properties.city.default"),
    (
        "default-invalid",
        tool(schema(city=CITY | {"enum": ["Paris", "Rome"], "default": "Oslo"})),
        "$.parameters.properties.city.default",
    ),
    ("enum-invalid", tool(schema(city=CITY | {"enum": ["Paris", 3]})), "$.parameters.properties.city.enum[1]"),
    (
        "untyped-items",
        tool(schema(cities={"type": "array", "description": "Names"})),
        "$.parameters.properties.cities",
    ),
    (
        "secret-in-definition",
        tool(schema(city=CITY | {"default": "SECRET"})),
        "$.parameters.properties.city.default",
    ),
    ("name-refused", tool(name="get weather"), "$.name"),
    ("name-refused", tool(name="w" * 65), "$.name"),
    ("description-too-long", tool(description="word " * 300), "$.description"),
    ("strict-root", tool({"anyOf": [schema(city=CITY)]}, strict=True), "$.parameters.anyOf"),
    ("strict-additional", tool(schema(city=CITY) | {"additionalProperties": True}, strict=True), "$.parameters"),
    ("strict-required", tool(schema(city=CITY) | {"required": []}, strict=True), "$.parameters.properties.city"),
    ("strict-keyword", tool(schema(city=CITY) | {"minProperties": 1}, strict=True), "$.parameters.minProperties"),
    (
        "strict-default",
        tool(schema(city=CITY | {"default": "Paris"}), strict=True),
        "$.parameters.properties.city.default",
    ),
    ("strict-format", tool(schema(city=CITY | {"format": "path"}), strict=True), "$.parameters.properties.city.format"),
    (
        "strict-pattern",
        tool(schema(city=CITY | {"pattern": "(?=P)."}), strict=True),
        "$.parameters.properties.city.pattern",
    ),
    ("strict-ref", tool(schema(city={"$ref": "#/$defs/x", "title": "x"}), strict=True), "$.parameters.properties.city"),
    ("strict-ref", tool(schema(city={"$ref": "other.json"}), strict=True), "$.parameters.properties.city.$ref"),
    (
        "strict-length",
        tool(schema(city=CITY | {"maxLength": 9}), strict=True),
        "$.parameters.properties.city.maxLength",
    ),
]


@pytest.mark.parametrize(("rule", "broken", "path"), BROKEN, ids=[f"{rule}-{n}" for n, (rule, *_) in enumerate(BROKEN)])
def test_a_broken_rule_is_found_where_it_is_broken(rule: str, broken: ToolSpec, path: str) -> None:
    assert (rule, path) in {(one.rule, one.path) for one in found(broken)}


@pytest.mark.parametrize("depth", [10, 11])
def test_strict_mode_ends_at_ten_levels(depth: int) -> None:
    nested: dict[str, Any] = CITY
    for _ in range(depth - 1):
        nested = schema(inner=nested)
    assert ("strict-limits" in rules(tool(nested, strict=True))) == (depth > 10)


def test_strict_mode_counts_enum_values_over_the_whole_schema() -> None:
    half = CITY | {"enum": [f"v{n}" for n in range(501)]}
    assert "strict-limits" not in rules(tool(schema(one=half), strict=True))
    assert "strict-limits" in rules(tool(schema(one=half, other=half), strict=True))


def test_strict_rules_are_held_only_against_tools_that_ask_for_them() -> None:
    loose = tool(schema(city=CITY | {"default": "Paris"}))
    assert "strict-default" not in rules(loose)


def test_anthropic_takes_longer_names_and_no_union_at_the_root() -> None:
    assert "name-refused" not in rules(tool(name="w" * 100), provider="anthropic")
    union = tool(schema(city=CITY) | {"anyOf": [{"required": ["city"]}]})
    assert "root-union" in rules(union, provider="anthropic")
    assert "root-union" not in rules(union, provider="openai")


def test_gemini_refuses_keywords_that_its_schema_has_no_field_for() -> None:
    assert "keyword-refused" in rules(tool(), provider="gemini")
    assert "name-refused" in rules(tool(name="1st_tool"), provider="gemini")


def test_twenty_tools_are_enough_and_128_are_all_that_openai_takes() -> None:
    def tools(count: int) -> list[ToolSpec]:
        return [tool(name=f"tool_{n}", description=f"{'abcdefghij'[n % 10] * 9} {n * 7919} {n}") for n in range(count)]

    assert "many-tools" not in rules(*tools(20))
    assert "many-tools" in rules(*tools(21))
    assert "too-many-tools" in rules(*tools(129))
    assert "too-many-tools" not in rules(*tools(129), provider="anthropic")


@pytest.mark.parametrize(
    "other",
    [
        tool(name="getWeather", description="Something else entirely, about trains."),
        tool(name="forecast"),
        tool(name="forecast", description="Current weather for a town."),
    ],
    ids=["name", "same description", "nearly the same description"],
)
def test_tools_that_a_model_cannot_tell_apart_are_named_together(other: ToolSpec) -> None:
    (one,) = [one for one in found(tool(), other) if one.rule == "alike-tools"]
    assert "get_weather" in one.message
    assert other.name in one.message


def test_of_many_tools_that_are_alike_each_is_named_once() -> None:
    alike = [
        one for one in found(*(tool(name=f"forecast_{number}") for number in range(20))) if one.rule == "alike-tools"
    ]
    assert [one.tool for one in alike] == [f"forecast_{number}" for number in range(1, 20)]


def test_tools_with_descriptions_of_their_own_are_not_alike() -> None:
    assert "alike-tools" not in rules(tool(), tool(name="get_weathers", description="Every city's weather as a table."))


def test_a_definition_that_nobody_runs_is_said() -> None:
    assert [one.rule for one in found(tool(), without_run=("get_weather",))] == ["no-run"]


def test_the_worst_of_a_tool_comes_first() -> None:
    severities = [one.severity for one in found(tool(schema(city={"type": "array", "default": 3}), description="x"))]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)


def test_every_rule_is_documented_with_its_severity_and_its_reason() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for name, rule in RULES.items():
        assert f"| `{name}` | {rule.severity} | {rule.reason} |" in text


def test_every_rule_can_be_broken_by_a_case_here() -> None:
    tried_elsewhere = {
        "no-run",
        "alike-tools",
        "many-tools",
        "too-many-tools",
        "root-union",
        "keyword-refused",
        "strict-limits",
        "custom-refused",
        "format-refused",
        "strict-unsaid",
    }
    assert {rule for rule, *_ in BROKEN} | tried_elsewhere == set(RULES)


KEYWORDS = st.sampled_from(
    ["type", "properties", "required", "items", "enum", "default", "anyOf", "$ref", "$defs", "format", "pattern", "x"]
)
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYWORDS, junk, max_size=5), st.sampled_from(["openai", "anthropic", "gemini", "mcp"]))
def test_no_schema_whatever_is_in_it_breaks_the_lint(parameters: dict[str, Any], provider: Provider) -> None:
    found(tool(parameters, strict=True), provider=provider)


def test_a_schema_that_refers_to_itself_is_walked_once() -> None:
    tree = {"type": "object", "properties": {"child": {"$ref": "#"}}}
    assert [place.path for place in places(tree)] == ["$", "$.properties.child"]


# ---- protocols ------------------------------------------------------------------------------------------------------


def custom(given: dict[str, Any]) -> ToolSpec:
    return ToolSpec("run_sql", "Runs one SQL statement.", given, "custom")


def of_dialect(one: ToolSpec, dialect: str, provider: Provider = "openai") -> list[tuple[str, str]]:
    found = lint([one], provider=provider, dialect=dialect, holds_secret=lambda text: False)
    return [(finding.rule, finding.path) for finding in found]


GRAMMAR = {"syntax": "regex", "definition": r"^\d+$"}
FORMATS: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({}, []),
    ({"type": "text"}, []),
    ({"type": "grammar", **GRAMMAR}, []),
    ({"type": "grammar", "grammar": GRAMMAR}, []),
    ({"type": "grammar", "grammar": {**GRAMMAR, "syntax": "lark"}}, []),
    ({"type": "json"}, [("format-refused", "$.format.type")]),
    ({"type": "grammar", "syntax": "ebnf", "definition": "x"}, [("format-refused", "$.format.syntax")]),
    ({"type": "grammar", "grammar": {"syntax": "lark"}}, [("format-refused", "$.format.grammar.definition")]),
    ({"type": "grammar", "syntax": "regex", "definition": "(?=a)b"}, [("format-refused", "$.format.definition")]),
]


@pytest.mark.parametrize(("given_format", "wanted"), FORMATS, ids=str)
@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_the_format_of_a_custom_tool_is_text_or_a_grammar(
    dialect: str, given_format: dict[str, Any], wanted: list[tuple[str, str]]
) -> None:
    assert of_dialect(custom(given_format), dialect) == wanted


def test_a_custom_tool_has_no_place_with_agents_and_other_providers() -> None:
    assert of_dialect(custom({}), "acf") == [("custom-refused", "$.type")]
    assert ("custom-refused", "$.type") in of_dialect(custom({}), "chat", "gemini")


@pytest.mark.parametrize(("strict", "rule"), [(None, [("strict-unsaid", "$.strict")]), (True, []), (False, [])])
def test_a_missing_strict_is_remarked_where_the_server_tries_it_by_itself(strict: bool | None, rule: Any) -> None:
    assert of_dialect(tool(strict=strict), "responses") == rule
    assert of_dialect(tool(strict=strict), "chat") == []


def test_the_remark_names_path_and_rule_where_strict_mode_would_fall_back() -> None:
    loose = tool({"type": "object", "properties": {"city": CITY}, "required": ["city"]})
    [one] = lint([loose], provider="openai", dialect="responses", holds_secret=lambda text: False)
    assert one.message.startswith(
        "not said: the server tries it, and falls back to off: $.parameters (strict-additional)"
    )
