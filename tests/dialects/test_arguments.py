"""What arguments are worth: whole, repeated, or not to be run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.dialects.arguments import problem_of, raw_verdict, resolve, verdict

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=5), VALUES, min_size=1, max_size=4)


@settings(max_examples=150, deadline=None)
@given(OBJECTS, st.booleans())
def test_every_beginning_of_an_object_is_incomplete_and_the_whole_is_not(value: dict[str, Any], escaped: bool) -> None:
    text = json.dumps(value, ensure_ascii=escaped)
    found = {(problem.code if (problem := problem_of(text[:end])) else None) for end in range(1, len(text))}
    assert found == {"arguments_incomplete"}
    assert problem_of(text) is None


@settings(max_examples=150, deadline=None)
@given(OBJECTS, st.data())
def test_what_joins_to_an_object_is_never_touched(value: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(value)
    at = data.draw(st.integers(0, len(text)))
    found = verdict([text[:at], text[at:]])
    assert (found.text, found.repair, found.problem) == (text, None, None)


@pytest.mark.parametrize(
    ("pieces", "text", "repair"),
    [
        (['{"a":1}', '{"a":1}'], '{"a":1}', "arguments_repeated"),
        (['{"a"', ":1}", '{"a"', ":1}"], '{"a":1}', "arguments_repeated"),
        (['{"a": 1}', '{"a":1}'], '{"a": 1}', "arguments_repeated"),
        (['{"a":1}'] * 3, '{"a":1}', "arguments_repeated"),
        (["{}", "{}"], "{}", "arguments_repeated"),
        (['{"a": "x', '{"a":"xy"}'], '{"a":"xy"}', "arguments_repeated"),
        (['{"a":1', '{"a":1}'], '{"a":1}', "arguments_cumulative"),
        (['{"', '{"a":', '{"a":1}'], '{"a":1}', "arguments_cumulative"),
        (["{}", '{"', '{"a":', '{"a":1}'], '{"a":1}', "arguments_cumulative"),
        (["{}", '{"a"', ":1}"], '{"a":1}', "arguments_after_empty"),
        (['{}{"a":1}'], '{"a":1}', "arguments_after_empty"),
        (['null{"a":1}'], '{"a":1}', "arguments_after_empty"),
        (['""', '{"a":1}'], '{"a":1}', "arguments_after_empty"),
        ([json.dumps('{"a":1}')], '{"a":1}', "arguments_encoded_twice"),
        (["null"], "", "arguments_null"),
        (['""'], "", "arguments_null"),
    ],
)
def test_a_repetition_is_resolved_to_what_was_on_the_wire(pieces: list[str], text: str, repair: str) -> None:
    found = verdict(pieces)
    assert (found.text, found.repair, found.problem) == (text, repair, None)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"a":NaN}', "arguments_invalid"),
        ('{"a":-Infinity}', "arguments_invalid"),
        ("{'a':1}", "arguments_invalid"),
        ('{"a":True}', "arguments_invalid"),
        ('{"a":1,}', "arguments_invalid"),
        ('{"a":1}}', "arguments_invalid"),
        ('{"a":1}</tool_call>', "arguments_invalid"),
        ('{"a":"x\ny"}', "arguments_invalid"),
        ('{"a":"\\x"}', "arguments_invalid"),
        ("get_weather", "arguments_invalid"),
        ('{"a":' * 100_000, "arguments_invalid"),
        ("[1]", "arguments_not_object"),
        ("7", "arguments_not_object"),
        ('"Oslo"', "arguments_not_object"),
        ("true", "arguments_not_object"),
        ('{"a":1}{"a":2}', "arguments_contradictory"),
        ('{"a":1}{"a":true}', "arguments_contradictory"),
        ('{"a":1}{}', "arguments_contradictory"),
        ('{"a":1}{"a"', "arguments_contradictory"),
    ],
)
def test_what_cannot_be_run_is_left_as_it_is_and_named(text: str, code: str) -> None:
    found = verdict([text])
    assert found.problem is not None
    assert (found.text, found.repair, found.problem.code) == (text, None, code)


@pytest.mark.parametrize("pieces", [[], [""], [" ", "\n"]])
def test_nothing_means_no_arguments(pieces: list[str]) -> None:
    assert verdict(pieces) == ("", None, None, False)


def test_the_same_key_twice_is_told_and_left() -> None:
    found = verdict(['{"a":1,"b":{"c":1,"c":2}}'])
    assert (found.problem, found.repeats_a_key) == (None, True)
    assert not verdict(['{"a":{"c":1},"b":{"c":2}}']).repeats_a_key


def test_a_snapshot_completes_what_was_cut_and_contradicts_what_was_not() -> None:
    assert verdict(['{"a"'], '{"a":1}')[:2] == ('{"a":1}', "arguments_repeated")
    assert verdict(['{"a":1}'], '{"a": 1}')[:3] == ('{"a":1}', None, None)
    problem = verdict(['{"a":1}'], '{"a":2}').problem
    assert problem is not None
    assert problem.code == "arguments_contradictory"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(['{"a":1}', "{}", "null", '{"', '"', "}", " ", '{"a"', "[", "1"]), max_size=6))
def test_whatever_is_resolved_is_an_object_or_stays_faulty(pieces: list[str]) -> None:
    resolved = resolve(pieces)
    found = verdict(pieces)
    assert found.problem is not None or found.text == "" or problem_of(found.text) is None
    assert resolved is None or resolved.text == "" or resolved.text in "".join(pieces)


@pytest.mark.parametrize(
    ("again", "codes"), [(None, []), ("SELECT 1", []), ("DROP TABLE t", ["arguments_contradictory"])]
)
def test_raw_text_is_contradicted_by_another_said_later_and_by_nothing_else(
    again: str | None, codes: list[str]
) -> None:
    found = raw_verdict("SELECT 1", again)
    assert found.text == "SELECT 1"
    assert [found.problem.code for _ in (1,) if found.problem] == codes
