"""Which call a piece belongs to: whatever a server does to a list of calls, the same list comes out."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import chain, pairwise, zip_longest
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.core.events import ArgumentsDelta, CallStarted, Diagnostic
from chatbodies import (
    DONE,
    answer,
    assembled,
    calls,
    chunk,
    codes,
    completion,
    decode,
    entry,
    event,
    faults,
    said,
    stream,
)


class Call(NamedTuple):
    call_id: str
    name: str
    pieces: list[str]

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@st.composite
def call_lists(draw: st.DrawFn) -> list[Call]:
    """One to four calls with non-empty objects as arguments, each cut into pieces anywhere."""
    made: list[Call] = []
    keys = draw(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=4, unique=True))
    for place, key in enumerate(keys):
        value = draw(st.recursive(st.text(max_size=12) | st.integers() | st.none(), lambda x: st.lists(x, max_size=3)))
        text = json.dumps({key: value, "n": place}, ensure_ascii=draw(st.booleans()))
        places = sorted(draw(st.sets(st.integers(1, len(text) - 1), max_size=4)))
        bounds = [0, *places, len(text)]
        pieces = [text[a:b] for a, b in pairwise(bounds)]
        made.append(Call(f"call_{place}", draw(st.sampled_from(["get_weather", "get_time"])), pieces))
    return made


# ---- what servers do to a list of calls, as the entries of one delta after the other ---------------------------------

Deltas = list[list[dict[str, Any]]]


def as_openai_does(made: list[Call]) -> Deltas:
    return [
        [item]
        for index, call in enumerate(made)
        for item in (
            entry(index, call.call_id, call.name, "", type="function"),
            *(entry(index, arguments=piece) for piece in call.pieces),
        )
    ]


def interleaved(made: list[Call]) -> Deltas:
    heads = [entry(index, call.call_id, call.name, "") for index, call in enumerate(made)]
    rows = zip_longest(*(call.pieces for call in made))
    return [heads, *([entry(i, arguments=piece) for i, piece in enumerate(row) if piece] for row in rows)]


def with_index_always_0(made: list[Call]) -> Deltas:
    return [[entry(0, call.call_id, call.name, call.text)] for call in made]


def with_index_always_0_in_pieces(made: list[Call]) -> Deltas:
    return [
        [item]
        for call in made
        for item in (entry(0, call.call_id, call.name, ""), *(entry(0, "", "", piece) for piece in call.pieces))
    ]


def with_index_always_0_and_ids_on_every_piece(made: list[Call]) -> Deltas:
    return [[entry(0, call.call_id, call.name, piece)] for call in made for piece in call.pieces]


def without_index(made: list[Call]) -> Deltas:
    return [
        [item]
        for call in made
        for item in (entry(None, call.call_id, call.name, ""), *(entry(None, arguments=p) for p in call.pieces))
    ]


def without_index_interleaved_by_id(made: list[Call]) -> Deltas:
    heads = [[entry(None, call.call_id, call.name, "")] for call in made]
    rows = zip_longest(*([(call.call_id, piece) for piece in call.pieces] for call in made))
    return [*heads, *([entry(None, item[0], arguments=item[1])] for row in rows for item in row if item)]


def whole_without_index_and_id(made: list[Call]) -> Deltas:
    return [[entry(None, name=call.name, arguments=call.text) for call in made]]


def with_indexes_from_3_by_2(made: list[Call]) -> Deltas:
    return [[{**item, "index": item["index"] * 2 + 3}] for [item] in as_openai_does(made)]


def with_index_counting_pieces(made: list[Call]) -> Deltas:
    return [[{**item, "index": place}] for place, [item] in enumerate(as_openai_does(made))]


def with_everything_on_every_piece(made: list[Call]) -> Deltas:
    return [
        [entry(index, call.call_id, call.name, piece, type="function")]
        for index, call in enumerate(made)
        for piece in call.pieces
    ]


def with_empty_strings_on_continuations(made: list[Call]) -> Deltas:
    return [
        [item]
        for index, call in enumerate(made)
        for item in (
            entry(index, call.call_id, call.name, ""),
            *(entry(index, "", "", piece, type="function") for piece in call.pieces),
        )
    ]


def with_a_fresh_id_on_every_piece(made: list[Call]) -> Deltas:
    return [
        [entry(index, call.call_id if not place else f"{call.call_id}-{place}", call.name, piece)]
        for index, call in enumerate(made)
        for place, piece in enumerate(call.pieces)
    ]


def with_cumulative_arguments(made: list[Call]) -> Deltas:
    return [
        [entry(index, call.call_id, call.name, "".join(call.pieces[: place + 1]))]
        for index, call in enumerate(made)
        for place in range(len(call.pieces))
    ]


def with_arguments_twice(made: list[Call]) -> Deltas:
    return [
        *as_openai_does(made),
        *([entry(index, call.call_id, call.name, call.text)] for index, call in enumerate(made)),
    ]


def with_an_empty_object_first(made: list[Call]) -> Deltas:
    return [
        [item]
        for index, call in enumerate(made)
        for item in (entry(index, call.call_id, call.name, {}), *(entry(index, arguments=p) for p in call.pieces))
    ]


def with_null_arguments_first(made: list[Call]) -> Deltas:
    return [
        [{**item, "function": {**item["function"], "arguments": item["function"].get("arguments") or None}}]
        for [item] in as_openai_does(made)
    ]


def with_names_in_pieces(made: list[Call]) -> Deltas:
    return [
        [item]
        for index, call in enumerate(made)
        for item in (
            entry(index, call.call_id, call.name[:4], ""),
            entry(index, name=call.name[4:]),
            *(entry(index, arguments=piece) for piece in call.pieces),
        )
    ]


def doubly_encoded(made: list[Call]) -> Deltas:
    return [[entry(index, call.call_id, call.name, json.dumps(call.text))] for index, call in enumerate(made)]


CUSTOMS: list[Callable[[list[Call]], Deltas]] = [
    as_openai_does,
    interleaved,
    with_index_always_0,
    with_index_always_0_in_pieces,
    with_index_always_0_and_ids_on_every_piece,
    without_index,
    without_index_interleaved_by_id,
    whole_without_index_and_id,
    with_indexes_from_3_by_2,
    with_index_counting_pieces,
    with_everything_on_every_piece,
    with_empty_strings_on_continuations,
    with_a_fresh_id_on_every_piece,
    with_cumulative_arguments,
    with_arguments_twice,
    with_an_empty_object_first,
    with_null_arguments_first,
    with_names_in_pieces,
    doubly_encoded,
]


@pytest.mark.parametrize("custom", CUSTOMS)
@settings(max_examples=60, deadline=None)
@given(made=call_lists())
def test_the_same_calls_come_out_whatever_a_server_does_to_them(
    custom: Callable[[list[Call]], Deltas], made: list[Call]
) -> None:
    events = stream(*(calls(*entries) for entries in custom(made)))
    assert said(events) == [(call.name, call.text) for call in made]
    assert faults(events) == [None] * len(made)
    assert len({call.call_id for call in assembled(events)}) == len(made)
    completion(events)


def test_a_bracket_of_another_kind_ends_no_arguments() -> None:
    made = [Call("call_0", "get_time", ['{"n": 0}']), Call("call_1", "get_time", ['{"', "\\u001f]", '": 1}'])]
    events = stream(*(calls(*entries) for entries in with_cumulative_arguments(made)))
    assert said(events) == [(call.name, call.text) for call in made]


@settings(max_examples=60, deadline=None)
@given(made=call_lists())
def test_an_ordinary_stream_is_without_complaint(made: list[Call]) -> None:
    for custom in (as_openai_does, interleaved):
        assert codes(stream(*(calls(*entries) for entries in custom(made)))) == set()


@settings(max_examples=60, deadline=None)
@given(made=call_lists())
def test_indexes_that_do_not_count_from_0_are_told_and_nothing_else(made: list[Call]) -> None:
    events = stream(*(calls(*entries) for entries in with_indexes_from_3_by_2(made)))
    assert codes(events) == ({"index_odd"} if made else set())


@settings(max_examples=60, deadline=None)
@given(made=call_lists())
def test_the_deltas_shown_are_the_pieces_of_the_wire(made: list[Call]) -> None:
    events = stream(*(calls(*entries) for entries in as_openai_does(made)))
    shown = [(item.key.index, item.text) for item in events if isinstance(item, ArgumentsDelta)]
    assert shown == list(chain.from_iterable(((i, p) for p in call.pieces) for i, call in enumerate(made)))


# ---- ids ------------------------------------------------------------------------------------------------------------


def test_an_id_that_two_calls_share_stays_with_the_first() -> None:
    events = stream(calls(entry(0, "x", "roll", '{"n":1}')), calls(entry(1, "x", "roll", '{"n":2}')))
    assert [call.call_id for call in assembled(events)] == ["x", "call_1_1"]
    assert "id_shared" in codes(events)


def test_a_made_up_id_is_none_that_the_server_gave() -> None:
    events = stream(calls(entry(0, None, "roll", '{"n":1}')), calls(entry(1, "call_1_0", "roll", '{"n":2}')))
    assert [call.call_id for call in assembled(events)] == ["call_1_0_", "call_1_0"]


def test_a_late_id_belongs_to_the_call_that_had_none() -> None:
    events = stream(calls(entry(0, None, "roll", "")), calls(entry(0, "late", None, "{}")))
    assert [call.call_id for call in assembled(events)] == ["late"]
    assert "id_missing" not in codes(events)


def test_two_heads_with_one_id_are_two_calls_when_their_pieces_come_by_index() -> None:
    heads = calls(entry(0, "x", "roll", ""), entry(1, "x", "roll", ""))
    events = stream(heads, calls(entry(1, arguments='{"n":2}')), calls(entry(0, arguments='{"n":1}')))
    assert said(events) == [("roll", '{"n":1}'), ("roll", '{"n":2}')]


def test_a_head_at_many_indexes_is_one_call() -> None:
    events = stream(
        calls(entry(0, "x", "roll", "")), calls(entry(1, "x", "roll", "")), calls(entry(2, "x", "roll", '{"n":1}'))
    )
    assert said(events) == [("roll", '{"n":1}')]
    assert "call_repeated" in codes(events) or "index_shifted" in codes(events)


# ---- names ----------------------------------------------------------------------------------------------------------


def test_a_call_without_a_name_is_shown_and_not_run() -> None:
    events = stream(calls(entry(0, "x", "", '{"n":1}')))
    assert faults(events) == ["name_missing"]


def test_another_name_in_mid_call_is_told() -> None:
    events = stream(calls(entry(0, "x", "roll", '{"n"')), calls(entry(0, "x", "unknown", ":1}")), tools=())
    assert said(events) == [("roll", '{"n":1}')]
    assert "name_changed" in codes(events)


def test_the_name_of_the_first_delta_is_shown_at_once() -> None:
    events = stream(calls(entry(0, "x", "roll", "")))
    started = [item for item in events if isinstance(item, CallStarted)]
    assert [(item.call_id, item.name, item.kind) for item in started] == [("x", "roll", "function")]


# ---- odd shapes -----------------------------------------------------------------------------------------------------


def test_legacy_function_calls_are_calls() -> None:
    events = stream(
        chunk({"function_call": {"name": "roll", "arguments": ""}}),
        chunk({"function_call": {"arguments": '{"n":1}'}}),
        finish="function_call",
    )
    assert said(events) == [("roll", '{"n":1}')]
    assert "legacy_function_call" in codes(events)


def test_a_custom_call_has_free_text() -> None:
    head = {"index": 0, "id": "x", "type": "custom", "custom": {"name": "sql", "input": "SELECT"}}
    events = stream(calls(head), calls({"index": 0, "custom": {"input": " 1"}}))
    assert said(events) == [("sql", "SELECT 1")]
    assert [call.kind for call in assembled(events)] == ["custom"]
    assert faults(events) == [None]


def test_name_and_arguments_on_the_call_itself_are_read() -> None:
    events = stream(calls({"index": 0, "id": "x", "name": "roll", "arguments": {"n": 1}}))
    assert said(events) == [("roll", '{"n":1}')]
    assert {"call_flat", "arguments_as_object"} <= codes(events)


def test_vendor_members_are_kept_with_the_call() -> None:
    signed = entry(0, "x", "roll", "{}", extra_content={"google": {"thought_signature": "c2ln"}})
    signed["function"]["thought"] = "opaque"
    [call] = assembled(stream(calls(signed)))
    assert call.extra == {"extra_content": {"google": {"thought_signature": "c2ln"}}, "function": {"thought": "opaque"}}


@pytest.mark.parametrize("odd", ["text", 7, [None], [7], ["text"], [[]]])
def test_tool_calls_of_no_known_form_open_nothing(odd: Any) -> None:
    events = stream(chunk({"tool_calls": odd}), chunk({"content": "x"}), finish="stop")
    assert assembled(events) == []
    completion(events)


def test_calls_of_a_whole_answer_have_no_index_and_nobody_complains() -> None:
    calls_without_index = [entry(None, f"call_{n}", "get_time", "{}", type="function") for n in range(2)]
    assert codes(decode(answer({"content": None, "tool_calls": calls_without_index}, "tool_calls"))) == set()


def test_arguments_that_break_off_are_shown_where_they_did() -> None:
    begins, goes_on = calls(entry(0, "c1", "get_weather", '{"ci')), calls(entry(0, arguments='ty": "Pa'))
    events = decode(begins, goes_on, chunk({}, "length"), DONE)
    [found] = [each for each in events if isinstance(each, Diagnostic) and each.code == "arguments_incomplete"]
    assert found.frame is not None
    assert found.frame.start == len(begins)


BEGINS = calls(entry(0, "c1", "get_weather", '{"a":'))


@pytest.mark.parametrize(
    ("pieces", "broken", "code"),
    [
        (("1,", "}", " "), 2, "arguments_invalid"),
        (("Na", "N", "}"), 1, "arguments_invalid"),
        (("1}", "</tool_call>", "\n"), 2, "arguments_invalid"),
        (("1}", ' {"a":', "2}"), 2, "arguments_contradictory"),
    ],
)
def test_broken_arguments_are_shown_where_they_broke(pieces: tuple[str, ...], broken: int, code: str) -> None:
    parts = [BEGINS, *(calls(entry(0, arguments=piece)) for piece in pieces)]
    events = decode(*parts, chunk({}, "tool_calls"), DONE)
    [found] = [each for each in events if isinstance(each, Diagnostic) and each.code == code]
    assert found.frame is not None
    assert found.frame.start == len(b"".join(parts[:broken]))


def test_broken_arguments_far_behind_are_shown_where_they_broke() -> None:
    zeros = [calls(entry(0, arguments="1,")) for _ in range(3000)]
    parts = [calls(entry(0, "c1", "get_weather", '{"a":[')), *zeros, calls(entry(0, arguments="?")), *zeros]
    events = decode(b"".join(parts), chunk({}, "tool_calls"), DONE)
    [found] = [each for each in events if isinstance(each, Diagnostic) and each.code == "arguments_invalid"]
    assert found.frame is not None
    assert found.frame.start == len(b"".join(parts[:3001]))


def test_arguments_that_a_whole_message_contradicts_are_shown_at_the_message() -> None:
    parts = [BEGINS, calls(entry(0, arguments="1}")), chunk(finish="tool_calls")]
    said_again = {"tool_calls": [entry(0, "c1", "get_weather", '{"a":2}')]}
    events = decode(*parts, event({"choices": [{"index": 0, "message": said_again}]}), DONE)
    [found] = [each for each in events if isinstance(each, Diagnostic) and each.code == "arguments_contradictory"]
    assert found.frame is not None
    assert found.frame.start == len(b"".join(parts))


@pytest.mark.parametrize(
    ("body", "quoted"),
    [
        (calls(entry(0, {"a": None}, "get_weather", "{}")), '{"a": null}'),
        (calls(entry(0, "c1", True, "{}")), ": true"),
        (calls(None, entry(0, "c1", "get_weather", "{}")), ": null"),
        (chunk({"tool_calls": True}), ": true"),
        (chunk({"function_call": ["it's"]}), '["it\'s"]'),
        (calls(entry("one", "c1", "get_weather", "{}")), '"one" where 0 was due'),
        (chunk({"content": "x"}, finish=False) + chunk(finish=["stop"]), '["stop"]'),  # type: ignore[arg-type]
    ],
)
def test_odd_members_are_quoted_as_they_were_sent(body: bytes, quoted: str) -> None:
    said = [each.message for each in decode(body, chunk({}, "stop"), DONE) if isinstance(each, Diagnostic)]
    assert [message for message in said if quoted in message], said
