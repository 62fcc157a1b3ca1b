"""What a request demanded of calls, read from its body: which calls a choice of any shape forbids."""

from __future__ import annotations

from typing import Any

import pytest

from callscope.dialects.demanding import demand_of, not_streamed

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
        {"type": "allowed_tools", "tools": [{"type": "bing_grounding"}]},
        {"type": "allowed_tools", "tools": [HOSTED, {"type": "function", "name": "get_time"}]},
        {"type": "tool", "name": "get_time"},
        {"type": "function", "name": "get_time"},
        {"type": "allowed_tools", "tools": [{"type": "function", "name": "get_time"}]},
        7,
    ],
)
def test_a_choice_of_the_tool_or_in_a_servers_own_words_forbids_nothing(choice: Any) -> None:
    assert not forbidden(choice)


@pytest.mark.parametrize("tools", [TOOLS, [*TOOLS, HOSTED], []])
@pytest.mark.parametrize(
    "choice",
    [
        HOSTED,
        {"type": "web_search_preview_2025_03_11"},
        {"type": "mcp", "server_label": "there"},
        {"type": "mcp", "server_label": "there", "name": "get_time"},
        {"type": "web_search_20250305", "name": "web_search"},
        {"type": "allowed_tools", "tools": [{"type": "mcp", "server_label": "there"}]},
    ],
)
def test_a_choice_of_hosted_tools_forbids_a_function_whether_they_are_on_offer_or_not(choice: Any, tools: Any) -> None:
    assert forbidden(choice, tools=tools)


def test_a_hosted_tool_that_was_chosen_is_named_by_its_type() -> None:
    assert forbidden({"type": "mcp", "server_label": "there", "name": "x"}) == "tool_choice allowed mcp alone"


def test_a_choice_that_allows_nothing_says_so() -> None:
    assert forbidden({"type": "allowed_tools", "tools": []}) == "tool_choice allowed no tool"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"stream":true}', 1),
        (b'{"stream":false}', 0),
        (b'{"stream":"false"}', 0),
        (b'{"stream":1}', 0),
        (b'{"stream_options":{"stream":true}}', 0),
        (b'"stream"', 0),
    ],
)
def test_a_stream_was_asked_for_by_true_alone(body: bytes, said: int) -> None:
    assert len(list(not_streamed(body))) == said
