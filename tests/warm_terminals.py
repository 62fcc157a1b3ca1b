"""A command in a terminal of its own, forked off a process that has imported it; pexpect sees no difference."""

from __future__ import annotations

import os
import select
import socket
import sys
import termios
from collections.abc import Mapping, Sequence
from typing import Any

import pexpect
from ptyprocess import PtyProcess

from how_many import all_of_them
from warm_commands import can_be_forked, fork

CALLSCOPE = [sys.executable, "-m", "callscope"]


def spawn(command: str, arguments: Sequence[str], *, env: Mapping[str, str], **more: Any) -> pexpect.spawn[str]:
    """As `pexpect.spawn`, in UTF-8."""
    forked = [command, *arguments][:3] == CALLSCOPE and can_be_forked(env, b"") and not all_of_them()
    kind = _Spawned if forked else pexpect.spawn
    return kind(command, list(arguments), env=dict(env), encoding="utf-8", **more)


class _Spawned(pexpect.spawn):  # type: ignore[type-arg]
    """A child whose command was forked."""

    def _spawnpty(self, args: Sequence[str], *, env: Any, cwd: str, dimensions: tuple[int, int], **_: Any) -> _Forked:
        ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, dimensions)
        line = socket.socket(socket.AF_UNIX)
        process = fork(
            line, [os.fsdecode(word) for word in args[3:]], folder=cwd, env=env, descriptors=[theirs] * 3, terminal=True
        )
        os.close(theirs)
        return _Forked(process, ours, line)


class _Forked(PtyProcess):  # type: ignore[misc]
    """A process that is nobody's child here: its exit code comes over a line."""

    def __init__(self, pid: int, fd: int, line: socket.socket) -> None:
        super().__init__(pid, fd)
        self._line = line

    def isalive(self) -> bool:
        """Whether it runs."""
        if not self.terminated and select.select([self._line], [], [], 0)[0]:
            self.wait()
        return not self.terminated

    def wait(self) -> int | None:
        """Wait for its end, and give its exit code."""
        if not self.terminated:
            code = int(self._line.recv(16))
            self._line.close()
            self.terminated = True
            self.exitstatus, self.signalstatus = (code, None) if code >= 0 else (None, -code)
        return self.exitstatus
