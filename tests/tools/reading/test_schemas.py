from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.tools.reading import schemas
from callscope.tools.reading.schemas import schema_problem

KEYWORDS = sorted(
    {
        *schemas._SCHEMA,
        *schemas._SCHEMAS_BY_NAME,
        *schemas._SCHEMA_LIST,
        *schemas._ANCHOR,
        *schemas._NUMBER,
        *schemas._COUNT,
        *schemas._FLAG,
        *schemas._LIST,
        *(schemas._TEXT - {"$ref", "$dynamicRef", "$schema"}),
        "type",
        "required",
        "pattern",
        "dependentRequired",
        "dependencies",
        "const",
        "default",
        "x-anything",
    }
)

SCALARS = st.sampled_from(
    [None, True, False, 0, 1, -1, 2.0, 2.5, 10**400, "", "a", "#", "a#b", "##", "string", "strin", "(", "[a-z]+", "#/x"]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KEYWORDS, "a", "("]), inner, max_size=3)
    ),
    max_leaves=8,
)
SCHEMAS = st.dictionaries(st.sampled_from(KEYWORDS), VALUES, max_size=4)


def is_schema(value: Any) -> bool:
    try:
        jsonschema.Draft202012Validator.check_schema(value)
    except jsonschema.SchemaError:
        return False
    return True


@settings(max_examples=400, deadline=None)
@given(SCHEMAS)
def test_what_is_a_schema_is_the_same_as_for_jsonschema(schema: dict[str, Any]) -> None:
    assert (schema_problem(schema) is None) == is_schema(schema)


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_each_keyword_takes_what_it_takes_for_jsonschema(keyword: str) -> None:
    values = [None, True, 0, -1, 1.5, 2.0, "", "a", "(", "a#b", [], ["a"], ["a", "a"], [1], [{}], [{"type": "x"}], {}]
    values += [{"a": {}}, {"a": {"type": "x"}}, {"a": ["b"]}, {"a": ["b", "b"]}, {"(": {}}, {"a": 1}, {"a": True}]
    values += ["string", ["string", "null"], ["string", "string"], ["strin"]]
    for value in values:
        assert (schema_problem({keyword: value}) is None) == is_schema({keyword: value}), value


@pytest.mark.parametrize(
    ("schema", "path", "words"),
    [
        ({"properties": {"a": {"type": "strin"}}}, ("properties", "a", "type"), "(did you mean string?)"),
        ({"type": "str"}, ("type",), "(did you mean string?)"),
        ({"type": "dict"}, ("type",), "(did you mean object?)"),
        ({"properties": {"a": {"required": True}}}, ("properties", "a", "required"), "it stands beside `properties`"),
        ({"properties": {"a": "string"}}, ("properties", "a"), "a schema must be an object, not text"),
        ({"properties": ["a"]}, ("properties",), "`properties` must be an object of schemas, not a list"),
        ({"items": [{}, {}]}, ("items",), "write `prefixItems`"),
        ({"anyOf": [{}, {"minimum": "1"}]}, ("anyOf", 1, "minimum"), "`minimum` must be a number, not text"),
        ({"pattern": "(a"}, ("pattern",), "'(a' is no regular expression that Python understands"),
        ({"minLength": -1}, ("minLength",), "a whole number of 0 or more"),
        ({"required": "city"}, ("required",), "must be a list of different names"),
    ],
)
def test_a_problem_has_its_path_and_says_what_would_be_right(schema: Any, path: tuple[Any, ...], words: str) -> None:
    problem = schema_problem(schema)
    assert problem is not None
    assert (problem[0], words in problem[1]) == (path, True), problem


@pytest.mark.parametrize(
    "reference", ["https://example.com/city.json", "city.json", "file:///etc/passwd", "//example.com/x#/y"]
)
def test_a_reference_out_of_the_schema_is_refused_because_nothing_is_fetched(reference: str) -> None:
    problem = schema_problem({"properties": {"a": {"$ref": reference}}})
    assert problem == (
        ("properties", "a", "$ref"),
        f"{reference!r} is never fetched: copy it under `$defs` and write #/$defs/NAME",
    )


@pytest.mark.parametrize(
    "reference", ["#/$defs/City", "#/$defs/a~1b", "#/$defs/%43ity", "#", "#/anyOf/0", "#town", "#any"]
)
def test_a_reference_that_leads_somewhere_is_fine(reference: str) -> None:
    town = {"$anchor": "town", "$dynamicAnchor": "any"}
    assert schema_problem({"$ref": reference, "$defs": {"City": {}, "a/b": town}, "anyOf": [{}]}) is None


@pytest.mark.parametrize("reference", ["#/$defs/Citi", "#/anyOf/1", "#nowhere", "#/type"])
def test_a_reference_that_leads_nowhere_is_refused(reference: str) -> None:
    problem = schema_problem({"type": "object", "$ref": reference, "$defs": {"City": {}}, "anyOf": [{}]})
    assert problem == (("$ref",), f"{reference!r} leads nowhere in this schema")


def test_a_property_called_ref_is_no_reference() -> None:
    assert schema_problem({"properties": {"$ref": {"type": "string"}}, "default": {"$ref": "x"}}) is None


def test_a_schema_nested_too_deeply_is_refused() -> None:
    schema = json.loads('{"items":' * 900 + "{}" + "}" * 900)
    for _ in range(3_000):
        schema = {"items": schema}
    assert schema_problem(schema) == ((), "the schema is nested too deeply")
