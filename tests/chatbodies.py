"""Builds Chat Completions bodies and reads them back, for the tests of the decoder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from callscope.core.events import (
    CallAssembled,
    Diagnostic,
    PeerEvent,
    ResponseCompleted,
    ResponseFailed,
    ResponseHead,
    TextDelta,
)
from callscope.core.values import Ending, ToolCall, ToolSpec
from callscope.dialects.chat.dialect import ChatCompletions

TOOLS = ("get_weather", "get_time", "read_file", "roll")
DONE = b"data: [DONE]\n\n"


def event(document: Any) -> bytes:
    return b"data: " + json.dumps(document, ensure_ascii=False).encode() + b"\n\n"


def chunk(delta: Any = None, finish: str | None = None, **members: Any) -> bytes:
    choice = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish}
    return event(
        {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **members}
    )


def calls(*entries: Any, finish: str | None = None) -> bytes:
    return chunk({"tool_calls": list(entries)}, finish)


def entry(index: Any, call_id: Any = None, name: Any = None, arguments: Any = None, **members: Any) -> dict[str, Any]:
    """One entry of tool_calls; what is None is absent."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    found = {"index": index, "id": call_id, "function": function or None, **members}
    return {key: value for key, value in found.items() if value is not None}


def answer(message: dict[str, Any], finish: str | None = "stop", **members: Any) -> bytes:
    """A whole answer, not streamed."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return json.dumps({"id": "c", "object": "chat.completion", "model": "m", "choices": [choice], **members}).encode()


def decode(
    *reads: bytes,
    how: Ending = "complete",
    status: int = 200,
    headers: Iterable[tuple[str, str]] | None = None,
    tools: Sequence[str] = TOOLS,
    detail: str = "",
) -> list[PeerEvent]:
    if headers is None:
        whole = b"".join(reads[:1]).lstrip()[:1] == b"{"
        headers = (("content-type", "application/json" if whole else "text/event-stream"),)
    decoder = ChatCompletions().decoder(1, [ToolSpec(name) for name in tools])
    events = list(decoder.feed(ResponseHead(1, status, tuple(headers))))
    for read in reads:
        events += decoder.feed(read)
    return [*events, *decoder.close(how, detail)]


def stream(*parts: bytes, finish: str | None = "tool_calls", **options: Any) -> list[PeerEvent]:
    """The events of a stream that ends as a stream should."""
    return decode(b"".join((*parts, chunk(finish=finish), DONE)), **options)


def cut(body: bytes, places: Iterable[int]) -> list[bytes]:
    bounds = sorted({0, len(body), *(min(place, len(body)) for place in places)})
    return [body[start:end] for start, end in pairwise(bounds)]


def text(events: Iterable[PeerEvent], channel: str = "output") -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta) and event.channel == channel)


def assembled(events: Iterable[PeerEvent]) -> list[ToolCall]:
    return [event.call for event in events if isinstance(event, CallAssembled)]


def said(events: Iterable[PeerEvent]) -> list[tuple[str, str]]:
    """Names and arguments of the calls."""
    return [(call.name, call.arguments) for call in assembled(events)]


def codes(events: Iterable[PeerEvent]) -> set[str]:
    return {event.code for event in events if isinstance(event, Diagnostic)}


def faults(events: Iterable[PeerEvent]) -> list[str | None]:
    return [call.fault.code if call.fault else None for call in assembled(events)]


def failure(events: Sequence[PeerEvent]) -> ResponseFailed:
    last = events[-1]
    assert isinstance(last, ResponseFailed), last
    return last


def completion(events: Sequence[PeerEvent]) -> ResponseCompleted:
    last = events[-1]
    assert isinstance(last, ResponseCompleted), last
    return last
