"""The line below a turn: what it tells, and what gives way where there is little room."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from callscope.core.events import (
    BreakRequested,
    BytesRead,
    Diagnostic,
    ResponseCompleted,
    ResponseFailed,
    ResponseHead,
    TextDelta,
)
from callscope.core.values import Usage
from callscope.ui.footer import footer, summary
from callscope.ui.look import PLAIN_MARKS, Look
from scene import Scene, opened


def answered() -> Scene:
    scene = Scene().asked().at(0.1, ResponseHead(1, 200, ()), BytesRead(1, b"x")).at(0.2, TextDelta("output", "a"))
    scene.at(0.3, TextDelta("output", "b"), Diagnostic("warning", "event_not_json", "…"))
    return scene.at(0.4, ResponseCompleted("stop", Usage(1_200, 34, 1_234)))


def told(scene: Scene, columns: int = 120, typed: str = "") -> str:
    return footer(scene.trace, Look(columns), scene.now, typed).text


def test_in_a_wide_terminal_everything_is_told() -> None:
    assert summary(answered().trace, Look(120)).text == (
        " demo · chat · first byte 0.10 s, delta 0.20 s · 10 deltas/s · stop, 1,200 tokens in, 34 out · 1 diagnostic"
    )


@pytest.mark.parametrize("columns", range(20, 130, 7))
def test_it_fits_whatever_the_width_and_keeps_the_way_out(columns: int) -> None:
    line = told(answered(), columns)
    assert cell_len(line) <= columns
    assert "^C stops" in line


def test_diagnostics_and_a_break_outlast_the_times() -> None:
    line = told(answered().at(0.5, BreakRequested()), 60)
    assert "1 diagnostic" in line
    assert "will be held" in line
    assert "byte" not in line


def test_before_the_first_byte_the_wait_is_told() -> None:
    scene = Scene().asked()
    scene.now = 2.5
    assert "no byte for 2.5 s" in told(scene)


def test_a_failure_is_told_by_its_kind() -> None:
    scene = Scene().asked().at(1, ResponseFailed("reset", "gone"))
    assert summary(scene.trace, Look(80)).text.endswith("· reset")


def test_the_requests_of_a_turn_are_counted() -> None:
    assert "2 requests" in summary(answered().at(1, opened(2)).trace, Look(120)).text


def test_what_is_typed_ahead_is_seen() -> None:
    assert told(answered(), 120, "and then").endswith("typed: and then")


def test_a_hostile_model_name_commands_nothing() -> None:
    scene = Scene().asked()
    assert scene.trace.exchange is not None
    scene.trace.exchange.model = "\x1b[2J\n北京"
    plain = footer(scene.trace, Look(120, "ascii", PLAIN_MARKS), 0).text
    assert plain.startswith(" \\x1b[2J \\u5317\\u4eac - ")
