from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscope.core.values import Request
from callscope.record.matching import (
    ABSENT,
    Mismatch,
    but_for_masks,
    mismatch,
    mismatch_of_texts,
)
from callscope.record.requests import mismatch_of_requests

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert mismatch(value, value) is None


@given(values, values)
def test_two_values_differ_both_ways_or_neither(one: Any, other: Any) -> None:
    assert (mismatch(one, other) is None) == (mismatch(other, one) is None)


@pytest.mark.parametrize(
    ("recorded", "now", "expected"),
    [
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, Mismatch("$.a[1].b", 2, 3)),
        ({"a": 1}, {"a": 1, "b c": 2}, Mismatch('$["b c"]', ABSENT, 2)),
        ([1, 2], [1], Mismatch("$[1]", 2, ABSENT)),
        ({"a": True}, {"a": 1}, Mismatch("$.a", True, 1)),
        ({"a": 1}, {"a": 1.0}, None),
        ({"a": None}, {}, Mismatch("$.a", None, ABSENT)),
    ],
)
def test_the_first_difference_is_named_by_its_path(recorded: Any, now: Any, expected: Mismatch | None) -> None:
    assert mismatch(recorded, now) == expected


def test_arguments_that_are_the_same_json_are_the_same() -> None:
    assert mismatch_of_texts('{"a": 1, "b": 2}', '{"b":2,"a":1}') is None


def test_texts_that_are_no_json_are_compared_as_texts() -> None:
    assert mismatch_of_texts("12", "12.0", "$.output") == Mismatch("$.output", "12", "12.0")


@pytest.mark.parametrize(
    ("recorded", "now"),
    [("key=****", "key=*******"), ("a*b***c", "a***b*c"), ("same", "same"), ("k=******.", "k=ab****.")],
)
def test_a_masked_secret_equals_a_masked_secret_of_any_length(recorded: str, now: str) -> None:
    assert but_for_masks(recorded, now)


@pytest.mark.parametrize("now", ["key=abcd", "key=****b", "key=" + "a" * 60 + "*", "kez=****"])
def test_a_masked_secret_equals_nothing_else(now: str) -> None:
    assert not but_for_masks("key=****", now)


def test_what_stands_around_a_masked_secret_has_to_be_the_same() -> None:
    assert not but_for_masks("key=****&a", "key=****&b")


def request(**changes: Any) -> Request:
    members: dict[str, Any] = {
        "method": "POST",
        "url": "http://h/v1/chat",
        "headers": (("Accept", "text/event-stream"),),
        "body": b'{"model": "m"}',
    }
    return Request(**(members | changes))


@pytest.mark.parametrize(
    ("now", "path"),
    [
        (request(method="GET"), "$.method"),
        (request(url="http://h/v2/chat"), "$.url"),
        (request(url="https://h/v1/chat"), "$.url"),
        (request(headers=(("accept", "application/json"),)), "$.headers.Accept"),
        (request(body=b'{"model": "n"}'), "$.body.model"),
        (request(body=b"\xff"), "$.body"),
    ],
)
def test_a_request_that_differs_is_told_by_where(now: Request, path: str) -> None:
    found = mismatch_of_requests(request(), now)
    assert found is not None
    assert found.path == path


@pytest.mark.parametrize(
    "now",
    [
        request(url="http://H:80/v1/chat"),
        request(url="http://h/v1/chat?api-version=3"),
        request(headers=(("accept", "text/event-stream"), ("authorization", "Bearer other"), ("user-agent", "x"))),
        request(body=b'{"model":"m"}'),
    ],
)
def test_what_an_endpoint_adds_and_how_json_is_spaced_makes_no_difference(now: Request) -> None:
    assert mismatch_of_requests(request(), now) is None


def test_a_secret_header_is_never_compared() -> None:
    recorded = request(headers=(("Authorization", "Bearer ****"),))
    assert mismatch_of_requests(recorded, request(headers=(("Authorization", "Bearer abc"),))) is None
