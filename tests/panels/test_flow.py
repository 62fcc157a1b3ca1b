"""Text becomes rows while it grows: the same rows however it came, and none wider than there is room."""

from __future__ import annotations

import re
import time

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from callscope.core.visible import visible
from callscope.panels.flow import Cuts, Flow, Prose, fit
from callscope.panels.look import PLAIN_MARKS, STYLES, Look, Row

FAMILY = "👩‍👩‍👧‍👦"
LOOK = Look(80)
words = st.lists(
    st.sampled_from(
        ["a", "bc", " ", "  ", "\n", "\r\n", "\r", "\t", "北", "é", "👍🏽", FAMILY, "e\u0301", "ש", "\x1b"]
    ),
    max_size=60,
).map("".join)
widths = st.integers(18, 40)


def rows_of(flow: Flow) -> list[str]:
    last = flow.open_row()
    return [row.text for row in ([*flow.rows, last] if last else flow.rows)]


def squeezed(text: str) -> str:
    return re.sub(r"[ \n\t]", "", text)


def prose(text: str, width: int = 20, start: int = 0) -> Prose:
    flow = Prose(LOOK, width, STYLES["plain"], start)
    flow.feed(text)
    flow.finish()
    return flow


def cuts(*deltas: str, width: int = 20, start: int = 0, look: Look = LOOK, wrong: int | None = None) -> Cuts:
    flow = Cuts(look, width, start)
    for delta in deltas:
        flow.feed(delta, wrong)
    return flow


@given(st.lists(words, max_size=6), widths)
@settings(max_examples=150)
def test_words_make_the_same_rows_however_they_came(pieces: list[str], width: int) -> None:
    flow = Prose(LOOK, width, STYLES["plain"])
    for piece in pieces:
        flow.feed(piece)
    flow.finish()
    assert rows_of(flow) == rows_of(prose("".join(pieces), width))


@given(words, widths)
@settings(max_examples=150)
def test_no_row_of_words_is_wider_than_there_is_room(text: str, width: int) -> None:
    assert all(cell_len(row) <= width for row in rows_of(prose(text, width)))


@given(words, widths)
@settings(max_examples=150)
def test_no_word_is_lost(text: str, width: int) -> None:
    shown = visible(text.replace("\r\n", "\n"))
    assert squeezed("".join(rows_of(prose(text, width)))) == squeezed(shown)


@given(st.lists(words, max_size=8), widths)
@settings(max_examples=150)
def test_arguments_have_a_mark_for_each_border_and_lose_nothing(deltas: list[str], width: int) -> None:
    rows = rows_of(cuts(*deltas, width=width))
    assert "".join(rows).count("┊") == max(0, len(deltas) - 1)
    assert all(cell_len(row) <= width for row in rows)


@given(words, st.lists(words, max_size=5), widths)
@settings(max_examples=100)
def test_rows_that_were_dropped_stay_dropped_when_the_rest_is_broken_anew(
    first: str, deltas: list[str], width: int
) -> None:
    flow = cuts(first, *deltas, width=width)
    gone = rows_of(flow)[: len(flow.rows) // 2]
    flow.drop(len(gone))
    again = cuts(first, *deltas, width=width + 7, start=flow.next_start())
    assert "".join(gone) + "".join(rows_of(again)) == "".join(rows_of(cuts(first, *deltas, width=width)))


def test_words_break_at_spaces_and_long_ones_anywhere() -> None:
    assert rows_of(prose("the quick brown fox " + "x" * 25, 20)) == ["the quick brown fox", "x" * 20, "x" * 5]


def test_an_emoji_of_many_parts_is_not_torn() -> None:
    assert rows_of(prose("x" * 15 + FAMILY, 20)) == ["x" * 15, FAMILY]


def test_wide_characters_fill_two_cells() -> None:
    assert fit("北京北京", 0, 5) == (2, 4)


def test_an_empty_delta_is_seen_as_two_borders() -> None:
    assert rows_of(cuts('{"a', "", 'b"}')) == ['{"a┊┊b"}']


def test_what_would_join_across_a_border_is_spelt_out() -> None:
    assert rows_of(cuts("👩", "\u200d👧")) == ["👩┊\\u200d👧"]


def test_a_mark_within_the_arguments_is_no_border() -> None:
    assert rows_of(cuts("a┊b", "c")) == ["a\\u250ab┊c"]


def test_a_line_end_is_seen_and_ends_the_row() -> None:
    assert rows_of(cuts('{\n "a": 1\n}')) == ["{⏎", ' "a": 1⏎', "}"]


def test_without_unicode_the_marks_are_ascii_and_so_is_the_text() -> None:
    look = Look(80, "ascii", PLAIN_MARKS)
    assert rows_of(cuts('{"c', 'ö|"', look=look)) == ['{"c|\\xf6\\x7c"']


def test_the_wrong_place_is_marked() -> None:
    assert rows_of(cuts('{"a"', ": tru", "3}", wrong=9)) == ['{"a"┊: tru┊▶3}']


def test_marks_without_width_do_not_make_a_row_without_end() -> None:
    flow = prose("a" + "\u0301" * 5000, 20)
    assert max(len(row) for row in rows_of(flow)) < 200
    assert max(len(row) for row in rows_of(cuts("a" + "\u0301" * 5000))) < 200


def test_a_row_keeps_its_border_as_long_as_nothing_about_it_changes() -> None:
    row = Row([])
    assert row.behind("│ ", "good") is row.behind("│ ", "good")
    assert row.behind("│ ", "bad") is not row.behind("│ ", "good")


def test_a_megabyte_at_once_takes_about_as_long_as_in_pieces() -> None:
    text = "lorem ipsum dolor " * 60_000
    began = time.process_time()
    flow = prose(text, 100)
    assert len(flow.rows) > 10_000
    assert time.process_time() - began < 5


def test_a_flag_is_given_as_much_room_as_any_terminal_takes_for_it() -> None:
    assert fit("🇩🇪🇫🇷", 0, 5) == (2, 4)
