from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from callscope.core.events import (
    CallDecided,
    Continued,
    ExchangeOpened,
    Rewound,
    SettingsChanged,
    TurnEnded,
    WireEvent,
)
from callscope.core.state import Conversation
from callscope.core.values import Abort, Edit, Mock, Reject, Request, Run
from callscope.record.deriving.restoring import left_by
from callscope.record.file.reading import open_recording
from callscope.record.matching.matching import ABSENT
from callscope.record.matching.requests import Level
from callscope.record.rerunning.report import RerunReport
from callscope.record.rerunning.rerunning import Live, rerun
from callscope.record.rerunning.sameness import Terms
from callscope.record.secrets.guard import SecretGuard
from callscope.record.secrets.masking import Secrets
from callscope.session import Session
from playbook import Listener
from recordbench import (
    SETTINGS,
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
    wants,
)

PARIS = ("get_weather", '{"city": "Paris"}')
ROME = ("get_weather", '{"city": "Rome"}')
CALLING = [wants(PARIS), says("Sunny.")]
PARALLEL = [wants(PARIS, ROME), says("Sunny in both.")]


def again(path: Path, **ports: Any) -> RerunReport:
    ports.setdefault("dialects", plain)
    return asyncio.run(rerun(open_recording(path), **ports))


def kinds(path: Path) -> list[str]:
    return [entry.kind for entry in open_recording(path).entries]


def edit_line(path: Path, kind: str, edit: Callable[[dict[str, Any]], object], which: int = 0) -> int:
    """Change a line of this kind; gives its number."""
    lines = path.read_text().splitlines()
    number = [place for place, line in enumerate(lines) if json.loads(line)["kind"] == kind][which]
    changed = json.loads(lines[number])
    edit(changed)
    lines[number] = json.dumps(changed)
    path.write_text("\n".join(lines) + "\n")
    return number + 1


# ---- what was recorded happens again ------------------------------------------------------------------------------


def test_a_recorded_session_happens_again(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    assert again(path) == RerunReport(turns=1, exchanges=2, calls=1)


def test_a_run_gives_its_sinks_the_session_again(tmp_path: Path) -> None:
    first, second = Listener(), Listener()
    path = Scene(tmp_path, CALLING, sinks=[first]).play("Weather?")
    again(path, sinks=[second])
    skipped = (ExchangeOpened, CallDecided)  # the headers of the endpoint, and who decided
    assert [event for event in second.events if not isinstance(event, skipped)] == [
        event for event in first.events if not isinstance(event, skipped)
    ]


def test_the_decisions_of_a_run_come_from_the_recording(tmp_path: Path) -> None:
    listener = Listener()
    path = Scene(tmp_path, PARALLEL, [Edit('{"city": "Oslo"}'), Reject("No.")]).play("Weather?")
    assert again(path, sinks=[listener]).divergence is None
    decided = [event for event in listener.events if isinstance(event, CallDecided)]
    assert [(event.decision, event.by) for event in decided] == [
        (Edit('{"city": "Oslo"}'), "recording"),
        (Reject("No."), "recording"),
    ]


@pytest.mark.parametrize("decision", [Run(), Edit("{}"), Mock("42"), Reject("No."), Abort()])
def test_every_decision_can_be_run_again(tmp_path: Path, decision: Any) -> None:
    path = Scene(tmp_path, PARALLEL, [Run(), decision]).play("Weather?")
    assert again(path).divergence is None


@pytest.mark.parametrize(
    "changes", [{"approve": "always"}, {"approve": "never"}, {"run_calls": False}, {"max_rounds": 1}]
)
def test_policies_and_limits_are_those_of_the_recording(tmp_path: Path, changes: Any) -> None:
    path = Scene(tmp_path, PARALLEL, settings=replace(SETTINGS, **changes)).play("Weather?")
    assert again(path).divergence is None


def test_results_come_in_the_recorded_order(tmp_path: Path) -> None:
    path = Scene(tmp_path, PARALLEL).play("Weather?")
    order = [entry.members["call"] for entry in open_recording(path).entries if entry.kind == "result"]
    assert order == [[1, 1], [1, 0]]  # so that this can fail: the later call came first
    assert again(path).divergence is None


def test_changed_settings_rewinds_and_continuations_are_played(tmp_path: Path) -> None:
    answers = [wants(PARIS), says("One."), says("Two."), Answer(says("Th")[:9], "reset"), says("Three.")]
    scene = Scene(tmp_path, answers, settings=replace(SETTINGS, max_rounds=1))

    async def session() -> None:
        await scene.session.say("Weather?")
        scene.session.emit(Continued())
        await scene.session.drive()
        scene.session.emit(SettingsChanged(replace(SETTINGS, system="Be brief.")))
        scene.session.emit(Rewound(0))
        await scene.session.say("Again?")
        await scene.session.say("And again?")
        scene.session.emit(Continued())
        await scene.session.drive()

    asyncio.run(session())
    listener = Listener()
    report = again(scene.path, sinks=[listener])
    assert report == RerunReport(turns=5, exchanges=5, calls=1)
    assert listener.stamped[-1].at > 0
    assert kinds(scene.path).count("continue") == 2


def test_each_attempt_of_a_retry_is_an_exchange_of_its_own(tmp_path: Path) -> None:
    path = Scene(tmp_path, [Answer(b"", "connect_failed"), says("There.")]).play("Anybody?")
    assert again(path).divergence is None


def test_a_run_takes_no_time_to_wait(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    edit_line(path, "result", lambda line: line.update(t=3_000_000.0))
    assert again(path).divergence is None


def test_masked_secrets_do_not_differ(tmp_path: Path) -> None:
    key = 'correct-"horse"-staple'
    secrets = Secrets([key])
    scene = Scene(
        tmp_path,
        [Answer(wants(("login", json.dumps({"key": key}))), cuts=500), says("In.")],
        tools={"login": lambda arguments: f"in with {arguments}"},
        secrets=secrets,
        guard=SecretGuard(secrets),
        settings=replace(SETTINGS, system=f"Key: {key}", url=f"http://plain.test/{key}"),
    )
    path = scene.play(f"Log in with {key}")
    assert again(path).divergence is None


@pytest.mark.parametrize("level", ["wire", "semantic"])
def test_asterisks_that_a_person_wrote_are_no_masks_in_a_request_that_has_some(tmp_path: Path, level: Level) -> None:
    path = Scene(tmp_path, [says("Hello.")]).play("Say **this** now")
    edit_line(path, "request", lambda line: line["headers"].append(["authorization", "Bearer ********"]))
    edit_line(path, "request", lambda line: line.update(masked={"headers": [[len(line["headers"]) - 1, 7, 8]]}))
    assert again(path, terms=Terms(level)).divergence is None
    edit_line(path, "user", lambda line: line.update(text="Say something else ** now"))
    divergence = again(path, terms=Terms(level)).divergence
    assert divergence is not None
    assert divergence.path == "$.body.messages[0].content"


def test_asterisks_that_a_tool_printed_are_no_masks_in_a_result_that_has_some(tmp_path: Path) -> None:
    said = "**** rain; key correct!"
    tools, secrets = {"get_weather": lambda _: said}, Secrets(["correct!"])
    path = Scene(tmp_path, CALLING, tools=tools, secrets=secrets).play("Weather?")
    assert again(path, toolbox=Tools(tools)).divergence is None
    divergence = again(path, toolbox=Tools({"get_weather": lambda _: said.replace("****", "**")})).divergence
    assert divergence is not None
    assert (divergence.kind, divergence.recorded) == ("result", "**** rain; key ********")


# ---- and where it does not, it is named ---------------------------------------------------------------------------


def test_a_changed_result_is_named_at_the_request_that_carries_it(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    edit_line(path, "result", lambda line: line.update(output="rain"))
    divergence = again(path).divergence
    assert divergence is not None
    assert (divergence.what, divergence.exchange) == ("request", 2)
    assert divergence.path == "$.body.messages[2].result"
    assert (divergence.recorded, divergence.now) == (sunny('{"city": "Paris"}'), "rain")


def test_a_changed_byte_of_an_argument_is_named_where_it_first_tells(tmp_path: Path) -> None:
    path = Scene(tmp_path, [Answer(CALLING[0], cuts=500), CALLING[1]]).play("Weather?")
    path.write_text(path.read_text().replace("ris\\\\\\", "rus\\\\\\", 1))
    divergence = again(path).divergence
    assert divergence is not None
    assert (divergence.kind, divergence.path) == ("integrity", "$.calls[0].arguments")
    assert [one.path for one in divergence.differences] == ["$.calls[0].arguments", "$.sha256"]
    started = again(path).divergences[1]
    assert (started.kind, started.what, started.path) == ("arguments", "start", "$.arguments.city")
    assert (started.recorded, started.now) == ("Paris", "Parus")


def test_a_changed_request_is_named_with_its_line_and_path(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    line = edit_line(path, "request", lambda line: line.update(body=line["body"].replace("tiny", "huge")))
    divergence = again(path).divergence
    assert divergence is not None
    assert str(divergence) == f'request: request 1 (line {line}), $.body.model: recorded "huge", now "tiny"'


def test_a_changed_decision_is_named(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    edit_line(path, "decision", lambda line: line.update(action="mock", output="rain"))
    divergence = again(path).divergence
    assert divergence is not None
    assert (divergence.what, divergence.recorded) == ("result", "ok")


def test_a_call_without_a_recorded_decision_is_named(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    edit_line(path, "decision", lambda line: line.update(kind="forgotten"))
    divergence = again(path).divergence
    assert divergence is not None
    assert (divergence.what, divergence.recorded) == ("decision", ABSENT)


def test_an_exchange_that_did_not_happen_again_is_named(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    edit_line(path, "settings", lambda line: line["policy"].update(max_rounds=1))
    divergence = again(path).divergence
    assert divergence is not None
    assert (divergence.what, divergence.recorded, divergence.now) == ("turn", "completed", "round_limit")


def test_an_exchange_that_was_not_recorded_is_named(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING, settings=replace(SETTINGS, max_rounds=1)).play("Weather?")
    edit_line(path, "settings", lambda line: line["policy"].update(max_rounds=9))
    divergence = again(path).divergence
    assert divergence is not None
    assert (divergence.what, divergence.exchange, divergence.recorded) == ("request", 2, ABSENT)


def test_a_changed_decoder_is_named_at_the_first_thing_it_changes(tmp_path: Path) -> None:
    path = Scene(tmp_path, [says("One."), says("Two.")]).play("First", "Second")
    divergences = again(path, dialects=lambda name: PlainDialect(accent="So: ")).divergences
    assert [(one.kind, one.exchange, one.path, one.now) for one in divergences] == [
        ("parse", 1, "$.message.content", "So: One."),
        ("request", 2, "$.body.messages[1].content", "So: One."),
        ("parse", 2, "$.message.content", "So: Two."),
    ]


# ---- turns that were broken off -----------------------------------------------------------------------------------


def broken_off(scene: Scene, until: Callable[[Conversation], bool]) -> Path:
    async def session() -> None:
        await scene.interrupted("Weather?", until)
        await scene.session.say("Never mind.")

    asyncio.run(session())
    scene.recorder.close()
    return scene.path


def test_a_turn_broken_off_in_a_response_is_run_again_as_far(tmp_path: Path) -> None:
    scene = Scene(tmp_path, [Answer(CALLING[0][:100], hang=True), says("Fine.")])
    path = broken_off(scene, lambda conversation: conversation.open_exchange)
    assert again(path) == RerunReport(turns=2, exchanges=2, calls=1)


def test_a_turn_broken_off_before_a_decision_is_run_again_as_far(tmp_path: Path) -> None:
    scene = Scene(tmp_path, [PARALLEL[0], says("Fine.")], [Run()], forever=True)
    path = broken_off(scene, lambda conversation: any(record.decision for record in conversation.calls.values()))
    assert again(path).divergence is None
    assert [entry.members["reason"] for entry in open_recording(path).entries if entry.kind == "turn"] == [
        "interrupted",
        "completed",
    ]


def test_a_turn_broken_off_while_a_tool_ran_is_run_again_as_far(tmp_path: Path) -> None:
    answers = [wants(PARIS, ("sleep", "{}")), says("Fine.")]
    scene = Scene(tmp_path, answers, tools={"get_weather": sunny, "sleep": None})
    path = broken_off(scene, lambda conversation: any(record.result for record in conversation.calls.values()))
    listener = Listener()
    assert again(path, sinks=[listener]).divergence is None
    assert [event.reason for event in listener.events if isinstance(event, TurnEnded)] == ["interrupted", "completed"]


def test_a_turn_broken_off_before_the_next_request_is_run_again_as_far(tmp_path: Path) -> None:
    class Slow(BytesEndpoint):
        async def stream(self, exchange: int, request: Request) -> AsyncGenerator[WireEvent, None]:
            if exchange == 2:
                await asyncio.get_running_loop().create_future()
            async for wire in super().stream(exchange, request):
                yield wire

    scene = Scene(tmp_path, CALLING)
    scene.session.endpoint = Slow(CALLING, scene.clock)

    async def session() -> None:
        await scene.interrupted("Weather?", lambda talk: any(one.result for one in talk.calls.values()))
        scene.session.endpoint = BytesEndpoint([says("Fine.")], scene.clock)
        await scene.session.say("Never mind.")

    asyncio.run(session())
    assert again(scene.path) == RerunReport(turns=2, exchanges=2, calls=1)


def test_a_turn_broken_off_while_an_exchange_was_closing_is_run_again_as_far(tmp_path: Path) -> None:
    class Closing(BytesEndpoint):
        async def stream(self, exchange: int, request: Request) -> AsyncGenerator[WireEvent, None]:
            async for wire in super().stream(exchange, request):
                yield wire
            await asyncio.get_running_loop().create_future()

    scene = Scene(tmp_path, CALLING, settings=replace(SETTINGS, approve="always"))
    scene.session.endpoint = Closing(CALLING, scene.clock)
    asyncio.run(scene.interrupted("Weather?", lambda conversation: bool(conversation.calls)))
    assert "started" not in kinds(scene.path)
    assert again(scene.path).divergence is None


def test_a_recording_cut_at_any_line_runs_as_far_as_it_goes_and_says_so(tmp_path: Path) -> None:
    path = Scene(tmp_path, [*PARALLEL, says("Bye.")], [Edit('{"city": "Oslo"}'), Run()]).play("Weather?", "Bye!")
    whole = path.read_text().splitlines(keepends=True)
    turns = [number for number, line in enumerate(whole, start=1) if '"kind":"turn"' in line]
    for cut in range(3, len(whole)):
        path.write_text("".join(whole[:cut]) + whole[cut][:9])
        report = again(path)
        assert report.divergence is None, f"cut after line {cut}: {report}"
        in_mid_turn = cut > 3 and cut != turns[0]
        assert bool(report.cut_off) == in_mid_turn, f"cut after line {cut}: {report}"
        assert report.same, f"cut after line {cut}: {report}"
    assert "cut off in the recording at line" in report.cut_off


def test_a_killed_session_that_was_gone_on_with_is_run_again(tmp_path: Path) -> None:
    """Killed after any line of its first turn; then the turn is ended, and another one follows."""
    whole = Scene(tmp_path / "whole", PARALLEL, [Edit('{"city": "Oslo"}'), Run()]).play("Weather?").read_bytes()
    for cut in range(5, len(whole.splitlines())):
        path = tmp_path / f"{cut}.jsonl"
        path.write_bytes(b"".join(whole.splitlines(keepends=True)[:cut]))
        go_on(path, "Never mind.")
        report = again(path)
        assert report.divergence is None, f"cut after line {cut}: {report}"
        assert report.stopped == ""


def go_on(path: Path, words: str) -> None:
    """What a program does that goes on with a recording."""
    recording, clock = open_recording(path), TickingClock()
    recorder = resume(path, clock)
    session = Session(
        endpoint=BytesEndpoint([says("As you like.")], clock),
        dialect=PlainDialect(),
        gate=Decisions(),
        toolbox=Tools({}),
        clock=clock,
        sinks=[recorder],
    )
    left = left_by(recording, plain)
    session.conversation = left.conversation
    for event in left.owed:
        session.emit(event)
    asyncio.run(session.say(words))
    recorder.close()
    assert left_by(open_recording(path), plain).conversation.items == session.conversation.items


def test_interrupting_a_run_interrupts_it(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")

    class Waiting:
        async def run(self, call: Any, arguments: str) -> Any:
            await asyncio.get_running_loop().create_future()

    async def interrupted() -> None:
        task = asyncio.ensure_future(rerun(open_recording(path), toolbox=Waiting(), dialects=plain))
        for _ in range(100):
            await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())


# ---- live ports ---------------------------------------------------------------------------------------------------


def test_tools_can_be_run_anew(tmp_path: Path) -> None:
    path = Scene(tmp_path, PARALLEL).play("Weather?")
    tools = Tools({"get_weather": sunny})
    assert again(path, toolbox=tools).divergence is None
    assert sorted(tools.ran) == [PARIS, ROME]


def test_a_tool_that_answers_otherwise_is_named(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    divergence = again(path, toolbox=Tools({"get_weather": lambda arguments: '{"sky": "grey", "for": 1}'})).divergence
    assert divergence is not None
    assert (divergence.what, divergence.path) == ("result", "$.output.sky")
    assert (divergence.recorded, divergence.now) == ("clear", "grey")


def test_a_call_whose_arguments_were_masked_is_not_run_anew(tmp_path: Path) -> None:
    key = "correct-horse-staple"
    secrets = Secrets([key])
    answers = [wants(("login", json.dumps({"key": key}))), says("In.")]
    scene = Scene(tmp_path, answers, tools={"login": sunny}, secrets=secrets, guard=SecretGuard(secrets))
    tools = Tools({"login": sunny})
    report = again(scene.play("Log in."), toolbox=tools)
    assert tools.ran == []
    assert report.divergence is None
    assert "had a secret in its arguments" in report.stopped


def live(path: Path, *answers: Answer | bytes, **ports: Any) -> RerunReport:
    clock = TickingClock()
    return again(path, live=Live(BytesEndpoint(answers, clock), clock), **ports)


def test_a_live_server_that_answers_the_same_does_not_diverge(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    assert live(path, *CALLING).divergence is None


def test_a_live_server_may_name_its_calls_anew_and_say_other_words(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    assert live(path, CALLING[0].replace(b'"c0"', b'"call_99"'), says("Bright.")).divergence is None


@pytest.mark.parametrize(
    ("answer", "what", "path"),
    [
        (wants(ROME), "call", "$.arguments.city"),
        (wants(("get_time", "{}")), "call", "$.name"),
        (says("No need."), "call", "$"),
        (wants(PARIS, ROME), "call", "$"),
        (wants(PARIS)[:-5], "response", "$.status"),
    ],
)
def test_a_live_server_that_answers_otherwise_is_named(tmp_path: Path, answer: bytes, what: str, path: str) -> None:
    recorded = Scene(tmp_path, CALLING).play("Weather?")
    divergence = live(recorded, answer, CALLING[1]).divergence
    assert divergence is not None
    assert (divergence.what, divergence.path) == (what, path)


def test_a_call_that_a_live_server_leaves_out_is_named(tmp_path: Path) -> None:
    path = Scene(tmp_path, PARALLEL).play("Weather?")
    divergence = live(path, wants(PARIS), PARALLEL[1]).divergence
    assert divergence is not None
    assert (divergence.what, divergence.index, divergence.now) == ("call", 1, ABSENT)


def test_no_live_request_leaves_that_was_not_recorded(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING, settings=replace(SETTINGS, max_rounds=1)).play("Weather?")
    edit_line(path, "settings", lambda line: line["policy"].update(max_rounds=9))
    clock = TickingClock()
    endpoint = BytesEndpoint([CALLING[0], CALLING[1]], clock)
    divergence = again(path, live=Live(endpoint, clock)).divergence
    assert divergence is not None
    assert divergence.what == "request"
    assert len(endpoint.answers) == 1


def test_an_exchange_that_was_broken_off_is_not_sent_live(tmp_path: Path) -> None:
    scene = Scene(tmp_path, [Answer(CALLING[0][:100], hang=True), says("Fine.")])
    path = broken_off(scene, lambda conversation: conversation.open_exchange)
    clock = TickingClock()
    endpoint = BytesEndpoint([CALLING[0]], clock)
    report = again(path, live=Live(endpoint, clock))
    assert report.divergence is None
    assert "Exchange 1 was broken off" in report.stopped
    assert len(endpoint.answers) == 1
