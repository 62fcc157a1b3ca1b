"""A comparison on the screen: what it says, that it fits, and that nothing in it commands a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from callscope.looking.second_readers import Look, shown_comparison
from callscope.readers.comparing import Compared, Row, compare
from callscope.readers.values import Call, NotRead, Outcome, Reader, Reading, Recorded, Trouble

RECORDED = Recorded(
    3, "chat", True, 200, (("content-type", "text/event-stream; charset=utf-8"),), (b"abc",), "complete"
)
OURS = Reading(
    (Call("call_1", "get_weather", '{"city":"Paris"}'), Call("call_2", "get_time", "{}")), finish_reason="stop"
)
MERGED = Reading((Call("call_1", "get_weather", '{"city":"Paris"}{}'),), finish_reason="stop")


def lines(outcome: Outcome, ours: Reading = OURS, *, width: int = 80, ascii_only: bool = False) -> list[str]:
    row = Row(Reader("openai-loop", "openai", "3.52.0"), outcome, compare(ours, outcome))
    look = Look(width, ascii_only)
    return [line.plain for line in shown_comparison(Compared(RECORDED, ours, (row,)), look)]


def test_a_reader_that_sees_the_same_has_one_line() -> None:
    shown = lines(OURS)
    assert shown[0] == "exchange 3  chat, HTTP 200 text/event-stream, 3 bytes in 1 read, complete"
    assert len(shown) == 4
    assert shown[3].endswith("same")


def test_a_difference_shows_both_sides() -> None:
    shown = "\n".join(lines(MERGED))
    assert "calls merged into one" in shown
    assert "get_time {} (call_2)" in shown
    assert 'get_weather {"city":"Paris"}{} (call_1)' in shown


def test_a_crash_names_the_exception_and_its_words() -> None:
    shown = lines(Reading(trouble=Trouble("crash", "TypeError", "can only concatenate str")))
    assert shown[3].endswith("crash: TypeError")
    assert shown[-1].endswith("TypeError: can only concatenate str")


def test_where_both_tell_an_error_it_is_the_same_error() -> None:
    broken = Reading(trouble=Trouble("error", "http", "overloaded"))
    assert lines(broken, broken)[3].endswith("the same error")


def test_who_cannot_read_it_says_why() -> None:
    assert lines(NotRead("the openai package has no reader for acf"), width=120)[3].endswith("no reader for acf")


def test_what_was_not_compared_says_why() -> None:
    [_, line] = shown_comparison(Compared(RECORDED, OURS, why_not="it was interrupted here"), Look())
    assert line.plain == "  not compared: it was interrupted here"


def test_long_sides_are_shown_from_a_little_before_they_part() -> None:
    ours, theirs = (Reading(text="word " * 100 + end) for end in ("here", "there"))
    assert lines(theirs, ours)[-2].endswith("…word word word word here")


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_no_line_is_wider_than_the_terminal(width: int, ascii_only: bool) -> None:
    long = Reading(
        (Call("c" * 500, "北京" * 99, "{" * 500),), "東" * 999, finish_reason="f" * 99, usage=(10**30, 10**30)
    )
    assert max(cell_len(line) for line in lines(long, width=width, ascii_only=ascii_only)) <= width


def test_hostile_text_commands_no_terminal() -> None:
    hostile = "\x1b[2J\x07\u202eevil\n"
    theirs = Reading((Call(hostile, hostile, hostile),), hostile, finish_reason=hostile)
    shown = "".join(lines(theirs))
    assert not {"\x1b", "\x07", "\u202e", "\n"} & set(shown)


def test_with_ascii_alone_nothing_else_is_shown() -> None:
    assert all(line.isascii() for line in lines(Reading(text="é" * 200), ascii_only=True))


FAULTY = Reading((Call("call_1", "get_weather", '{"city": "P', fault="arguments_incomplete"),), finish_reason="stop")
HANDED_ON = Reading((Call("call_1", "get_weather", '{"city": "P'),), finish_reason="stop")


def test_a_call_that_cannot_run_is_told_and_that_others_hand_it_on() -> None:
    shown = lines(HANDED_ON, FAULTY)
    assert shown[2].endswith("1 call cannot run")
    assert shown[3].endswith("same, handed on")
    assert shown[4] == "  call 1 cannot run (arguments_incomplete); others hand it on without a word"


def test_who_reads_on_with_our_decoder_hands_no_broken_call_on() -> None:
    shown = lines(replace(HANDED_ON, events=3), FAULTY)
    assert shown[3].endswith("same")
    assert shown[4] == "  call 1 cannot run (arguments_incomplete)"
