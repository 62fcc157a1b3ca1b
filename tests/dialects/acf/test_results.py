"""Which call a result belongs to, where there are several that it could."""

from __future__ import annotations

from typing import Any

from callscope.core.events import CallStarted, Diagnostic, PeerEvent, RemoteResult
from callscope.core.values import Frame
from callscope.dialects.acf.calls import AgentCalls, Told
from callscope.dialects.calls import Calls

FRAME = Frame("sse", "", "{}", 0, 2)


def own(call_id: str, name: str = "look") -> dict[str, Any]:
    return {"id": call_id, "name": name, "args": {"at": call_id}}


def openai_shaped(call_id: str, name: str = "save") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": "{}"}}


def answered(calls: list[dict[str, Any]], results: list[Told]) -> tuple[list[int], list[str]]:
    """The places of the calls that the results went to (those after the last call: to none), and what was told."""
    out: list[PeerEvent] = []
    agent = AgentCalls(1, Calls(1, {"save"}), {"save"})
    for call in calls:
        agent.add([call], FRAME, out)
    assert sum(isinstance(event, CallStarted) for event in out) == len(calls)
    mark = len(out)
    for told in results:
        agent.answer(told, FRAME, out)
    places = [event.result.key.index for event in out if isinstance(event, RemoteResult)]
    return places, [event.code for event in out[mark:] if isinstance(event, Diagnostic)]


def test_results_go_to_the_calls_of_their_ids_in_any_order() -> None:
    calls = [own("a"), openai_shaped("b"), own("c")]
    results = [Told("c", "look", 3), Told("b", "save", 2), Told("a", "look", 1)]
    assert answered(calls, results)[0] == [2, 1, 0]


def test_of_two_calls_with_one_id_each_gets_a_result() -> None:
    calls = [openai_shaped("a", "save"), openai_shaped("b", "save"), own("a")]
    assert answered(calls, [Told("a", "", 1), Told("a", "", 2)])[0] == [2, 0]


def test_a_result_said_twice_goes_to_the_same_call_and_is_told() -> None:
    places, codes = answered([own("a"), own("b")], [Told("a", "look", 1), Told("a", "look", 1)])
    assert places == [0, 0]
    assert "result_repeated" in codes


def test_a_result_without_an_id_goes_to_the_only_call_of_its_name_that_waits() -> None:
    calls = [own("a", "look"), own("b", "look"), own("c", "think")]
    places, codes = answered(calls, [Told("a", "look", 1), Told("", "look", 2), Told("", "think", 3)])
    assert places == [0, 1, 2]
    assert codes.count("result_unmatched") == 2


def test_a_result_without_an_id_goes_to_no_call_where_two_wait() -> None:
    places, codes = answered([own("a"), openai_shaped("b", "look")], [Told("", "look", 1)])
    assert places == [2]
    assert "result_unmatched" in codes


def test_a_result_without_id_and_name_goes_to_the_only_call_that_waits() -> None:
    assert answered([own("a"), own("b")], [Told("a", "", 1), Told("", "", 2)])[0] == [0, 1]


def test_a_call_of_the_other_shape_is_the_agents_once_it_has_a_result() -> None:
    calls = [openai_shaped("a"), openai_shaped("b")]
    assert answered(calls, [Told("a", "save", 1), Told("", "save", 2)])[0] == [0, 1]
