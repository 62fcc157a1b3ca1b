"""What each event reads as; the line of a delta is made by hand, and has to be the line any other event would get."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from callscope.core.events import (
    ArgumentsDelta,
    BreakRequested,
    CallDecided,
    Event,
    ItemsInserted,
    ResponseCompleted,
    ResultHeld,
    ResultReviewed,
    Stamped,
    TextDelta,
)
from callscope.core.state import Conversation
from callscope.core.values import CallKey, Message, Run, ToolCall, ToolResult, Usage
from callscope.ui.jsonl import JsonLines, event_json


@pytest.mark.parametrize("text", ["plain", '"quoted" \\ and\nbroken\t\x00\x1f\x7f', "北京 🌦 \u2028", "\U0010ffff"])
@pytest.mark.parametrize("at", [0.0, 12.3456789, 1e-07, 1e16, 5])
@pytest.mark.parametrize("channel", ["output", "reasoning", "refusal", None])
def test_a_delta_has_the_same_line_by_hand_as_by_the_encoder(text: str, at: float, channel: str | None) -> None:
    event: Event = TextDelta(channel, text) if channel else ArgumentsDelta(CallKey(2, 1), text)  # type: ignore[arg-type]
    by_hand, encoded = io.StringIO(), io.StringIO()

    JsonLines(by_hand).handle(Stamped(1, at, event), Conversation())
    JsonLines(encoded).write({"t": round(at, 6), **(event_json(event) or {})})

    assert by_hand.getvalue() == encoded.getvalue()


@pytest.mark.parametrize("control", ["\x1b", "\x80", "\x9b", "\x9f"])
def test_what_commands_a_terminal_is_escaped_in_every_line(control: str) -> None:
    out = io.StringIO()
    lines = JsonLines(out)
    lines.handle(Stamped(1, 0.0, TextDelta("output", f"a{control}31mb")), Conversation())
    lines.write({"path": f"$.a{control}31mb"})
    assert control not in out.getvalue()
    assert [json.loads(line).get("text", "") for line in out.getvalue().splitlines()] == [f"a{control}31mb", ""]


KEY = CallKey(2, 1)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (BreakRequested(), {"event": "break_requested"}),
        (CallDecided(KEY, Run()), {"event": "decided", "call": [2, 1], "action": "run", "by": "person"}),
        (
            CallDecided(KEY, Run(review=True)),
            {"event": "decided", "call": [2, 1], "action": "run", "review": True, "by": "person"},
        ),
        (ResultHeld(KEY), {"event": "result_held", "call": [2, 1]}),
        (ResultReviewed(KEY), {"event": "reviewed", "call": [2, 1], "output": None, "by": "person"}),
        (
            ResultReviewed(KEY, "fog", "script"),
            {"event": "reviewed", "call": [2, 1], "output": "fog", "by": "script"},
        ),
    ],
)
def test_stepping_in_has_lines_of_its_own(event: Event, line: dict[str, Any]) -> None:
    assert event_json(event) == line


def test_items_put_in_by_hand_are_told_one_by_one() -> None:
    items = (Message("user", "Hi."), ToolCall(KEY, "c", "get_weather", "{}"), ToolResult(KEY, "rain"))
    line = event_json(ItemsInserted(items))
    assert line is not None
    assert line["event"] == "inserted"
    assert line["items"][0] == {"item": "message", "role": "user", "text": "Hi.", "refusal": False}
    assert line["items"][1]["item"] == "call"
    assert line["items"][1]["name"] == "get_weather"
    assert line["items"][2] == {"item": "result", "call": [2, 1], "status": "ok", "output": "rain"}


def test_a_usage_with_a_number_that_json_has_not_is_still_json() -> None:
    out = io.StringIO()
    usage = Usage(1, 2, raw={"cost": float("inf"), "share": float("nan")})
    JsonLines(out).handle(Stamped(1, 0.0, ResponseCompleted("stop", usage)), Conversation())
    line = json.loads(out.getvalue(), parse_constant=pytest.fail)
    assert line["usage"] == {"cost": float("inf"), "share": None}
