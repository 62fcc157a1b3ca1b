"""The faults of rules 7 to 9: how the arguments of calls are spoilt in the chunks.

Knows the honest chunks of `answer`: an opening, then pieces of arguments. Must not know bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from itertools import accumulate
from typing import Any

from callscope.serving.demo.answer import Chunk, pieces

from .fault import Fault, all_entries, chunk_fault, entries, openings, part

FAULTS: list[Fault] = []
_fault = partial(chunk_fault, FAULTS)


def _rewritten(chunks: list[Chunk], change: Callable[[list[str]], list[Any]]) -> list[Chunk]:
    """Give the pieces of each function call's arguments to `change` and send what it gives.

    One piece alone goes with the opening, as servers that do not stream arguments send them.
    """
    texts: dict[Any, list[str]] = {}
    for entry in all_entries(chunks):
        if "function" in entry and "index" in entry:
            texts.setdefault(entry["index"], []).append(entry["function"]["arguments"])
    sent: list[Chunk] = []
    for chunk in chunks:
        inside = [entry for entry in entries(chunk) if "function" in entry]
        sent.extend([chunk] if not inside or "id" in inside[0] else [])
        for entry in inside:
            if "index" not in entry:
                entry["function"]["arguments"] = _in_one(change(pieces(entry["function"]["arguments"])))
            elif "id" in entry:
                new = change([text for text in texts[entry["index"]] if text])
                entry["function"]["arguments"] = new[0] if len(new) == 1 else ""
                sent.extend(_continuation(chunk, piece) for piece in (new if len(new) > 1 else ()))
    return sent


def _in_one(new: list[Any]) -> Any:
    return "".join(new) if all(isinstance(piece, str) for piece in new) else new[-1]


def _continuation(opening: Chunk, piece: str) -> Chunk:
    chunk = deepcopy(opening)
    part(chunk)["tool_calls"] = [{"index": entries(opening)[0]["index"], "function": {"arguments": piece}}]
    return chunk


def _on_arguments(
    rule: int, name: str, sentence: str, *aliases: str
) -> Callable[[Callable[[list[str]], list[Any]]], None]:
    def register(change: Callable[[list[str]], list[Any]]) -> None:
        _fault(rule, name, sentence, *aliases)(lambda chunks: _rewritten(chunks, change))

    return register


def _object(text: str) -> dict[str, Any]:
    """The arguments as an object; those that a person wrote badly become one that says so."""
    try:
        found = json.loads(text)
    except ValueError:
        found = text
    return found if isinstance(found, dict) else {"text": text}


@_on_arguments(7, "arguments as object", "The arguments are a JSON object, not a string of JSON (Ollama, llama.cpp).")
def _(texts: list[str]) -> list[Any]:
    return [_object("".join(texts))]


@_on_arguments(7, "arguments null", "The arguments are null, which means none.")
def _(texts: list[str]) -> list[Any]:
    return [None]


@_on_arguments(7, "arguments empty", "The arguments are an empty string, which means none.")
def _(texts: list[str]) -> list[Any]:
    return [""]


@_fault(7, "arguments missing", "There is no member `arguments` at all, which means none.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    chunks = _rewritten(chunks, lambda texts: [""])
    for entry in openings(chunks):
        entry.get("function", {}).pop("arguments", None)
    return chunks


@_fault(7, "calls as object", "`tool_calls` is one call, not a list of calls.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for chunk in chunks:
        if len(found := entries(chunk)) == 1:
            part(chunk)["tool_calls"] = found[0]
    return chunks


@_on_arguments(8, "cumulative arguments", "Each piece repeats all pieces before it (Qianfan).", "arguments cumulative")
def _(texts: list[str]) -> list[Any]:
    return list(accumulate(texts))


@_on_arguments(
    8,
    "repeated arguments",
    "After the pieces the whole arguments come once more (vLLM's last flush).",
    "arguments repeated",
)
def _(texts: list[str]) -> list[Any]:
    return [*texts, "".join(texts)]


@_on_arguments(8, "doubled arguments", "All pieces come twice (xLAM).", "arguments doubled")
def _(texts: list[str]) -> list[Any]:
    return [*texts, *texts]


@_on_arguments(8, "leading empty object", "An empty object comes before the real arguments (Bedrock, Claude proxies).")
def _(texts: list[str]) -> list[Any]:
    return ["{}", *texts]


@_on_arguments(8, "doubly encoded arguments", "The arguments are a JSON string that holds JSON.", "doubly encoded")
def _(texts: list[str]) -> list[Any]:
    return pieces(json.dumps("".join(texts)))


@_on_arguments(9, "cut arguments", "The arguments break off, the finish reason says `tool_calls` all the same (vLLM).")
def _(texts: list[str]) -> list[Any]:
    text = "".join(texts)
    return pieces(text[: max(1, len(text) * 2 // 3)])


@_on_arguments(9, "invalid arguments", "The arguments hold NaN, which is no JSON.", "nan in arguments", "nan")
def _(texts: list[str]) -> list[Any]:
    members = [*(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in _object("".join(texts)).items()), '"odds": NaN']
    return pieces("{" + ", ".join(members) + "}")


@_on_arguments(9, "python arguments", "The arguments are a Python dict, with single quotes.", "python dict")
def _(texts: list[str]) -> list[Any]:
    return pieces(repr(_object("".join(texts))))


@_on_arguments(9, "two documents", "The arguments are two JSON objects that contradict each other.", "two objects")
def _(texts: list[str]) -> list[Any]:
    other = dict.fromkeys(_object("".join(texts)) or {"other": 0}, "another")
    return [*texts, *pieces(json.dumps(other))]


@_on_arguments(9, "wrong arguments", "The arguments are JSON, but not what the tool's schema asks for.")
def _(texts: list[str]) -> list[Any]:
    return pieces(json.dumps({"nonsense": True}))


@_fault(9, "unknown tool", "The call names a tool that nobody offered.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry in openings(chunks):
        entry[entry["type"]]["name"] += "_of_tomorrow"
    return chunks
