"""The processes of MCP servers: none is left behind, however a command ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from callscope.tools.mcp.servers import FAREWELL
from command_line import callscope
from mcpbench import FAKE, file_of, running, sent, server, soon


def start(folder: Path, how: str, *words: str) -> tuple[subprocess.Popen[str], Path]:
    """Begin a command with a fake server; gives its process, and the path that marks the server's."""
    mark = folder / "mark"
    file_of(folder, fake=server(FAKE, how, mark))
    command = [sys.executable, "-m", "callscope", *words]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=folder, text=True, start_new_session=True, **pipes), mark


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, complaints = process.communicate(timeout=FAREWELL + 20)
    return process.returncode, complaints


def asked_for_initialize(mark: Path) -> bool:
    return bool(sent(mark))


def in_call(mark: Path) -> bool:
    return mark.with_suffix(".begun").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("how", "words", "moment"),
    [
        ("silent", ["tools", "list"], asked_for_initialize),
        ("silent", ["call", "fake__add"], asked_for_initialize),
        ("silent", ["ask", "--demo", "hello"], asked_for_initialize),
        ("slow", ["call", "fake__add"], in_call),
        ("slow", ["ask", "--demo", "--approve", "always", "fake__add {}"], in_call),
    ],
    ids=["listing", "starting", "opening", "calling", "in a turn"],
)
def test_a_signal_ends_the_command_and_its_servers(
    tmp_path: Path, how: str, words: list[str], moment: Callable[[Path], bool], number: signal.Signals
) -> None:
    process, mark = start(tmp_path, how, *words)
    soon(lambda: moment(mark))
    process.send_signal(number)
    code, complaints = ended(process)
    assert code == 130
    assert "Traceback" not in complaints
    assert running(mark) == []


@pytest.mark.parametrize("how", ["deaf", "stubborn"])
def test_a_server_that_will_not_go_is_killed(tmp_path: Path, how: str) -> None:
    process, mark = start(tmp_path, how, "call", "fake__add")
    assert ended(process)[0] == 0
    assert running(mark) == []


def test_a_command_that_is_killed_leaves_a_polite_server_no_input_and_it_goes(tmp_path: Path) -> None:
    process, mark = start(tmp_path, "slow", "call", "fake__add")
    soon(lambda: in_call(mark))
    process.kill()
    ended(process)
    soon(lambda: running(mark) == [])


def test_the_time_of_a_call_is_for_the_start_of_its_server_too(tmp_path: Path) -> None:
    process, mark = start(tmp_path, "silent", "call", "fake__add", "--timeout", "1.5")
    assert ended(process) == (124, "callscope: --timeout: fake__add gave no result within 1.5 seconds.\n")
    assert running(mark) == []


def test_a_dry_run_shows_what_the_server_would_be_sent_and_no_secret(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    file_of(tmp_path, fake=server(FAKE, "", mark, env={"FAKE_KEY": "${FAKE_KEY}"}))
    env = {"FAKE_KEY": "correct-horse-battery"}
    ran = callscope("call", "fake__add", "city=Rome", "--dry-run", folder=tmp_path, env=env)
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == 'tools/call add {"city": "Rome"}'
    assert "FAKE_KEY='${FAKE_KEY}' " in ran.out
    assert "correct-horse" not in ran.out + ran.err
    assert "tools/call" not in [message["method"] for message in sent(mark)]


def test_a_recorded_call_holds_no_variable_that_a_server_was_given(tmp_path: Path) -> None:
    file_of(tmp_path, fake=server(FAKE, env={"FAKE_KEY": "${FAKE_KEY}"}))
    env = {"FAKE_KEY": "correct-horse-battery"}
    ran = callscope("call", "fake__drop", "--record", "--recordings", "kept", folder=tmp_path, env=env)
    (recording,) = (tmp_path / "kept").iterdir()
    assert ran.code == 1
    assert "correct-horse" not in recording.read_text(encoding="utf-8") + ran.out + ran.err


def test_servers_write_nothing_on_the_terminal(tmp_path: Path) -> None:
    file_of(tmp_path, fake=server(FAKE, "garbage"))
    ran = callscope("tools", "list", folder=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("fake__read ")
