"""An answer as a value, and as the chunks of a Chat Completions stream.

Knows the honest form: reasoning, then text, then calls, one after another, in uneven deltas. Must not know who chose
the answer nor how it is spoilt. Nothing here is random: the same answer always makes the same chunks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from zlib import crc32

Chunk: TypeAlias = dict[str, Any]
"""A `chat.completion.chunk`, or for an answer in one piece the `chat.completion`."""

MODEL = "callscope-demo"
CREATED = 1767225600
"""The first second of 2026, for ever: two runs give the same bytes."""

SIZES = (1, 7, 3, 12, 2, 5, 9, 4, 11, 6, 8, 10)
"""Characters of the argument deltas, in turn."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call the agent makes; `arguments` is sent as it stands, even where it is no JSON."""

    call_id: str
    name: str
    arguments: str
    kind: Literal["function", "custom"] = "function"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agent says and does."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    reasoning: str = ""
    max_tokens: int | None = None

    @property
    def finish_reason(self) -> str:
        """The honest one."""
        return "tool_calls" if self.calls else "stop"


def chunks(answer: Answer) -> list[Chunk]:
    """The stream of this answer, up to the finish reason."""
    deltas = [{"role": "assistant", "content": ""}, *_deltas(answer)]
    finish_reason = answer.finish_reason
    if answer.max_tokens is not None and len(deltas) - 1 > answer.max_tokens:
        deltas, finish_reason = deltas[: answer.max_tokens + 1], "length"
    name = _name(answer)
    return [*(_chunk(name, delta, None) for delta in deltas), _chunk(name, {}, finish_reason)]


def _deltas(answer: Answer) -> Iterator[dict[str, Any]]:
    for word in words(answer.reasoning):
        yield {"reasoning_content": word}
    for word in words(answer.text):
        yield {"content": word}
    for index, call in enumerate(answer.calls):
        field = "arguments" if call.kind == "function" else "input"
        opening = {"name": call.name, field: ""}
        yield {"tool_calls": [{"index": index, "id": call.call_id, "type": call.kind, call.kind: opening}]}
        for piece in pieces(call.arguments):
            yield {"tool_calls": [{"index": index, call.kind: {field: piece}}]}


def completion(answer: Answer, prompt_tokens: int) -> Chunk:
    """The same answer in one piece: its chunks, joined."""
    sent = chunks(answer)
    message: dict[str, Any] = {"role": "assistant", "content": None}
    calls: dict[int, dict[str, Any]] = {}
    for delta in (chunk["choices"][0]["delta"] for chunk in sent):
        for member in ("content", "reasoning_content"):
            if delta.get(member):
                message[member] = f"{message.get(member) or ''}{delta[member]}"
        for entry in delta.get("tool_calls", ()):
            _join(calls.setdefault(entry["index"], {}), entry)
    if calls:
        message["tool_calls"] = list(calls.values())
    choice = {"index": 0, "message": message, "finish_reason": sent[-1]["choices"][0]["finish_reason"]}
    whole = {"id": _name(answer), "object": "chat.completion", "created": CREATED, "model": MODEL, "choices": [choice]}
    return {**whole, "usage": usage(answer, prompt_tokens)}


def _join(call: dict[str, Any], entry: dict[str, Any]) -> None:
    for kind, inner in ((member, value) for member, value in entry.items() if isinstance(value, dict)):
        for member, value in inner.items():
            call.setdefault(kind, {})[member] = call.get(kind, {}).get(member, "") + value
    call.update({member: value for member, value in entry.items() if member in ("id", "type")})


def usage_chunk(answer: Answer, prompt_tokens: int) -> Chunk:
    """The chunk that `stream_options.include_usage` asks for."""
    return {**_chunk(_name(answer), {}, None), "choices": [], "usage": usage(answer, prompt_tokens)}


def usage(answer: Answer, prompt_tokens: int) -> dict[str, int]:
    """Tokens, where each delta counts as one."""
    completion_tokens = sum(1 for _ in _deltas(answer))
    if answer.max_tokens is not None:
        completion_tokens = min(completion_tokens, answer.max_tokens)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def _chunk(name: str, delta: dict[str, Any], finish_reason: str | None) -> Chunk:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {"id": name, "object": "chat.completion.chunk", "created": CREATED, "model": MODEL, "choices": [choice]}


def _name(answer: Answer) -> str:
    return f"chatcmpl-demo-{crc32(repr(answer).encode()):08x}"


def words(text: str) -> list[str]:
    """Text by words, each with the space before it."""
    return re.findall(r"\s*\S+|\s+$", text)


def pieces(text: str) -> list[str]:
    """Text in pieces of 1 to 12 characters; a backslash ends its piece, so that its escape is cut in two."""
    found: list[str] = []
    turn = crc32(text.encode("utf-8", "surrogatepass"))
    start = 0
    while start < len(text):
        end = start + SIZES[(turn + len(found)) % len(SIZES)]
        escape = text.find("\\", start, end)
        end = escape + 1 if escape >= 0 else end
        found.append(text[start:end])
        start = end
    return found
