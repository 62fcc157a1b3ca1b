"""Interrupted, stopped, resized, ended and broken at any moment: the screen stays whole, the terminal sane."""

from __future__ import annotations

import json
import os
import signal
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from processes_seen import gone
from ptyshell import PARIS, PROMPT, SHELL, PausingAgent, Shell, shells

INTERRUPT, SUSPEND = "\x03", "\x1a"
FLOW_CONTROL = termios.IXON
"""Ctrl-S and Ctrl-Q: prompt_toolkit leaves them switched off while one of its prompts is suspended."""


class Place(NamedTuple):
    """Where a test is: the agent and a way to open shells."""

    agent: PausingAgent
    open: Callable[..., Shell]
    folder: Path

    def recorded(self, kind: str) -> list[dict[str, Any]]:
        recording = next((self.folder / "recordings").glob("*.jsonl"))
        whole = recording.read_text().rpartition("\n")[0]  # the last line may be on its way
        return [line for line in map(json.loads, whole.splitlines()) if line["kind"] == kind]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with shells(tmp_path) as (agent, open_one):
        yield Place(agent, open_one, tmp_path)


def paused(place: Place, shell: Shell, words: str, at: int) -> None:
    """Say something, and stop the answer before a piece of it."""
    place.agent.pause(at)
    shell.enter(words)
    assert place.agent.paused.wait(20)


def begun(place: Place, *arguments: str, **environ: str) -> Shell:
    shell = place.open(EDITOR="", VISUAL="", **environ)
    shell.begin(*arguments)
    return shell


def in_an_answer(place: Place, at: int = 5, seen: str = "I call get_weather") -> Shell:
    """In an answer that stopped before a piece of it, when what came before it is seen."""
    shell = begun(place, "--approve", "always")
    paused(place, shell, PARIS, at)
    shell.until(seen)
    return shell


def at_the_gate(place: Place) -> Shell:
    shell = begun(place)
    shell.enter(PARIS)
    shell.until("run it?", "[?]")
    shell.until_raw()
    return shell


def in_an_edit(place: Place) -> Shell:
    shell = at_the_gate(place)
    shell.send("e")
    shell.until("arguments", "Paris")
    shell.until_raw()
    return shell


def in_a_tool(place: Place) -> Shell:
    shell = begun(place, "--approve", "always")
    shell.enter("nap {}")
    while not place.recorded("started"):
        pass
    return shell


def at_a_held_result(place: Place) -> Shell:
    shell = at_the_gate(place)
    shell.send("o")
    shell.until("[?]")
    shell.until_raw()
    return shell


MOMENTS: dict[str, Callable[[Place], Shell]] = {
    "before the head": lambda place: in_an_answer(place, 0, "no byte for"),
    "before the first byte": lambda place: in_an_answer(place, 1, "no byte for"),
    "in the words": lambda place: in_an_answer(place),
    "in a call": lambda place: in_an_answer(place, 12, '{"city": "┊P'),
    "before the end": lambda place: in_an_answer(place, 14, 'aris"}'),
    "at the gate": at_the_gate,
    "in an edit": in_an_edit,
    "in a tool": in_a_tool,
    "at a held result": at_a_held_result,
}

moments = pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())


def test_a_turn_leaves_a_terminal_as_it_was(place: Place) -> None:
    shell = begun(place, "--approve", "always")
    shell.enter(PARIS)
    shell.until("says:", PROMPT)
    shell.leave()


# ---- Ctrl-C ---------------------------------------------------------------------------------------------------------


@moments
def test_ctrl_c_ends_the_turn_and_the_next_one_works(place: Place, moment: Callable[[Place], Shell]) -> None:
    shell = moment(place)
    shell.send(INTERRUPT)
    shell.until("interrupted", PROMPT)
    assert "^C" not in shell.screen.text.replace("^C stops", "")
    place.agent.goes_on.set()
    shell.enter("who are you?")
    shell.until("scripted agent", PROMPT)
    shell.leave()
    assert [line["reason"] for line in place.recorded("turn")] == ["interrupted", "completed"]


def test_ctrl_c_at_the_prompt_clears_the_line(place: Place) -> None:
    shell = begun(place)
    shell.send("never say this")
    shell.until("never say this")
    shell.send(INTERRUPT)
    shell.until(PROMPT)
    shell.leave()
    assert not place.recorded("user")


def test_ctrl_c_many_times_is_no_more_than_once(place: Place) -> None:
    shell = in_an_answer(place)
    shell.send(INTERRUPT * 3)
    shell.until("interrupted", PROMPT)
    shell.leave()
    assert len(place.recorded("turn")) == 1


# ---- Ctrl-Z and back ------------------------------------------------------------------------------------------------


@moments
def test_ctrl_z_gives_the_shell_its_terminal_and_fg_goes_on(place: Place, moment: Callable[[Place], Shell]) -> None:
    shell = moment(place)
    shell.send(SUSPEND)
    shell.until(SHELL)
    shell.assert_sane(but=FLOW_CONTROL)
    shell.enter("fg")
    shell.until("-m callscope")
    shell.until_raw()
    shell.send(INTERRUPT)
    shell.until("interrupted", PROMPT)
    shell.leave()


def test_an_answer_goes_on_after_ctrl_z_and_fg(place: Place) -> None:
    shell = in_an_answer(place)
    shell.send(SUSPEND)
    shell.until(SHELL)
    place.agent.goes_on.set()
    shell.enter("fg")
    shell.until("says:", PROMPT)
    shell.leave()
    assert [line["reason"] for line in place.recorded("turn")] == ["completed"]


def test_ctrl_z_at_the_prompt_keeps_what_was_typed(place: Place) -> None:
    shell = begun(place, "--approve", "always")
    shell.send("who are")
    shell.until("who are")
    shell.send(SUSPEND)
    shell.until(SHELL)
    shell.assert_sane(but=FLOW_CONTROL)
    shell.enter("fg")
    shell.until("who are")
    shell.enter(" you?")
    shell.until("scripted agent", PROMPT)
    shell.leave()


# ---- ended from outside, and broken ---------------------------------------------------------------------------------


@moments
def test_sigterm_ends_the_program_and_leaves_the_terminal_sane(place: Place, moment: Callable[[Place], Shell]) -> None:
    shell = moment(place)
    os.kill(shell.process(), signal.SIGTERM)
    shell.until(SHELL)
    assert shell.exit_code() == 130
    shell.assert_sane()
    assert "Traceback" not in shell.screen.text
    assert [line["reason"] for line in place.recorded("turn")] == ["interrupted"]


def test_sigterm_at_the_prompt_leaves_the_terminal_sane(place: Place) -> None:
    shell = begun(place)
    os.kill(shell.process(), signal.SIGTERM)
    shell.until(SHELL)
    assert shell.exit_code() == 130
    shell.assert_sane()


@pytest.mark.parametrize("moment", ["in the words", "at the gate", "in a tool"])
def test_the_terminal_is_gone_and_the_program_goes_too(place: Place, moment: str) -> None:
    shell = MOMENTS[moment](place)
    process = shell.process()
    shell.close()
    deadline = time.monotonic() + 20
    while is_there(process):
        assert time.monotonic() < deadline, "it outlives its terminal"


NIGHT_SHIFT = """
tools:
  - name: toil
    description: Works on.
    parameters: {type: object, properties: {}}
    timeout: 600
    run: {command: [sh, -c, "echo $$ > toiling; mv toiling toils; exec sleep 300"]}
"""


def test_what_a_tool_has_begun_ends_with_the_terminal(place: Place) -> None:
    (place.folder / "night.yaml").write_text(NIGHT_SHIFT)
    shell = begun(place, "--approve", "always", "--tools", "night.yaml")
    shell.enter("toil {}")
    toils, deadline = place.folder / "toils", time.monotonic() + 20
    while not toils.exists():
        assert time.monotonic() < deadline, "it never began"
    shell.close()
    assert gone(int(toils.read_text()), 20)


CRASHING = """
import sys
from callscope.core.events import TextDelta
from callscope.session import Session

emit = Session.emit

def broken(self, event, at=None):
    if isinstance(event, TextDelta):
        raise ZeroDivisionError("broken on purpose")
    emit(self, event, at)

Session.emit = broken
from callscope.__main__ import main
main()
"""


def test_a_crash_leaves_the_terminal_sane_and_says_what_it_was(place: Place) -> None:
    (place.folder / "crashing.py").write_text(CRASHING)
    shell = place.open()
    shell.begin("--approve", "always", program="crashing.py")
    shell.enter(PARIS)
    shell.until("ZeroDivisionError: broken on purpose", SHELL)
    assert shell.exit_code() != 0
    shell.assert_sane()


def test_a_recording_that_cannot_be_written_ends_the_session_and_leaves_the_terminal_sane(place: Place) -> None:
    shell = place.open()
    shell.enter("ulimit -f 8")
    shell.until(SHELL)
    shell.begin("--approve", "always")
    shell.enter(PARIS)
    said = shell.until("callscope:", SHELL)
    assert "Traceback" not in said
    assert shell.exit_code() == 3
    shell.assert_sane()


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
