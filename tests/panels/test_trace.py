"""What a session has shown, as data: which block an event goes to, and when what came."""

from __future__ import annotations

import asyncio

from callscope.core.events import (
    BytesRead,
    CallAssembled,
    CallDecided,
    CallHeld,
    CallStarted,
    Diagnostic,
    ExchangeEnded,
    ItemsInserted,
    RemoteResult,
    ResponseCompleted,
    ResponseFailed,
    ResponseHead,
    ResultHeld,
    ResultReviewed,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    UserMessage,
)
from callscope.core.values import CallKey, Edit, Frame, Run, ToolCall, ToolResult, Usage
from callscope.panels.trace import CallTrace, Notice, Retry, TextTrace, Trace
from playbook import Playbook, calls, text
from scene import KEY, Scene, opened


def voices(trace: Trace) -> list[str]:
    return [block.voice for block in trace.blocks if isinstance(block, TextTrace)]


def frame(start: int, end: int) -> Frame:
    return Frame("sse", "", "", start, end)


def test_blocks_stand_in_the_order_in_which_they_appeared() -> None:
    scene = (
        Scene().asked("Hi").at(1, TextDelta("reasoning", "Hm"), TextDelta("output", "Look"), TextDelta("output", "!"))
    )
    scene.called("{}").completed().at(3, TurnEnded("completed"))
    kinds = [type(block).__name__ for block in scene.trace.blocks]
    assert kinds == ["TextTrace", "TextTrace", "TextTrace", "CallTrace", "Notice"]
    assert [block.text for block in scene.trace.blocks if isinstance(block, TextTrace)] == ["Hi", "Hm", "Look!"]


def test_a_text_is_done_when_something_else_begins() -> None:
    scene = Scene().asked().at(1, TextDelta("reasoning", "a"))
    reasoning = scene.trace.blocks[-1]
    assert not reasoning.done
    scene.at(2, TextDelta("output", "b"))
    assert reasoning.done
    assert not scene.trace.blocks[-1].done


def test_text_after_a_call_is_a_text_of_its_own() -> None:
    scene = Scene().asked().at(1, TextDelta("output", "a")).called("{}", whole=False).at(2, TextDelta("output", "b"))
    assert voices(scene.trace) == ["user", "output", "output"]


def test_channels_that_change_at_each_delta_do_not_make_a_block_each() -> None:
    scene = Scene().asked()
    for _ in range(100):
        scene.at(1, TextDelta("reasoning", "r"), TextDelta("output", "o"))
    assert len(scene.trace.blocks) < 12
    assert sum(block.count for block in scene.trace.blocks if isinstance(block, TextTrace)) == 201


def test_each_delta_of_a_call_keeps_its_time_and_its_cut() -> None:
    call = Scene().asked().called('{"ci', 'ty":', '"北京"}').call()
    assert [(round(at, 2), piece) for at, piece in call.deltas] == [(0.02, '{"ci'), (0.03, 'ty":'), (0.04, '"北京"}')]
    assert (call.count, call.bytes, call.progress.state) == (3, 17, "whole")
    assert round(call.gap(1.04), 2) == 1.0


def test_a_decision_shows_who_took_it_and_what_ran_in_the_end() -> None:
    scene = Scene().asked().called('{"a":1}').completed()
    scene.at(1, CallHeld(KEY))
    assert scene.call().held
    scene.at(2, CallDecided(KEY, Edit('{"a":2}')), ToolStarted(KEY, "get_weather", '{"a":2}'))
    call = scene.call()
    assert (call.held, call.decided_by, call.arguments, call.effective) == (False, "person", '{"a":1}', '{"a":2}')
    assert call.running
    scene.at(3, ToolFinished(ToolResult(KEY, "sunny")))
    assert (call.running, call.done, call.started_at, call.finished_at) == (False, True, 2, 3)


def test_a_changed_result_keeps_what_the_tool_gave() -> None:
    scene = Scene().asked().called("{}").completed().at(1, CallDecided(KEY, Run(review=True)))
    scene.at(2, ToolStarted(KEY, "get_weather", "{}"), ToolFinished(ToolResult(KEY, "rain")), ResultHeld(KEY))
    call = scene.call()
    assert (call.result_held, call.done) == (True, False)
    scene.at(3, ResultReviewed(KEY, "sun"))
    assert call.returned is not None
    assert call.result is not None
    assert (call.returned.output, call.result.output, call.result_held, call.done) == ("rain", "sun", False, True)


def test_a_diagnostic_stands_at_the_call_it_speaks_of() -> None:
    scene = Scene().asked().called("{}").at(1, Diagnostic("info", "id_missing", "The call has no id.", KEY))
    assert [diagnostic.code for diagnostic in scene.call().diagnostics] == ["id_missing"]
    assert not any(isinstance(block, Notice) for block in scene.trace.blocks)


def test_a_diagnostic_about_words_stands_at_the_words_of_its_frame() -> None:
    scene = Scene().asked().at(1, TextDelta("reasoning", "<tool_call>", frame(0, 50)))
    scene.at(2, TextDelta("output", "Hi", frame(50, 90)), ResponseCompleted("stop"))
    scene.at(3, Diagnostic("warning", "leaked_tool_call", "…", None, frame(0, 50)))
    owner = scene.trace.blocks[1]
    assert isinstance(owner, TextTrace)
    assert owner.voice == "reasoning"
    assert [diagnostic.code for diagnostic in owner.diagnostics] == ["leaked_tool_call"]


def test_a_diagnostic_about_neither_is_a_notice() -> None:
    scene = Scene().asked().at(1, TextDelta("output", "Hi"), Diagnostic("warning", "event_not_json", "…"))
    assert isinstance(scene.trace.blocks[-1], Notice)
    assert scene.trace.findings.count == 1


def test_an_exchange_knows_when_what_came() -> None:
    scene = Scene().asked().at(0.1, ResponseHead(1, 200, ())).at(0.2, BytesRead(1, b"12345"))
    scene.at(0.3, TextDelta("output", "a")).at(0.4, TextDelta("output", "b")).at(0.5, TextDelta("output", "c"))
    scene.at(0.6, BytesRead(1, b"678"), ExchangeEnded(1, "complete"), ResponseCompleted("stop", Usage(3, 4, 7)))
    exchange = scene.trace.exchange
    assert exchange is not None
    assert (exchange.opened_at, exchange.head_at, exchange.first_byte_at, exchange.ended_at) == (0.0, 0.1, 0.2, 0.6)
    assert (exchange.first_delta_at, exchange.last_delta_at, exchange.deltas) == (0.3, 0.5, 3)
    assert (exchange.bytes, exchange.reads, exchange.model, exchange.how) == (8, 2, "demo", "complete")
    assert exchange.usage == Usage(3, 4, 7)
    assert round(exchange.deltas_a_second() or 0) == 10


def test_a_failed_response_is_told_where_it_failed() -> None:
    scene = Scene().asked().called('{"a', whole=False).at(1, ResponseFailed("truncated", "the stream ended"))
    _, notice, call = scene.trace.blocks
    assert isinstance(notice, Notice)
    assert isinstance(notice.event, ResponseFailed)
    assert isinstance(call, CallTrace), "the cause stands before what it spoilt"
    assert call.failure is notice.event
    assert scene.trace.exchange is not None
    assert scene.trace.exchange.failure is notice.event


def test_another_attempt_is_told() -> None:
    scene = Scene().asked().at(1, ResponseFailed("http", "busy", 503)).at(2, opened(2))
    notice = scene.trace.blocks[-1]
    assert isinstance(notice, Notice)
    assert notice.event == Retry(2)


def test_a_remote_call_is_done_with_its_result() -> None:
    scene = Scene().asked().at(1, CallStarted(KEY, "r1", "search", "function", "remote"))
    scene.at(2, RemoteResult(ToolResult(KEY, "found")))
    call = scene.call()
    assert (call.executor, call.done) == ("remote", True)


def test_a_remote_call_without_a_result_is_done_with_its_response() -> None:
    scene = Scene().asked().at(1, CallStarted(KEY, "r1", "search", "function", "remote"), ResponseCompleted("stop"))
    assert scene.call().done


def test_a_call_that_never_came_into_sight_before_is_shown_all_the_same() -> None:
    scene = Scene().asked().at(1, CallAssembled(ToolCall(KEY, "c", "late", "{}")))
    assert scene.call().name == "late"


def test_items_put_in_by_hand_are_blocks_like_any_others() -> None:
    key = CallKey(9, 0)
    items = (ToolCall(key, "h", "get_time", "{}"), ToolResult(key, "noon"))
    scene = Scene().at(1, ItemsInserted(items))
    call = scene.call(key)
    assert call.by_hand
    assert call.result == ToolResult(key, "noon")


def test_after_forgetting_nothing_of_earlier_turns_is_left() -> None:
    scene = Scene().asked().called("{}").completed()
    scene.trace.forget()
    assert (scene.trace.blocks, scene.trace.exchanges, scene.trace.call(KEY)) == ([], [], None)


def test_a_diagnostic_about_a_forgotten_call_is_a_notice() -> None:
    scene = Scene().asked().called("{}").completed()
    scene.trace.forget()
    scene.at(5, UserMessage("on"), opened(2), Diagnostic("warning", "arguments_replaced", "…", KEY))
    assert isinstance(scene.trace.blocks[-1], Notice)


def test_a_whole_session_leaves_every_block_done() -> None:
    played = Playbook(calls(("get_weather", "{}"), ("get_time", "{}")), text("Fine."))
    trace = Trace()
    played.session.sinks.append(trace)
    asyncio.run(played.session.say("Weather?"))
    assert [type(block) for block in trace.blocks] == [TextTrace, CallTrace, CallTrace, TextTrace, Notice]
    assert all(block.done for block in trace.blocks)
