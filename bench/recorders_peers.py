"""The recorders: how each is told to record, and how it plays back, as its own documentation says.

Knows their command lines and options. Must not know what they are asked, nor how they are judged.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from recorders_sessions import Direct, Inside, Session

HERE = Path(__file__).resolve().parent
CALLSCOPE = [sys.executable, "-m", "callscope"]


class NoAnswerError(RuntimeError):
    """A recorder that does not start, or has nothing to play."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the recorders are installed, what they lead to, and the environment they run in."""

    bin: Path
    url: str
    secrets: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


class Recorder(Protocol):
    """One way of recording; `inside` where the client and the recorder are one process."""

    @property
    def name(self) -> str: ...

    @property
    def inside(self) -> bool: ...

    def record(self, place: Place, folder: Path) -> AbstractContextManager[Session]: ...

    def play(self, place: Place, folder: Path) -> AbstractContextManager[Session]: ...


@contextmanager
def running(
    argv: Sequence[str | Path], place: Place, folder: Path, *, stderr: bool = False, **more: str
) -> Iterator[subprocess.Popen[str]]:
    """A process that is asked to end, and ended if it does not."""
    with (folder.parent / f"{folder.name}.log").open("a") as log:
        process = subprocess.Popen(
            [str(word) for word in argv],
            cwd=folder,
            env={**place.environment, **more},
            stdin=subprocess.PIPE,
            stdout=log if stderr else subprocess.PIPE,
            stderr=subprocess.PIPE if stderr else log,
            text=True,
        )
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """Standard input ends, then Ctrl-C, then no mercy."""
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(1)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    process.kill()
    process.wait()
    for stream in filter(None, (process.stdout, process.stderr)):
        stream.close()


def said_port(stream: IO[str] | None) -> int:
    """The port of the first loopback address that a program names."""
    assert stream is not None
    heard: list[str] = []
    for line in stream:
        heard.append(line)
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    raise NoAnswerError("".join(heard).strip().splitlines()[-1] if heard else "it ended without a word")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def listening(process: subprocess.Popen[str], port: int) -> None:
    """Wait until something listens there."""
    for _ in range(300):
        if process.poll() is not None:
            raise NoAnswerError(f"it ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise NoAnswerError("it never listened")


@dataclass(frozen=True, slots=True)
class Callscope:
    """`callscope proxy` and `callscope serve`."""

    name: str = "Callscope"
    inside: bool = False

    @contextmanager
    def record(self, place: Place, folder: Path) -> Iterator[Session]:
        argv = [*CALLSCOPE, "proxy", place.url, "--port", "0", "--recordings", str(folder)]
        with running(argv, place, folder, stderr=True) as process:
            yield Direct(process, said_port(process.stderr))

    @contextmanager
    def play(self, place: Place, folder: Path) -> Iterator[Session]:
        files = sorted(folder.glob("*.jsonl"))
        with running([*CALLSCOPE, "serve", *files, "--port", "0"], place, folder, stderr=True) as process:
            yield Direct(process, said_port(process.stderr))


@dataclass(frozen=True, slots=True)
class Mitmproxy:
    """`options` are those of recording: `--set` words, or a rule that takes secrets out of what passes."""

    name: str
    options: tuple[str, ...] = ()
    inside: bool = False

    @contextmanager
    def _run(self, place: Place, folder: Path, *options: str | Path) -> Iterator[Session]:
        port = free_port()
        where = ("--mode", f"reverse:{place.url}", "--listen-host", "127.0.0.1", "-p", str(port))
        argv = (place.bin / "mitmdump", "-q", "--set", f"confdir={folder}", *where, *options)
        with running(argv, place, folder) as process:
            listening(process, port)
            yield Direct(process, port)

    @contextmanager
    def record(self, place: Place, folder: Path) -> Iterator[Session]:
        with self._run(place, folder, "-w", folder / "flows", *self.options) as session:
            yield session

    @contextmanager
    def play(self, place: Place, folder: Path) -> Iterator[Session]:
        # without reuse it asks the server again as soon as every flow was played once
        words = ("server_replay_extra=404", "server_replay_reuse=true", "server_replay_refresh=false")
        options = [option for word in words for option in ("--set", word)]
        with self._run(place, folder, "--server-replay", folder / "flows", *options) as session:
            yield session


@dataclass(frozen=True, slots=True)
class Timefork:
    """`redacted`: its tape is told before the first recording what it must not write."""

    name: str = "timefork"
    redacted: bool = False
    inside: bool = False

    @contextmanager
    def _run(self, place: Place, folder: Path, *words: str) -> Iterator[Session]:
        # the command that it records is one that says where the proxy is, and stays until its input ends
        command = ["sh", "-c", 'echo "$TIMEFORK_PROXY"; exec cat']
        argv = [str(place.bin / "timefork"), *words, "--", *command]
        with running(argv, place, folder, TIMEFORK_UPSTREAM_OPENAI=place.url) as process:
            yield Direct(process, said_port(process.stdout))

    @contextmanager
    def record(self, place: Place, folder: Path) -> Iterator[Session]:
        patterns = [word for secret in place.secrets for word in ("-p", re.escape(secret))]
        for words in (("init",), ("redact", *patterns)) if self.redacted else ():
            argv = [str(place.bin / "timefork"), *words]
            subprocess.run(argv, cwd=folder, env=place.environment, check=True, stdout=subprocess.DEVNULL)
        with self._run(place, folder, "record") as session:
            yield session

    @contextmanager
    def play(self, place: Place, folder: Path) -> Iterator[Session]:
        with self._run(place, folder, "replay", "last", "--on-diverge", "block", "--pace") as session:
            yield session


@dataclass(frozen=True, slots=True)
class Vcrpy:
    """vcrpy in a program that reads with httpx; `mode` `-filtered` has its filters on."""

    name: str = "vcrpy"
    mode: str = ""
    inside: bool = True

    @contextmanager
    def _run(self, place: Place, folder: Path, mode: str) -> Iterator[Session]:
        argv = (place.bin / "python", HERE / "recorders_inside.py", mode, folder, place.url)
        with running(argv, place, folder, RECORDERS_SECRETS=" ".join(place.secrets)) as process:
            yield Inside(process)

    @contextmanager
    def record(self, place: Place, folder: Path) -> Iterator[Session]:
        with self._run(place, folder, f"record{self.mode}") as session:
            yield session

    @contextmanager
    def play(self, place: Place, folder: Path) -> Iterator[Session]:
        with self._run(place, folder, f"play{self.mode}") as session:
            yield session

    @contextmanager
    def direct(self, place: Place, folder: Path) -> Iterator[Session]:
        """The same program without the recorder."""
        with self._run(place, folder, "direct") as session:
            yield session


def home(folder: Path) -> dict[str, str]:
    """An environment without the person's files, keys and proxies."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
