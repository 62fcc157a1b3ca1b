from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from callscope.core.values import ToolResult
from callscope.tools.loading import load_tools
from callscope.tools.running.toolbox import LocalToolbox
from processes_seen import gone
from toolbench import call, error_of, run, write, yaml_toolbox

SAY = "import json, sys; print(json.dumps(sys.argv[1:]), end='')"
ANYTHING = {
    "type": "object",
    "properties": {"a": {}, "b": {}},
    "additionalProperties": False,
}


def command_toolbox(folder: Path, command: Any, **keys: Any) -> LocalToolbox:
    """One tool `t` with two parameters, a and b, that runs a command; `keys` of the definition, or of the file."""
    top = {key: keys.pop(key) for key in ("secrets", "variables") if key in keys}
    environment = keys.pop("environment", os.environ)
    tool = {"name": "t", "parameters": ANYTHING, "run": {"command": command}, **keys}
    path = write(folder, "tools.yaml", json.dumps({**top, "tools": [tool]}))
    return LocalToolbox(load_tools([path]).tools, environment=environment)


def argv(folder: Path, *words: Any, **arguments: Any) -> Any:
    """The arguments a program gets."""
    tools = command_toolbox(folder, [sys.executable, "-c", SAY, *words])
    result = run(tools, "t", arguments)
    return json.loads(result.output) if result.status == "ok" else error_of(result)["message"]


def script(folder: Path, text: str, **keys: Any) -> LocalToolbox:
    """A tool that runs a shell script."""
    return command_toolbox(folder, ["sh", "-c", text], **keys)


@pytest.mark.parametrize(
    "value", ["Rome", "two words", "'; rm -rf ~", "$(id) `id` $HOME *", 'a"b\\', "", "a\nb", "Köln 🌧", "{b}"]
)
def test_a_value_is_exactly_one_argument_whatever_is_in_it(tmp_path: Path, value: str) -> None:
    assert argv(tmp_path, "{a}", a=value) == [value]


def test_a_list_fills_several_arguments_and_repeats_what_stands_around_it(tmp_path: Path) -> None:
    assert argv(tmp_path, "{a}", "--tag={b}", a=["x", "y z"], b=[1, True]) == ["x", "y z", "--tag=1", "--tag=true"]


def test_an_empty_list_fills_none(tmp_path: Path) -> None:
    assert argv(tmp_path, "{a}", "end", a=[]) == ["end"]


def test_an_absent_value_drops_its_argument_and_its_whole_group(tmp_path: Path) -> None:
    words = ("{a}", ["--unit", "{b}"], "end")
    assert argv(tmp_path, *words, a="x") == ["x", "end"]
    assert argv(tmp_path, *words, b="c", a=None) == ["--unit", "c", "end"]


def test_an_object_is_one_argument_of_json(tmp_path: Path) -> None:
    assert argv(tmp_path, "{a}", "{*}", a={"k": [1]}) == ['{"k":[1]}', '{"a":{"k":[1]}}']


@pytest.mark.parametrize("value", ["-rf", "--output=/etc/passwd", "-"])
def test_a_value_never_becomes_an_option(tmp_path: Path, value: str) -> None:
    for given in (value, ["x", value]):
        assert "a begins with a dash, which the program would take for an option" in argv(tmp_path, "{a}", a=given)


@pytest.mark.parametrize(("words", "given"), [(["--", "{a}"], "-x"), (["--name={a}"], "-x"), (["{a}"], -1.5)])
def test_a_dash_is_fine_where_no_option_can_stand_and_in_a_number(tmp_path: Path, words: Any, given: Any) -> None:
    assert argv(tmp_path, *words, a=given)[-1].endswith(str(given))


def test_a_value_that_no_command_line_can_hold_is_refused(tmp_path: Path) -> None:
    assert "a holds a NUL character" in argv(tmp_path, "{a}", a="x\0y")


def test_all_arguments_come_as_json_on_stdin(tmp_path: Path) -> None:
    assert json.loads(run(command_toolbox(tmp_path, ["cat"]), "t", {"a": "Köln", "b": [1]}).output) == {
        "a": "Köln",
        "b": [1],
    }


def test_a_custom_tools_input_comes_as_it_is_on_stdin_and_as_an_argument(tmp_path: Path) -> None:
    text = 'tools: [{type: custom, name: t, run: {command: [sh, -c, \'cat; printf " $1"\', sh, "{input}"]}}]'
    assert run(yaml_toolbox(tmp_path, text), "t", "no {json").output == "no {json no {json"


def test_a_program_that_does_not_read_its_stdin_is_none_the_worse(tmp_path: Path) -> None:
    assert run(command_toolbox(tmp_path, ["true"]), "t", {"a": "x" * 1_000_000}).status == "ok"


def test_nothing_runs_with_arguments_that_do_not_fit(tmp_path: Path) -> None:
    result = run(script(tmp_path, "touch ran"), "t", {"c": 1})
    assert (error_of(result)["type"], (tmp_path / "ran").exists()) == ("invalid_arguments", False)


def test_stdout_is_the_output_and_stderr_goes_to_the_person(tmp_path: Path) -> None:
    result = run(script(tmp_path, "echo for the model; echo for you >&2"), "t")
    assert (result.status, result.output, result.prints) == ("ok", "for the model\n", "for you\n")


def test_an_exit_status_is_an_error_with_what_the_program_said(tmp_path: Path) -> None:
    result = run(script(tmp_path, "echo half an answer; echo 'no such city' >&2; exit 3"), "t")
    assert error_of(result) == {
        "type": "exit_status",
        "message": "sh ended with exit status 3: no such city",
        "retryable": False,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exit 4", "sh ended with exit status 4, and said nothing."),
        ("echo on stdout; exit 5", "sh ended with exit status 5: on stdout"),
        ("kill -SEGV $$", "sh ended with SIGSEGV, and said nothing."),
    ],
)
def test_however_a_program_fails_its_error_says_so(tmp_path: Path, text: str, message: str) -> None:
    assert error_of(run(script(tmp_path, text), "t"))["message"] == message


def test_of_a_long_complaint_the_end_is_quoted(tmp_path: Path) -> None:
    result = run(script(tmp_path, "yes why | head -5000 >&2; echo the reason >&2; exit 1"), "t")
    message = error_of(result)["message"]
    assert (len(message) < 2_200, message.endswith("why\nthe reason")) == (True, True)


def test_a_program_that_is_not_there_is_an_error_that_says_so(tmp_path: Path) -> None:
    result = run(command_toolbox(tmp_path, ["no-such-program-anywhere"]), "t")
    assert error_of(result)["message"] == (
        "t cannot run: there is no program no-such-program-anywhere; install it, or write its path."
    )


def test_a_program_that_cannot_be_executed_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "plain.txt", "no program")
    message = error_of(run(command_toolbox(tmp_path, ["./plain.txt"]), "t"))["message"]
    assert message.endswith("plain.txt could not be started: Permission denied.")


def test_arguments_too_long_for_the_machine_are_an_error(tmp_path: Path) -> None:
    result = run(command_toolbox(tmp_path, ["true", "{a}"]), "t", {"a": "x" * 3_000_000})
    assert error_of(result)["message"] == "t cannot run: true could not be started: Argument list too long."


# ---- folder and environment ---------------------------------------------------------------------------------------


def test_a_command_runs_in_the_folder_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert run(command_toolbox(tmp_path, ["pwd"]), "t").output == f"{tmp_path}\n"


def test_cwd_is_another_folder_and_the_programs_path_stays_relative_to_the_file(tmp_path: Path) -> None:
    write(tmp_path, "bin/where.sh", "#!/bin/sh\npwd\n").chmod(0o755)
    (tmp_path / "data").mkdir()
    tools = command_toolbox(tmp_path, {"args": ["bin/where.sh"], "cwd": "data"})
    assert run(tools, "t").output == f"{tmp_path}/data\n"


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    tools = command_toolbox(tmp_path, {"args": ["pwd"], "cwd": "data"})
    (tmp_path / "data").rmdir()
    assert error_of(run(tools, "t"))["message"] == f"t cannot run: there is no folder {tmp_path}/data."


def test_a_program_gets_the_environment_without_the_secrets_but_those_it_is_handed(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PLAIN": "plain", "ONE": "first-secret", "TWO": "other-secret"}
    command = {"args": ["sh", "-c", 'echo "$PLAIN ${{ONE:-withheld}} ${{#MINE}}"'], "env": {"MINE": "${TWO}"}}
    tools = command_toolbox(tmp_path, command, secrets=["ONE", "TWO"], environment=environment)
    assert run(tools, "t").output == f"plain withheld {len('other-secret')}\n"


def test_the_value_of_a_secret_is_starred_out_of_all_that_a_program_says(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "KEY": "geheim-und-lang"}
    command = {"args": ["sh", "-c", "echo $K; echo err $K >&2; exit $1", "sh", "{a}"], "env": {"K": "${KEY}"}}
    tools = command_toolbox(tmp_path, command, secrets=["KEY"], environment=environment)
    good, bad = run(tools, "t", {"a": 0}), run(tools, "t", {"a": 1})
    assert (good.output, good.prints) == ("********\n", "err ********\n")
    assert error_of(bad)["message"] == "sh ended with exit status 1: err ********"


def test_a_secret_at_the_limit_is_not_cut_in_half_and_let_through(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "KEY": "geheim-und-lang"}
    command = {"args": ["sh", "-c", "printf 123456789$K"], "env": {"K": "${KEY}"}}
    tools = command_toolbox(tmp_path, command, secrets=["KEY"], environment=environment, limit=15)
    assert "geheim" not in run(tools, "t").output


def test_a_secret_that_is_unset_is_an_error_that_names_the_variable(tmp_path: Path) -> None:
    tools = command_toolbox(tmp_path, ["echo", "${KEY}"], secrets=["KEY"], environment={})
    assert error_of(run(tools, "t"))["message"] == "t cannot run: the variable KEY, which it needs, is unset."


def test_a_command_has_no_terminal_to_ask_at(tmp_path: Path) -> None:
    assert error_of(run(script(tmp_path, "exec 2>&1; : < /dev/tty"), "t"))["type"] == "exit_status"


# ---- limits -------------------------------------------------------------------------------------------------------


def test_an_output_past_the_limit_is_cut_and_says_by_how_much(tmp_path: Path) -> None:
    result = run(script(tmp_path, "printf '%050d' 0", limit=20), "t")
    assert result.output == (
        "0" * 20 + "\n[output cut here: 30 of 50 characters left out; the limit of this tool is 20]"
    )


def test_an_output_far_past_the_limit_is_read_to_its_end_and_not_kept(tmp_path: Path) -> None:
    result = run(script(tmp_path, "head -c 5000000 /dev/zero | tr '\\0' x; echo done >&2", limit=10), "t")
    assert result.output == "x" * 10 + "\n[output cut here: 4,999,990 bytes left out; the limit of this tool is 10]"
    assert result.prints == "done\n"


def test_a_character_cut_in_two_by_the_limit_is_no_complaint(tmp_path: Path) -> None:
    write(tmp_path, "text.txt", "ü" * 1000)
    result = run(command_toolbox(tmp_path, ["cat", "text.txt"], limit=11), "t")
    assert (result.output[:12], result.prints) == ("ü" * 11 + "\n", "")


def test_output_that_is_no_text_is_said_to_be_none(tmp_path: Path) -> None:
    result = run(script(tmp_path, "printf 'a\\377b'"), "t")
    assert (result.output, "not all UTF-8" in result.prints) == ("a\ufffdb", True)


def test_output_without_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callscope.tools.running.processes.LONGEST", 1_000_000)
    result = run(command_toolbox(tmp_path, ["yes"], timeout=30), "t")
    assert (result.status, error_of(result)["type"]) == ("error", "too_much_output")


# ---- the end of a process -----------------------------------------------------------------------------------------


def pids(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "pids").read_text(encoding="ascii").split()]


def test_a_command_past_its_time_is_stopped_with_all_that_it_started(tmp_path: Path) -> None:
    text = "sleep 300 & echo $! $$ > pids; echo begun >&2; sleep 300"
    result = run(script(tmp_path, text, timeout=0.5), "t")
    assert (result.status, error_of(result)["message"], result.prints) == (
        "timeout",
        "t gave no result within 0.5 s. Its process was stopped, and may have had an effect.",
        "begun\n",
    )
    assert [gone(pid) for pid in pids(tmp_path)] == [True, True]


def test_a_command_that_does_not_heed_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callscope.tools.running.processes.GRACE", 0.2)
    text = "trap '' TERM; echo $$ > pids; while :; do sleep 1; done"
    assert run(script(tmp_path, text, timeout=0.3), "t").status == "timeout"
    assert [gone(pid) for pid in pids(tmp_path)] == [True]


def test_a_command_that_is_told_to_end_may_tidy_up(tmp_path: Path) -> None:
    text = "trap 'sleep 0.2; touch tidied; exit' TERM; touch begun; while :; do sleep 0.05; done"
    assert run(script(tmp_path, text, timeout=0.5), "t").status == "timeout"
    assert (tmp_path / "tidied").exists()


async def cancelled_once_begun(tools: LocalToolbox, begun: Path) -> None:
    """Run a call and cancel it, as an interrupted turn does, when a file says that it has begun."""
    running = asyncio.ensure_future(tools.run(call("t"), ""))
    while not begun.exists():
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


def test_a_command_is_stopped_when_its_turn_is_interrupted(tmp_path: Path) -> None:
    tools = script(tmp_path, "sleep 300 & echo $! $$ > pids; touch begun; sleep 300")
    asyncio.run(cancelled_once_begun(tools, tmp_path / "begun"))
    assert [gone(pid) for pid in pids(tmp_path)] == [True, True]


def test_a_second_interruption_does_not_leave_a_process_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callscope.tools.running.processes.GRACE", 0.3)
    tools = script(tmp_path, "trap '' TERM; echo $$ > pids; touch begun; while :; do sleep 1; done")

    async def impatient() -> None:
        running = asyncio.ensure_future(tools.run(call("t"), ""))
        while not (tmp_path / "begun").exists():
            await asyncio.sleep(0.01)
        while not running.done():
            running.cancel()
            await asyncio.wait([running], timeout=0.05)
        assert running.cancelled()

    asyncio.run(impatient())
    assert [gone(pid) for pid in pids(tmp_path)] == [True]


def test_what_a_command_leaves_behind_holds_nothing_up_and_is_ended(tmp_path: Path) -> None:
    result = run(script(tmp_path, "sleep 300 & echo $! > pids; echo done"), "t")
    assert (result.status, result.output) == ("ok", "done\n")
    assert [gone(pid) for pid in pids(tmp_path)] == [True]


def test_a_daemon_that_holds_the_pipes_holds_nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callscope.tools.running.processes.GRACE", 60.0)
    daemon = "import os, time; os.setsid(); open('pids', 'w').write(str(os.getpid())); time.sleep(300)"
    wait = "while [ ! -s pids ]; do sleep 0.02; done; echo done"
    began = time.monotonic()
    result = run(script(tmp_path, f'{sys.executable} -c "{daemon}" & {wait}', timeout=30), "t")
    took = time.monotonic() - began
    os.kill(*pids(tmp_path), signal.SIGKILL)
    assert (result.status, result.output, took < 30) == ("ok", "done\n", True)


def test_what_is_still_being_written_when_a_command_exits_is_waited_for(tmp_path: Path) -> None:
    text = "(sleep 0.1; echo late) & echo early"
    assert run(script(tmp_path, text), "t").output == "early\nlate\n"


def test_commands_of_one_response_run_together(tmp_path: Path) -> None:
    """Each waits for what the other does: run one after the other, they would not end."""
    tools = script(tmp_path, 'read line; touch "began$$"; while [ $(ls began* | wc -l) -lt 2 ]; do sleep 0.02; done')

    async def together() -> list[ToolResult]:
        return await asyncio.gather(*(tools.run(call("t", index), "") for index in range(2)))

    assert [result.status for result in asyncio.run(together())] == ["ok", "ok"]
