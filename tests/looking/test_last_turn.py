"""A conversation that is gone on with: what of it is called to mind."""

from __future__ import annotations

from callscope.core.values import CallKey, Item, Message, Reasoning, ToolCall, ToolResult
from callscope.looking.last_turn import MOST, last_turn
from callscope.record.secrets.masking import Secrets


def lines(*items: Item) -> list[str]:
    return [line.plain for line in last_turn(items, Secrets(["hunter2hunter2"]))]


def test_nothing_is_said_of_an_empty_conversation() -> None:
    assert lines() == []


def test_the_last_turn_is_shown_and_the_rest_counted() -> None:
    key = CallKey(2, 0)
    assert lines(
        Message("user", "first"), Message("assistant", "ok", 1), Message("user", "weather?"), Reasoning("hm\nhm", 2),
        ToolCall(key, "c", "get_weather", '{"city":"Rome"}'), ToolResult(key, "sunny"),
        Message("assistant", "Sun.\nA lot.", 3),
    ) == [
        "  the conversation goes on: 2 items before this; /history shows all",
        "> weather?",
        "  reasoning: hm⏎hm",
        '  get_weather · c {"city":"Rome"}',
        "  ok: sunny",
        "Sun.\nA lot.",
    ]  # fmt: skip


def test_a_long_turn_shows_its_beginning_and_its_end() -> None:
    results = [ToolResult(CallKey(1, index), str(index)) for index in range(100)]
    shown = lines(Message("user", "go"), *results)
    assert shown[1:4] == ["> go", f"  … {101 - MOST} items", f"  ok: {101 - MOST}"]
    assert shown[-1] == "  ok: 99"
    assert len(shown) == MOST + 2


def test_what_commands_a_terminal_and_what_is_secret_is_not_shown() -> None:
    shown = "\n".join(lines(Message("user", "\x1b[2J hunter2hunter2")))
    assert "\x1b" not in shown
    assert "hunter2" not in shown
