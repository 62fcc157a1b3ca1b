"""The ways in which agents get the framework wrong, each a small change of honest frames or of their lines.

Knows the frames of `frames`. Must not know HTTP, nor how a fault is asked for. All of them were seen at real
agents; docs/acf.md says where.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from callscope.serving.demo.answer import CREATED, MODEL
from callscope.serving.demo.faults.fault import Fault, LineFault

from .frames import MESSAGE, STEP, Frame, details, is_text, last_texts, with_delta

RULE: Final = 16
AGENT_FAULTS: list[Fault] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFault(Fault):
    """Changes the frames of an agent, or its one answer."""

    change: Callable[[list[Frame]], list[Frame]]


def _frames(name: str, sentence: str, *aliases: str) -> Callable[[Callable[[list[Frame]], list[Frame]]], None]:
    def register(change: Callable[[list[Frame]], list[Frame]]) -> None:
        AGENT_FAULTS.append(FrameFault(name=name, rule=RULE, sentence=sentence, aliases=aliases, change=change))

    return register


def _lines(name: str, sentence: str, *aliases: str) -> Callable[[Callable[[bytes, int], bytes]], None]:
    def register(change: Callable[[bytes, int], bytes]) -> None:
        AGENT_FAULTS.append(LineFault(name=name, rule=RULE, sentence=sentence, aliases=aliases, change=change))

    return register


# ---- lines --------------------------------------------------------------------------------------------------------


@_lines("no event lines", "No frame has an `event:` line; `object` alone says what it is (most agents).")
def _(event: bytes, number: int) -> bytes:
    return event.partition(b"\n")[2] if event.startswith(b"event: ") else event


@_lines("id lines", "Each frame begins with an `id:` line (sse-starlette).")
def _(event: bytes, number: int) -> bytes:
    return b"id: %d\n%b" % (number, event) if event.startswith(b"event: ") else event


@_lines("contradicting event lines", "Every `event:` line says thread.message.delta, whatever `object` says.")
def _(event: bytes, number: int) -> bytes:
    return event.replace(STEP.encode(), MESSAGE.encode(), 1)


# ---- text and thinking --------------------------------------------------------------------------------------------


@_frames("thinking as message", "Thinking comes as the content of a message, as an object (BeeAI).")
def _(frames: list[Frame]) -> list[Frame]:
    return [_as_message(frame) if details(frame).get("type") == "thinking" else frame for frame in frames]


def _as_message(frame: Frame) -> Frame:
    return {**with_delta(frame, {"content": details(frame)}), "object": MESSAGE}


@_frames("text in step", "The words of the answer come in steps without `step_details` (IBM's agent_builder).")
def _(frames: list[Frame]) -> list[Frame]:
    return [{**frame, "object": STEP} if is_text(frame) else frame for frame in frames]


@_frames("words joined", "The text was split at white space and lost it.", "words without spaces")
def _(frames: list[Frame]) -> list[Frame]:
    return [with_delta(frame, {"content": _text(frame).strip()}) if is_text(frame) else frame for frame in frames]


@_frames("error by id", "The answer is an error, which only the frame's id says.", "error as text")
def _(frames: list[Frame]) -> list[Frame]:
    first = frames[last_texts(frames) : last_texts(frames) + 1] or frames[-1:]
    failed = with_delta({**first[0], "id": "error-1", "object": MESSAGE}, {"content": "The demo was asked to fail."})
    return [*(frame for frame in frames if not is_text(frame)), failed]


# ---- calls and results --------------------------------------------------------------------------------------------


def _each_call(frames: list[Frame], change: Callable[[dict[str, Any]], dict[str, Any]]) -> list[Frame]:
    """The frames with each of the agent's calls changed."""
    changed: list[Frame] = []
    for frame in frames:
        step = details(frame)
        if step.get("type") == "tool_calls":
            step = {**step, "tool_calls": [change(call) for call in step["tool_calls"]]}
            frame = with_delta(frame, {"step_details": step})
        changed.append(frame)
    return changed


def _each_result(frames: list[Frame], change: Callable[[dict[str, Any]], dict[str, Any]]) -> list[Frame]:
    """The frames with each result changed."""
    return [
        with_delta(frame, {"step_details": change(details(frame))})
        if details(frame).get("type") == "tool_response"
        else frame
        for frame in frames
    ]


def _openai(call: dict[str, Any]) -> dict[str, Any]:
    if "args" not in call:
        return call
    function = {"name": call["name"], "arguments": json.dumps(call["args"], ensure_ascii=False)}
    return {"id": call["id"], "type": "function", "function": function}


@_frames("openai calls", "The agent's calls come in the shape of Chat Completions.", "openai-shaped calls")
def _(frames: list[Frame]) -> list[Frame]:
    return _each_call(frames, _openai)


@_frames("results missing", "The agent tells its calls and never their results (IBM's langgraph_python).")
def _(frames: list[Frame]) -> list[Frame]:
    return [frame for frame in frames if details(frame).get("type") != "tool_response"]


@_frames("wrong result ids", "Each result names a call that never came: Orchestrate cannot show the steps rightly.")
def _(frames: list[Frame]) -> list[Frame]:
    return _each_result(frames, lambda step: {**step, "tool_call_id": f"toolu_{step['tool_call_id']}"})


@_frames("run ids", "The ids of calls are those of runs (LangGraph, BeeAI).")
def _(frames: list[Frame]) -> list[Frame]:
    def run_id(call_id: str) -> str:
        return str(uuid5(NAMESPACE_URL, call_id))

    frames = _each_call(frames, lambda call: {**call, "id": run_id(call["id"])})
    return _each_result(frames, lambda step: {**step, "tool_call_id": run_id(step["tool_call_id"])})


@_frames("call ids missing", "Neither calls nor results have an id, as in the example of spec.yaml.")
def _(frames: list[Frame]) -> list[Frame]:
    frames = _each_call(frames, lambda call: {name: value for name, value in call.items() if name != "id"})
    return _each_result(frames, lambda step: {name: value for name, value in step.items() if name != "tool_call_id"})


@_frames("args as text", "The args of a call are text, not an object.")
def _(frames: list[Frame]) -> list[Frame]:
    return _each_call(frames, lambda call: {**call, "args": json.dumps(call["args"])} if "args" in call else call)


@_frames("python results", "A result is Python's repr, not JSON (IBM's toolkit).", "python repr")
def _(frames: list[Frame]) -> list[Frame]:
    return _each_result(frames, lambda step: {**step, "content": repr(_value(step["content"]))})


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return [text]


# ---- the stream ---------------------------------------------------------------------------------------------------


@_frames("heartbeats", "Empty messages of the role system come between the frames.")
def _(frames: list[Frame]) -> list[Frame]:
    beats = [{**frame, "object": MESSAGE, "choices": [_beat()]} for frame in frames]
    return [each for pair in zip(beats, frames, strict=True) for each in pair]


def _beat() -> dict[str, Any]:
    return {"delta": {"role": "system", "content": ""}}


@_frames("fresh threads", "Each frame names a new thread (BeeAI's examples in TypeScript).", "fresh thread ids")
def _(frames: list[Frame]) -> list[Frame]:
    return [{**frame, "thread_id": str(uuid5(NAMESPACE_URL, str(n)))} for n, frame in enumerate(frames)]


@_frames("final chunk", "The last frame is a chunk of Chat Completions with the finish reason.")
def _(frames: list[Frame]) -> list[Frame]:
    choice = {"index": 0, "delta": {}, "finish_reason": "stop"}
    last = {"id": "x", "object": "chat.completion.chunk", "created": CREATED, "model": MODEL, "choices": [choice]}
    return [*frames, last]


@_frames("empty last delta", "The last frame's delta is empty.")
def _(frames: list[Frame]) -> list[Frame]:
    return [*frames, {**frames[-1], "object": MESSAGE, "choices": [{"delta": {}}]}]


@_frames("object missing", "No frame has an `object`.")
def _(frames: list[Frame]) -> list[Frame]:
    return [{name: value for name, value in frame.items() if name != "object"} for frame in frames]


@_frames("whole message", "The whole message comes once more as thread.message.completed (native Orchestrate).")
def _(frames: list[Frame]) -> list[Frame]:
    text = "".join(_text(frame) for frame in frames if is_text(frame))
    part = {"response_type": "text", "text": text}
    message = {"role": "assistant", "content": [part]}
    head = {name: value for name, value in frames[-1].items() if name != "choices"}
    return [*frames, {**head, "object": "thread.message.completed", "data": {"message": message}}]


@_frames("second dialect", "The events are those of the framework's samples in Python and Go, without `object`.")
def _(frames: list[Frame]) -> list[Frame]:
    events = [event for frame in frames for event in _simple(frame)]
    return [*events, {"event": "stream_end", "thread_id": frames[0].get("thread_id"), "status": "completed"}]


def _simple(frame: Frame) -> list[Frame]:
    context = {"thread_id": frame.get("thread_id")}
    step = details(frame)
    match step.get("type"):
        case "thinking":
            return [{"event": "assistant_thinking", **context, "content": step["content"]}]
        case "tool_calls":
            return [_started(call, context) for call in step["tool_calls"]]
        case "tool_response":
            told = {"id": step.get("tool_call_id"), "name": step["name"], "output": step["content"]}
            return [{"event": "tool_result", **context, **told, "is_error": '"error"' in str(step["content"])}]
        case _:
            return [{"event": "text_delta", **context, "content": _text(frame)}]


def _started(call: dict[str, Any], context: Frame) -> Frame:
    function = _openai(call)["function"]
    members = {"id": call.get("id"), "name": function["name"], "arguments_str": function["arguments"]}
    return {"event": "tool_call_start", **context, **members}


def _text(frame: Frame) -> str:
    choices = frame.get("choices") or [{}]
    text = choices[0].get("delta", {}).get("content")
    return text if isinstance(text, str) else ""
