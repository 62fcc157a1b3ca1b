"""Ctrl-C in a terminal while a command works: it ends at once, and what there is so far is kept and told."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pytest

from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from command_line import callscope

CTRL_C = "\x03"
PATIENCE = 25.0
AT_ONCE = 5.0

pytestmark = pytest.mark.timeout(120)


@contextmanager
def typed(*words: str | Path) -> Iterator[Any]:
    """`callscope WORDS` in a terminal of 80 columns."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", "callscope", *map(str, words)],
        env={**os.environ, "NO_COLOR": "1"},
        dimensions=(40, 80),
        encoding="utf-8",
        timeout=PATIENCE,
    )
    try:
        yield child
    finally:
        child.close(force=True)


def left(child: Any) -> str:
    """What the program says after Ctrl-C, until it has ended; fails where that takes long."""
    child.send(CTRL_C)
    child.expect(pexpect.EOF, timeout=AT_ONCE)
    child.wait()
    said: str = child.before
    return said


def test_a_doctor_who_is_interrupted_tells_what_was_found_and_keeps_the_recording(tmp_path: Path) -> None:
    with run_in_thread(DemoAgent(pace=0.0, stall=60.0)) as server:
        words = ["--dialect", "chat", "-m", "callscope-demo", "-H", "x-fault: stall", "--recordings", tmp_path]
        with typed("doctor", f"{server.url}/v1", *words) as child:
            child.expect("callscope-demo: a stream")
            said = left(child)
    assert child.exitstatus == 130
    assert "http.bad_model" in said
    assert "interrupted: what was found until then" in said
    assert "Traceback" not in said
    (recording,) = tmp_path.glob("*.jsonl")
    assert callscope("recordings", "verify", recording, folder=tmp_path).code == 0
    kept = [json.loads(line) for line in recording.read_text().splitlines()]
    assert [line["how"] for line in kept if line["kind"] == "end"][-1] == "cancelled"


def test_a_comparison_of_readers_that_is_interrupted_keeps_what_was_compared_and_leaves_no_reader(
    tmp_path: Path,
) -> None:
    recording = many_exchanges(tmp_path)
    with typed("recordings", "compare-readers", recording) as child:
        child.expect("exchange 2")
        said = left(child)
        assert is_empty(child.pid)
    assert child.exitstatus == 130
    assert "Traceback" not in said


def is_empty(group: int) -> bool:
    """Whether no process of a group lives on after a moment."""
    until = time.monotonic() + AT_ONCE
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def many_exchanges(folder: Path) -> Path:
    """A recording that keeps the readers busy: one answer, a thousand times."""
    asked = ["ask", "--demo", "--json", "--recordings", folder, "hello"]
    recording = Path(callscope(*asked, folder=folder).last["recording"])
    lines = recording.read_text().splitlines()
    kinds = [json.loads(line)["kind"] for line in lines]
    first, last = kinds.index("request"), kinds.index("end")
    copies = [line for number in range(1, 1001) for line in renumbered(lines[first : last + 1], number)]
    many = folder / "many.jsonl"
    many.write_text("\n".join([*lines[:first], *copies]) + "\n")
    return many


def renumbered(lines: list[str], number: int) -> Iterator[str]:
    """The lines of an exchange, as those of another."""
    for line in lines:
        members = json.loads(line)
        yield json.dumps({**members, "exchange": number} if "exchange" in members else members)
