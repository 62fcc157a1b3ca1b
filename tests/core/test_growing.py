"""A text that grows by pieces: nothing is lost, and pieces do not stay objects of their own."""

from __future__ import annotations

import pytest

from callscope.core.growing import BLOCK, GrowingText


def grown(count: int) -> tuple[GrowingText, str]:
    text = GrowingText()
    pieces = [f"{number} " for number in range(count)]
    for piece in pieces:
        text.append(piece)
    return text, "".join(pieces)


@pytest.mark.parametrize("count", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
def test_all_that_was_added_is_its_text_and_its_parts(count: int) -> None:
    text, whole = grown(count)
    assert "".join(text) == whole
    assert text.text == whole
    text.append("more")
    assert text.text == whole + "more"


def test_a_million_pieces_are_a_thousand_parts() -> None:
    text, _ = grown(1_000_000)
    assert len(list(text)) < 2 * BLOCK


@pytest.mark.parametrize("size", [0, 1, 5, 6_000, 10**6])
def test_the_tail_is_the_last_characters(size: int) -> None:
    text, whole = grown(2 * BLOCK + 3)
    assert text.tail(size) == whole[max(0, len(whole) - size) :]


def test_the_text_is_one_object_however_often_it_is_asked_for() -> None:
    text, _ = grown(10)
    assert text.text is text.text


def test_a_block_comes_behind_the_pieces_before_it():
    text = GrowingText()
    text.append("a")
    text.append_block("b" * BLOCK)
    text.append("c")
    assert text.tail(2) == "bc"
    assert "".join(text) == text.text == "a" + "b" * BLOCK + "c"
