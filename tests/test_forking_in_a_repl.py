"""`/fork` in a real terminal: the session goes on in a new file, and both files are whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from callscope.record.deriving.checking import check
from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from command_line import callscope
from replbench import Child, enter, furnish, leave, open_repl, turn


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    with run_in_thread(DemoAgent(pace=0.0)) as server:
        yield f"{server.url}/v1"


@pytest.fixture
def child(demo: str, tmp_path: Path) -> Iterator[Child]:
    furnish(tmp_path)
    opened = open_repl(demo, tmp_path)
    yield opened
    opened.close(force=True)


def recordings(folder: Path) -> tuple[Path, Path]:
    """The old one and the fork."""
    paths = list((folder / "recordings").glob("*.jsonl"))
    parents = {path: json.loads(path.read_text().splitlines()[0])["parent"] for path in paths}
    (forked,) = [path for path in paths if parents[path]]
    (old,) = [path for path in paths if path.name == parents[forked]]
    return old, forked


def lines(path: Path, kind: str) -> list[dict[str, Any]]:
    found = map(json.loads, path.read_text().splitlines())
    return [line for line in found if line["kind"] == kind]


def said(path: Path) -> list[str]:
    return [line["text"] for line in lines(path, "user")]


def asked(path: Path) -> list[str]:
    """What the person said, as the last request has it."""
    messages = json.loads(lines(path, "request")[-1]["body"])["messages"]
    return [message["content"] for message in messages if message["role"] == "user"]


def assert_both_run_again(folder: Path) -> None:
    for path in recordings(folder):
        assert check(path).problems == []
        ran = callscope("replay", "--server", "recorded", path, folder=folder)
        assert ran.code == 0, ran.err


def test_a_fork_after_a_message_goes_on_from_there_in_a_new_file(child: Child, tmp_path: Path) -> None:
    for words in ("hello one", "hello two", "hello three"):
        turn(child, words)
    enter(child, "/fork 1")
    child.expect_exact("forked after message 1: from now on recorded in")
    turn(child, "hello four")
    leave(child)
    old, forked = recordings(tmp_path)
    assert said(old) == ["hello one", "hello two", "hello three"]
    assert said(forked) == asked(forked) == ["hello one", "hello four"]
    assert [line["exchange"] for line in lines(forked, "request")] == [0, 1, 2]
    assert_both_run_again(tmp_path)


def test_a_fork_here_has_all_that_was_said(child: Child, tmp_path: Path) -> None:
    turn(child, "hello one")
    turn(child, "/fork")
    turn(child, "hello two")
    leave(child)
    old, forked = recordings(tmp_path)
    assert (said(old), said(forked)) == (["hello one"], ["hello one", "hello two"])
    assert_both_run_again(tmp_path)


def test_settings_of_now_hold_in_a_fork_of_then(child: Child, tmp_path: Path) -> None:
    turn(child, "hello one")
    turn(child, "/system Be brief.")
    turn(child, "hello two")
    turn(child, "/fork 1")
    turn(child, "hello three")
    leave(child)
    _, forked = recordings(tmp_path)
    assert json.loads(lines(forked, "request")[-1]["body"])["messages"][0] == {"role": "system", "content": "Be brief."}
    assert_both_run_again(tmp_path)


def test_what_was_called_by_hand_after_the_message_is_not_in_the_fork(child: Child, tmp_path: Path) -> None:
    turn(child, "hello one")
    enter(child, "/call get_weather city=Paris")
    child.expect_exact("let the model see call and result?")
    child.expect_exact("›")
    child.send("y")
    child.expect_exact("the model sees it")
    turn(child, "hello two")
    turn(child, "/fork 1")
    turn(child, "hello three")
    leave(child)
    _, forked = recordings(tmp_path)
    assert lines(forked, "insert") == []
    assert asked(forked) == ["hello one", "hello three"]
    assert_both_run_again(tmp_path)


def test_a_message_that_is_not_there_is_no_place_to_fork(child: Child, tmp_path: Path) -> None:
    turn(child, "hello one")
    enter(child, "/fork 2")
    child.expect_exact("There is no message 2: you have said 1")
    enter(child, "/record off")
    child.expect_exact("ended")
    enter(child, "/fork")
    child.expect_exact("There is no recording to fork")
    leave(child)
    assert len(list((tmp_path / "recordings").glob("*.jsonl"))) == 1
