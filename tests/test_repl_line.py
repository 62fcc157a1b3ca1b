"""The line at the prompt, in a real terminal: several lines, the past, the editor, completion, suspension."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from replbench import (
    PASTED,
    Child,
    at_prompt,
    enter,
    environment,
    furnish,
    last_messages,
    leave,
    open_repl,
    recorded,
    turn,
)

ALT_ENTER, CTRL_J = "\x1b\r", "\n"
LEFT, DOWN, UP, TAB = "\x1b[D", "\x1b[B", "\x1b[A", "\t"
CTRL_C, CTRL_D, CTRL_R, CTRL_Z, EDITOR = "\x03", "\x04", "\x12", "\x1a", "\x18\x05"


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    with run_in_thread(DemoAgent(pace=0.0)) as server:
        yield f"{server.url}/v1"


@pytest.fixture
def child(demo: str, tmp_path: Path) -> Iterator[Child]:
    furnish(tmp_path)
    child = open_repl(demo, tmp_path, EDITOR=f"{sys.executable} {_editor(tmp_path)}", VISUAL="")
    yield child
    child.close(force=True)


def _editor(folder: Path) -> Path:
    """An editor that puts a line before what is there."""
    script = folder / "editor.py"
    script.write_text(
        "import pathlib, sys\npath = pathlib.Path(sys.argv[-1])\npath.write_text('edited\\n' + path.read_text())\n"
    )
    return script


def said_after(child: Child, folder: Path, *keys: str) -> str:
    """Type these keys, then Enter, and give what was said in that turn."""
    for key in keys:
        child.send(key)
    turn(child, "")
    leave(child)
    text: str = recorded(folder, "user")[-1]["text"]
    return text


@pytest.mark.parametrize("newline", [ALT_ENTER, CTRL_J, "\\\r"], ids=["alt-enter", "ctrl-j", "backslash"])
def test_a_message_of_two_lines_is_sent_with_enter(child: Child, tmp_path: Path, newline: str) -> None:
    assert said_after(child, tmp_path, "hello one", newline, "two") == "hello one\ntwo"


def test_two_backslashes_at_the_end_are_sent(child: Child, tmp_path: Path) -> None:
    assert said_after(child, tmp_path, "hello C:\\\\") == "hello C:\\\\"


def test_pasted_lines_stay_lines_and_send_nothing(child: Child, tmp_path: Path) -> None:
    assert said_after(child, tmp_path, PASTED.format("hello one\r\ntwo\rthree"), "!") == "hello one\ntwo\nthree!"


def test_what_was_said_comes_back_with_up_and_with_ctrl_r(child: Child, tmp_path: Path) -> None:
    for words in ("hello alpha", "hello beta"):
        turn(child, words)
    turn(child, UP)
    child.send(f"{CTRL_R}alph\r")  # Enter takes what was found, and the next one sends it
    assert said_after(child, tmp_path) == "hello alpha"
    assert [line["text"] for line in recorded(tmp_path, "user")] == [
        "hello alpha", "hello beta", "hello beta", "hello alpha",
    ]  # fmt: skip


def test_what_the_editor_leaves_stands_at_the_prompt_until_it_is_sent(child: Child, tmp_path: Path) -> None:
    child.send("hello")
    child.send(EDITOR)
    child.expect_exact("edited")
    assert said_after(child, tmp_path, " more") == "edited\nhello more"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("path.unlink()", "the edited file cannot be read: no such file or directory"),
        ("path.write_bytes(bytes([255]))", "the edited file is not UTF-8: byte 0 is 0xff"),
        ("sys.exit(3)", "ended with code 3"),
    ],
    ids=["deletes", "no text", "fails"],
)
def test_an_editor_that_leaves_nothing_to_read_leaves_the_line_as_it_was(
    child: Child, tmp_path: Path, script: str, why: str
) -> None:
    (tmp_path / "editor.py").write_text(f"import pathlib, sys\npath = pathlib.Path(sys.argv[-1])\n{script}\n")
    child.send("hello")
    child.send(EDITOR)
    child.expect_exact(why)
    at_prompt(child)
    assert said_after(child, tmp_path, " more") == "hello more"


def test_a_history_that_can_no_longer_be_written_is_not_worth_the_session(child: Child, tmp_path: Path) -> None:
    history = tmp_path / "state" / "callscope" / "history"
    history.unlink()
    history.mkdir()
    assert said_after(child, tmp_path, "hello") == "hello"


def test_a_history_that_cannot_be_read_is_said_and_no_session_lost(demo: str, tmp_path: Path) -> None:
    furnish(tmp_path)
    (tmp_path / "state" / "callscope" / "history").mkdir(parents=True)
    child = pexpect.spawn(
        sys.executable, ["-m", "callscope", "--url", demo], cwd=str(tmp_path), dimensions=(40, 200), encoding="utf-8",
        timeout=8, env=environment(tmp_path),
    )  # fmt: skip
    child.expect_exact("cannot be written (Is a directory)")
    at_prompt(child)
    turn(child, "hello")
    leave(child)


def test_an_edited_message_replaces_the_old_one(child: Child, tmp_path: Path) -> None:
    turn(child, "hello one")
    enter(child, "/edit 1")
    child.expect_exact("edit> ")
    assert said_after(child, tmp_path, " more") == "hello one more"
    assert [message["content"] for message in last_messages(tmp_path)] == ["hello one more"]


def test_tab_completes_a_command_a_tool_and_its_argument(child: Child, tmp_path: Path) -> None:
    for typed, completed in (("/call! get", "_weather"), ("ci", "ty="), ("Rome un", "it="), ("cel", "sius")):
        child.send(f"{typed}{TAB}")
        child.expect_exact(completed)
    child.send("\r")
    child.expect_exact("in the conversation as by_hand_0")
    turn(child, "hello")
    leave(child)
    call, result, hello = last_messages(tmp_path)
    assert call["tool_calls"][0]["function"]["arguments"] == '{"city": "Rome", "unit": "celsius"}'
    assert (result["tool_call_id"], result["content"]) == ("by_hand_0", '{"temperature":21}')
    assert hello["content"] == "hello"


def test_tab_completes_the_models_of_the_server(child: Child) -> None:
    child.send(f"/model {TAB}")
    child.expect_exact("callscope-demo")
    leave_with_ctrl_d(child)


def test_enter_takes_the_chosen_completion_and_sends_nothing(child: Child, tmp_path: Path) -> None:
    child.send(f"/{TAB}")
    child.expect_exact("/undo")
    child.send(f"{TAB}{TAB}\r")
    child.send(CTRL_C)
    at_prompt(child)
    leave(child)


def test_a_call_by_hand_is_asked_about_and_kept_out_with_no(child: Child, tmp_path: Path) -> None:
    enter(child, "/call get_weather city=Oslo days=2")
    child.expect_exact("let the model see")
    child.send("n")
    at_prompt(child)
    leave(child)
    assert recorded(tmp_path, "insert") == []


def test_ctrl_c_stops_a_tool_that_was_called_by_hand(child: Child, tmp_path: Path) -> None:
    enter(child, "/call nap")
    child.expect_exact("fast asleep")
    child.send(CTRL_C)
    child.expect_exact("interrupted")
    at_prompt(child)
    leave(child)


def test_lines_typed_ahead_are_taken_as_lines(child: Child, tmp_path: Path) -> None:
    enter(child, "/call! nap")
    child.expect_exact("fast asleep")
    enter(child, "/model m1")
    enter(child, "/model m2")
    child.send("/model m")
    (tmp_path / "alarm").touch()
    child.expect_exact("by_hand_0")
    child.expect_exact("\x1b[?2004l")
    child.expect_exact("\x1b[?2004l")
    enter(child, "3")
    child.expect_exact("m3")
    leave(child)
    assert [line["model"] for line in recorded(tmp_path, "settings")][1:] == ["m1", "m2", "m3"]


def test_what_a_tool_without_an_implementation_would_say_the_person_says(child: Child, tmp_path: Path) -> None:
    enter(child, "/call! ask_me question=why")
    child.expect_exact("your answer")
    enter(child, "because")
    child.expect_exact("in the conversation as by_hand_0")
    leave(child)
    assert recorded(tmp_path, "insert")[0]["items"][1]["output"] == "because"


def leave_with_ctrl_d(child: Child) -> None:
    child.send(CTRL_C)
    at_prompt(child)
    child.send(CTRL_D)
    child.expect(pexpect.EOF)


def test_ctrl_z_suspends_at_the_prompt_and_the_line_is_there_again_afterwards(demo: str, tmp_path: Path) -> None:
    furnish(tmp_path)
    (tmp_path / "inputrc").write_text("set enable-bracketed-paste off\n")  # so that only our prompt switches it on
    shell: Child = pexpect.spawn(
        "bash", ["--norc", "--noprofile", "-i"], cwd=str(tmp_path), encoding="utf-8", timeout=8, dimensions=(40, 120),
        env={**environment(tmp_path), "INPUTRC": str(tmp_path / "inputrc"), "PS1": "$ "},
    )  # fmt: skip
    try:
        shell.send(f"{sys.executable} -m callscope --url {demo}\r")
        at_prompt(shell)
        shell.send("/he")
        shell.expect_exact("/he")
        shell.send(CTRL_Z)
        shell.expect_exact("Stopped")
        shell.expect_exact("$ ")
        shell.send("fg\r")
        at_prompt(shell)
        shell.expect_exact("/he")
        shell.send("lp undo\r")
        shell.expect_exact("take back your last message")
        at_prompt(shell)
        shell.send(CTRL_D)
        shell.expect_exact("recorded in")
        shell.expect_exact("$ ")
        shell.send("stty -a | grep -o ' icanon'; exit\r")
        shell.expect_exact(" icanon\r\n")
        shell.expect(pexpect.EOF)
    finally:
        shell.close(force=True)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "dialect chat: the URL looks like an OpenAI-compatible one"),
        (["--dialect", "responses"], "dialect responses: as --dialect says"),
        (["--dialect", "responses", "--history", "server"], "says; history server: only what is new is sent"),
        (["--history", "last"], "one; history last: only what was said since your last message is sent"),
        (["--history", "server"], "No server keeps the history in the dialect chat: it is sent whole"),
    ],
)
def test_the_first_lines_say_the_dialect_and_why_and_what_a_request_holds(
    demo: str, tmp_path: Path, flags: list[str], said: str
) -> None:
    furnish(tmp_path)
    words = ["-m", "callscope", "--url", demo, "--model", "callscope-demo", *flags]
    child: Child = pexpect.spawn(
        sys.executable, words, cwd=str(tmp_path), dimensions=(30, 140),
        encoding="utf-8", timeout=20, env=environment(tmp_path),
    )  # fmt: skip
    at_prompt(child)
    before = str(child.before)
    child.close(force=True)
    assert said in before


def test_the_demo_says_what_to_try(tmp_path: Path) -> None:
    child: Child = pexpect.spawn(
        sys.executable, ["-m", "callscope", "demo"], cwd=str(tmp_path), dimensions=(30, 80),
        encoding="utf-8", timeout=20, env=environment(tmp_path),
    )  # fmt: skip
    at_prompt(child)
    before = str(child.before)
    child.close(force=True)
    assert "try: What's the weather in Paris and Rome? or: faults" in before


def test_a_command_that_is_an_option_says_how_the_session_goes_on_with_it(child: Child, tmp_path: Path) -> None:
    enter(child, "/dialect responses")
    child.expect_exact("There is no /dialect. It is said when a session begins: callscope --resume")
    child.expect_exact("--dialect …")
    leave(child)
