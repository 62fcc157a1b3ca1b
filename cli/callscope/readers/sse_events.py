"""The events that httpx-sse gives, read on by our own decoder: what its framing alone makes of a response.

Knows the package's interface. Must not know any protocol: the events are written down again as a plain stream, and the
dialect reads that. So whatever is missing in this reading was lost in the framing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from .own import own_reading
from .transport import URL
from .values import Reading, Recorded, Trouble

_STREAM = (("content-type", "text/event-stream"),)


def read_events(client: Any, recorded: Recorded, trouble_of: Callable[[Exception], Trouble]) -> Reading:
    """Read with `httpx_sse.connect_sse` as its page shows, the data as JSON, and decode the events that it gives."""
    from httpx_sse import connect_sse

    events: list[bytes] = []
    trouble: Trouble | None = None
    try:
        with connect_sse(client, "POST", URL) as source:
            for event in source.iter_sse():
                if event.data and not event.data.startswith("[DONE]"):
                    event.json()
                events.append(b"".join(_written(event)))
    except Exception as error:
        trouble = trouble_of(error)
    framed = replace(recorded, headers=_STREAM, reads=tuple(events), how="complete", detail="")
    reading = own_reading(framed)
    return replace(reading, trouble=trouble or reading.trouble, events=len(events))


def _written(event: Any) -> Iterator[bytes]:
    if event.event != "message":
        yield f"event: {event.event}\n".encode()
    for line in event.data.split("\n"):
        yield f"data: {line}\n".encode("utf-8", "surrogatepass")
    yield b"\n"
