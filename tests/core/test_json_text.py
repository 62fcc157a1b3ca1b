from __future__ import annotations

import json
import math
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscope.core.json_text import json_text

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["NaN", '"Infinity', "\\"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is not JSON")


def without_nan(value: Any) -> Any:
    match value:
        case float():
            return None if math.isnan(value) else value
        case list():
            return [without_nan(one) for one in value]
        case dict():
            return {name: without_nan(one) for name, one in value.items()}
        case _:
            return value


@given(values, st.booleans())
def test_any_value_is_written_as_json_that_reads_as_the_same_value(value: Any, ascii_only: bool) -> None:
    text = json_text(value, ascii_only=ascii_only)
    assert json.loads(text, parse_constant=refuse) == without_nan(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e999, "1e999"),
        ([-1e999, "Infinity", 'a"NaN'], '[-1e999,"Infinity","a\\"NaN"]'),
        ({"NaN": float("nan")}, '{"NaN":null}'),
    ],
)
def test_a_number_that_json_has_no_word_for_is_written_as_one_it_has(value: Any, text: str) -> None:
    assert json_text(value) == text


def test_a_value_that_holds_itself_is_still_an_error() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError):
        json_text(value)
