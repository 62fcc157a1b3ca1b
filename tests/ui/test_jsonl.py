"""The line of a delta is made by hand, for speed; it has to be the line that any other event would get."""

from __future__ import annotations

import io

import pytest

from callscope.core.events import ArgumentsDelta, Event, Stamped, TextDelta
from callscope.core.state import Conversation
from callscope.core.values import CallKey
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
