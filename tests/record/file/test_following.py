from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest

from callscope.core.errors import UnusableFile
from callscope.record.file.appending import LineFile
from callscope.record.file.following import FollowedFile, is_being_written
from callscope.record.file.reading import open_recording
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
    sample = Path(__file__).parents[3] / "recordings" / "samples" / "weather.jsonl"
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
    sample = Path(__file__).parents[3] / "recordings" / "samples" / "weather.jsonl"
    ran = callscope("replay", "-f", sample, folder=tmp_path)
    assert (ran.code, "Here is what came back" in ran.out) == (0, True)


def test_following_says_nothing_beside_a_speed(tmp_path: Path) -> None:
    ran = callscope("replay", "-f", "--speed", "2", "x.jsonl", folder=tmp_path)
    assert (ran.code, "--speed says nothing beside it" in ran.err) == (2, True)


def cut_short(path: Path) -> None:
    os.truncate(path, 40)


def cut_at_its_last_line(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def put_in_its_place(path: Path) -> None:
    other = path.with_name("other.jsonl")
    other.write_bytes(path.read_bytes())
    other.replace(path)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (cut_short, "was cut short"),
        (cut_at_its_last_line, "was cut short"),
        (put_in_its_place, "is another file by now"),
        (Path.unlink, "was taken away"),
    ],
    ids=["cut short", "cut at its end", "another", "away"],
)
def test_a_file_that_does_not_only_grow_while_it_is_followed_is_told(
    tmp_path: Path, change: Callable[[Path], None], word: str
) -> None:
    whole = recorded(tmp_path, ["says", "calls"])
    growing = LineFile.create(tmp_path / "growing.jsonl")
    for line in whole.read_bytes().splitlines(keepends=True)[:5]:
        growing.append(line)
    followed = FollowedFile(growing.path, lambda: change(growing.path))
    entries = followed.entries
    assert len(list(islice(entries, 4))) == 4
    with pytest.raises(UnusableFile, match=word):
        next(entries)


def test_a_recording_that_is_replaced_while_a_person_follows_it_ends_with_one_line(tmp_path: Path) -> None:
    sample = Path(__file__).parents[3] / "recordings" / "samples" / "weather.jsonl"
    growing = LineFile.create(tmp_path / "growing.jsonl")
    for line in sample.read_bytes().splitlines(keepends=True)[:20]:
        growing.append(line)
    with following(growing.path) as child:
        assert child.stdout is not None
        while json.loads(child.stdout.readline())["event"] != "user":
            pass
        put_in_its_place(growing.path)
        _, said = child.communicate(timeout=20)
    assert child.returncode == 3
    assert b"is another file by now" in said
    assert b"Traceback" not in said
