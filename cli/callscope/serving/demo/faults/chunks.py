"""The faults of rules 10 and 14: finish reasons and odd structure.

Knows the honest chunks of `answer`. Must not know bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from functools import partial
from typing import Any

from callscope.serving.demo.answer import Chunk, words
from callscope.serving.demo.legacy import as_function_call

from .fault import Fault, chunk_fault, entries, is_stream, part, text_in

FAULTS: list[Fault] = []
_fault = partial(chunk_fault, FAULTS)


def _choices(chunks: list[Chunk]) -> Iterator[dict[str, Any]]:
    for chunk in chunks:
        yield from chunk["choices"] or ()


def finish(chunks: list[Chunk], finish_reason: str | None) -> list[Chunk]:
    """The chunks with this finish reason in place of theirs."""
    for choice in _choices(chunks):
        if choice["finish_reason"] is not None:
            choice["finish_reason"] = finish_reason
    return chunks


def like(chunk: Chunk, delta: dict[str, Any]) -> Chunk:
    """A chunk of the same stream, or a completion of the same kind, with other contents."""
    choice = {"index": 0, "delta" if is_stream([chunk]) else "message": delta, "finish_reason": None}
    return {**chunk, "choices": [choice]}


# ---- rule 10: finish reasons --------------------------------------------------------------------------------------


@_fault(10, "stop with calls", "The finish reason says `stop` although there are calls.", "finish stop with calls")
def _(chunks: list[Chunk]) -> list[Chunk]:
    return finish(chunks, "stop")


@_fault(10, "no finish reason", "The stream ends with [DONE] alone: no finish reason ever comes.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    return finish(chunks, None)


@_fault(10, "empty finish reason", 'The finish reason is "".')
def _(chunks: list[Chunk]) -> list[Chunk]:
    return finish(chunks, "")


@_fault(10, "finish reason twice", "The chunk with the finish reason comes twice, first with `stop`.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    sent: list[Chunk] = []
    for chunk in chunks:
        first = finish([deepcopy(chunk)], "stop") if is_stream(chunks) else []
        sent += [*(each for each in first if each["choices"] and each["choices"][0]["finish_reason"]), chunk]
    return sent


@_fault(
    10,
    "tool_calls without calls",
    "The finish reason says `tool_calls`, but no call came.",
    "calls missing",
    "finish tool_calls without calls",
)
def _(chunks: list[Chunk]) -> list[Chunk]:
    for chunk in chunks:
        part(chunk).pop("tool_calls", None)
    return finish(chunks, "tool_calls")


@_fault(10, "length", "The token limit cuts the answer off, in the middle of the arguments if there are any.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    spoken = [chunk for chunk in chunks if entries(chunk)] or [chunk for chunk in chunks if text_in(chunk)]
    if is_stream(chunks):
        return finish([chunk for chunk in chunks if chunk is not spoken[-1]], "length")
    for call in entries(chunks[0])[-1:]:
        kind = call["type"]
        call[kind] = {member: text[:-3] if member != "name" else text for member, text in call[kind].items()}
    return finish(chunks, "length")


@_fault(10, "content filter", "The provider's filter stops the answer.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    kept = [chunk for chunk in chunks if not entries(chunk)] if is_stream(chunks) else chunks
    part(kept[0]).pop("tool_calls", None)
    return finish(kept, "content_filter")


# ---- rule 14: odd structure ---------------------------------------------------------------------------------------


@_fault(14, "empty choices", "A chunk without a choice comes first, with the prompt's filter results (Azure).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    first = {**chunks[0], "choices": [], "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]}
    return [first, *chunks] if is_stream(chunks) else chunks


@_fault(14, "null choices", "Between the chunks come some whose choices are null.", "choices null")
def _(chunks: list[Chunk]) -> list[Chunk]:
    empty = {**chunks[0], "choices": None}
    return [each for chunk in chunks for each in (empty, chunk)] if is_stream(chunks) else chunks


@_fault(14, "null delta", "The last chunk's delta is null.", "delta null")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for choice in _choices(chunks):
        if choice.get("delta") == {}:
            choice["delta"] = None
    return chunks


@_fault(14, "missing delta", "The last chunk has no delta.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for choice in _choices(chunks):
        if choice.get("delta") == {}:
            del choice["delta"]
    return chunks


@_fault(14, "choice index 1", "The only choice calls itself number 1.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for choice in _choices(chunks):
        choice["index"] = 1
    return chunks


@_fault(14, "null members", "Every member that a delta could have is there, as null.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    names = ("role", "content", "refusal", "tool_calls", "function_call", "reasoning_content", "audio")
    for chunk in chunks:
        for name in names if chunk["choices"] else ():
            part(chunk).setdefault(name, None)
    for choice in _choices(chunks):
        choice["logprobs"] = None
        if "delta" in choice and not choice["delta"]:
            choice["delta"] = dict.fromkeys(names)
    return chunks


@_fault(14, "content as list", "The text comes as a list of parts (Mistral).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for chunk in chunks:
        if text := text_in(chunk):
            part(chunk)["content"] = [{"type": "text", "text": text}]
    return chunks


@_fault(14, "whole message at the end", "After the deltas the whole message comes once more.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    text = "".join(text_in(chunk) for chunk in chunks)
    calls: dict[int, dict[str, Any]] = {}
    for entry in (each for chunk in chunks for each in entries(chunk) if "function" in each and "index" in each):
        call = calls.setdefault(entry["index"], {**deepcopy(entry), "function": {"name": "", "arguments": ""}})
        for member, value in entry["function"].items():
            call["function"][member] += value
    for choice in _choices(chunks):
        if "delta" in choice and choice["finish_reason"]:
            choice["message"] = {"role": "assistant", "content": text, "tool_calls": list(calls.values())}
    return chunks


chunk_fault(
    FAULTS,
    14,
    "function_call",
    "The call comes in the form of 2023: `function_call`, without an id.",
    "legacy function_call",
)(as_function_call)


@_fault(14, "usage on every chunk", "Every chunk carries the tokens so far.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for count, chunk in enumerate(chunks):
        chunk.setdefault("usage", {"prompt_tokens": 9, "completion_tokens": count, "total_tokens": 9 + count})
    return chunks


@_fault(14, "refusal", "The answer is a refusal, in the member made for it.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    text = "I was asked to refuse, so I refuse."
    said = words(text) if is_stream(chunks) else [text]
    usages = [chunk for chunk in chunks if not chunk["choices"]]
    refused = [like(chunks[0], {"role": "assistant", "content": None, "refusal": word}) for word in said]
    refused[-1]["choices"][0]["finish_reason"] = "stop"
    return [*refused, *usages]


@_fault(
    14, "reasoning in two fields", "The same reasoning comes as `reasoning` and as `reasoning_content` (OpenRouter)."
)
def _(chunks: list[Chunk]) -> list[Chunk]:
    chunks = _with_reasoning(chunks)
    for chunk in chunks:
        if text := part(chunk).get("reasoning_content"):
            part(chunk)["reasoning"] = text
    return chunks


@_fault(14, "reasoning details", "Reasoning comes with signed details that must go back as they are (OpenRouter).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    chunks = _with_reasoning(chunks)
    for chunk in chunks:
        if text := part(chunk).pop("reasoning_content", None):
            details = [{"type": "reasoning.text", "text": text, "signature": "demo-signature", "index": 0}]
            part(chunk).update({"reasoning": text, "reasoning_details": details})
    return chunks


@_fault(14, "think tags", "Reasoning comes in the text, between <think> and </think>.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    chunks = _with_reasoning(chunks)
    thinking = [chunk for chunk in chunks if part(chunk).get("reasoning_content")]
    for chunk in thinking:
        opening = "<think>" if chunk is thinking[0] else ""
        closing = "</think>" if chunk is thinking[-1] else ""
        part(chunk)["content"] = f"{opening}{part(chunk).pop('reasoning_content')}{closing}{text_in(chunk)}"
    return chunks


def _with_reasoning(chunks: list[Chunk]) -> list[Chunk]:
    text = "The words of the prompt decide."
    if any(part(chunk).get("reasoning_content") for chunk in chunks):
        return chunks
    if not is_stream(chunks):
        part(chunks[0])["reasoning_content"] = text
        return chunks
    return [chunks[0], like(chunks[0], {"reasoning_content": text}), *chunks[1:]]
