from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscope.core.errors import UsageError
from callscope.core.values import Request
from callscope.record.matching.identifiers import Identifiers
from callscope.record.matching.ignoring import Ignored, steps_of
from callscope.record.matching.matching import (
    ABSENT,
    HIDDEN,
    Mismatch,
    but_for_masks,
    but_for_stars,
    exactly,
    mismatch,
    mismatch_of_texts,
    mismatches,
    parsed,
)
from callscope.record.matching.requests import mismatches_of_requests
from callscope.record.matching.shapes import mismatches_of_shapes, mismatches_of_text_shapes
from callscope.record.rerunning.lining_up import MOST, line_up

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
    assert but_for_stars(recorded, now)


@pytest.mark.parametrize("now", ["key=abcd", "key=****b", "key=" + "a" * 60 + "*", "kez=****"])
def test_a_masked_secret_equals_nothing_else(now: str) -> None:
    assert not but_for_stars("key=****", now)


def test_what_stands_around_a_masked_secret_has_to_be_the_same() -> None:
    assert not but_for_stars("key=****&a", "key=****&b")


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
    assert next(mismatches_of_requests(request(), now)).path == path


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
    assert not list(mismatches_of_requests(request(), now))


def test_headers_of_one_name_are_compared_in_their_order() -> None:
    recorded = request(headers=(("X-Tag", "a"), ("X-Tag", "b")))
    assert not list(mismatches_of_requests(recorded, request(headers=(("x-tag", "a"), ("x-tag", "b")))))
    found = list(mismatches_of_requests(recorded, request(headers=(("x-tag", "a"), ("x-tag", "c")))))
    assert found == [Mismatch('$.headers["X-Tag"]', "b", "c")]
    assert not list(mismatches_of_requests(recorded, request(headers=(("x-tag", "a"),))))


def test_what_is_not_a_number_is_the_same_where_it_is_none_again() -> None:
    found = mismatch_of_texts('{"t": 1, "v": NaN}', '{"t": 2, "v": NaN}')
    assert found == Mismatch("$.t", 1, 2)
    assert list(mismatches({"v": float("nan")}, {"v": float("nan")})) == []
    assert len(list(mismatches({"v": float("nan")}, {"v": 1.0}))) == 1


def test_a_secret_header_is_never_compared() -> None:
    recorded = request(headers=(("Authorization", "Bearer ****"),))
    assert not list(mismatches_of_requests(recorded, request(headers=(("Authorization", "Bearer abc"),))))


def test_every_difference_is_named_in_order() -> None:
    recorded, now = {"a": 1, "b": [1, 2], "c": 3}, {"a": 2, "b": [1, 3, 4], "d": 5}
    assert [one.path for one in mismatches(recorded, now)] == ["$.a", "$.b[1]", "$.b[2]", "$.c", "$.d"]


def test_what_is_nested_deeper_than_python_can_recurse_is_compared() -> None:
    deep: Any = 1
    deeper: Any = 2
    for _ in range(5_000):
        deep, deeper = [deep], [deeper]
    assert [one.now for one in mismatches(deep, deeper)] == [2]


def test_a_masked_secret_equals_any_value_of_its_length() -> None:
    assert but_for_stars("key=********.", "key=correct!.")
    assert not but_for_stars("key=********.", "key=correct!!.")


def test_where_secrets_were_is_known_other_asterisks_are_characters() -> None:
    secret = HIDDEN * 8
    assert but_for_masks(f"**key**={secret}.", "**key**=************.")
    assert but_for_masks(f"**key**={secret}.", "**key**=correct!.")
    assert not but_for_masks(f"**key**={secret}.", "*key*=********.")
    assert not but_for_masks("say **this** now", "say something else ** now")


def test_asterisks_beside_a_secret_are_not_told_from_those_in_its_place() -> None:
    assert but_for_masks(f"**{HIDDEN * 8}**", "*" * 20)
    assert but_for_masks(f"**{HIDDEN * 8}**", "**correct!**")
    assert not but_for_masks(f"**{HIDDEN * 8}**", "**wrong**")


def test_a_name_that_hides_a_secret_is_told_by_asterisks() -> None:
    assert parsed(f'{{"a{HIDDEN * 2}": "{HIDDEN}"}}') == {"a**": HIDDEN}


def test_many_masked_secrets_are_compared_in_bounded_time() -> None:
    assert not but_for_stars("a********" * 300, "a********" * 299 + "b********")
    assert not but_for_stars("********a" * 300, "12345678a" * 299 + "12345678b")


# ---- identifiers --------------------------------------------------------------------------------------------------


def test_ids_pair_off_by_their_first_appearance() -> None:
    ids = Identifiers()
    assert ids.meet("call_1", "x")
    assert ids.meet("call_2", "y")
    assert ids.reading(exactly)("call_1", "x")
    assert not ids.reading(exactly)("call_1", "y")


def test_an_id_stands_for_one_other_and_no_more() -> None:
    ids = Identifiers()
    assert ids.meet("call_1", "x")
    assert not ids.meet("call_2", "x")
    assert not ids.meet("call_1", "y")


def test_ids_that_changed_places_are_not_the_same() -> None:
    ids = Identifiers()
    ids.meet("a", "b")
    ids.meet("b", "a")
    assert not ids.reading(exactly)("a", "a")
    assert ids.reading(exactly)("a", "b")


def test_a_word_that_happens_to_be_an_id_of_this_run_stays_a_word() -> None:
    ids = Identifiers()
    ids.meet("call_1", "user")
    assert ids.reading(exactly)("user", "user")


@pytest.mark.parametrize("member", ["id", "tool_call_id", "call_id", "previous_response_id", "thread_id"])
def test_an_id_stands_for_another_where_ids_stand_and_nowhere_else(member: str) -> None:
    ids = Identifiers()
    ids.meet("get_time", "1")
    reading = ids.reading(exactly)

    def unlike(recorded: Any, now: Any) -> list[str]:
        return [found.path for found in mismatches(recorded, now, "$", exactly, reading)]

    assert unlike([{member: "get_time", "name": "get_time"}], [{member: "1", "name": "get_time"}]) == []
    assert unlike([{member: "get_time", "name": "get_time"}], [{member: "1", "name": "1"}]) == ["$[0].name"]
    ids.meet("1", "get_time")
    assert unlike([{member: "1", "content": "1"}], [{member: "1", "content": "1"}]) == [f"$[0].{member}"]


def test_a_header_that_names_a_thread_may_hold_another_id_and_no_other_header_may() -> None:
    ids = Identifiers()
    ids.meet("t1", "t2")

    def asked(name: str, value: str) -> Request:
        return Request("POST", "http://x.test/v1", ((name, value),), b"{}")

    def same(name: str, then: str, now: str) -> bool:
        found = mismatches_of_requests(asked(name, then), asked(name, now), ids=ids.reading(exactly))
        return next(found, None) is None

    assert same("X-THREAD-ID", "t1", "t2")
    assert not same("X-Title", "t1", "t2")


def test_an_id_in_the_midst_of_a_text_is_not_read_as_one() -> None:
    ids = Identifiers()
    ids.meet("call_1", "x")
    assert not ids.reading(exactly)("about call_1", "about x")


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), max_size=20))
def test_however_ids_meet_the_pairs_are_one_to_one(pairs: list[tuple[str, str]]) -> None:
    ids = Identifiers()
    met = {pair for pair in pairs if ids.meet(*pair)}
    assert len({recorded for recorded, _ in met}) == len({now for _, now in met}) == len(met)


def test_a_server_that_counts_its_calls_anew_in_each_response_is_followed() -> None:
    ids = Identifiers()
    assert ids.meet("c0", "x", 1)
    assert ids.meet("c0", "y", 2)
    assert ids.reading(exactly)("c0", "x")
    assert ids.reading(exactly)("c0_2", "y")  # as a request tells the two apart


# ---- paths that are left out --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("$", ()),
        ("$.messages[0].content", ("messages", 0, "content")),
        ("$.items[*].id", ("items", None, "id")),
        ('$["a b"]["c\\"d"]', ("a b", 'c"d')),
        ("$.headers.X-THREAD-ID", ("headers", "X-THREAD-ID")),
    ],
)
def test_a_path_is_read_step_by_step(path: str, steps: tuple[Any, ...]) -> None:
    assert steps_of(path) == steps


@pytest.mark.parametrize(
    "path", ["", "messages", "$messages", "$.", "$[", "$[x]", "$.a[-1]", "$..a", '$["\\x"]', "$.a b["]
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="--ignore"):
        steps_of(path)


@given(values, values)
def test_every_path_that_is_told_can_be_left_out(one: Any, other: Any) -> None:
    found = list(mismatches(one, other))
    assert list(Ignored.of(mismatch.path for mismatch in found).leave_out(found)) == []


def test_only_what_is_named_is_left_out() -> None:
    found = list(mismatches({"a": [{"id": 1, "b": 1}], "ab": 1}, {"a": [{"id": 2, "b": 2}], "ab": 2}))
    left = [one.path for one in Ignored.of(["$.a[*].id"]).leave_out(found)]
    assert left == ["$.a[0].b", "$.ab"]


def test_a_path_of_a_request_may_begin_in_its_body() -> None:
    found = [Mismatch("$.body.model", "m", "n"), Mismatch("$.method", "GET", "POST")]
    assert [one.path for one in Ignored.of(["$.model"]).leave_out(found)] == ["$.method"]


# ---- shapes -------------------------------------------------------------------------------------------------------


@given(values)
def test_a_value_has_its_own_shape(value: Any) -> None:
    assert list(mismatches_of_shapes(value, value)) == []


@pytest.mark.parametrize(
    ("recorded", "now"),
    [
        ({"a": 1}, {"a": 2.5}),
        ({"hits": [{"t": "a"}, {"t": "b"}]}, {"hits": [{"t": "c"}]}),
        ([], [1, 2]),
        ([1, "a"], ["b", 2, 3]),
    ],
)
def test_values_of_the_same_members_and_types_have_the_same_shape(recorded: Any, now: Any) -> None:
    assert list(mismatches_of_shapes(recorded, now)) == []


@pytest.mark.parametrize(
    ("recorded", "now", "paths"),
    [
        ({"a": 1}, {"a": "1"}, ["$.a"]),
        ({"a": 1}, {"a": None}, ["$.a"]),
        ({"a": True}, {"a": 1}, ["$.a"]),
        ({"a": 1}, {"b": 1}, ["$.a", "$.b"]),
        ({"hits": [{"t": "a"}]}, {"hits": [{"t": "a"}, {"t": 1}]}, ["$.hits[1].t"]),
    ],
)
def test_another_member_or_type_is_another_shape(recorded: Any, now: Any, paths: list[str]) -> None:
    assert [one.path for one in mismatches_of_shapes(recorded, now)] == paths


def test_plain_texts_have_one_shape_and_json_has_its_own() -> None:
    assert list(mismatches_of_text_shapes("rain", "a lot of rain")) == []
    assert list(mismatches_of_text_shapes('{"a":1}', '{"a": 2}')) == []
    assert [one.path for one in mismatches_of_text_shapes('{"a":1}', "rain")] == ["$"]


# ---- levels -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "levels"),
    [
        (request(body=b'{"model":"m"}'), ["wire"]),
        (request(body=b'{"model": "n"}'), ["wire", "semantic"]),
        (request(body=b'{"model": 1}'), ["wire", "semantic", "shape"]),
    ],
)
def test_each_level_finds_what_the_looser_ones_find(now: Request, levels: list[Any]) -> None:
    every: list[Any] = ["wire", "semantic", "shape"]
    assert [level for level in every if list(mismatches_of_requests(request(), now, level=level))] == levels


# ---- calls side by side -------------------------------------------------------------------------------------------


def test_calls_in_another_order_are_the_same_calls() -> None:
    lined = line_up("ab", "ba", str.__eq__)
    assert (lined.same, lined.unlike, lined.in_order) == ((("b", "b"), ("a", "a")), (), False)


def test_a_call_put_before_the_others_is_the_only_one_too_many() -> None:
    lined = line_up("ab", "xab", str.__eq__)
    assert (lined.extra, lined.missing, lined.unlike, lined.in_order) == (("x",), (), (), True)


def test_a_call_that_is_another_stands_beside_the_one_in_its_place() -> None:
    lined = line_up("abc", "axc", str.__eq__)
    assert (lined.unlike, lined.extra, lined.missing) == ((("b", "x"),), (), ())


def test_equal_calls_are_taken_once_each() -> None:
    lined = line_up("aa", "aaa", str.__eq__)
    assert (len(lined.same), lined.extra) == (2, ("a",))


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_every_call_is_on_one_side_of_one_pair(recorded: str, now: str) -> None:
    lined = line_up(recorded, now, str.__eq__)
    pairs = [*lined.same, *lined.unlike]
    assert sorted([*(one for one, _ in pairs), *lined.missing]) == sorted(recorded)
    assert sorted([*(one for _, one in pairs), *lined.extra]) == sorted(now)


def test_very_many_calls_are_compared_in_their_places_alone() -> None:
    asked: list[int] = []

    def alike(recorded: int, now: int) -> bool:
        asked.append(now)
        return False

    line_up(range(MOST + 1), range(MOST + 1), alike)
    assert len(asked) == MOST + 1


@pytest.mark.parametrize(
    "name", ["id", "tool_call_id", "call_id", "item_id", "previous_response_id", "thread_id", "run_id"]
)
def test_an_id_is_compared_as_an_id_in_each_place_that_has_one(name: str) -> None:
    then, now = ({"messages": [{name: value}]} for value in ("a", "b"))
    assert list(mismatches(then, now, ids=lambda recorded, current: (recorded, current) == ("a", "b"))) == []


@pytest.mark.parametrize("name", ["name", "content", "arguments", "output", "identity", "x.id", "uuid"])
def test_nothing_else_is_compared_as_an_id(name: str) -> None:
    then, now = ({"messages": [{name: value}]} for value in ("a", "b"))
    assert len(list(mismatches(then, now, ids=lambda recorded, current: True))) == 1
