"""The line below a turn: what it tells, and what gives way where there is little room."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from callscope.core.events import (
    BreakRequested,
    BytesRead,
    CallDecided,
    Diagnostic,
    ResponseCompleted,
    ResponseFailed,
    ResponseHead,
    TextDelta,
    ToolFinished,
    ToolStarted,
)
from callscope.core.values import CallKey, Fault, Reject, ToolResult, Usage
from callscope.panels.footer import footer, summary
from callscope.panels.look import PLAIN_MARKS, Look
from scene import KEY, Scene, opened


def answered() -> Scene:
    scene = Scene().asked().at(0.1, ResponseHead(1, 200, ()), BytesRead(1, b"x")).at(0.2, TextDelta("output", "a"))
    scene.at(0.3, TextDelta("output", "b"), Diagnostic("warning", "event_not_json", "…"))
    return scene.at(0.4, ResponseCompleted("stop", Usage(1_200, 34, 1_234)))


def told(scene: Scene, columns: int = 120, typed: str = "") -> str:
    return footer(scene.trace, Look(columns), scene.now, typed).text


def test_in_a_wide_terminal_everything_is_told() -> None:
    assert summary(answered().trace, Look(120)).text == (
        " demo · chat · first byte 100 ms · first delta 200 ms · 10 deltas/s · stop · 1,200 tokens in, 34 out"
        " · 1 finding"
    )


@pytest.mark.parametrize("columns", range(20, 130, 7))
def test_it_fits_whatever_the_width_and_keeps_the_way_out(columns: int) -> None:
    line = told(answered(), columns)
    assert cell_len(line) <= columns
    assert "^C stops" in line


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_the_model_and_the_number_of_findings_are_told_at_every_width_in_the_same_words(columns: int) -> None:
    line = summary(answered().trace, Look(columns)).text
    assert line.startswith(" demo · ")
    assert line.endswith(" · 1 finding")


def test_a_long_name_of_a_model_is_cut_and_not_left_out() -> None:
    scene = answered()
    assert scene.trace.exchange is not None
    scene.trace.exchange.model = "somebody/some-model-of-70b-parameters-instruct"
    assert summary(scene.trace, Look(40)).text == " somebody/som… · stop · 1 finding"


def test_every_red_or_yellow_finding_is_counted_once_and_no_consequence_of_one() -> None:
    scene = Scene().asked().called("{}").called("{", key=CallKey(1, 1), fault=Fault("arguments_incomplete", "…"))
    incomplete = Diagnostic("error", "arguments_incomplete", "They are incomplete.", CallKey(1, 1))
    scene.at(1, incomplete, incomplete, Diagnostic("info", "comment", "A comment.")).completed()
    assert scene.trace.findings.count == 1
    scene.at(2, ToolStarted(KEY, "f", "{}"), ToolFinished(ToolResult(KEY, "no", "error")))
    scene.at(2, ToolFinished(ToolResult(CallKey(1, 1), "not run", "error")))
    assert scene.trace.findings.count == 2
    scene.at(3, opened(2), ResponseFailed("error", "busy", 200))
    assert summary(scene.trace, Look(80)).text.endswith("3 findings")


def test_what_the_person_decided_is_no_finding() -> None:
    scene = Scene().asked().called("{}").completed().at(1, CallDecided(KEY, Reject("no")))
    scene.at(1, ToolFinished(ToolResult(KEY, "{}", "rejected")), opened(2), ResponseFailed("cancelled", "by you"))
    assert scene.trace.findings.count == 0


def test_the_finish_reasons_of_all_requests_are_told() -> None:
    scene = Scene().asked().completed("tool_calls")
    for number in (2, 3):
        scene.at(number, opened(number), ResponseCompleted("tool_calls"))
    scene.at(4, opened(4), ResponseCompleted("stop"))
    assert " · tool_calls, stop · 4 requests" in summary(scene.trace, Look(120)).text


@pytest.mark.parametrize(("dialect", "words"), [("chat", "no finish_reason"), ("acf", "complete")])
def test_an_end_without_a_finish_reason_is_told_where_the_protocol_wants_one(dialect: str, words: str) -> None:
    scene = Scene().asked().at(1, ResponseCompleted(None))
    trace = scene.trace
    trace.settings = replace(trace.settings, dialect=dialect)
    assert summary(trace, Look(80)).text.endswith(f" · {words}")


def test_findings_and_a_break_outlast_the_times() -> None:
    line = told(answered().at(0.5, BreakRequested()), 60)
    assert "1 finding" in line
    assert "will be held" in line
    assert "byte" not in line


def test_before_the_first_byte_the_wait_is_told() -> None:
    scene = Scene().asked()
    scene.now = 2.5
    assert "no byte for 2.5 s" in told(scene)


def test_a_failure_is_told_by_its_kind() -> None:
    scene = Scene().asked().at(1, ResponseFailed("reset", "gone"))
    assert summary(scene.trace, Look(80)).text.endswith("· reset · 1 finding")


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
