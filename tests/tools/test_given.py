"""Arguments as a person writes them: what each word becomes, and what is said where it cannot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.core.errors import UsageError
from callscope.core.values import ToolSpec
from callscope.tools.given import given_arguments

PROPERTIES: dict[str, Any] = {
    "city": {"type": "string"},
    "days": {"type": "integer"},
    "ratio": {"type": "number"},
    "detailed": {"type": "boolean"},
    "unit": {"enum": ["celsius", "fahrenheit", 3, None]},
    "kind": {"const": "now"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "counts": {"type": "array", "items": {"type": "integer"}},
    "anything": {},
    "perhaps": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    "either": {"type": ["integer", "string"]},
    "options": {"type": "object"},
    "size": {"$ref": "#/$defs/size"},
    "shape": {"allOf": [{"$ref": "#/$defs/size"}, {"description": "as well"}]},
    "circle": {"$ref": "#/$defs/circle"},
}
SPEC = ToolSpec(
    "f",
    parameters={
        "type": "object",
        "properties": PROPERTIES,
        "$defs": {"size": {"enum": ["s", "m"]}, "circle": {"$ref": "#/$defs/circle"}},
    },
)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", {}),
        ("city=Paris", {"city": "Paris"}),
        ("city=3", {"city": "3"}),
        ("city=", {"city": ""}),
        ("city=a=b:=c", {"city": "a=b:=c"}),
        ("city=北京", {"city": "北京"}),
        ("days=3", {"days": 3}),
        ("days=-2", {"days": -2}),
        ("days=2.0", {"days": 2.0}),
        ("ratio=1e3", {"ratio": 1000.0}),
        ("detailed=true", {"detailed": True}),
        ("detailed=False", {"detailed": False}),
        ("unit=celsius", {"unit": "celsius"}),
        ("unit=3", {"unit": 3}),
        ("unit=null", {"unit": None}),
        ("kind=now", {"kind": "now"}),
        ("tags=one", {"tags": ["one"]}),
        ("tags=one tags=two", {"tags": ["one", "two"]}),
        ('tags=["one","two"]', {"tags": ["one", "two"]}),
        ("counts=1 counts=2", {"counts": [1, 2]}),
        ("counts:=[1,2]", {"counts": [1, 2]}),
        ("counts:=[] city=x", {"counts": [], "city": "x"}),
        ("anything=3", {"anything": "3"}),
        ("anything:=3", {"anything": 3}),
        ("perhaps=5", {"perhaps": 5}),
        ("perhaps=null", {"perhaps": None}),
        ("either=5", {"either": "5"}),
        ('options={"a":1}', {"options": {"a": 1}}),
        ("size=m", {"size": "m"}),
        ("shape=s", {"shape": "s"}),
        ("circle=x", {"circle": "x"}),
    ],
)
def test_a_word_becomes_what_the_schema_says(words: str, expected: dict[str, Any]) -> None:
    assert json.loads(given_arguments(words.split(), SPEC)) == expected


def test_a_number_keeps_its_digits() -> None:
    assert given_arguments(["days=12345678901234567890", "anything:=0.10"], SPEC) == (
        '{"days": 12345678901234567890, "anything": 0.10}'
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("cty=x", "f has no parameter cty (did you mean city?); it takes city, days"),
        ("Paris", "'Paris' names no parameter; write city=…"),
        ("=Paris", "names no parameter"),
        (":=3", "names no parameter"),
        ("days=soon", "days must be a whole number, not 'soon'"),
        ("days=2.5", "days must be a whole number"),
        ("days=007", "days must be a whole number"),
        ("days=1e999", "days must be a whole number"),
        ("ratio=NaN", "ratio must be a number"),
        ("detailed=yes", "detailed must be true or false, not 'yes'"),
        ("unit=celcius", "unit must be celsius, fahrenheit, 3 or null, not 'celcius' (did you mean celsius?)"),
        ("kind=then", "kind must be now"),
        ("perhaps=x", "perhaps must be a whole number or null"),
        ("options=x", "options must be JSON of an object"),
        ("options={x}", "options: '{x}' is no JSON"),
        ("counts=x", "an item of counts must be a whole number"),
        ("city=a city=b", "city is given 2 times"),
        ("days:=[", "days: '[' is no JSON"),
        ("days:=NaN", "NaN is no JSON number"),
        ("city=@/nowhere/at/all", "/nowhere/at/all cannot be read (no such file or directory)"),
        ("city=\udcff", "no UTF-8 text"),
    ],
)
def test_a_word_that_cannot_be_meant_names_the_parameter(words: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        given_arguments(words.split(), SPEC)
    assert message in str(refused.value)


def test_nesting_without_an_end_is_refused() -> None:
    with pytest.raises(UsageError, match="nested too deeply"):
        given_arguments([f"anything:={'[' * 100_000}"], SPEC)


def test_a_file_gives_its_text_or_its_json(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("two\nlines\n")
    (tmp_path / "counts.json").write_text("[1, 2]\n")
    words = [f"city=@{tmp_path}/notes.txt", f"counts:=@{tmp_path}/counts.json"]
    assert json.loads(given_arguments(words, SPEC)) == {"city": "two\nlines\n", "counts": [1, 2]}


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\xff\xd8")
    with pytest.raises(UsageError, match="no UTF-8 text"):
        given_arguments([f"city=@{tmp_path}/picture"], SPEC)


def test_names_that_the_schema_leaves_open_are_taken() -> None:
    spec = ToolSpec("f", parameters={"patternProperties": {"^x-": {"type": "integer"}}, "additionalProperties": True})
    assert given_arguments(["x-a=1", "b=1"], spec) == '{"x-a": 1, "b": "1"}'
    assert given_arguments(["a=1"], ToolSpec("f")) == '{"a": "1"}'


def test_a_custom_tool_takes_the_words_as_its_text() -> None:
    assert given_arguments(["SELECT", "a=b"], ToolSpec("sql", kind="custom")) == "SELECT a=b"


@settings(max_examples=60)
@given(st.text(alphabet=st.characters(exclude_categories=("Cs",))).filter(lambda text: not text.startswith("@")))
def test_any_text_arrives_as_it_is_where_text_is_wanted(text: str) -> None:
    assert json.loads(given_arguments([f"city={text}"], SPEC)) == {"city": text}
