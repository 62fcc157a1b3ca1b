"""Following JSON as it grows: whatever the cuts, the same answer, and the same as a parser of whole texts."""

from __future__ import annotations

import json
import time
from copy import deepcopy
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.dialects.json_progress import JsonProgress

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
spelt = st.builds(
    lambda value, ascii_only, indent: json.dumps(value, ensure_ascii=ascii_only, indent=indent),
    documents,
    st.booleans(),
    st.sampled_from([None, 1]),
)
almost = st.lists(
    st.sampled_from(["{", "}", "[", "]", ",", ":", '"', '"a"', "\\", "\\u00", "e", "E", "1", "0", "-", "+", ".", "tr"])
    | st.sampled_from(["true", "null", "false", " ", "\n", "\t", "é", "\x00", "\ud800", "𝄞", "\\n", "NaN", "Infinity"]),
    max_size=12,
).map("".join)


def follow(*pieces: str) -> JsonProgress:
    progress = JsonProgress()
    for piece in pieces:
        progress.feed(piece)
    return progress


def cut(text: str, places: list[int]) -> list[str]:
    ends = sorted({min(place, len(text)) for place in places} | {0, len(text)})
    return [text[start:end] for start, end in pairwise(ends)] or [""]


def is_json(text: str) -> bool:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True


@given(spelt | almost, st.lists(st.integers(0, 60), max_size=8))
@settings(max_examples=300)
def test_any_cut_gives_the_same_answer(text: str, places: list[int]) -> None:
    whole, pieces = follow(text), JsonProgress()
    for piece in cut(text, places):
        pieces.feed(piece)
        assert pieces.state  # asking in between changes nothing
    assert (pieces.state, pieces.invalid_at) == (whole.state, whole.invalid_at)


@given(almost)
@settings(max_examples=500)
def test_what_a_parser_takes_is_whole_and_nothing_else_is(text: str) -> None:
    assert (follow(text).state == "whole") == is_json(text)


@given(spelt, st.integers(0, 200))
def test_the_beginning_of_valid_json_is_never_invalid(text: str, length: int) -> None:
    assert follow(text).state == "whole"
    assert follow(text[:length]).state != "invalid"


@given(almost)
def test_what_stands_before_the_wrong_place_could_still_have_become_json(text: str) -> None:
    progress = follow(text)
    if progress.invalid_character is not None:
        assert follow(text[: progress.invalid_character]).state != "invalid"
        assert follow(text[: progress.invalid_character + 1]).state == "invalid"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{'a': 1}", 1),
        ('{"a": 1,}', 8),
        ('{"a" 1}', 5),
        ('{"a": 1}}', 8),
        ('{"a": 1} x', 9),
        ('{"a": tru3}', 9),
        ("[01]", 2),
        ("[1.]", 3),
        ("[NaN]", 1),
        ('["a\nb"]', 3),
        ('["\\x"]', 3),
        ('["\\u12g4"]', 6),
        ("[1 2]", 3),
        ("]", 0),
        ('["é", x]', 7),
    ],
)
def test_the_first_wrong_byte_is_told(text: str, place: int) -> None:
    assert (follow(text).state, follow(text).invalid_at) == ("invalid", place)


@pytest.mark.parametrize("text", ["", " ", "\n\t "])
def test_white_space_alone_is_empty(text: str) -> None:
    assert follow(text).state == "empty"


@pytest.mark.parametrize("text", ["{", '{"', '{"a', '{"a"', '{"a":', '{"a":-', '{"a":1', "[", "[1,", "t", '"\\', "1e"])
def test_what_can_go_on_is_incomplete(text: str) -> None:
    assert follow(text).state == "incomplete"


def test_a_number_may_be_whole_and_still_grow() -> None:
    assert [follow("1").state, follow("1", "2").state, follow("12", "e").state] == ["whole", "whole", "incomplete"]


def test_deep_nesting_needs_no_recursion() -> None:
    assert follow("[" * 200_000, "]" * 200_000).state == "whole"


@pytest.mark.parametrize(
    "text",
    [
        json.dumps("x" * 400_000),
        json.dumps("\n" * 200_000),
        "[" * 200_000 + "]" * 200_000,
        json.dumps(list(range(60_000))),
        "[" + " " * 400_000 + "]",
        "[" + "9" * 400_000 + "]",
        json.dumps([{"a": i, "b": {}} for i in range(20_000)]),
    ],
    ids=["string", "escapes", "brackets", "numbers", "space", "digits", "objects"],
)
def test_the_work_is_linear_on_any_shape(text: str) -> None:
    """Quadratic work on a text of this size takes minutes; the bound is generous for a busy machine."""
    began = time.process_time()
    progress = JsonProgress()
    for start in range(0, len(text), 4):
        progress.feed(text[start : start + 4])
        assert progress.state != "invalid"
    assert progress.state == "whole"
    assert time.process_time() - began < 10


def test_a_copy_goes_on_by_itself() -> None:
    progress = JsonProgress()
    progress.feed('{"a": [1')
    assert progress.state == "incomplete"
    progress.feed(", 2")
    copied = deepcopy(progress)
    copied.feed("]}")
    assert (progress.state, copied.state) == ("incomplete", "whole")
    progress.feed("}")
    assert (progress.invalid_at, copied.invalid_at) == (11, None)
