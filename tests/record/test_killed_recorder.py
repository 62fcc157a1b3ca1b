"""A recorder that is killed, or whose disk is full, in a process of its own."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from callscope.core.events import BytesRead
from callscope.record.deriving.rederiving import derive
from callscope.record.deriving.restoring import left_by
from callscope.record.file.reading import open_recording
from recordbench import plain

WRITER = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from recordbench import TickingClock, plain
from callscope.core.events import *
from callscope.core.state import Conversation
from callscope.core.values import Request, Settings
from callscope.core.errors import UnusableFile
from callscope.record.secrets.masking import Secrets
from callscope.record.recorder import Recorder

def emit(event):
    recorder.handle(Stamped(0, clock.now(), event), Conversation())

clock = TickingClock()
recorder = Recorder.create(Path({directory!r}), secrets=Secrets(), clock=clock, program="0.0.test", dialects=plain)
print(recorder.path, flush=True)
emit(SettingsChanged(Settings("plain")))
emit(UserMessage("go on for ever"))
emit(ExchangeOpened(1, Request("POST", "http://h/", (), b"{{}}")))
emit(ResponseHead(1, 200, ()))
"""

FOR_EVER = """
import os
number = 0
while True:
    number += 1
    emit(BytesRead(1, b'{"text": "%d ' % number + b"x" * (number % 97) + b'"}\\n'))
    os.write(1, b"%d\\n" % number)
"""

UNTIL_FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
number = 0
try:
    while True:
        number += 1
        emit(BytesRead(1, b'{{"text": "%d ' % number + b"x" * 50 + b'"}}\\n'))
except UnusableFile as error:
    print(number - 1)
    print(error)
"""


def writer(directory: Path, then: str) -> list[str]:
    tests = str(Path(__file__).parents[1])
    return [sys.executable, "-c", WRITER.format(tests=tests, directory=str(directory)) + then]


@pytest.mark.parametrize("seed", range(6))
def test_a_recorder_killed_at_any_moment_leaves_all_it_had_told(tmp_path: Path, seed: int) -> None:
    with subprocess.Popen(writer(tmp_path, FOR_EVER), stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        path = Path(child.stdout.readline().decode().strip())
        for _ in range(random.Random(seed).randrange(1, 2000)):
            last = child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        told = [last, *child.stdout.read().splitlines()]
    reached = max(int(line) for line in told if line)
    recording = open_recording(path)
    reads = [entry for entry in recording.entries if isinstance(entry.event, BytesRead)]
    assert len(reads) - reached in (0, 1)
    assert len(recording.warnings) <= 1
    assert len(list(derive(recording, plain))) >= 2 * reached
    assert type(left_by(recording, plain).owed[-1]).__name__ == "TurnEnded"


@pytest.mark.parametrize("limit", [3000, 3001, 3037, 3100])
def test_a_full_disk_stops_loudly_and_leaves_whole_lines(tmp_path: Path, limit: int) -> None:
    run = subprocess.run(
        writer(tmp_path, UNTIL_FULL.format(limit=limit)), capture_output=True, text=True, check=True, timeout=30
    )
    path, written, error = run.stdout.splitlines()
    assert error == (
        f"The recording {path} can no longer be written: file too large. The session stops here; "
        "all that happened before is in the file."
    )
    recording = open_recording(Path(path))
    assert recording.warnings == ()
    assert sum(isinstance(entry.event, BytesRead) for entry in recording.entries) == int(written)
    assert Path(path).stat().st_size <= limit
