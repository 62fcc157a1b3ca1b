"""The commands that open a recording, by the names that `replay_scale.py` knows them by; how each is run and weighed.

Knows their options, what a server needs besides, and which keys lead through a player. Must not know how a recording is
made, nor how a row is printed.
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

BIN = Path(sys.executable).parent
KINDS = ("pytest", "shell", "markdown", "html", "messages", "har")
KEYS = (b"n", b"n", b"G", b"q")
"""Through a player: two steps, the end, out; what is shown line by line takes each for a step, and is interrupted."""

PATIENCE = 5.0
"""Seconds without a word on the screen after which the next key is pressed."""


class Refused(Exception):
    """A command did not do it; the text is its exit code and its last words."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the processor, and bytes at the peak."""

    seconds: float
    peak: int


class Case(NamedTuple):
    """A command for a recording, and how it is run: to its end, as a server, or in a terminal."""

    words: Callable[[Path], Sequence[str]]
    run: Callable[[Sequence[str], Path], Cost]


def _new(file: Path, name: str = "") -> Path:
    """Where a command writes; in a folder that is not listed."""
    made = file.parent / "made" / (name or file.name)
    made.parent.mkdir(exist_ok=True)
    made.unlink(missing_ok=True)
    return made


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.defpath, "HOME": str(folder), "LANG": "C.UTF-8", "VALUE": "correct-horse-battery"}


def _weighed(process: subprocess.Popen[bytes]) -> Cost:
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def to_its_end(words: Sequence[str], folder: Path) -> Cost:
    """Run a command to its end. Raises Refused where that is not 0."""
    with (folder / "stderr").open("w+b") as errors:
        process = subprocess.Popen(
            [BIN / "callscope", *words],
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        cost = _weighed(process)
        if process.returncode:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip().splitlines() or ["no word on stderr"]
            raise Refused(f"exit code {process.returncode}, {cost.peak / 1e6:.0f} MB: {said[-1]}")
    return cost


def as_server(words: Sequence[str], folder: Path) -> Cost:
    """Run a server until it has answered one request, and kill it: one that ends by itself lists what nobody asked."""
    process = subprocess.Popen(
        [BIN / "callscope", *words],
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    with process.stderr as said:
        url = _until_it_listens(said)
        if url is not None:
            with urllib.request.urlopen(f"{url}/chat/completions", b"{}") as answer:
                while answer.read(1 << 16):
                    pass
            process.kill()
        cost = _weighed(process)
    if url is None:
        raise Refused(f"exit code {process.returncode}, {cost.peak / 1e6:.0f} MB: it did not listen")
    return cost


def _until_it_listens(said: IO[bytes]) -> str | None:
    while line := said.readline():
        if (place := line.find(b"http://127.0.0.1:")) >= 0:
            return line[place:].split()[0].decode()
    return None


def in_a_terminal(words: Sequence[str], folder: Path) -> Cost:
    """Run a player in a pseudo-terminal, and lead it to the end and out of it."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [BIN / "callscope", *words],
        env=_environment(folder) | {"TERM": "xterm-256color", "LINES": "40", "COLUMNS": "120"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        for key in KEYS:
            for _ in _said(ours):
                pass
            with contextlib.suppress(OSError):  # it has ended
                os.write(ours, key)
        for _ in _said(ours):
            pass
        process.send_signal(signal.SIGINT)
        for _ in _said(ours, patience=None):
            pass
        return _weighed(process)
    finally:
        os.close(ours)


def _said(terminal: int, patience: float | None = PATIENCE) -> Iterator[bytes]:
    """What is drawn, until nothing is any more."""
    while select.select([terminal], [], [], patience)[0]:
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:  # nobody is on the other side any more
            return
        if not data:
            return
        yield data


def _ends(written: str) -> Case:
    """A command that runs to its end: of FILE, the FOLDER that it is in, or into a NEW file (`NEW:its-name`)."""

    def words(file: Path) -> Sequence[str]:
        places = {"FILE": lambda _: file, "FOLDER": lambda _: file.parent, "NEW": lambda name: _new(file, name)}
        parts = [word.partition(":") for word in written.split()]
        return [str(places[word](name)) if word in places else word + more + name for word, more, name in parts]

    return Case(words, to_its_end)


CASES: dict[str, Case] = {
    "replay": _ends("replay FILE --speed max"),
    "replay --json": _ends("replay FILE --speed max --json"),
    "replay --follow": _ends("replay FILE --follow"),
    "replay --step": Case(lambda file: ("replay", str(file), "--step"), in_a_terminal),
    "replay --server recorded": _ends("replay FILE --server recorded"),
    "replay --server recorded --json": _ends("replay FILE --server recorded --json"),
    "replay --rechunk": _ends("replay FILE --rechunk random:1"),
    "verify": _ends("recordings verify FILE"),
    "show": _ends("recordings show FILE"),
    "show --json": _ends("recordings show FILE --json"),
    "list": _ends("recordings list --recordings FOLDER"),
    "why": _ends("recordings why FILE"),
    "trim": _ends("recordings trim FILE --turns 1 --output NEW"),
    "fork": _ends("recordings fork FILE --at 1 --output NEW"),
    "redact": _ends("recordings redact FILE --value-env VALUE --output NEW"),
    "diff": _ends("recordings diff FILE FILE"),
    "compare-readers": _ends("recordings compare-readers FILE"),
    "compare-readers --json": _ends("recordings compare-readers FILE --json"),
    **{f"export {kind}": _ends(f"recordings export FILE --as {kind} --output NEW:test_it.py") for kind in KINDS},
    "shrink": _ends("recordings shrink FILE --check true --most 3 --limit 60 --output NEW"),
    "doctor": _ends("doctor FILE"),
    "serve, one answer": Case(
        lambda file: ("serve", str(file), "--port", "0", "--speed", "max", "--on-miss", "next"), as_server
    ),
}
