"""What `recordings compare-readers` does: read the recorded bytes again, as other programs would.

Knows how a file becomes comparisons, and these lines or JSON. Must not know Typer, nor any reader.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from callscope.core.errors import UsageError
from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, ResponseHead, SettingsChanged, ToolsChanged
from callscope.core.json_text import json_text
from callscope.core.values import Settings, ToolSpec
from callscope.looking.second_readers import Look, shown_comparison
from callscope.loop import run
from callscope.readers.comparing import Compared, compared_as_json
from callscope.readers.gathering import recorded
from callscope.readers.processes import compared, reading_with
from callscope.readers.values import Recorded
from callscope.record.file.reading import Entry, RecordingFile

from .showing import say


def compare_readers(file: Path, number: int | None, *, as_json: bool) -> None:
    """Print what each reader sees in each exchange, or in one of them. Raises UnusableFile, UsageError."""
    recording = RecordingFile(file)
    responses = _responses(recording.entries)
    if number is not None:
        responses = (response for response in responses if response.exchange == number)
    found: list[dict[str, Any]] = []
    count = run(_each(responses, lambda one: found.append(compared_as_json(one)) if as_json else _print_lines(one)))
    for warning in recording.warnings:
        say(f"callscope: {warning}")
    if number is not None and not count:
        raise UsageError(f"{file} has no exchange {number}.")
    if as_json:
        _print(json_text({"file": str(file), "exchanges": found}, ascii_only=True))
    elif not count:
        say("callscope: nothing was asked in this recording")


async def _each(responses: Iterator[Recorded], take: Callable[[Compared], None]) -> int:
    """Have all readers read one after the other, and hand each on as soon as it is compared; gives how many."""
    count = 0
    async with reading_with() as processes:
        for response in responses:
            take(await compared(response, processes))
            count += 1
    return count


def _print_lines(one: Compared) -> None:
    from callscope.ui.chrome import ChromeConsole

    look = Look(width=shutil.get_terminal_size().columns, ascii_only=(sys.stdout.encoding or "").lower() == "ascii")
    console = ChromeConsole(width=look.width, highlight=False, markup=False, emoji=False, soft_wrap=True)
    for line in shown_comparison(one, look):
        console.print(line)


def _responses(entries: Iterator[Entry]) -> Iterator[Recorded]:
    """Each response of a recording, ended or not; the questions about a server, exchange 0, are none of a model's."""
    settings, tools = Settings(), tuple[ToolSpec, ...]()
    opened: ExchangeOpened | None = None
    head: ResponseHead | None = None
    reads: list[bytes] = []
    for entry in entries:
        match entry.event:
            case SettingsChanged():
                settings = entry.event.settings
            case ToolsChanged():
                tools = entry.event.tools
            case ExchangeOpened():
                if opened:
                    yield recorded(opened, head, reads, None, settings.dialect, tools)
                opened, head, reads = entry.event if entry.event.exchange else None, None, []
            case ResponseHead():
                head = entry.event
            case BytesRead():
                reads.append(entry.event.data)
            case ExchangeEnded() if opened:
                yield recorded(opened, head, reads, entry.event, settings.dialect, tools)
                opened = None
            case _:
                pass
    if opened:
        yield recorded(opened, head, reads, None, settings.dialect, tools)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
