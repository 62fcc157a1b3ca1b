"""Responses for the other readers, and what all of them make of one."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Sequence
from functools import cache
from typing import Any

from callscope.core.values import Ending
from callscope.readers.comparing import Compared, Row
from callscope.readers.processes import READERS, Process, compared, reading_with
from callscope.readers.values import Reader, Recorded
from chatbodies import DONE, chunk, entry
from how_many import all_of_them

STREAM = (("content-type", "text/event-stream"),)
JSON = (("content-type", "application/json"),)


def response(*reads: bytes, how: Ending | None = "complete", **members: Any) -> Recorded:
    """A response of Chat Completions that was asked for as a stream."""
    fields: dict[str, Any] = {"dialect": "chat", "streamed": True, "status": 200, "headers": STREAM} | members
    return Recorded(1, reads=reads, how=how, **fields)


def two_calls(*indexes: int) -> bytes:
    """A stream of two whole calls at these indexes."""
    cities = ("Paris", "Rome")
    parts = [chunk({"role": "assistant", "content": ""})]
    for place, (index, city) in enumerate(zip(indexes, cities, strict=True)):
        whole = entry(index, f"call_{place}", "get_weather", f'{{"city":"{city}"}}', type="function")
        parts.append(chunk({"tool_calls": [whole]}))
    return b"".join((*parts, chunk({}, "tool_calls"), DONE))


def read_all(*responses: Recorded, readers: Sequence[Reader] | None = None, anew: bool = False) -> list[Compared]:
    """What all readers make of these, one after the other.

    To start a reader imports an SDK, so all tests have the same ones, but those that name theirs or want them `anew`.
    """
    if anew or readers is not None or all_of_them():
        return asyncio.run(_read_by_new_ones(responses, readers or READERS))
    runner, processes = _kept_readers()
    return runner.run(_read(responses, processes))


async def _read_by_new_ones(responses: Sequence[Recorded], readers: Sequence[Reader]) -> list[Compared]:
    async with reading_with(readers) as processes:
        return await _read(responses, processes)


async def _read(responses: Sequence[Recorded], processes: Sequence[Process]) -> list[Compared]:
    return [await compared(one, processes) for one in responses]


@cache
def _kept_readers() -> tuple[asyncio.Runner, Sequence[Process]]:
    runner = asyncio.Runner()
    context = reading_with(READERS)
    processes = runner.run(context.__aenter__())

    def end() -> None:
        runner.run(context.__aexit__(None, None, None))
        runner.close()

    atexit.register(end)
    return runner, processes


def rows(one: Compared) -> dict[str, Row]:
    """The rows by the names of the readers."""
    return {row.reader.name: row for row in one.rows}


def verdicts(one: Compared) -> dict[str, str]:
    """The verdicts by the names of the readers."""
    return {name: row.verdict for name, row in rows(one).items()}
