from __future__ import annotations

import datetime
import decimal
import enum
import math
import pathlib
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from callscope.tools.running.outputs import cut, output_text


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Place(BaseModel):
    city: str
    founded: datetime.date


@dataclass
class Pair:
    first: Any
    second: Any = None


class Text(str):
    __slots__ = ()


class Strange:
    def __repr__(self) -> str:
        return "<strange>"


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError


class Array:
    def tolist(self) -> list[int]:
        return [1, 2]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        ('"quoted"', '"quoted"'),
        ("", ""),
        (Text("sub"), "sub"),
        (None, "null"),
        (True, "true"),
        (3, "3"),
        (1.5, "1.5"),
        ({"ort": "Köln", "n": [1, 2]}, '{"ort":"Köln","n":[1,2]}'),
        ((1, "a"), '[1,"a"]'),
        ({3}, "[3]"),
        ((n for n in (1, 2)), "[1,2]"),
        (Colour.RED, "red"),
        ([Colour.RED, Level.LOW], '["red",1]'),
        ({Colour.RED: 1, 2: 3, None: 4, (5, 6): 7}, '{"red":1,"2":3,"null":4,"[5,6]":7}'),
        (Place(city="Rome", founded=datetime.date(1, 2, 3)), '{"city":"Rome","founded":"0001-02-03"}'),
        (Pair(Pair(1)), '{"first":{"first":1,"second":null},"second":null}'),
        (datetime.datetime(2026, 11, 21, 4, 5, tzinfo=datetime.UTC), "2026-11-21T04:05:00+00:00"),
        ([datetime.time(1, 2)], '["01:02:00"]'),
        ([decimal.Decimal("1.10"), uuid.UUID(int=1)], '["1.10","00000000-0000-0000-0000-000000000001"]'),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        ("Grüße".encode(), "Grüße"),
        ([Array()], "[[1,2]]"),
    ],
)
def test_a_result_is_sent_as_text_or_as_compact_json(value: Any, text: str) -> None:
    assert output_text(value) == (text, [])


@pytest.mark.parametrize(
    ("value", "text", "note"),
    [
        ({"a": Strange()}, '{"a":"<strange>"}', "The result holds a Strange, which is no JSON; its repr was sent."),
        (Broken(), "<Broken, whose repr raised RuntimeError>", "The result holds a Broken"),
        (Strange, repr(Strange), "The result holds a type"),
        ([math.nan], '["NaN"]', "The result holds nan, which JSON has no number for; it was sent as text."),
        ([-math.inf], '["-Infinity"]', "The result holds -inf"),
        (b"\xff\xfe", "//4=", "The result holds bytes that are no UTF-8; they were sent as base64."),
        ("a\ud800b", "a?b", "The output had lone surrogates"),
    ],
)
def test_what_json_cannot_say_is_sent_as_well_as_can_be_with_a_note(value: Any, text: str, note: str) -> None:
    sent, (said,) = output_text(value)
    assert (sent, said.startswith(note)) == (text, True)


def test_a_result_that_contains_itself_is_sent_as_its_repr() -> None:
    value: list[Any] = []
    value.append(value)
    assert output_text(value) == ("[[...]]", ["The result contains itself or is nested too deeply; its repr was sent."])


def test_a_note_is_given_once() -> None:
    assert len(output_text([Strange(), Strange()])[1]) == 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_every_output_can_be_encoded(value: Any) -> None:
    output_text(value)[0].encode()


def test_an_output_within_the_limit_is_whole() -> None:
    assert cut("x" * 10, 10) == "x" * 10


def test_a_longer_output_is_cut_and_says_so() -> None:
    assert cut("x" * 1500, 1000) == (
        "x" * 1000 + "\n[output cut here: 500 of 1,500 characters left out; the limit of this tool is 1,000]"
    )
