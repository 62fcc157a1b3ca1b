"""Builds the frames of agents, and reads them back, for the tests of the Agent Connect Framework."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from callscope.core.events import Diagnostic, PeerEvent, ResponseHead, TextDelta
from callscope.core.values import Ending, Headers, ToolSpec
from callscope.dialects.acf.dialect import AgentConnect

STEP = "thread.run.step.delta"
MESSAGE = "thread.message.delta"
DONE = b"data: [DONE]\n\n"
STREAM: Headers = (("content-type", "text/event-stream"),)


def event(document: Any, name: str | None = None) -> bytes:
    """One event; its name is that of the object where none is given, "" leaves the line out."""
    name = document.get("object", "") if name is None else name
    line = f"event: {name}\n" if name else ""
    return f"{line}data: {json.dumps(document, ensure_ascii=False)}\n\n".encode()


def frame(kind: str, delta: Any, **members: Any) -> bytes:
    document = {"id": "x", "object": kind, "thread_id": "t1", "model": "m", "created": 1, "choices": [{"delta": delta}]}
    document |= members
    return event({name: value for name, value in document.items() if value is not None})


def said(text: str, **members: Any) -> bytes:
    return frame(MESSAGE, {"role": "assistant", "content": text}, **members)


def step(kind: str, **members: Any) -> bytes:
    return frame(STEP, {"role": "assistant", "step_details": {"type": kind, **members}})


def thought(text: str) -> bytes:
    return step("thinking", content=text)


def called(*calls: Any) -> bytes:
    return step("tool_calls", tool_calls=list(calls))


def own(call_id: str, name: str, args: Any) -> dict[str, Any]:
    return {"id": call_id, "name": name, "args": args}


def openai(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def told(call_id: str, content: Any, name: str = "get_weather") -> bytes:
    return step("tool_response", content=content, name=name, tool_call_id=call_id)


def decode(
    reads: bytes | Iterable[bytes],
    *,
    tools: Sequence[str] = (),
    how: Ending = "complete",
    status: int = 200,
    headers: Headers = STREAM,
) -> list[PeerEvent]:
    """The events of a body, in one read or in these."""
    decoder = AgentConnect().decoder(1, [ToolSpec(tool) for tool in tools])
    events = list(decoder.feed(ResponseHead(1, status, headers)))
    for read in [reads] if isinstance(reads, bytes) else reads:
        events += decoder.feed(read)
    return [*events, *decoder.close(how)]


def text(events: Iterable[PeerEvent], channel: str = "output") -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta) and event.channel == channel)


def codes(events: Iterable[PeerEvent]) -> list[str]:
    return [event.code for event in events if isinstance(event, Diagnostic)]
