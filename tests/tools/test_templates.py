from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from callscope.tools.invalid import InvalidArguments
from callscope.tools.templates import (
    Argument,
    BadTemplate,
    Filling,
    MissingVariable,
    Template,
    Variable,
    fill,
    fill_json,
    parse_json_template,
    parse_template,
)

VARIABLES = {"KEY": Variable("KEY"), "BASE": Variable("BASE", secret=False, default="here")}


def filled(text: str, environment: dict[str, str] | None = None, **arguments: Any) -> str | None:
    return fill(parse_template(text, VARIABLES), Filling(arguments, environment or {}))


def filled_json(value: Any, **arguments: Any) -> Any:
    return fill_json(parse_json_template(value, VARIABLES), Filling(arguments, {}))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("plain", ("plain",)),
        ("", ()),
        ("a{b}c", ("a", Argument("b"), "c")),
        ("{a}{b}", (Argument("a"), Argument("b"))),
        ("{{a}}", ("{a}",)),
        ("${KEY}!", (VARIABLES["KEY"], "!")),
        ("${{HOME}}", ("${HOME}",)),
        ("$5", ("$5",)),
        ("{{{a}}}", ("{", Argument("a"), "}")),
        ("$${a}", ("$", Argument("a"))),
        ("$$$${a}", ("$$$", Argument("a"))),
        ("$$", ("$$",)),
    ],
)
def test_a_text_is_read_as_words_and_places(text: str, parts: Any) -> None:
    assert parse_template(text, VARIABLES) == Template(parts)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "{} names no argument"),
        ("a{", "a { stands alone; write it twice"),
        ("a}b", "a } stands alone; write it twice"),
        ("${NONE}", "${NONE} is not declared: write NONE under `secrets:`"),
    ],
)
def test_braces_that_make_no_sense_are_refused(text: str, words: str) -> None:
    with pytest.raises(BadTemplate) as error:
        parse_template(text, VARIABLES)
    assert words in str(error.value)


@given(st.text())
def test_any_text_stands_for_itself_as_it_is_written(text: str) -> None:
    template = parse_template(str(Template((text,))))
    assert fill(template, Filling({}, {})) == text


PLACES = st.sampled_from([Argument("a"), Argument("b c"), VARIABLES["BASE"]])


@given(st.lists(st.tuples(st.text(), PLACES)), st.text())
def test_a_template_is_read_as_it_is_written(pairs: list[tuple[str, Any]], end: str) -> None:
    """All but a dollar sign right before a variable can be written."""
    assume(not any(text.endswith("$") and isinstance(place, Variable) for text, place in pairs))
    template = Template((*(part for pair in pairs for part in pair if part), *([end] if end else [])))
    assert parse_template(str(template), VARIABLES) == template


@pytest.mark.parametrize(
    ("value", "text"),
    [("Köln", "Köln"), (True, "true"), (3, "3"), (1.5, "1.5"), ([1, "a"], '[1,"a"]'), ({"a": None}, '{"a":null}')],
)
def test_a_value_is_text_as_it_is_or_compact_json(value: Any, text: str) -> None:
    assert filled("<{x}>", x=value) == f"<{text}>"


@pytest.mark.parametrize("arguments", [{}, {"x": None}])
def test_a_text_whose_argument_is_absent_is_absent(arguments: dict[str, Any]) -> None:
    assert filled("<{x}>", **arguments) is None


def test_a_star_stands_for_all_arguments() -> None:
    assert filled("{*}", a=1, b="x") == '{"a":1,"b":"x"}'


def test_what_an_argument_holds_is_never_read_as_a_place() -> None:
    assert filled("{x}{y}", {"KEY": "sk"}, x="{y}${KEY}", y="1") == "{y}${KEY}1"


def test_a_variable_has_its_value_or_its_default() -> None:
    assert filled("${KEY} ${BASE}", {"KEY": "k"}) == "k here"
    assert filled("${BASE}", {"BASE": "there"}) == "there"


@pytest.mark.parametrize("environment", [{}, {"KEY": ""}])
def test_a_variable_that_is_unset_or_empty_is_missing(environment: dict[str, str]) -> None:
    with pytest.raises(MissingVariable, match="KEY"):
        filled("${KEY}", environment)


def test_what_is_shown_holds_no_secret_but_what_anybody_may_see() -> None:
    shown = Filling({}, {"KEY": "geheim", "BASE": "there"}, shown=True)
    assert fill(parse_template("${KEY} ${BASE}", VARIABLES), shown) == "${KEY} there"


@pytest.mark.parametrize("value", [[1], {"a": 1}, True, 0, "x", None])
def test_a_text_that_is_one_place_is_the_argument_itself(value: Any) -> None:
    assert filled_json({"v": "{x}"}, x=value) == {"v": value}


def test_what_is_absent_is_left_out_of_json_however_deep() -> None:
    template = {"a": "{x}", "b": ["{x}", "{y}", "no {x}"], "c": {"d": "{x}"}, "e": 5, "f": None}
    assert filled_json(template, y=2) == {"b": [2], "c": {}, "e": 5, "f": None}


def test_json_that_is_one_absent_place_is_nothing() -> None:
    assert filled_json("{x}") is None


def test_a_number_too_large_for_json_is_no_valid_argument() -> None:
    with pytest.raises(InvalidArguments, match="too large"):
        filled("{x}", x=[float("inf")])
