"""What a request demanded of calls, read from its body: which calls a choice of any shape forbids."""

from __future__ import annotations

from typing import Any

import pytest

from callscope.dialects.demanding import demand_of

TOOLS = [{"type": "function", "function": {"name": name}} for name in ("get_weather", "get_time")]
HOSTED = {"type": "web_search"}


def forbidden(choice: Any, name: str = "get_time", tools: Any = TOOLS) -> str:
    return demand_of({"tools": tools, "tool_choice": choice}).forbids(name)


@pytest.mark.parametrize(
    "choice",
    [
        "none",
        {"type": "none"},
        "get_weather",
        {"type": "tool", "name": "get_weather"},
        {"type": "function", "function": {"name": "get_weather"}},
        {"type": "function", "name": "not_on_offer"},
        {"type": "custom", "custom": {"name": "not_on_offer"}},
        {"type": "allowed_tools", "mode": "auto", "tools": []},
        {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": TOOLS[:1]}},
        {"type": "allowed_tools", "tools": [{"type": "function", "name": "not_on_offer"}]},
    ],
)
def test_a_choice_of_another_tool_or_of_none_forbids_a_call(choice: Any) -> None:
    assert forbidden(choice)


@pytest.mark.parametrize(
    "choice",
    [
        None,
        "auto",
        "required",
        {"type": "any"},
        {"type": "auto"},
        "get_time",
        "validated",
        {"type": "validated"},
        {"type": "web_search"},
        {"type": "allowed_tools", "tools": [{"type": "mcp", "server_label": "there"}]},
        {"type": "tool", "name": "get_time"},
        {"type": "function", "name": "get_time"},
        {"type": "allowed_tools", "tools": [{"type": "function", "name": "get_time"}]},
        7,
    ],
)
def test_a_choice_of_the_tool_or_in_a_servers_own_words_forbids_nothing(choice: Any) -> None:
    assert not forbidden(choice)


def test_a_hosted_tool_that_is_on_offer_and_chosen_forbids_a_function() -> None:
    assert forbidden(HOSTED, tools=[*TOOLS, HOSTED])


def test_a_choice_that_allows_nothing_says_so() -> None:
    assert forbidden({"type": "allowed_tools", "tools": []}) == "tool_choice allowed no tool"
