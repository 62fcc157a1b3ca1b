from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from callscope.record.appending import LineFile
from callscope.record.following import FollowedFile, is_being_written
from callscope.record.reading import open_recording
from command_line import callscope
from sessionbench import recorded


@contextmanager
def following(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "callscope", "replay", "--follow", "--json", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ) as child:
        try:
            yield child
        finally:
            child.kill()


def test_lines_come_as_they_are_written_and_end_when_the_writer_lets_go(tmp_path: Path) -> None:
    whole = recorded(tmp_path, ["says", "calls"])
    lines = whole.read_bytes().splitlines(keepends=True)
    growing = LineFile.create(tmp_path / "growing.jsonl")
    growing.append(lines.pop(0))

    def write_on() -> None:
        """Instead of waiting: half a line, the rest of it, and in the end nothing more."""
        if not lines:
            growing.close()
        elif len(lines[0]) > 20:
            growing.append(lines[0][:20])
            lines[0] = lines[0][20:]
        else:
            growing.append(lines.pop(0))

    followed = FollowedFile(growing.path, write_on)
    seen = [entry.kind for entry in followed.entries]
    assert seen == [entry.kind for entry in open_recording(whole).entries]
    assert followed.warnings == []


def test_a_line_that_its_writer_never_ended_is_left_out(tmp_path: Path) -> None:
    growing = LineFile.create(tmp_path / "growing.jsonl")
    growing.append(recorded(tmp_path, ["says"]).read_bytes().splitlines(keepends=True)[0])
    growing.append(b'{"t":1,"kind":"us')
    followed = FollowedFile(growing.path, growing.close)
    assert list(followed.entries) == []
    assert "cut off" in followed.warnings[0]


def test_looking_whether_somebody_writes_keeps_nobody_from_writing(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["says"])
    assert not is_being_written(path)
    file = LineFile.open(path)
    assert is_being_written(path)
    file.append(b"\n")
    file.close()
    assert not is_being_written(path)


def test_a_person_sees_what_is_written_before_it_ends(tmp_path: Path) -> None:
    sample = Path(__file__).parents[2] / "recordings" / "samples" / "weather.jsonl"
    header, *lines = sample.read_bytes().splitlines(keepends=True)
    growing = LineFile.create(tmp_path / "growing.jsonl")
    growing.append(header)
    with following(growing.path) as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline())["event"] == "session"
        for line in lines[:20]:
            growing.append(line)
        while json.loads(child.stdout.readline())["event"] != "user":
            pass
        assert child.poll() is None
        for line in lines[20:]:
            growing.append(line)
        growing.close()
        out, _ = child.communicate(timeout=30)
    assert child.returncode == 0
    assert json.loads(out.splitlines()[-1])["exit_code"] == 0


def test_ctrl_c_ends_following(tmp_path: Path) -> None:
    growing = LineFile.create(tmp_path / "growing.jsonl")
    growing.append(recorded(tmp_path, ["says"]).read_bytes().splitlines(keepends=True)[0])
    with following(growing.path) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=30)
    assert child.returncode == 130


def test_a_recording_that_nobody_writes_is_shown_to_its_end_at_once(tmp_path: Path) -> None:
    sample = Path(__file__).parents[2] / "recordings" / "samples" / "weather.jsonl"
    ran = callscope("replay", "-f", sample, folder=tmp_path)
    assert (ran.code, "Here is what came back" in ran.out) == (0, True)


def test_following_says_nothing_beside_a_speed(tmp_path: Path) -> None:
    ran = callscope("replay", "-f", "--speed", "2", "x.jsonl", folder=tmp_path)
    assert (ran.code, "--speed says nothing beside it" in ran.err) == (2, True)
