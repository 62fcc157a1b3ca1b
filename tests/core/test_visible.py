"""What would command a terminal, or hide in it, is shown; all else stays as it is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscope.core.json_text import json_line
from callscope.core.visible import visible, visible_json


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\rb", "a\\x0db"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202eevil", "\\u202eevil"),
        ("\u200bzero", "\\u200bzero"),
        ("\ufeffmark", "\\ufeffmark"),
        ("\U000e0041tag", "\\U000e0041tag"),
        ("\xadsoft", "\\xadsoft"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_commands_or_hides_is_written_as_an_escape(hidden: str, shown: str) -> None:
    assert visible(hidden) == shown


@pytest.mark.parametrize("text", ["plain\n\ttext", "北京", "👩‍👩‍👧‍👦", "می\u200cخواهم", "e\u0301", "שלום", "❤️"])
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@given(st.text())
def test_what_is_visible_stays_as_it_is(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@given(st.text())
def test_json_means_the_same_and_nothing_in_it_is_obeyed(text: str) -> None:
    shown = visible_json(json.dumps({text: text}, ensure_ascii=False))
    assert visible(shown) == shown
    assert json.loads(shown) == json.loads(json.dumps({text: text}))


@pytest.mark.parametrize("hidden", ["\x7f", "\x80", "\x9b31m", "\u2028", "\u202e", "\ud800", "\U000e0041"])
def test_what_json_lets_pass_is_escaped(hidden: str) -> None:
    shown = json_line([hidden])
    assert shown.isascii()
    assert json.loads(shown) == [hidden]
