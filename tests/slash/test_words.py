"""A line taken apart: quotes, JSON, and the word that is still open."""

from __future__ import annotations

import pytest

from callscope.core.errors import UsageError
from callscope.slash.words import open_word, words_of


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  a  b\tc ", ["a", "b", "c"]),
        ('city="New York" x=1', ["city=New York", "x=1"]),
        ("city='it is' b", ["city=it is", "b"]),
        (r"city=New\ York", ["city=New York"]),
        ('days:=[1, 2] city="x y"', ["days:=[1, 2]", "city=x y"]),
        ('o:={"a": "b c"} x=1', ['o:={"a": "b c"}', "x=1"]),
        ('o={"a": "b c"}', ['o={"a": "b c"}']),
        ('s:="a b"', ['s:="a b"']),
        ("o={not json", ["o={not", "json"]),
        ("a=# b", ["a=#", "b"]),
        ("a=1\nb=2", ["a=1", "b=2"]),
    ],
)
def test_words_are_those_of_a_shell_but_that_json_stays_whole(line: str, words: list[str]) -> None:
    assert words_of(line) == words


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('city="New', "is left open"),
        ("city=don't", "is left open"),
        ("city=x\\", "is left open"),
        ("days:=[1, 2 x=1", "days: "),
        ('o:={"a": 1}x', "o: "),
    ],
)
def test_what_is_left_open_is_said(line: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        words_of(line)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("", ""),
        ("a b", "b"),
        ("a ", ""),
        ('a "b c', '"b c'),
        ("a 'b c' d", "d"),
        (r"a b\ c", r"b\ c"),
        ("a:=[1, 2", "a:=[1, 2"),
        ("a:=[1, 2] b", "b"),
        ("a ] b", "b"),
    ],
)
def test_the_open_word_begins_after_the_last_space_that_parts_words(line: str, word: str) -> None:
    assert line[open_word(line) :] == word
