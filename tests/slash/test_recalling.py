"""What the commands that look know of the turns from before a session went on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from playbook import text
from replbench import Child, at_prompt, enter, furnish, leave, open_repl, turn
from scriptedrepl import ScriptedRepl

SAMPLES = Path(__file__).parents[2] / "recordings" / "samples"
LOOKS = {
    "/raw 1": "4,097 bytes in 20 reads",
    "/timeline": "2.04 s, 2 exchanges",
    "/why": "every call of this turn ran",
    "/why 1": "get_weather · call_1, exchange 1",
    "/tokens": "206",
    "/readers 1": "4,097 bytes in 20 reads",
    "/export curl -": "curl --no-buffer",
}
Resume = Callable[..., Child]


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    with run_in_thread(DemoAgent(pace=0.0)) as server:
        yield f"{server.url}/v1"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    furnish(tmp_path)
    return Path(shutil.copy(SAMPLES / "weather.jsonl", tmp_path))


@pytest.fixture
def resumed(demo: str, recording: Path, tmp_path: Path) -> Iterator[Resume]:
    opened: list[Child] = []

    def resume(*arguments: str) -> Child:
        opened.append(open_repl(demo, tmp_path, "--resume", str(recording), "--approve", "always", *arguments))
        return opened[-1]

    yield resume
    for child in opened:
        child.close(force=True)


def shown(child: Child, command: str) -> str:
    enter(child, command)
    child.expect_exact("\x1b[?2004l")
    at_prompt(child)
    return str(child.before)


@pytest.mark.parametrize("command", LOOKS)
def test_a_turn_from_before_is_looked_at_as_if_the_session_had_never_ended(command: str, resumed: Resume) -> None:
    child = resumed()
    assert LOOKS[command] in shown(child, command)
    leave(child)


def test_a_recording_that_is_not_written_any_more_is_looked_at_all_the_same(resumed: Resume) -> None:
    child = resumed("--no-record")
    assert LOOKS["/timeline"] in shown(child, "/timeline")
    turn(child, "hello")
    assert "2 exchanges" not in shown(child, "/timeline")
    assert LOOKS["/raw 1"] in shown(child, "/raw 1")
    leave(child)


def test_after_a_turn_of_now_those_before_are_there_by_their_numbers(resumed: Resume) -> None:
    child = resumed()
    turn(child, "hello")
    assert "1 exchange" in shown(child, "/timeline")
    assert LOOKS["/raw 1"] in shown(child, "/raw 1")
    turn(child, "hello again")
    assert "exchange 4 " in shown(child, "/raw")
    assert len([row for row in shown(child, "/tokens").splitlines() if row[:4].strip(" \x1b").isdecimal()]) == 4
    leave(child)


def test_a_fork_looks_at_the_turn_that_it_goes_on_from(resumed: Resume) -> None:
    child = resumed()
    turn(child, "hello")
    shown(child, "/fork 1")
    assert LOOKS["/timeline"] in shown(child, "/timeline")
    assert "Exchange 3 is not kept" in shown(child, "/readers 3")
    turn(child, "hello")
    assert "exchange 3 " in shown(child, "/raw")
    leave(child)


def test_a_turn_that_another_recording_has_is_not_lost_for_those_from_before(resumed: Resume) -> None:
    child = resumed()
    shown(child, "/record off")
    shown(child, "/record on")
    turn(child, "hello")
    assert "exchange 3 " in shown(child, "/raw 3")
    assert "1 exchange" in shown(child, "/timeline")
    leave(child)


def test_a_recording_that_is_gone_is_told_and_nothing_else_is_lost(resumed: Resume, recording: Path) -> None:
    child = resumed()
    recording.unlink()
    said = shown(child, "/history")
    assert "the turns from before cannot be read" in said
    assert "What is the weather" in said
    leave(child)


def test_nothing_is_read_before_somebody_looks(tmp_path: Path) -> None:
    made = ScriptedRepl(tmp_path, answers=(text("Hi."),))
    made.session.sinks.append(made.repl.witness)
    made.repl.behind = tmp_path / "there is none"
    assert "cannot be read" not in made.typed("hello", "/tools")
    assert made.repl.behind is not None
