"""The turn to scale: what took how long, in cells."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from callscope.core.events import (
    ArgumentsDelta,
    BytesRead,
    CallAssembled,
    CallDecided,
    CallHeld,
    CallStarted,
    Event,
    ExchangeEnded,
    ExchangeOpened,
    ResponseFailed,
    ResponseHead,
    ResultHeld,
    ResultReviewed,
    Stamped,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    UserMessage,
)
from callscope.core.state import Conversation, Turn
from callscope.core.values import CallKey, Request, ResultStatus, Run, ToolCall, ToolResult
from callscope.looking.timeline import UNICODE, Scale, tick_step, timeline
from callscope.looking.timing import MOST_MOMENTS, TurnTiming
from playbook import Playbook, calls, text

REQUEST = Request("POST", "http://h", (), b"")
KEY = CallKey(1, 0)


class Clocked:
    """A turn that is told moment by moment."""

    def __init__(self) -> None:
        self.timing = TurnTiming()

    def at(self, at: float, *events: Event, attempt: int = 1) -> Clocked:
        for event in events:
            self.timing.handle(Stamped(1, 100.0 + at, event), Conversation(turn=Turn(attempts=attempt)))
        return self

    def request(self, at: float, number: int = 1, *, attempt: int = 1) -> Clocked:
        return self.at(at, ExchangeOpened(number, REQUEST), attempt=attempt)

    def text(self, *moments: float) -> Clocked:
        for at in moments:
            self.at(at, TextDelta("output", "x"))
        return self

    def call(
        self, first: float, *moments: float, whole: float, name: str = "get_weather", key: CallKey = KEY
    ) -> Clocked:
        call_id = f"call_{key.index}"
        self.at(first, CallStarted(key, call_id, name))
        for at in moments:
            self.at(at, ArgumentsDelta(key, "x"))
        return self.at(whole, CallAssembled(ToolCall(key, call_id, name, "xx")))

    def run(self, start: float, end: float, status: ResultStatus = "ok", key: CallKey = KEY) -> Clocked:
        return self.at(start, ToolStarted(key, "f", "{}")).at(end, ToolFinished(ToolResult(key, "", status)))

    def lines(self, width: int = 80, *, ascii_only: bool = False) -> list[str]:
        return [line.plain for line in timeline(self.timing, width=width, ascii_only=ascii_only)]

    def row(self, label: str, width: int = 80) -> str:
        return next(line for line in self.lines(width) if line.strip().startswith(label))


def turn() -> Clocked:
    """Ten seconds: head after 1 s, bytes after 2 s, words from 3 s to 4 s."""
    told = Clocked().at(0, UserMessage("x")).request(0).at(1, ResponseHead(1, 200, ())).at(2, BytesRead(1, b"abc"))
    return told.text(3, 3.5, 4)


def end(told: Clocked) -> Clocked:
    return told.at(10, ExchangeEnded(1, "complete"), TurnEnded("completed"))


def bar(row: str) -> str:
    """The cells of a row at 80 columns, from the first to the last."""
    return row[17 : 17 + 38]


def test_each_wait_stands_where_and_as_long_as_it_was() -> None:
    told = end(turn())
    assert bar(told.row("wait")).rstrip() == "─" * 4
    assert bar(told.row("first byte")).rstrip() == " " * 3 + "─" * 5
    assert bar(told.row("first delta")).rstrip() == " " * 7 + "─" * 5
    assert bar(told.row("to the end")).rstrip() == " " * 15 + "─" * 23


def test_durations_are_written_behind_the_bars() -> None:
    assert "1.00 s" in end(turn()).row("wait")
    assert "1.00 s  3 deltas" in end(turn()).row("deltas")


def test_deltas_are_as_high_as_there_were_many() -> None:
    cells = bar(end(turn().text(*[4.0] * 7)).row("deltas"))
    assert cells.replace(" ", "") == "▁▁█"


def test_a_call_has_rows_for_its_arguments_its_wait_and_its_run() -> None:
    told = turn().call(4, 4, 4.5, whole=5).at(5, CallHeld(KEY)).at(7, CallDecided(KEY, Run())).run(7, 9)
    told = end(told)
    assert "500 ms  2 deltas" in told.row("get_weather")
    assert bar(told.row("held")).rstrip() == " " * 19 + "░" * 8
    assert "2.00 s  for you" in told.row("held")
    assert bar(told.row("running")).rstrip() == " " * 26 + "▆" * 9
    assert "2.00 s  ok" in told.row("running")


def waited(seconds: float) -> Clocked:
    """Two seconds of stream, a call that waits so long for the person, and two seconds in which it runs."""
    told = Clocked().at(0, UserMessage("x")).request(0).at(0, ResponseHead(1, 200, ()), BytesRead(1, b"x"))
    told.call(0, 0.5, 1, whole=2).at(2, ExchangeEnded(1, "complete"), CallHeld(KEY))
    told.at(2 + seconds, CallDecided(KEY, Run())).run(2 + seconds, 4 + seconds)
    return told.at(4 + seconds, TurnEnded("completed"))


@pytest.mark.parametrize("seconds", [60, 3600])
def test_a_long_wait_for_the_person_is_broken_off_so_that_the_rest_is_to_scale(seconds: float) -> None:
    told = waited(seconds)
    assert told.lines(40)[1].startswith("  ╱╱╱ ")
    assert told.lines(40)[1].endswith(" for you, not to scale")
    assert "╱╱╱" in told.lines()[3]
    assert 16 <= bar(told.row("running")).count("▆") <= 19
    assert bar(told.row("held")).count("░") <= 5
    assert "for you" in told.row("held")


def test_a_short_wait_is_drawn_to_scale() -> None:
    told = waited(0.3)
    assert not any("╱" in line for line in told.lines())
    assert 2 <= bar(told.row("held")).count("░") <= 4


def test_a_wait_in_which_another_call_runs_is_not_broken_off() -> None:
    other = CallKey(1, 1)
    told = Clocked().at(0, UserMessage("x")).request(0).call(0, 1, whole=2).call(1, 1, whole=2, name="f", key=other)
    told.at(2, ExchangeEnded(1, "complete"), ToolStarted(other, "f", "{}"), CallHeld(KEY))
    told.at(62, CallDecided(KEY, Run()), ToolFinished(ToolResult(other, "", "ok"))).run(62, 63)
    assert not any("╱" in line for line in told.at(63, TurnEnded("completed")).lines())


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(0.01, 1e5)), min_size=1, max_size=30), st.integers(40, 300))
def test_however_often_and_long_a_person_is_waited_for_time_goes_from_left_to_right(
    waits: list[tuple[float, float]], width: int
) -> None:
    stretches, now = [], 0.0
    for busy, waiting in waits:
        stretches.append((now + busy, now + busy + waiting))
        now += busy + waiting
    scale = Scale(0.0, now, width, UNICODE, stretches)
    cells = [scale.cell(now * step / 500) for step in range(501)]
    assert cells == sorted(cells)
    assert 0 <= cells[0] <= cells[-1] < scale.cells
    assert all(cell_len(line.plain) <= width for line in scale.axis())


def test_calls_of_one_name_are_told_apart_by_their_ids() -> None:
    told = end(turn().call(4, 4, whole=5).call(4, 4, whole=5, key=CallKey(1, 1)))
    assert [line for line in told.lines() if "get_weather" in line] == [
        "  get_weather · call_0",
        "  get_weather · call_1",
    ]
    assert "1 delta" in told.row("arguments")


def test_at_forty_columns_a_name_that_does_not_fit_stands_above_its_rows() -> None:
    told = end(turn().call(4, 4, whole=5, name="convert_units_of_length"))
    assert "  convert_units_of_length · call_0" in told.lines(40)


def test_a_result_that_waited_has_a_row_of_its_own() -> None:
    told = turn().call(4, 4, whole=5).run(5, 6).at(6, ResultHeld(KEY)).at(9, ResultReviewed(KEY))
    assert "3.00 s  its result" in end(told).row("held")


def test_a_call_that_was_answered_without_a_run_shows_its_result() -> None:
    told = turn().call(4, 4, whole=5).at(6, ToolFinished(ToolResult(KEY, "", "rejected")))
    assert "rejected" in end(told).row("result")


def test_a_retry_has_an_exchange_and_a_wait_of_its_own() -> None:
    told = Clocked().at(0, UserMessage("x")).request(0).at(1, ResponseHead(1, 429, ()), ExchangeEnded(1, "complete"))
    told.at(1, ResponseFailed("http", "slow down", 429)).request(3, 2, attempt=2)
    told = told.at(4, ResponseHead(2, 200, ()), BytesRead(2, b"x")).text(4, 5)
    shown = told.at(5, ExchangeEnded(2, "complete"), TurnEnded("completed")).lines()
    assert any("exchange 1, HTTP 429, http" in line for line in shown)
    assert any("exchange 2, attempt 2, HTTP 200, complete" in line for line in shown)
    assert "2.00 s" in told.row("retry in")


def test_the_longest_gap_is_named_with_the_delta_it_stood_before() -> None:
    told = end(turn().text(4.1, 6.6, 6.7))
    assert told.lines()[-1] == "  longest gap 2.50 s, before delta 5 of exchange 1"


def test_a_turn_that_was_interrupted_is_drawn_to_where_it_stopped() -> None:
    told = turn().call(4, 4, whole=5).at(5, ToolStarted(KEY, "f", "{}"))
    told.at(8, ExchangeEnded(1, "cancelled"), TurnEnded("interrupted"))
    assert "3.00 s  open" in told.row("running")


def test_a_turn_without_an_answer_still_has_its_wait() -> None:
    told = Clocked().at(0, UserMessage("x")).request(0).at(3, ExchangeEnded(1, "timeout"), TurnEnded("failed"))
    assert "3.00 s" in told.row("wait")
    assert any("exchange 1, timeout" in line for line in told.lines())


def test_only_the_latest_turn_is_shown() -> None:
    told = end(turn().call(4, 4, whole=5))
    told.at(20, UserMessage("y")).request(20, 2).at(21, ExchangeEnded(2, "reset"), TurnEnded("failed"))
    assert not any("get_weather" in line for line in told.lines())


def test_before_any_turn_there_is_nothing_to_show() -> None:
    assert Clocked().lines() == ["  no turn to show yet"]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200, 300])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_no_row_is_wider_than_the_terminal(width: int, *, ascii_only: bool) -> None:
    wide = CallKey(1, 1)
    told = turn().call(4, 4, 4.5, whole=5).call(4, 4, 4.5, whole=5, name="天気を調べる" * 9, key=wide)
    told = end(told.at(5, CallHeld(KEY)).at(6, CallDecided(KEY, Run())).run(7, 9, "cancelled").run(7, 9.5, key=wide))
    shown = told.lines(width, ascii_only=ascii_only)
    assert all(cell_len(line) <= width for line in shown)
    assert not ascii_only or "".join(shown).isascii()


def test_a_hostile_name_is_shown_and_not_obeyed() -> None:
    told = end(turn().call(4, 4, whole=5, name="\x1b[2J\r\n\u202e"))
    assert not {"\x1b", "\r", "\n", "\u202e"} & set("".join(told.lines()))


@settings(max_examples=100, deadline=None)
@given(st.floats(1e-6, 1e5), st.integers(8, 250))
def test_ticks_leave_room_for_their_numbers(seconds: float, cells: int) -> None:
    step = tick_step(seconds, cells)
    assert seconds / step <= max(cells // 8, 2) + 1e-9
    assert f"{step:.0e}"[0] in "125"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 50), min_size=1, max_size=40), st.integers(40, 300))
def test_whatever_the_moments_every_row_is_drawn(moments: list[float], width: int) -> None:
    told = Clocked().at(0, UserMessage("x")).request(0).at(0, ResponseHead(1, 200, ()), BytesRead(1, b"x"))
    told.text(*sorted(moments)).at(max(moments), ExchangeEnded(1, "complete"), TurnEnded("completed"))
    assert all(cell_len(line) <= width for line in told.lines(width))


def test_memory_is_bounded_where_deltas_never_end() -> None:
    told = turn()
    for number in range(MOST_MOMENTS + 10):
        told.timing.handle(Stamped(1, 104 + number / 1e6, TextDelta("output", "x")), Conversation())
    deltas = told.timing.exchanges[0].deltas
    assert len(deltas.moments) == MOST_MOMENTS
    assert f"{MOST_MOMENTS + 13:,} deltas" in told.row("deltas", 200)


def test_a_session_fills_it() -> None:
    play, timing = Playbook(calls(("get_weather", "{}")), text("."), tools=()), TurnTiming()
    play.session.sinks.append(timing)
    play.play("Weather?")
    shown = [line.plain for line in timeline(timing, width=80, ascii_only=False)]
    assert [line for line in shown if "exchange" in line and "HTTP" in line] == [
        "  exchange 1, HTTP 200, complete, 3 bytes",
        "  exchange 2, HTTP 200, complete, 1 byte",
    ]
