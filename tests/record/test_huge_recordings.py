"""Recordings much larger than the memory they may take, each looked at in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

LOOKING = """
import resource, sys
from callscope.app.app import run
try:
    run(sys.argv[1:])
except SystemExit as ended:
    assert not ended.code, ended.code
scale = 1 if sys.platform == "darwin" else 1024
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale, file=sys.stderr)
"""

WORDS = "The quick brown fox jumps over the lazy dog. " * 20


def recording(path: Path, exchanges: int) -> Path:
    """Each exchange is a quarter of a megabyte; their words are taken back, so that no conversation grows."""
    with path.open("w") as file:

        def write(**line: object) -> None:
            file.write(json.dumps(line) + "\n")

        write(kind="header", format="callscope", version=1, created="2026-11-21T01:23:00Z")
        write(t=0, kind="settings", dialect="chat", url="http://127.0.0.1:1/v1", model="m")
        for number in range(1, exchanges + 1):
            write(t=number, kind="user", text="go on")
            write(t=number, kind="request", exchange=number, method="POST", url="http://h/", headers=[], body="{}")
            write(
                t=number, kind="response", exchange=number, status=200, headers=[["content-type", "text/event-stream"]]
            )
            delta = {"choices": [{"index": 0, "delta": {"content": WORDS}, "finish_reason": None}]}
            last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
            reads = [f"data: {json.dumps(delta)}\n\n"] * 250 + [f"data: {json.dumps(last)}\n\ndata: [DONE]\n\n"]
            for read in reads:
                write(t=number, kind="read", exchange=number, text=read)
            body = "".join(reads).encode()
            write(
                t=number, kind="end", exchange=number, how="complete", bytes=len(body), sha256=sha256(body).hexdigest()
            )
            write(t=number, kind="turn", reason="completed")
            write(t=number, kind="rewind", to=0)
    return path


def memory(folder: Path, *arguments: str | Path) -> int:
    """Bytes at the most, of a process that looks at a recording."""
    command = [sys.executable, "-c", LOOKING, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=50)
    return int(done.stderr.splitlines()[-1])


@pytest.mark.parametrize(
    "arguments",
    [
        ["recordings", "verify"],
        ["recordings", "show", "--json"],
        ["recordings", "fork"],
        ["replay", "--speed", "max"],
        ["replay", "--follow"],
        ["recordings", "export", "--as", "har", "-o", "-"],
        ["recordings", "export", "--as", "shell", "-o", "-"],
        ["doctor"],
    ],
    ids=" ".join,
)
def test_a_recording_sixteen_times_as_large_takes_no_more_memory(tmp_path: Path, arguments: list[str]) -> None:
    small, large = recording(tmp_path / "small.jsonl", 4), recording(tmp_path / "large.jsonl", 64)
    assert large.stat().st_size > 15_000_000
    assert memory(tmp_path, *arguments, large) - memory(tmp_path, *arguments, small) < 4_000_000


def test_a_line_that_no_recording_has_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = recording(tmp_path / "one.jsonl", 1)
    with path.open("ab") as file:
        file.truncate(path.stat().st_size + 2_000_000_000)  # a hole: NUL bytes that take no room on the disk
    done = subprocess.run(
        [sys.executable, "-c", LOOKING, "recordings", "show", "--json", str(path)],
        capture_output=True,
        check=False,
        timeout=50,
    )
    assert b"longer than 134,217,728 bytes" in done.stderr


def test_the_doctor_refuses_an_answer_that_it_cannot_hold_and_says_which(tmp_path: Path) -> None:
    path = recording(tmp_path / "one.jsonl", 1)
    read = json.dumps({"t": 1, "kind": "read", "exchange": 1, "text": f"data: {'x' * 900_000}\n\n"})
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:5], *[read] * 9, *lines[5:]]) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "callscope", "doctor", str(path)], capture_output=True, check=False, timeout=50
    )
    assert done.returncode == 3
    assert b"one.jsonl, line 14: an answer of more than 8 MB" in done.stderr
