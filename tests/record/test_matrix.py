"""A run with a recorded or a live server, and with calls that are recorded, run, asked about or mocked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.core.events import (
    CallDecided,
    ExchangeOpened,
    PeerEvent,
    ResponseFailed,
    ResultReviewed,
    SettingsChanged,
)
from callscope.core.state import Conversation
from callscope.core.values import Abort, Decision, Edit, Ending, Mock, Reject, Request, Run, ToolCall, ToolResult
from callscope.record.file.reading import RecordingFile
from callscope.record.matching.ignoring import Ignored
from callscope.record.rerunning.report import RerunReport
from callscope.record.rerunning.rerunning import Live, rerun
from callscope.record.rerunning.sameness import Sameness, Terms
from callscope.record.rerunning.script import Fact, script_of
from playbook import Listener
from recordbench import (
    SETTINGS,
    Answer,
    BytesEndpoint,
    PlainDecoder,
    PlainDialect,
    Scene,
    TickingClock,
    Tools,
    plain,
    says,
    sunny,
    wants,
)
from sessionbench import TURNS, fresh_folder, recorded

PARIS = ("get_weather", '{"city": "Paris"}')
ROME = ("get_weather", '{"city": "Rome"}')
CALLING = [wants(PARIS), says("Sunny.")]
PARALLEL = [wants(PARIS, ROME), says("Sunny in both.")]


@dataclass
class Model:
    """A live server: its answers, and what it was asked."""

    answers: Sequence[Answer | bytes]
    asked: Listener = field(default_factory=Listener)

    def __post_init__(self) -> None:
        self.clock = TickingClock()
        self.endpoint = BytesEndpoint(self.answers, self.clock)

    def live(self, **others: str) -> Live:
        return Live(self.endpoint, self.clock, **others)

    @property
    def left(self) -> int:
        return len(self.endpoint.answers)


@dataclass
class Person:
    """A gate that decides in this order, and remembers what it was asked about."""

    decisions: list[Decision]
    asked: list[str] = field(default_factory=list)

    async def decide(self, call: ToolCall, conversation: Conversation) -> CallDecided:
        self.asked.append(call.arguments)
        return CallDecided(call.key, self.decisions.pop(0))

    async def review(self, call: ToolCall, result: ToolResult, conversation: Conversation) -> ResultReviewed:
        return ResultReviewed(call.key)


def again(path: Path, **ports: Any) -> RerunReport:
    return asyncio.run(rerun(RecordingFile(path), dialects=plain, **ports))


def weather(arguments: str) -> str:
    return '{"sky": "grey"}'


def kinds(report: RerunReport) -> list[tuple[str, str, int]]:
    return [(one.kind, one.what, one.exchange) for one in report.divergences]


# ---- did the model change? ----------------------------------------------------------------------------------------


def test_a_model_that_says_the_same_in_other_words_did_not_change(tmp_path: Path) -> None:
    path = Scene(tmp_path, [says("Hello."), *CALLING]).play("Hi!", "Weather?")
    report = again(path, live=Model([says("Good day."), CALLING[0], says("Bright.")]).live())
    assert report.same
    assert report.other_words == (1, 3)
    assert str(report) == "the same: turns 2, exchanges 3, calls 1. In other words: responses 1, 3."


def test_words_beside_calls_are_words(tmp_path: Path) -> None:
    chatty = [json.dumps({"text": text}).encode() + b"\n" + CALLING[0] for text in ("Let me see.", "One moment.")]
    path = Scene(tmp_path, [chatty[0], CALLING[1]]).play("Weather?")
    assert again(path, live=Model([chatty[1], CALLING[1]]).live()).same


def test_words_where_there_were_none_are_words() -> None:
    sameness, fact = Sameness(Terms()), request_with({"role": "assistant", "content": None, "n": 1})
    now = request_with({"role": "assistant", "content": "One moment.", "n": 1}).event.request
    assert [one.path for one in sameness.of_requests(fact, now)] == ["$.body.messages[0].content"]
    sameness.carry([], ["One moment."])
    assert list(sameness.of_requests(fact, now)) == []


def request_with(message: dict[str, Any]) -> Any:
    body = json.dumps({"messages": [message]}).encode()
    return Fact(("request", 1, 0), 2, ExchangeOpened(1, Request("POST", "http://h/v1", (), body)))


@settings(max_examples=25, deadline=None)
@given(happens=st.lists(st.sampled_from([name for name in TURNS if name != "tries again"]), min_size=1, max_size=5))
def test_any_session_is_the_same_with_other_ids_and_other_words(happens: list[str]) -> None:
    answers = [answer for step in happens for answer in TURNS[step]]
    other = [_renamed(answer, number) for number, answer in enumerate(answers)]
    with fresh_folder() as folder:
        report = again(recorded(Path(folder), happens), live=Model(other).live())
    assert report.same, report


def _renamed(answer: Answer | bytes, number: int) -> Answer | bytes:
    if isinstance(answer, Answer):
        return answer
    return answer.replace(b'"c0"', b'"x%d"' % number).replace(b'"c1"', b'"y%d"' % number).replace(b"Sunny", b"Bright")


class Retried(PlainDialect):
    """The protocol with failures that are told as what they are, so that they are tried again."""

    def decoder(self, exchange: int, tools: Sequence[Any]) -> Any:
        return RetriedDecoder(exchange, self.accent)


class RetriedDecoder(PlainDecoder):
    def close(self, how: Ending, detail: str = "") -> list[PeerEvent]:
        return [ResponseFailed("connect_failed", "")] if how == "connect_failed" else super().close(how, detail)


def test_an_attempt_that_was_made_again_then_is_not_asked_for_now(tmp_path: Path) -> None:
    nobody = Answer(b"", "connect_failed")
    scene = Scene(tmp_path, [nobody, CALLING[0], nobody, CALLING[1], nobody, says("Bye.")])
    scene.session.dialect = Retried()
    path = scene.play("Weather?", "Bye!")
    script = script_of(RecordingFile(path), lambda name: Retried())
    assert [turn.number for turn in script.turns] == [1, 2]
    model = Model([*CALLING, says("Bye.")])
    report = asyncio.run(rerun(RecordingFile(path), live=model.live(), dialects=lambda name: Retried()))
    assert (report.same, report.exchanges, model.left) == (True, 3, 0), report
    assert asyncio.run(rerun(RecordingFile(path), dialects=lambda name: Retried())).exchanges == 6


def test_a_server_that_does_not_answer_leaves_the_question_open(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    model = Model([Answer(b"", "connect_failed"), *CALLING])
    report = again(path, live=model.live())
    assert (report.unreachable, report.exit_code, kinds(report)) == (True, 4, [("ending", "response", 1)])
    assert model.left == 2  # nothing is asked again by itself


def test_calls_in_another_order_are_told_as_that(tmp_path: Path) -> None:
    path = Scene(tmp_path, PARALLEL).play("Weather?")
    report = again(path, live=Model([wants(ROME, PARIS), PARALLEL[1]]).live())
    assert kinds(report) == [("order", "response", 1)]
    assert report.exit_code == 1


def test_a_call_too_many_does_not_make_the_others_differ(tmp_path: Path) -> None:
    path = Scene(tmp_path, PARALLEL).play("Weather?")
    report = again(path, live=Model([wants(("get_time", "{}"), PARIS, ROME), PARALLEL[1]]).live())
    assert kinds(report) == [("extra", "call", 1)]


def test_a_call_is_told_by_its_tool_and_id_whether_it_came_too_much_or_not_at_all(tmp_path: Path) -> None:
    tools = {"get_time": sunny, "get_weather": sunny}
    path = Scene(tmp_path, [wants(("get_time", "{}"), PARIS), PARALLEL[1]], tools=tools).play("Weather?")
    missing = again(path, live=Model([wants(PARIS), PARALLEL[1]]).live()).divergences[0]
    assert missing.place.startswith("call get_time · c0 (line ")
    extra = again(path, live=Model([wants(("get_time", "{}"), PARIS, ROME), PARALLEL[1]]).live()).divergences[0]
    assert extra.place == "call get_weather · c2"


def test_a_name_that_would_command_the_terminal_does_not_in_a_divergence(tmp_path: Path) -> None:
    tools = {"\x1b[2J": sunny}
    path = Scene(tmp_path, [wants(("\x1b[2J", "{}")), says("Ok.")], tools=tools).play("Weather?")
    report = again(path, live=Model([wants(PARIS), says("Ok.")]).live())
    assert "\x1b" not in str(report)


def test_a_live_run_with_recorded_results_stops_where_other_calls_have_none(tmp_path: Path) -> None:
    path = Scene(tmp_path, [*CALLING, says("Bye.")]).play("Weather?", "Bye!")
    model, tools = Model([wants(ROME), *CALLING]), Tools({"get_weather": sunny})
    report = again(path, live=model.live(), toolbox=tools)
    assert kinds(report) == [("arguments", "call", 1)]
    assert "stopped there" in report.stopped
    assert (tools.ran, model.left) == ([], 2)


def test_an_approval_holds_for_the_recorded_call_and_for_no_other(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING, settings=replace(SETTINGS, approve="always")).play("Weather?")
    tools = Tools({"get_weather": sunny})
    again(path, live=Model([wants(ROME), says("Ok.")]).live(), toolbox=tools)
    assert tools.ran == []


def test_another_model_and_another_server_are_asked_for_and_no_divergence(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    listener = Listener()
    report = again(path, live=Model(CALLING).live(url="http://other.test/v1", model="huge"), sinks=[listener])
    assert report.same
    sent = [event.request for event in listener.events if isinstance(event, ExchangeOpened)]
    assert {request.url for request in sent} == {"http://other.test/v1/chat"}
    assert all(json.loads(request.body)["model"] == "huge" for request in sent)


def test_a_server_that_takes_one_id_for_two_calls_is_told(tmp_path: Path) -> None:
    path = Scene(tmp_path, PARALLEL).play("Weather?")
    report = again(path, live=Model([PARALLEL[0].replace(b'"c1"', b'"c0"'), PARALLEL[1]]).live())
    assert [(one.kind, one.path) for one in report.divergences] == [("arguments", "$.id")]


def test_an_answer_that_took_too_long_is_told_if_asked(tmp_path: Path) -> None:
    path = Scene(tmp_path, [says("Hello.")]).play("Hi!")
    model = Model([says("Hello.")])
    model.clock.__class__ = SlowClock
    report = again(path, live=model.live(), terms=Terms(slower=3.0))
    assert kinds(report) == [("timing", "response", 1)]
    assert again(path, live=Model([says("Hello.")]).live(), terms=Terms(slower=3.0)).same


class SlowClock(TickingClock):
    def now(self) -> float:
        self.time += 0.5
        return self.time


# ---- did my tool change? ------------------------------------------------------------------------------------------


def test_results_are_compared_by_path_and_the_run_goes_on(tmp_path: Path) -> None:
    path = Scene(tmp_path, [*CALLING, *CALLING]).play("Weather?", "And now?")
    report = again(path, toolbox=Tools({"get_weather": weather}))
    assert [(one.kind, one.exchange, one.path) for one in report.divergences] == [
        ("result", 1, "$.output.sky"),
        ("result", 3, "$.output.sky"),
    ]
    assert [one.path for one in report.divergences[0].differences] == ["$.output.sky", "$.output.for"]
    assert report.stopped == ""


def test_requests_may_carry_what_was_left_out_of_a_result(tmp_path: Path) -> None:
    path = Scene(tmp_path, [*CALLING, *CALLING]).play("Weather?", "And now?")
    ignored = Ignored.of(["$.output.sky", "$.output.for"])
    assert again(path, toolbox=Tools({"get_weather": weather}), terms=Terms(ignored=ignored)).same


def test_requests_may_carry_what_was_left_out_of_arguments(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    model = Model([wants(ROME), says("Sunny.")])
    assert again(path, live=model.live(), terms=Terms(ignored=Ignored.of(["$.arguments.city"]))).same


def test_a_tool_that_takes_too_long_is_told_if_asked(tmp_path: Path) -> None:
    class Slow(Tools):
        async def run(self, call: ToolCall, arguments: str) -> ToolResult:
            return replace(await super().run(call, arguments), duration=2.0)

    path = Scene(tmp_path, CALLING).play("Weather?")
    assert again(path, toolbox=Slow({"get_weather": sunny})).same
    report = again(path, toolbox=Slow({"get_weather": sunny}), terms=Terms(slower=4.0))
    assert [(one.kind, one.recorded, one.now) for one in report.divergences] == [("timing", 0.25, 2.0)]


# ---- a person decides again ---------------------------------------------------------------------------------------


def asked(path: Path, person: Person, tools: Tools, **ports: Any) -> RerunReport:
    return again(path, calls="ask", gate=person, toolbox=tools, **ports)


def test_a_person_who_decides_alike_gets_the_same(tmp_path: Path) -> None:
    path = Scene(tmp_path, PARALLEL, [Run(), Reject("No.")]).play("Weather?")
    person = Person([Run(), Reject("No.")])
    assert asked(path, person, Tools({"get_weather": sunny})).same
    assert person.asked == [PARIS[1], ROME[1]]


@pytest.mark.parametrize("approve", ["always", "result", "ask"])
def test_a_person_is_asked_whatever_the_recording_says_may_run(tmp_path: Path, approve: Any) -> None:
    path = Scene(tmp_path, CALLING, settings=replace(SETTINGS, approve=approve)).play("Weather?")
    person, tools = Person([Reject("No.")]), Tools({"get_weather": sunny})
    asked(path, person, tools)
    assert (person.asked, tools.ran) == ([PARIS[1]], [])


def test_what_a_person_decides_otherwise_shows_in_what_comes_of_it(tmp_path: Path) -> None:
    path = Scene(tmp_path, PARALLEL).play("Weather?")
    report = asked(path, Person([Run(), Mock("rain")]), Tools({"get_weather": sunny}))
    assert [(one.kind, one.exchange, one.index) for one in report.divergences] == [("result", 1, 1)]


def test_whatever_a_person_decides_no_call_waits_for_another_for_ever(tmp_path: Path) -> None:
    decisions: list[Decision] = [Run(), Edit("{}"), Mock("42"), Reject("No."), Abort()]
    path = Scene(tmp_path, PARALLEL).play("Weather?")
    for one in decisions:
        for other in decisions:
            asked(path, Person([one, other]), Tools({"get_weather": sunny}))


def test_an_edited_call_is_an_argument_that_differs(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    report = asked(path, Person([Edit('{"city": "Oslo"}')]), Tools({"get_weather": sunny}))
    assert [(one.kind, one.path) for one in report.divergences] == [
        ("arguments", "$.arguments.city"),
        ("result", "$.output.for.city"),
    ]


def test_a_person_may_let_other_calls_of_a_live_model_run(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    tools = Tools({"get_weather": sunny})
    report = asked(path, Person([Run()]), tools, live=Model([wants(ROME), says("Sunny.")]).live())
    assert kinds(report) == [("arguments", "call", 1)]
    assert (tools.ran, report.exchanges, report.stopped) == ([ROME], 2, "")


# ---- mocks answer -------------------------------------------------------------------------------------------------


class Mocks(Tools):
    async def run(self, call: ToolCall, arguments: str) -> ToolResult:
        return replace(await super().run(call, arguments), status="mocked")


def test_a_mock_that_answers_as_the_tool_did_is_the_same(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    assert again(path, calls="mock", toolbox=Mocks({"get_weather": sunny})).same


def test_recorded_decisions_hold_for_mocks(tmp_path: Path) -> None:
    path = Scene(tmp_path, PARALLEL, [Edit('{"city": "Oslo"}'), Reject("No.")]).play("Weather?")
    mocks = Mocks({"get_weather": sunny})
    assert again(path, calls="mock", toolbox=mocks).same
    assert mocks.ran == [("get_weather", '{"city": "Oslo"}')]


def test_mocks_answer_other_calls_of_a_live_model(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    mocks = Mocks({"get_weather": sunny})
    report = again(path, calls="mock", toolbox=mocks, live=Model([wants(PARIS, ROME), says("Ok.")]).live())
    assert kinds(report) == [("extra", "call", 1)]
    assert sorted(mocks.ran) == [PARIS, ROME]


# ---- what never happens -------------------------------------------------------------------------------------------


def test_a_live_model_gets_no_more_requests_than_were_recorded(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    model = Model([wants(PARIS), wants(ROME), *CALLING])
    report = again(path, calls="mock", toolbox=Mocks({"get_weather": sunny}), live=model.live())
    assert ("extra", "request", 3) in kinds(report)
    assert model.left == 2


def test_settings_that_change_on_the_way_stay_changed(tmp_path: Path) -> None:
    scene = Scene(tmp_path, [says("One."), says("Two.")])

    async def session() -> None:
        await scene.session.say("First")
        scene.session.emit(SettingsChanged(replace(SETTINGS, model="other", system="Be brief.")))
        await scene.session.say("Second")

    asyncio.run(session())
    listener = Listener()
    assert again(scene.path, live=Model([says("One."), says("Two.")]).live(), sinks=[listener]).same
    sent = [json.loads(event.request.body) for event in listener.events if isinstance(event, ExchangeOpened)]
    assert [(body["model"], body["system"]) for body in sent] == [("tiny", None), ("other", "Be brief.")]
