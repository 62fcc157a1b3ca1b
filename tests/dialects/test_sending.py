"""What of a call goes back to a server."""

from __future__ import annotations

import json

from callscope.core.values import CallKey, ToolCall
from callscope.dialects.sending import SentCalls


def call(call_id: str = "get_weather:0", name: str = "get_weather", arguments: str = "{}", *, at: int = 1) -> ToolCall:
    return ToolCall(CallKey(at, 0), call_id, name, arguments)


def codes(sent: SentCalls) -> list[str]:
    return [each.code for each in sent.diagnostics]


def test_no_two_calls_go_back_under_one_id() -> None:
    sent = SentCalls(latest=3)
    ids = [sent.call_id(call(at=at)) for at in (1, 2, 2, -3)]
    assert ids == ["get_weather:0", "get_weather:0_2", "get_weather:0_2_", "get_weather:0_3"]
    assert codes(sent) == ["id_renamed"]  # the others were told with the requests before


def test_a_call_without_a_name_gets_one() -> None:
    sent = SentCalls(latest=1)
    assert sent.name(call(name="")) == "unnamed_tool"
    assert codes(sent) == ["name_replaced"]


def test_arguments_that_are_no_object_go_back_as_an_empty_one() -> None:
    sent = SentCalls(latest=1)
    assert [sent.arguments(call(arguments=raw)) for raw in ("", "[1]", '{"a"', '{"a": 1}')] == ["{}"] * 3 + ['{"a": 1}']
    assert codes(sent) == ["arguments_replaced"] * 2


def test_the_raw_text_of_a_custom_tool_goes_back_as_it_is() -> None:
    assert SentCalls(latest=1).arguments(ToolCall(CallKey(1, 0), "c", "sql", "SELECT 1", "custom")) == "SELECT 1"


def test_a_call_without_a_result_gets_one_that_says_so() -> None:
    sent = SentCalls(latest=1)
    assert sent.result(call(), {CallKey(1, 0): "21"}) == "21"
    assert json.loads(sent.result(call(at=2), {}))["error"]["type"] == "cancelled"
    assert codes(sent) == ["result_missing"]
