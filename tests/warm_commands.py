"""Commands in processes that need not import the command line: each is forked off one that has.

A Python process that imports what a turn needs takes up to half a second of a processor, and hundreds of tests start
one. A fork has descriptors, a folder, variables and an end of its own, as a process begun anew has; what it cannot show
is what importing does. Run as a script, this file is the process that forks; it ends with its standard input.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

LEFT_OUT = ("callscope.__main__", "callscope.pytest_plugin", "callscope.serving.local")
"""Not imported beforehand: a plugin of another program, and what needs an extra that is not for tests."""

PYTHONS_OWN = ("PYTHON", "LC_", "LANG", "MALLOC")
"""How variables begin that are read once, when a process begins."""

ORIGINAL = dict(os.environ)
PIPE_HOLDS = 60_000
PROCESS = 12
"""Digits, with spaces before them, of the process that was forked; what follows is its exit code."""


# ---- in the tests ---------------------------------------------------------------------------------------------------


def can_be_forked(env: Mapping[str, str], stdin: bytes) -> bool:
    """Whether a fork is what a new process with these would be."""
    return len(stdin) < PIPE_HOLDS and _read_once(env) == _read_once(ORIGINAL)


def _read_once(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(PYTHONS_OWN)}


def run(
    arguments: Sequence[str], *, folder: Path, stdin: bytes, env: Mapping[str, str], limit: float
) -> subprocess.CompletedProcess[bytes]:
    """Run `callscope` as `subprocess.run` would. Raises TimeoutExpired."""
    reading, writing = os.pipe()
    with (
        socket.socket(socket.AF_UNIX) as line,
        tempfile.TemporaryFile(buffering=0) as out,
        tempfile.TemporaryFile(buffering=0) as err,
    ):
        os.write(writing, stdin)
        os.close(writing)
        try:
            code = _forked(line, arguments, folder, env, (reading, out.fileno(), err.fileno()), limit)
        finally:
            os.close(reading)
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess(list(arguments), code, out.read(), err.read())


def _forked(
    line: socket.socket,
    arguments: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    descriptors: Sequence[int],
    limit: float,
) -> int:
    process = fork(line, arguments, folder=folder, env=env, descriptors=descriptors)
    line.settimeout(limit)
    try:
        return int(line.recv(16))
    except TimeoutError:
        os.kill(process, signal.SIGKILL)
        raise subprocess.TimeoutExpired(list(arguments), limit) from None


def fork(
    line: socket.socket,
    arguments: Sequence[str],
    *,
    folder: Path | str,
    env: Mapping[str, str],
    descriptors: Sequence[int],
    terminal: bool = False,
) -> int:
    """Begin a command on these three descriptors; gives its process. Its exit code comes over the line."""
    line.connect(forking_process())
    request = {"arguments": list(arguments), "folder": str(folder), "env": dict(env), "terminal": terminal}
    data = json.dumps(request).encode() + b"\n"
    sent = socket.send_fds(line, [data], descriptors)
    line.sendall(data[sent:])
    return int(line.recv(PROCESS))


PROGRAM = """#!{python} -IS
import json, os, socket, sys

line = socket.socket(socket.AF_UNIX)
line.connect({path!r})
asked = dict(arguments=sys.argv[1:], folder=os.getcwd(), env=dict(os.environ), terminal=False)
data = json.dumps(asked).encode() + b"\\n"
sent = socket.send_fds(line, [data], [0, 1, 2])
line.sendall(data[sent:])
sys.exit(int(line.makefile().read()[{width}:]))
"""


def program(folder: Path) -> Path:
    """A program `callscope` for a shell in this folder, made."""
    path = folder / "callscope"
    path.write_text(PROGRAM.format(python=sys.executable, path=forking_process(), width=PROCESS), encoding="utf-8")
    path.chmod(0o755)
    return path


@cache
def forking_process() -> str:
    """Where the process listens that forks; it is begun once, and ends with ours."""
    path = f"{tempfile.mkdtemp(prefix='callscope-')}/warm"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(16)
        number = listening.fileno()
        process = subprocess.Popen(
            [sys.executable, __file__, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=ORIGINAL,
            pass_fds=[number],
            start_new_session=True,
        )
    atexit.register(_end, process, Path(path).parent)
    return path


def _end(process: subprocess.Popen[bytes], folder: Path) -> None:
    process.communicate()
    shutil.rmtree(folder)


# ---- in the process that forks --------------------------------------------------------------------------------------


def _import_all() -> None:
    from callscope.endpoints.lean import load_httpx

    load_httpx()
    import callscope

    for module in pkgutil.walk_packages(callscope.__path__, "callscope."):
        if not module.name.startswith(LEFT_OUT) and ".data." not in module.name:
            importlib.import_module(module.name)
    from callscope.serving.demo.agent import DemoAgent

    (DemoAgent.__init__.__kwdefaults__ or {})["pace"] = 0.0  # it speaks as slowly as a person reads
    gc.collect()
    gc.freeze()


def _request(listening: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Wait for requests, in two processes for each: what one is to do, in the one that is to do it."""
    while True:
        ready, _, _ = select.select([listening, 0], [], [])
        if 0 in ready:
            return None
        line, _ = listening.accept()
        if os.fork() == 0:
            break
        line.close()
        _reap()
    listening.close()
    data, descriptors, _, _ = socket.recv_fds(line, 65536, 3)
    while not data.endswith(b"\n"):
        if not (more := line.recv(65536)):
            os._exit(1)  # whoever asked has left in the middle of a word
        data += more
    if (process := os.fork()) == 0:
        line.close()
        return json.loads(data), descriptors
    _wait(line, process, descriptors)
    raise AssertionError("unreachable")


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _wait(line: socket.socket, process: int, descriptors: Sequence[int]) -> None:
    os.closerange(0, 3)
    for descriptor in descriptors:
        os.close(descriptor)
    line.sendall(b"%*d" % (PROCESS, process))
    _, status = os.waitpid(process, 0)
    line.sendall(b"%d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(request: dict[str, Any], descriptors: Sequence[int]) -> None:
    for place, descriptor in enumerate(descriptors):
        os.dup2(descriptor, place)
        os.close(descriptor)
    for place, name in enumerate(("stdin", "stdout", "stderr")):
        _open_again(place, name)
    if request["terminal"]:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["folder"])
    sys.path[0] = request["folder"]  # as `python -m` has it
    sys.argv = ["callscope", *request["arguments"]]


def _open_again(place: int, name: str) -> None:
    """Streams keep in mind what they were opened on: whether it can be sought in, and whether it is a terminal."""
    before = getattr(sys, name)
    opened = open(  # noqa: SIM115
        place, "w" if place else "r", encoding=before.encoding, errors=before.errors, closefd=False
    )
    opened.reconfigure(line_buffering=place == 2 or os.isatty(place), write_through=before.write_through)
    setattr(sys, name, opened)
    setattr(sys, f"__{name}__", opened)


if __name__ == "__main__":
    _import_all()
    with socket.socket(fileno=int(sys.argv[1])) as incoming:
        asked = _request(incoming)
    if asked is not None:
        _become(*asked)
        from callscope.__main__ import main

        main()
