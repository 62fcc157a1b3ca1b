"""The other readers, each in a process of its own: started when asked, given a response, ended when it takes too long.

Knows the processes, their time and their memory. Must not know how any of them reads (`child` does). What comes from a
recording is hostile: a reader that hangs or dies on it is an answer, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec

from callscope.core.json_text import json_text

from .comparing import Compared, Row, compare
from .gathering import why_not
from .own import own_reading
from .values import NotRead, Outcome, Reader, Reading, Recorded, Trouble, outcome_of_json, recorded_as_json

READERS = (
    Reader("openai-loop", "openai"),
    Reader("openai-helper", "openai"),
    Reader("httpx-sse", "httpx-sse"),
)
"""The readers there are: a loop over the SDK's stream, the SDK's own stream helper, and httpx-sse's events."""

STARTING = 60.0
"""Seconds that a package may take to be imported."""
READING = 20.0
"""Seconds that a reader has for a response, and one more for every so many bytes of it:"""
BYTES_A_SECOND = 100_000
LONGEST_ANSWER = 1024 * 1024 * 1024

# -P: nothing is imported from the folder a person happens to be in, https://docs.python.org/3/using/cmdline.html
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from callscope.readers.child import main; main()"


@dataclass(slots=True)
class Process:
    """A reader and the process it reads in, which is started at the first response and again after a hang."""

    reader: Reader
    patience: float = READING
    _process: asyncio.subprocess.Process | None = None

    async def read(self, recorded: Recorded) -> Outcome:
        """What the reader sees in a response; one that does not come to an end is ended."""
        if find_spec(self.reader.package.replace("-", "_")) is None:
            return NotRead(f"{self.reader.package} is not installed: pip install {self.reader.package}")
        try:
            process = self._process or await self._start()
        except (OSError, TimeoutError) as error:
            await self.close()
            return NotRead(f"{self.reader.package} could not be started: {error or 'it took too long'}")
        limit = self.patience + recorded.size / BYTES_A_SECOND
        try:
            line = await asyncio.wait_for(_answer(process, recorded), limit)
        except TimeoutError:
            await self.close()
            return Reading(trouble=Trouble("hang", "no end", f"stopped after {limit:.0f} seconds"))
        if not line.endswith(b"\n"):
            return await self._died(process)
        return outcome_of_json(json.loads(line))

    async def close(self) -> None:
        """End the process; calling this again does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    async def _start(self) -> asyncio.subprocess.Process:
        """Start it with an environment of its own: no key, no proxy, and none of the SDK's variables."""
        words = ("-P", "-c", _START, json.dumps(sys.path), self.reader.name, self.reader.package)
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            limit=LONGEST_ANSWER,
            start_new_session=True,
        )
        assert process.stdout is not None
        version = await asyncio.wait_for(process.stdout.readline(), STARTING)
        if not version:
            raise OSError("it does not import")
        self.reader = replace(self.reader, version=version.decode().strip())
        return process

    async def _died(self, process: asyncio.subprocess.Process) -> Outcome:
        code = await process.wait()
        self._process = None
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"exit status {code}"
        return Reading(trouble=Trouble("killed", name, "the reader's process died"))


async def _answer(process: asyncio.subprocess.Process, recorded: Recorded) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it died: the empty answer says so
        process.stdin.write(json_text(recorded_as_json(recorded), ascii_only=True).encode() + b"\n")
        await process.stdin.drain()
    return await process.stdout.readline()


async def compared(recorded: Recorded, processes: Sequence[Process]) -> Compared:
    """A response as Callscope and all of these read it."""
    ours = own_reading(recorded)
    if why := why_not(recorded):
        return Compared(recorded, ours, why_not=why)
    outcomes = await asyncio.gather(*(process.read(recorded) for process in processes))
    rows = (
        Row(process.reader, outcome, compare(ours, outcome))
        for process, outcome in zip(processes, outcomes, strict=True)
    )
    return Compared(recorded, ours, tuple(rows))


@asynccontextmanager
async def reading_with(readers: Sequence[Reader] = READERS) -> AsyncGenerator[Sequence[Process], None]:
    """Processes for these readers, none of which is left when the context is."""
    processes = [Process(reader) for reader in readers]
    try:
        yield processes
    finally:
        await asyncio.gather(*(process.close() for process in processes))
