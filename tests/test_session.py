"""The turn loop, told as arrows."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.core.events import (
    BreakRequested,
    CallAssembled,
    Continued,
    ItemsInserted,
    ResponseFailed,
    ResponseStarted,
    Stamped,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnEnded,
)
from callscope.core.state import Conversation
from callscope.core.values import (
    Abort,
    CallKey,
    Decision,
    Edit,
    Fault,
    Mock,
    Reject,
    Run,
    Settings,
    ToolCall,
    ToolResult,
    ToolSpec,
)
from playbook import (
    Answer,
    Playbook,
    calls,
    check_history,
    failure,
    text,
)

PARIS = ("get_weather", '{"city": "Paris"}')
ROME = ("get_weather", '{"city": "Rome"}')
NOON = ("get_time", "{}")


def test_words_alone_make_a_turn_of_one_request() -> None:
    play = Playbook(text("Hello."))
    play.play("Hi")
    play.expect("<< Hi", "-> request 1", "<- complete", "<- stop", "== completed")


def test_a_call_is_held_decided_run_and_answered_before_the_next_request() -> None:
    play = Playbook(calls(PARIS), text("21 degrees."), outputs={"get_weather": "21"})
    play.play("Weather?")
    play.expect(
        "<< Weather?",
        "-> request 1",
        "<- complete",
        '<- call get_weather {"city": "Paris"}',
        "<- tool_calls",
        "held 0",
        "decided 0: run by script",
        'started get_weather {"city": "Paris"}',
        "finished 0: ok 21",
        "-> request 2",
        "<- complete",
        "<- stop",
        "== completed",
    )


def test_all_calls_are_decided_in_wire_order_before_any_runs() -> None:
    play = Playbook(calls(PARIS, ROME), text("Both."), decisions=[Reject("no"), Run()])
    transcript = play.play("Weather?")
    first_start = next(i for i, line in enumerate(transcript) if line.startswith("started"))
    assert [line for line in transcript[:first_start] if line.startswith("decided")] == [
        "decided 0: reject by script",
        "decided 1: run by script",
    ]


def test_approved_calls_run_together_and_finish_in_their_own_order() -> None:
    play = Playbook(calls(PARIS, NOON), text("Done."), pauses={"get_weather": 5, "get_time": 1})
    transcript = play.play("Both?")
    assert [line for line in transcript if line.startswith(("started", "finished"))] == [
        'started get_weather {"city": "Paris"}',
        "started get_time {}",
        "finished 1: ok done",
        "finished 0: ok done",
    ]


def test_after_an_edit_the_history_carries_the_arguments_that_ran() -> None:
    play = Playbook(calls(PARIS), text("Rome it is."), decisions=[Edit('{"city": "Rome"}')])
    play.play("Weather?")
    assert play.toolbox.ran == [ROME]
    assert json.loads(play.endpoint.requests[1].body)[1] == 'call get_weather {"city": "Rome"}'


def test_an_answer_in_place_of_a_call_goes_back_and_the_tool_does_not_run() -> None:
    play = Playbook(calls(PARIS), text("Snow."), decisions=[Mock("snow")])
    play.play("Weather?")
    assert play.toolbox.ran == []
    assert json.loads(play.endpoint.requests[1].body)[2] == "mocked: snow"


def test_a_refusal_tells_the_model_the_reason() -> None:
    play = Playbook(calls(PARIS), text("I see."), decisions=[Reject("not today")])
    play.play("Weather?")
    assert "not today" in json.loads(play.endpoint.requests[1].body)[2]


def test_abort_means_that_no_call_of_the_response_ran() -> None:
    play = Playbook(calls(PARIS, ROME), decisions=[Run(), Abort()])
    transcript = play.play("Weather?")
    assert play.toolbox.ran == []
    assert transcript[-3:] == ["finished 0: cancelled cancelled", "finished 1: cancelled cancelled", "== aborted"]


def test_nobody_is_asked_about_another_call_once_the_turn_is_stopped() -> None:
    play = Playbook(calls(PARIS, ROME), decisions=[Abort(), Run()])
    transcript = play.play("Weather?")
    assert [line for line in transcript if line.startswith("decided")] == ["decided 0: abort by script"]


def test_a_faulty_call_is_never_held_or_run_and_the_model_is_told() -> None:
    cut = Fault("arguments_incomplete", "The arguments end in the middle.")
    play = Playbook(calls(("get_weather", '{"ci'), NOON, faults={0: cut}), text("Sorry."))
    play.play("Weather?")
    assert play.toolbox.ran == [NOON]
    assert "held 0" not in play.transcript
    assert "finished 0: error arguments_incomplete" in play.transcript


@pytest.mark.parametrize("reason", ["length", "content_filter", "incomplete"])
def test_a_cut_answer_with_a_faulty_call_ends_the_turn(reason: str) -> None:
    cut = Fault("arguments_incomplete", "The arguments end in the middle.")
    play = Playbook(calls(("get_weather", '{"ci'), finish_reason=reason, faults={0: cut}))
    assert play.play("Weather?")[-1] == f"== {reason}"


def test_words_cut_by_length_end_the_turn_as_length() -> None:
    assert Playbook(text("Once upon", "length")).play("Tell")[-1] == "== length"


@pytest.mark.parametrize("word", ["incomplete", "max_messages"])
def test_an_answer_that_the_server_calls_incomplete_does_not_end_the_turn_as_completed(word: str) -> None:
    assert Playbook(text("Once upon", word)).play("Tell")[-1] == "== incomplete"


def test_calls_that_are_not_to_be_run_are_shown_and_the_conversation_stays_valid() -> None:
    play = Playbook(calls(PARIS), settings=Settings(dialect="scripted", run_calls=False))
    assert play.play("Weather?")[-2:] == ["finished 0: cancelled cancelled", "== not_run"]
    assert play.toolbox.ran == []
    check_history(play.session.conversation)


def test_the_round_limit_ends_the_turn_after_the_results_are_in() -> None:
    play = Playbook(calls(PARIS), calls(ROME), settings=Settings(dialect="scripted", max_rounds=2))
    assert play.play("Weather?")[-2:] == ["finished 0: ok done", "== round_limit"]


def test_a_turn_goes_on_past_the_round_limit_when_told_to() -> None:
    play = Playbook(calls(PARIS), text("Done."), settings=Settings(dialect="scripted", max_rounds=1))
    play.play("Weather?")
    play.session.emit(Continued())
    assert asyncio.run(play.session.drive()) == "completed"


@pytest.mark.parametrize(
    "first",
    [
        failure("connect_failed", how="connect_failed"),
        failure("http", status=429),
        failure("http", status=503),
    ],
    ids=["connect failure", "429", "503"],
)
def test_what_cannot_have_had_an_effect_is_tried_again_as_an_exchange_of_its_own(first: Answer) -> None:
    play = Playbook(first, text("Hello."))
    transcript = play.play("Hi")
    assert [line for line in transcript if line.startswith("-> ")] == ["-> request 1", "-> request 2"]
    assert play.clock.slept == [0.5]


def test_the_server_says_how_long_to_wait() -> None:
    play = Playbook(failure("http", status=429, retry_after=7.0), text("Hello."))
    play.play("Hi")
    assert play.clock.slept == [7.0]


def test_a_server_that_wants_to_be_left_alone_for_an_hour_is_reported_instead() -> None:
    play = Playbook(failure("http", status=429, retry_after=3600.0))
    assert play.play("Hi")[-1] == "== failed"


@pytest.mark.parametrize(
    "answer",
    [
        failure("http", status=500),
        failure("http", status=401),
        failure("reset", how="reset"),
        failure("timeout", how="timeout"),
        failure("tls_failed", how="tls_failed"),
        failure("error"),
    ],
    ids=["500", "401", "reset", "timeout", "tls", "error in a stream"],
)
def test_what_may_have_had_an_effect_is_not_tried_again(answer: Answer) -> None:
    play = Playbook(answer)
    assert play.play("Hi")[-1] == "== failed"
    assert len(play.endpoint.requests) == 1


def test_an_agent_that_may_act_is_never_asked_twice() -> None:
    play = Playbook(failure("http", status=503), settings=Settings(dialect="acf"))
    assert play.play("Hi")[-1] == "== failed"


def test_retries_come_to_an_end() -> None:
    play = Playbook(*[failure("http", status=503)] * 3)
    assert play.play("Hi")[-1] == "== failed"
    assert play.clock.slept == [0.5, 1.0]


def test_calls_of_a_broken_response_do_not_run_and_the_next_request_is_valid() -> None:
    key = CallKey(0, 0)
    broken = Answer(
        ((ResponseStarted(0), TextDelta("output", "Let me")),),
        (CallAssembled(ToolCall(key, "c", "get_weather", "{}")), ResponseFailed("truncated", "cut")),
        "truncated",
    )
    play = Playbook(broken, text("Again."))
    play.play("Weather?", "And now?")
    assert play.toolbox.ran == []
    body = json.loads(play.endpoint.requests[1].body)
    assert body[1] == "assistant: Let me"
    assert body[3].startswith("cancelled")


@pytest.mark.parametrize(
    ("session", "tool", "expected"),
    [("always", None, "run"), ("ask", "always", "asked"), ("always", "ask", "asked"), ("always", "never", "reject"),
     ("never", "always", "reject"), ("ask", None, "asked")],
)  # fmt: skip
def test_the_stricter_policy_of_session_and_tool_wins(session: str, tool: str | None, expected: str) -> None:
    spec = ToolSpec("get_weather", approve=tool)  # type: ignore[arg-type]
    play = Playbook(
        calls(PARIS),
        text("."),
        settings=Settings(dialect="scripted", approve=session),
        tools=(spec,),  # type: ignore[arg-type]
    )
    transcript = play.play("Weather?")
    assert ("held 0" in transcript) == (expected == "asked")
    assert (f"decided 0: {expected} by policy" in transcript) == (expected != "asked")


def test_a_result_that_was_changed_goes_back_changed_and_the_tools_own_is_kept() -> None:
    play = Playbook(
        calls(PARIS), text("."), decisions=[Run(review=True)], reviews=["42"], outputs={"get_weather": "21"}
    )
    play.play("Weather?")
    assert "result held 0" in play.transcript
    assert json.loads(play.endpoint.requests[1].body)[-1] == "ok: 42"
    (finished,) = [event for event in play.listener.events if isinstance(event, ToolFinished)]
    assert finished.result.output == "21"


def test_a_result_is_reviewed_only_where_the_decision_or_the_policy_says_so() -> None:
    play = Playbook(calls(PARIS, ROME), text("."), decisions=[Run(), Run(review=True)])
    play.play("Weather?")
    assert [arrow for arrow in play.transcript if arrow.startswith("result held")] == ["result held 1"]


@pytest.mark.parametrize(("session", "tool"), [("result", None), ("ask", "result"), ("always", "result")])
def test_the_policy_result_holds_the_result_of_every_call_that_ran(session: str, tool: str | None) -> None:
    spec = ToolSpec("get_weather", approve=tool)  # type: ignore[arg-type]
    chosen = Settings(dialect="scripted", approve=session)  # type: ignore[arg-type]
    play = Playbook(calls(PARIS), text("."), settings=chosen, tools=(spec,))
    assert "result held 0" in play.play("Weather?")


def test_a_call_that_did_not_run_has_no_result_to_look_at() -> None:
    chosen = Settings(dialect="scripted", approve="result")
    play = Playbook(calls(PARIS), text("."), decisions=[Reject("no")], settings=chosen)
    assert "result held 0" not in play.play("Weather?")


def test_a_break_holds_the_next_call_alone_whatever_the_policy_says() -> None:
    chosen = Settings(dialect="scripted", approve="always")
    play = Playbook(calls(PARIS, ROME), text("."), settings=chosen)
    play.session.emit(BreakRequested())
    transcript = play.play("Weather?")
    assert "held 0" in transcript
    assert "decided 1: run by policy" in transcript


def test_a_break_that_met_no_call_is_over_with_its_turn() -> None:
    chosen = Settings(dialect="scripted", approve="always")
    play = Playbook(text("."), calls(PARIS), text("."), settings=chosen)
    play.session.emit(BreakRequested())
    assert "held 0" not in play.play("Hello.", "Weather?")


def test_a_call_put_in_by_hand_stands_in_the_next_request_with_its_result() -> None:
    play = Playbook(text("."))
    call = ToolCall(CallKey(0, 0), "by_hand_0", *PARIS)
    play.session.emit(ItemsInserted((call, ToolResult(call.key, "21"))))
    play.play("And?")
    assert json.loads(play.endpoint.requests[0].body)[:2] == ['call get_weather {"city": "Paris"}', "ok: 21"]


def test_a_sink_that_cannot_record_stops_the_turn_and_no_tool_is_left_running() -> None:
    class Full:
        def handle(self, stamped: Stamped, conversation: Conversation) -> None:
            if isinstance(stamped.event, ToolFinished):
                raise OSError(28, "No space left on device")

    play = Playbook(calls(PARIS, ROME), text("."), pauses={"get_weather": 3})
    play.session.sinks.insert(0, Full())
    with pytest.raises(OSError, match="No space left"):
        play.play("Weather?")


def test_the_connection_is_closed_when_the_turn_is_interrupted() -> None:
    play = Playbook(text("Hello."))
    _interrupt_after(play, 3)
    assert play.endpoint.closed == 1


@settings(max_examples=300, deadline=None)
@given(
    steps=st.integers(0, 40),
    decisions=st.lists(st.sampled_from([Run(), Edit("{}"), Mock("m"), Reject("r"), Abort()]), max_size=4),
    faulty=st.booleans(),
    again=st.booleans(),
)
def test_interrupted_anywhere_every_call_has_one_result_and_the_next_request_is_valid(
    steps: int, decisions: list[Decision], faulty: bool, again: bool
) -> None:
    fault = {1: Fault("arguments_incomplete", "cut")} if faulty else None
    answers = [calls(PARIS, NOON, ROME, faults=fault), calls(NOON), text("Done."), text("Fine."), text("Really.")]
    play = Playbook(*answers, decisions=decisions, pauses={"get_weather": 4, "get_time": 2})
    interrupted = _interrupt_after(play, steps)

    check_history(play.session.conversation)
    events = play.listener.events
    started = [event.key for event in events if isinstance(event, ToolStarted)]
    finished = [event.result.key for event in events if isinstance(event, ToolFinished)]
    assert set(started) <= set(finished)
    assert len(finished) == len(set(finished))
    assert sum(isinstance(event, TurnEnded) for event in events) == (1 if play.session.conversation.turn else 0)
    if interrupted and again:
        remaining = len(play.endpoint.answers) - len(play.endpoint.requests)
        if remaining:
            asyncio.run(play.session.say("And now?"))  # the scripted dialect refuses an invalid history


def _interrupt_after(play: Playbook, steps: int) -> bool:
    """Cancel the turn after so many rounds of the event loop; say whether it was still going on."""

    async def run() -> bool:
        turn = asyncio.ensure_future(play.session.say("Go"))
        for _ in range(steps):
            await asyncio.sleep(0)
        if turn.done():
            await turn
            return False
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
        return True

    return asyncio.run(run())


def test_an_interrupted_call_is_told_apart_from_one_that_never_ran() -> None:
    play = Playbook(calls(PARIS), text("."), pauses={"get_weather": 1000})
    _interrupt_after(play, 60)
    result = next(event.result for event in play.listener.events if isinstance(event, ToolFinished))
    assert result.status == "cancelled"
    assert "may have had an effect" in result.output
