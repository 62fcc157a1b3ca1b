"""What an edit changed, in short."""

from __future__ import annotations

import pytest

from callscope.ui.changes import changes


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('{"city": "Paris"}', '{"city": "Rome"}', 'city "Paris" → "Rome"'),
        ('{"city": "Paris"}', '{"city": "Paris", "days": 3}', "with days 3"),
        ('{"city": "Paris", "days": 3}', '{"city": "Paris"}', "without days"),
        ('{"a": 1, "b": 2}', '{"b": 3, "c": [4]}', "without a, b 2 → 3, with c [4]"),
        ('{"a": 1}', '{"a": true}', "a 1 → true"),
        ('{"a": 1}', '{"a": 1.0}', "a 1 → 1.0"),
        ('{"a": {"x": 1, "y": 2}}', '{"a": {"y": 2, "x": 1}}', "the same values, written otherwise"),
        ('{"a": 1}', '{ "a": 1 }', "the same values, written otherwise"),
        ("rain", "sunshine", "4 → 8 characters"),
        ('{"a": 1}', "[1]", "8 → 3 characters"),
        ("", '{"a": 1}', "0 → 8 characters"),
    ],
)
def test_an_edit_is_said_in_short(before: str, after: str, said: str) -> None:
    assert changes(before, after) == said


def test_long_and_hostile_values_are_cut_and_shown() -> None:
    said = changes('{"a": "x"}', '{"a": "\\u001b[2J\\u202e' + "y" * 1000 + '"}')
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert len(said) < 120


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": ' * 100_000], ids=["lists", "objects"])
def test_a_text_that_is_nested_too_deeply_is_measured(text: str) -> None:
    assert changes(text, "{}") == f"{len(text):,} → 2 characters"
