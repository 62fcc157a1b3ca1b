"""The frames of an agent: what the Agent Connect Framework sends, built from what the demo agent does.

Knows the envelope and the honest form of each step, streamed and in one piece. Must not know who decides what the agent
does, nor how a frame is spoilt. The same steps always make the same frames.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from zlib import crc32

from callscope.serving.demo.answer import CREATED, MODEL, Call, words

Frame: TypeAlias = dict[str, Any]
"""The JSON of one event: an envelope with one choice and its delta."""

STEP: Final = "thread.run.step.delta"
MESSAGE: Final = "thread.message.delta"


@dataclass(frozen=True, slots=True)
class Step:
    """A call with the result that the agent came to; None where the call is left to the client."""

    call: Call
    result: str | None = None


@dataclass(frozen=True, slots=True)
class Deeds:
    """All that the agent does on one request."""

    thread: str
    thinking: str = ""
    steps: tuple[Step, ...] = ()
    text: str = ""


def frames(deeds: Deeds) -> list[Frame]:
    """The frames of these deeds, in order."""
    name = f"{crc32(repr(deeds).encode()):08x}"
    return [
        _frame(kind, delta, f"{name}-{number}", deeds.thread) for number, (kind, delta) in enumerate(_deltas(deeds))
    ]


def _deltas(deeds: Deeds) -> Iterator[tuple[str, Frame]]:
    if deeds.thinking:
        yield STEP, {"step_details": {"type": "thinking", "content": deeds.thinking}}
    for step in deeds.steps:
        yield STEP, {"step_details": {"type": "tool_calls", "tool_calls": [_call(step)]}}
        if step.result is not None:
            told = {"type": "tool_response", "content": step.result, "name": step.call.name}
            yield STEP, {"step_details": {**told, "tool_call_id": step.call.call_id}}
    for word in words(deeds.text):
        yield MESSAGE, {"content": word}


def _call(step: Step) -> dict[str, Any]:
    """The agent's own call in the framework's shape; one for the client in that of Chat Completions."""
    call = step.call
    if step.result is None:
        return openai_call(call)
    return {"id": call.call_id, "name": call.name, "args": json.loads(call.arguments)}


def openai_call(call: Call) -> dict[str, Any]:
    """A call as Chat Completions has it."""
    text = "arguments" if call.kind == "function" else "input"
    return {"id": call.call_id, "type": call.kind, call.kind: {"name": call.name, text: call.arguments}}


def _frame(kind: str, delta: Frame, name: str, thread: str) -> Frame:
    prefix = "step" if kind == STEP else "msg"
    choice = {"delta": {"role": "assistant", **delta}}
    head = {"id": f"{prefix}-{name}", "object": kind, "thread_id": thread, "model": MODEL, "created": CREATED}
    return {**head, "choices": [choice]}


def answer(deeds: Deeds) -> Frame:
    """The same deeds in one piece: only the words, and calls that are left to the client."""
    message: dict[str, Any] = {"role": "assistant", "content": deeds.text}
    left = [openai_call(step.call) for step in deeds.steps if step.result is None]
    if left:
        message["tool_calls"] = left
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if left else "stop"}
    name = f"chatcmpl-demo-{crc32(repr(deeds).encode()):08x}"
    head = {"id": name, "object": "chat.completion", "created": CREATED, "model": MODEL, "choices": [choice]}
    return {**head, "thread_id": deeds.thread}


def details(frame: Frame) -> dict[str, Any]:
    """The step of a frame; empty where it has none."""
    choices = frame.get("choices") or [{}]
    found = choices[0].get("delta", {}).get("step_details")
    return found if isinstance(found, dict) else {}


def is_text(frame: Frame) -> bool:
    """Whether a frame carries words of the answer."""
    return frame.get("object") == MESSAGE


def with_delta(frame: Frame, delta: Frame) -> Frame:
    """The frame with another delta."""
    return {**frame, "choices": [{"delta": {"role": "assistant", **delta}}]}


def named_event(event: bytes) -> bytes:
    """The event with its `event:` line, which says what `object` says."""
    data = event.removeprefix(b"data: ")
    if data is event or not data.startswith(b"{"):
        return event
    kind = json.loads(data).get("object")
    return b"event: %b\n%b" % (kind.encode(), event) if isinstance(kind, str) else event


def last_texts(all_frames: Sequence[Frame]) -> int:
    """The place from which only words follow."""
    return next((place for place, frame in enumerate(all_frames) if is_text(frame)), len(all_frames))
