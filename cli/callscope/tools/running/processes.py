"""A process that is really over when it is said to be: started in a group of its own, its output kept up to a limit.

Knows processes, groups and signals. Must not know what runs in them. The group goes with the process that leads it:
what is left behind would hold the pipes open, and hold what it was doing, too. A process that leaves its group (a
daemon) is out of reach.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, assert_never

from callscope.tools.answers import Answer, failed, timed_out
from callscope.tools.definitions import Tool

GRACE = 2.0
"""Seconds between a polite SIGTERM and SIGKILL."""

LINGER = 0.5
"""Seconds that what a process left behind has to write the rest, before it is ended."""

LONGEST = 64 * 1024 * 1024
"""Bytes of output that are read at all: what writes more is stopped."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a process ended, and what it wrote. `code` is negative for a signal; `dropped` bytes were not kept.

    `stopped` says why it was ended before its time: it had no time left, or wrote more than `LONGEST` bytes.
    """

    code: int
    output: bytes
    dropped: int
    errors: bytes
    errors_dropped: int
    stopped: Literal["time", "output"] | None = None

    @property
    def ending(self) -> str:
        """`exit status 3`, or `SIGSEGV`."""
        if self.code >= 0:
            return f"exit status {self.code}"
        try:
            return signal.Signals(-self.code).name
        except ValueError:
            return f"signal {-self.code}"


async def run_process(
    words: Sequence[str],
    *,
    stdin: bytes,
    folder: Path | None,
    environment: Mapping[str, str],
    patience: float,
    keep: int,
) -> Finished:
    """Run a program to its end and give what it wrote, at most `keep` bytes of each stream.

    It is stopped after `patience` seconds. However this ends, cancelled too, no process of its group is left. Raises
    OSError or ValueError where it cannot be started.
    """
    loop = asyncio.get_running_loop()
    starting = asyncio.ensure_future(
        loop.subprocess_exec(
            lambda: _Watch(loop, keep), *words, cwd=folder, env=dict(environment), start_new_session=True
        )
    )
    try:
        transport, watch = await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _uninterrupted(_end_late(starting))
        raise
    try:
        _hand_over(transport, stdin)
        in_time, _ = await asyncio.wait([watch.over], timeout=patience)
        if in_time and not watch.overflown:
            await asyncio.wait([watch.closed], timeout=LINGER)
    finally:
        await _uninterrupted(_end(transport, watch))
    code = transport.get_returncode()
    output, errors = watch.streams[1], watch.streams[2]
    return Finished(
        -signal.SIGKILL if code is None else code,
        bytes(output.kept),
        output.dropped,
        bytes(errors.kept),
        errors.dropped,
        "output" if watch.overflown else None if in_time else "time",
    )


def stopped_early(tool: Tool, finished: Finished) -> Answer | None:
    """The result of a call whose process was stopped; None where it ended by itself."""
    match finished.stopped:
        case None:
            return None
        case "time":
            return timed_out(tool.spec.name, tool.timeout, "Its process was stopped, and may have had an effect")
        case "output":
            words = f"{tool.spec.name} wrote more than {LONGEST:,} bytes and was stopped; it may have had an effect."
            return failed("too_much_output", words)
        case _:
            assert_never(finished.stopped)


class _Stream:
    """The first bytes of a stream."""

    def __init__(self, keep: int) -> None:
        self.room = keep
        self.kept = bytearray()
        self.dropped = 0

    def feed(self, data: bytes) -> int:
        """Keep what there is room for; gives how many bytes there were so far."""
        kept = data[: self.room]
        self.kept += kept
        self.room -= len(kept)
        self.dropped += len(data) - len(kept)
        return len(self.kept) + self.dropped


class _Watch(asyncio.SubprocessProtocol):
    """One process: it is `over` when it exits or writes too much, `closed` when its pipes are closed, too."""

    def __init__(self, loop: asyncio.AbstractEventLoop, keep: int) -> None:
        self.streams = {1: _Stream(keep), 2: _Stream(keep)}
        self.over: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self.overflown = False

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if self.streams[fd].feed(data) > LONGEST:
            self.overflown = True
            _settle(self.over)

    def process_exited(self) -> None:
        _settle(self.over)

    def connection_lost(self, exc: Exception | None) -> None:
        _settle(self.over)
        _settle(self.closed)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _hand_over(transport: asyncio.SubprocessTransport, stdin: bytes) -> None:
    """Write its stdin and close it; a process that does not read it is none the worse."""
    pipe = transport.get_pipe_transport(0)
    assert isinstance(pipe, asyncio.WriteTransport)
    pipe.write(stdin)
    pipe.close()


async def _end(transport: asyncio.SubprocessTransport, watch: _Watch) -> None:
    """End the group: politely, then not; afterwards the pipes are closed whoever holds them."""
    group = transport.get_pid()
    try:
        for number, patience in ((signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
            if not _signal(group, number):
                return  # whoever still holds the pipes has left the group, and will not hear the next signal either
            await asyncio.wait([watch.closed], timeout=patience)
    finally:
        _signal(group, signal.SIGKILL)
        transport.close()


async def _end_late(starting: asyncio.Future[tuple[asyncio.SubprocessTransport, _Watch]]) -> None:
    """End a process that was given up while it started."""
    with contextlib.suppress(OSError, ValueError):
        await _end(*await starting)


def _signal(group: int, number: signal.Signals) -> bool:
    """Whether there was anybody in the group to hear it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        return False
    return True


async def _uninterrupted(work: Coroutine[Any, Any, None]) -> None:
    """Do this to the end, also when cancelled meanwhile; the cancellation is passed on afterwards."""
    task = asyncio.ensure_future(work)
    interrupted = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            interrupted = True
    task.result()
    if interrupted:
        raise asyncio.CancelledError
