"""The exchanges of a recording as the doctor looks at them: one at a time, whatever the size of the file.

Must not know any rule, nor what is told of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from callscope.core.errors import UnusableFile
from callscope.core.events import BytesRead
from callscope.doctor.exchange import Exchange, Gathering
from callscope.record.file.reading import RecordingFile

LONGEST_ANSWER: Final = 8_000_000
"""Bytes of one answer: while it is looked at, its frames and their documents take ten to twenty times as much."""


def recorded_exchanges(recording: RecordingFile) -> Iterator[Exchange]:
    """Each exchange, counted from 1, as soon as it is over; the last one as it is. Raises UnusableFile."""
    gathering, place, size = Gathering(), 0, 0
    for entry in recording.entries:
        if entry.event is None:
            continue
        if isinstance(entry.event, BytesRead):
            size += len(entry.event.data)
            if size > LONGEST_ANSWER:
                raise UnusableFile(
                    f"{recording.path}, line {entry.line}: an answer of more than {LONGEST_ANSWER / 1e6:,.0f} MB. The "
                    "doctor looks at an answer as a whole; recordings trim makes a recording of other turns."
                )
        gathering.feed(entry.at, entry.event)
        if gathering.exchanges:
            place, size = place + 1, 0
            yield replace(gathering.exchanges.pop(), place=place)
    gathering.finish()
    yield from (replace(last, place=place + 1) for last in gathering.exchanges)


def asked_of(recording: RecordingFile) -> tuple[str, tuple[str, ...]]:
    """The dialect of a recording, and the models that were asked, one without a name where there is none."""
    dialect, models = "", dict[str, None]()
    for exchange in recorded_exchanges(recording):
        if exchange.settings.model or exchange.settings.url:
            dialect = dialect or exchange.settings.dialect
        if exchange.settings.model:
            models[exchange.settings.model] = None
    return dialect or "chat", tuple(models) or ("",)
