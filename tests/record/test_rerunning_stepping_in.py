"""Sessions in which a person stepped in: breaks, held and changed results, items put in by hand, turns gone on with."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.core.events import (
    BreakRequested,
    CallDecided,
    CallHeld,
    Continued,
    Event,
    ExchangeOpened,
    ItemsInserted,
    ResultReviewed,
    SettingsChanged,
    Stamped,
    ToolFinished,
    ToolsChanged,
    ToolStarted,
    TurnEnded,
)
from callscope.core.state import Conversation
from callscope.core.values import Abort, CallKey, Edit, Message, Mock, Reasoning, Reject, Run, ToolCall, ToolResult
from callscope.record.deriving.rederiving import derive
from callscope.record.deriving.restoring import left_by
from callscope.record.file.reading import open_recording
from callscope.record.rerunning.report import RerunReport
from callscope.record.rerunning.rerunning import rerun
from callscope.session import Session
from playbook import Listener, check_history
from recordbench import (
    SETTINGS,
    WEATHER,
    Answer,
    BytesEndpoint,
    Decisions,
    PlainDialect,
    Scene,
    TickingClock,
    Tools,
    plain,
    resume,
    says,
    sunny,
    verify,
    wants,
)

PARIS = ("get_weather", '{"city": "Paris"}')
ROME = ("get_weather", '{"city": "Rome"}')
ALWAYS = replace(SETTINGS, approve="always")
RESULT = replace(SETTINGS, approve="result")
BY_HAND = (
    ToolCall(CallKey(1, 90), "by-hand", "get_weather", '{"city": "Oslo"}'),
    ToolResult(CallKey(1, 90), "rain", duration=0.5, prints="looked out"),
)


def again(path: Path, **ports: Any) -> RerunReport:
    return asyncio.run(rerun(open_recording(path), dialects=plain, **ports))


def kinds(path: Path) -> list[str]:
    return [entry.kind for entry in open_recording(path).entries]


def told(events: Sequence[Event]) -> list[Event]:
    """The events, but for what a run does not repeat: the headers that an endpoint adds, and who decided."""
    return [_told(event) for event in events]


def _told(event: Event) -> Event:
    match event:
        case ExchangeOpened(request=request):
            return replace(event, request=replace(request, headers=()))
        case CallDecided() | ResultReviewed():
            return replace(event, by="recording")
        case _:
            return event


def same_again(path: Path, first: Listener) -> None:
    """The recording derives, and runs again to the very stream that the session gave."""
    second, recording = Listener(), open_recording(path)
    assert verify(recording, plain) is None
    assert told([stamped.event for stamped in derive(recording, plain)]) == told(first.events)
    report = again(path, sinks=[second])
    assert report.divergence is None, str(report)
    assert report.stopped == ""
    assert told(second.events) == told(first.events)


@dataclass
class Person(Decisions):
    """Takes a moment before each decision, and does unasked what is due once certain events came, one after another."""

    unasked: Sequence[tuple[Callable[[Event], bool], Event]] = ()
    scene: Scene | None = None
    listener: Listener = field(default_factory=Listener)

    def __post_init__(self) -> None:
        self.due = deque(self.unasked)

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        self.listener.handle(stamped, conversation)
        if self.due and self.due[0][0](stamped.event):
            assert self.scene is not None
            asyncio.get_running_loop().call_soon(self.scene.session.emit, self.due.popleft()[1])

    async def decide(self, call: ToolCall, conversation: Conversation) -> CallDecided:
        await asyncio.sleep(0)
        return await super().decide(call, conversation)

    async def review(self, call: ToolCall, result: ToolResult, conversation: Conversation) -> ResultReviewed:
        await asyncio.sleep(0)
        return await super().review(call, result, conversation)


def scene_with(person: Person, directory: Path, answers: Sequence[Answer | bytes], **more: Any) -> Scene:
    person.scene = scene = Scene(directory, answers, sinks=[person], **more)
    scene.session.gate = person
    return scene


def first(kind: type) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, kind)


# ---- a break ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [ExchangeOpened, ToolStarted, ToolFinished])
def test_a_break_is_asked_for_again_where_it_was(after: type, tmp_path: Path) -> None:
    person = Person([Edit('{"city": "Oslo"}')], unasked=[(first(after), BreakRequested())])
    answers = [wants(PARIS, ROME), wants(PARIS), says("Sunny.")]
    path = scene_with(person, tmp_path, answers, settings=ALWAYS).play("Weather?")
    decisions = [entry.members["by"] for entry in open_recording(path).entries if entry.kind == "decision"]
    assert sorted(decisions) == ["person", "policy", "policy"]
    same_again(path, person.listener)


def test_a_break_asked_for_while_a_call_is_held_holds_the_next_one_again(tmp_path: Path) -> None:
    """Done before the first call was held it would be used up by that one, and nobody would be asked of the next."""
    breaks = [(first(ExchangeOpened), BreakRequested()), (first(CallHeld), BreakRequested())]
    person = Person([Run(), Mock("rain")], unasked=breaks)
    path = scene_with(person, tmp_path, [wants(PARIS), wants(ROME), says("Rain.")], settings=ALWAYS).play("Weather?")
    assert kinds(path).count("held") == 2
    same_again(path, person.listener)


def test_a_break_asked_for_between_turns_holds_the_first_call_of_the_next(tmp_path: Path) -> None:
    person = Person([Mock("rain")])
    scene = scene_with(person, tmp_path, [wants(PARIS), says("Rain.")], settings=ALWAYS)
    scene.session.emit(BreakRequested())
    path = scene.play("Weather?")
    assert kinds(path)[2:4] == ["break", "user"]
    same_again(path, person.listener)


def test_a_break_that_no_call_came_after_ends_with_its_turn(tmp_path: Path) -> None:
    person = Person(unasked=[(first(ExchangeOpened), BreakRequested())])
    answers = [says("No call."), wants(PARIS), says("Sunny.")]
    path = scene_with(person, tmp_path, answers, settings=ALWAYS).play("Hello?", "Weather?")
    assert "held" not in kinds(path)
    same_again(path, person.listener)


def test_a_break_is_asked_for_again_before_a_turn_is_broken_off(tmp_path: Path) -> None:
    person = Person(unasked=[(first(ExchangeOpened), BreakRequested())], forever=True)
    scene = scene_with(person, tmp_path, [wants(PARIS), says("Fine.")], settings=ALWAYS)

    async def session() -> None:
        await scene.interrupted("Weather?", lambda conversation: any(one.held for one in conversation.calls.values()))
        await scene.session.say("Never mind.")

    asyncio.run(session())
    scene.recorder.close()
    same_again(scene.path, person.listener)


def test_a_policy_changed_while_a_call_was_held_is_in_force_from_there_on(tmp_path: Path) -> None:
    changes = [(first(CallHeld), SettingsChanged(ALWAYS)), (first(SettingsChanged), ToolsChanged((WEATHER,)))]
    person = Person([Run()], unasked=changes)
    path = scene_with(person, tmp_path, [wants(PARIS), wants(ROME), says("Sunny.")]).play("Weather?")
    assert kinds(path).count("held") == 1
    same_again(path, person.listener)


# ---- results ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reviews", [[None, None], ["fog", None], [None, "fog"], ["", "snow"]])
def test_reviewed_results_go_back_again_as_the_person_let_them_go(reviews: list[str | None], tmp_path: Path) -> None:
    person = Person(reviews=list(reviews))
    answers = [wants(PARIS, ROME), says("Sunny.")]
    path = scene_with(person, tmp_path, answers, settings=RESULT).play("Weather?")
    body = json.loads([entry for entry in open_recording(path).entries if entry.kind == "request"][1].members["body"])
    went_back = {tuple(one["of"]): one["result"] for one in body["messages"] if "result" in one}
    outputs = [sunny(PARIS[1]), sunny(ROME[1])]
    assert [went_back[1, 0], went_back[1, 1]] == [
        output if review is None else review for review, output in zip(reviews, outputs, strict=True)
    ]
    same_again(path, person.listener)


def test_a_result_that_one_decision_asked_to_see_is_shown_again(tmp_path: Path) -> None:
    person = Person([Run(review=True), Run()], reviews=["fog"])
    path = scene_with(person, tmp_path, [wants(PARIS, ROME), says("Fog.")]).play("Weather?")
    assert kinds(path).count("result_held") == 1
    same_again(path, person.listener)


def test_a_changed_review_is_named_at_the_request_that_carries_it(tmp_path: Path) -> None:
    person = Person(reviews=["fog"])
    path = scene_with(person, tmp_path, [wants(PARIS), says("Fog.")], settings=RESULT).play("Weather?")
    path.write_text(
        path.read_text().replace('"review","call":[1,0],"output":"fog"', '"review","call":[1,0],"output":"sun"')
    )
    divergence = again(path).divergence
    assert divergence is not None
    assert (divergence.what, divergence.exchange, divergence.recorded, divergence.now) == ("request", 2, "fog", "sun")


def held_result(directory: Path, *, then: str | None) -> tuple[Path, Person]:
    """A session that was interrupted while a result was held."""

    class Silent(Person):
        async def review(self, call: ToolCall, result: ToolResult, conversation: Conversation) -> ResultReviewed:
            await asyncio.get_running_loop().create_future()
            raise AssertionError

    person = Silent()
    scene = scene_with(person, directory, [wants(PARIS, ROME), says("Fine.")], settings=RESULT)

    async def session() -> None:
        held = lambda conversation: any(one.result_held for one in conversation.calls.values())  # noqa: E731
        await scene.interrupted("Weather?", held)
        check_history(scene.session.conversation)
        if then is not None:
            await scene.session.say(then)

    asyncio.run(session())
    scene.recorder.close()
    return scene.path, person


def test_a_turn_interrupted_while_a_result_was_held_is_valid_and_runs_again(tmp_path: Path) -> None:
    path, person = held_result(tmp_path, then="Never mind.")
    assert kinds(path).count("result_held") == 1
    same_again(path, person.listener)


def test_a_session_killed_while_a_result_was_held_goes_on_and_runs_again(tmp_path: Path) -> None:
    path, _ = held_result(tmp_path, then=None)
    lines = path.read_bytes().splitlines(keepends=True)
    held = next(number for number, line in enumerate(lines) if b'"result_held"' in line)
    path.write_bytes(b"".join(lines[: held + 1]))
    assert again(path).divergence is None
    recording = open_recording(path)
    check_history(left_by(recording, plain).conversation)
    assert left_by(recording, plain).owed == (TurnEnded("interrupted"),)


# ---- items put in by hand, and turns that were gone on with ----------------------------------------------------------


def test_items_put_in_by_hand_stand_in_the_next_request_again(tmp_path: Path) -> None:
    person = Person()
    scene = scene_with(person, tmp_path, [says("Hello."), says("Rain in Oslo.")])

    async def session() -> None:
        await scene.session.say("Hello!")
        scene.session.emit(ItemsInserted((Message("user", "Look out."), Reasoning("Oslo?", 3), *BY_HAND)))
        scene.session.emit(ItemsInserted((Message("assistant", "It rains.", 7),)))
        await scene.session.say("So?")

    asyncio.run(session())
    scene.recorder.close()
    assert left_by(open_recording(scene.path), plain).conversation.items == scene.session.conversation.items
    same_again(scene.path, person.listener)


def test_turns_gone_on_with_past_the_round_limit_run_again(tmp_path: Path) -> None:
    person = Person(reviews=["fog"])
    answers = [wants(PARIS), wants(ROME), wants(PARIS), says("Enough.")]
    scene = scene_with(person, tmp_path, answers, settings=replace(RESULT, max_rounds=1))

    async def session() -> None:
        reason = await scene.session.say("Weather?")
        while reason == "round_limit":
            scene.session.emit(Continued())
            reason = await scene.session.drive()

    asyncio.run(session())
    scene.recorder.close()
    assert kinds(scene.path).count("continue") == 3
    same_again(scene.path, person.listener)


# ---- anything, at any moment -----------------------------------------------------------------------------------------

DECISIONS = st.sampled_from([Run(), Run(review=True), Edit('{"city": "Oslo"}'), Mock("42"), Reject("No."), Abort()])
CALLS = st.lists(st.sampled_from([PARIS, ROME]), min_size=1, max_size=2)
ANSWERS = st.lists(CALLS.map(lambda wanted: wants(*wanted)) | st.just(says("So.")), min_size=4, max_size=6)
"""A moment: after so many rounds of the event loop somebody presses a key; None interrupts the turn."""
KEYS = st.lists(st.tuples(st.integers(0, 60), st.sampled_from([BreakRequested(), None])), max_size=4)


@dataclass(frozen=True)
class Plan:
    """A session: what the peer answers, what the person decides, and what the person does at which moment."""

    answers: list[bytes]
    policy: str
    rounds: int
    decisions: list[Any]
    reviews: list[str | None]
    keys: list[tuple[int, Event | None]]
    by_hand: bool


PLANS = st.builds(
    Plan,
    ANSWERS,
    st.sampled_from(["always", "result", "ask"]),
    st.integers(1, 3),
    st.lists(DECISIONS, max_size=6),
    st.lists(st.none() | st.sampled_from(["fog", ""]), max_size=4),
    KEYS,
    st.booleans(),
)


async def live(plan: Plan, scene: Scene) -> None:
    """Two turns and whatever they take; the endpoint has answers enough or the session is interrupted."""
    for words in ("First.", "Second."):
        if not scene.session.endpoint.answers:  # type: ignore[attr-defined]
            return
        turn = asyncio.ensure_future(scene.session.say(words))
        await _press(plan.keys, turn, scene)
        await asyncio.wait([turn])
        if not turn.cancelled() and turn.result() == "round_limit" and scene.session.endpoint.answers:  # type: ignore[attr-defined]
            scene.session.emit(Continued())
            await scene.session.drive()
        if plan.by_hand:
            scene.session.emit(ItemsInserted(BY_HAND if words == "First." else (Message("user", "By the way."),)))


async def _press(keys: Sequence[tuple[int, Event | None]], turn: asyncio.Future[Any], scene: Scene) -> None:
    for moments, key in keys:
        for _ in range(moments):
            await asyncio.sleep(0)
        if turn.done():
            return
        if key is None:
            turn.cancel()
            return
        scene.session.emit(key)


@settings(max_examples=100, deadline=None)
@given(plan=PLANS)
def test_whatever_a_person_did_at_any_moment_happens_again(plan: Plan, tmp_path_factory: Any) -> None:
    person = Person(list(plan.decisions), reviews=list(plan.reviews))
    chosen = replace(SETTINGS, approve=plan.policy, max_rounds=plan.rounds)
    answers = [*plan.answers, *[says("Done.")] * 20]
    scene = scene_with(person, tmp_path_factory.mktemp("plan"), answers, settings=chosen)
    asyncio.run(live(plan, scene))
    scene.recorder.close()
    recording, second = open_recording(scene.path), Listener()
    assert told([stamped.event for stamped in derive(recording, plain)]) == told(person.listener.events)
    report = again(scene.path, sinks=[second])
    assert report.divergence is None, str(report)
    assert told(second.events) == told(person.listener.events)
    assert left_by(recording, plain).conversation.items == scene.session.conversation.items


# ---- killed, gone on with, killed, gone on with ----------------------------------------------------------------------


def cut(path: Path, at: float) -> None:
    """What a program that was killed leaves of a recording: this part of the lines after the tools, and a torn one."""
    lines = path.read_bytes().splitlines(keepends=True)
    kept = 3 + int(at * (len(lines) - 3))
    path.write_bytes(b"".join(lines[:kept]) + b"".join(lines[kept : kept + 1])[:-9])


def go_on(path: Path, plan: Plan) -> None:
    """One more turn of a session that was killed."""
    left, clock = left_by(open_recording(path), plain), TickingClock()
    recorder = resume(path, clock)
    session = Session(
        endpoint=BytesEndpoint([*plan.answers[:1], *[says("Done.")] * 20], clock),
        dialect=PlainDialect(),
        gate=Person(list(plan.decisions), reviews=list(plan.reviews)),
        toolbox=Tools({"get_weather": sunny}),
        clock=clock,
        sinks=[recorder],
    )
    session.conversation = left.conversation
    for event in left.owed:
        session.emit(event)
    check_history(session.conversation)
    asyncio.run(session.say("And now?"))
    recorder.close()
    assert left_by(open_recording(path), plain).conversation.items == session.conversation.items


@settings(max_examples=80, deadline=None)
@given(plan=PLANS, cuts=st.lists(st.floats(0, 1), min_size=1, max_size=2))
def test_a_session_killed_anywhere_and_gone_on_with_runs_again(
    plan: Plan, cuts: list[float], tmp_path_factory: Any
) -> None:
    person = Person(list(plan.decisions), reviews=list(plan.reviews))
    chosen = replace(SETTINGS, approve=plan.policy, max_rounds=plan.rounds)
    answers = [*plan.answers, *[says("Done.")] * 20]
    scene = scene_with(person, tmp_path_factory.mktemp("plan"), answers, settings=chosen)
    asyncio.run(live(plan, scene))
    scene.recorder.close()
    for at in cuts:
        cut(scene.path, at)
        go_on(scene.path, plan)
    report = again(scene.path)
    assert report.divergence is None, str(report)
    assert report.stopped == ""
