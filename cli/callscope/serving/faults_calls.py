"""The faults of rules 1 to 9: how calls, their ids and their arguments are spoilt in the chunks.

Knows the honest chunks of `demo_answer`: one entry a chunk, calls one after another. Must not know bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import accumulate, zip_longest
from typing import Any

from .demo_answer import Chunk, pieces
from .fault import ChunkFault, Fault

Entry = dict[str, Any]
FAULTS: list[Fault] = []


def _fault(
    rule: int, name: str, sentence: str, *aliases: str
) -> Callable[[Callable[[list[Chunk]], list[Chunk]]], None]:
    def register(change: Callable[[list[Chunk]], list[Chunk]]) -> None:
        FAULTS.append(ChunkFault(name=name, rule=rule, sentence=sentence, aliases=aliases, change=change))

    return register


# ---- looking at chunks ------------------------------------------------------------------------------------------


def part(chunk: Chunk) -> dict[str, Any]:
    """The delta of a chunk, or the message of a completion."""
    choice = chunk["choices"][0] if chunk["choices"] else {}
    found: dict[str, Any] = choice.get("delta" if "delta" in choice else "message") or {}
    return found


def entries(chunk: Chunk) -> list[Entry]:
    """The calls in a chunk, or the pieces of them."""
    found = part(chunk).get("tool_calls") or ()
    return [found] if isinstance(found, dict) else list(found)


def _all(chunks: list[Chunk]) -> Iterator[Entry]:
    for chunk in chunks:
        yield from entries(chunk)


def _openings(chunks: list[Chunk]) -> list[Entry]:
    return [entry for entry in _all(chunks) if "id" in entry]


def _continuations(chunks: list[Chunk]) -> Iterator[tuple[Entry, Entry]]:
    """Each continuation with the opening of its call."""
    openings = {entry["index"]: entry for entry in _all(chunks) if "id" in entry and "index" in entry}
    return ((entry, openings[entry["index"]]) for entry in _all(chunks) if "id" not in entry)


# ---- rules 1 to 3: the index --------------------------------------------------------------------------------------


@_fault(1, "index always 0", "Every call comes at index 0 (Ollama, Gemini proxies).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry in _all(chunks):
        entry.update({"index": 0} if "index" in entry else {})
    return chunks


@_fault(2, "index missing", "No call has an index; a piece without id and index belongs to the call before (Gemini).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry in _all(chunks):
        entry.pop("index", None)
    return chunks


@_fault(2, "index null", "Every index is null (SGLang).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry in _all(chunks):
        entry.update({"index": None} if "index" in entry else {})
    return chunks


@_fault(2, "id in place of index", "No call has an index, every piece has the id of its call.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry, opening in _continuations(chunks):
        entry["id"] = opening["id"]
    for entry in _all(chunks):
        entry.pop("index", None)
    return chunks


@_fault(3, "index from 1", "The first call has index 1 (Bedrock, LiteLLM after text).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry in _all(chunks):
        entry.update({"index": entry["index"] + 1} if "index" in entry else {})
    return chunks


@_fault(3, "index shifts", "A call opens at one index and its arguments come at the next (Bedrock).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry in _all(chunks):
        if "index" in entry:
            entry["index"] = 2 * entry["index"] + ("id" not in entry)
    return chunks


@_fault(3, "interleaved calls", "The pieces of parallel calls come in turns; the index alone tells them apart.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    by_call: dict[Any, list[Chunk]] = {}
    for chunk in chunks:
        for entry in entries(chunk):
            by_call.setdefault(entry.get("index"), []).append(chunk)
    turns = [chunk for turn in zip_longest(*by_call.values()) for chunk in turn if chunk is not None]
    return [turns.pop(0) if turns and "index" in (entries(chunk) or [{}])[0] else chunk for chunk in chunks]


# ---- rules 4 to 6: id and name ------------------------------------------------------------------------------------


@_fault(4, "empty id on continuations", 'Pieces of arguments carry `"id": ""`, a type and an empty name (DashScope).')
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry, opening in _continuations(chunks):
        kind = opening["type"]
        entry.update({"id": "", "type": kind, kind: {"name": "", **entry[kind]}})
    return chunks


@_fault(5, "id and name on every chunk", "Each piece of arguments repeats id and name (NIM, MiniMax, Fireworks).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry, opening in list(_continuations(chunks)):
        kind = opening["type"]
        entry.update({"id": opening["id"], "type": kind, kind: {"name": opening[kind]["name"], **entry[kind]}})
    return chunks


@_fault(5, "name in pieces", "The name of a call comes in two pieces.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for opening in _openings(chunks):
        inner = opening[opening["type"]]
        rest = next((entry for entry, its in _continuations(chunks) if its is opening), None)
        if rest is not None:
            half = len(inner["name"]) // 2
            rest[opening["type"]] = {"name": inner["name"][half:], **rest[opening["type"]]}
            inner["name"] = inner["name"][:half]
    return chunks


@_fault(5, "null on continuations", "Pieces of arguments carry id, type and name as null (Fireworks).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry, opening in list(_continuations(chunks)):
        kind = opening["type"]
        entry.update({"id": None, "type": None, kind: {"name": None, **entry[kind]}})
    return chunks


@_fault(6, "id missing", "No call has an id (StepFun).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry in _all(chunks):
        entry.pop("id", None)
    return chunks


@_fault(6, "id null", "Every id is null (SGLang).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry in _openings(chunks):
        entry["id"] = None
    return chunks


@_fault(6, "id empty", "Every id is empty.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry in _openings(chunks):
        entry["id"] = ""
    return chunks


@_fault(6, "shared id", "All calls of the answer have the same id (DeepSeek relays).", "same id", "shared ids")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry in _openings(chunks):
        entry["id"] = "call_same"
    return chunks


# ---- rules 7 to 9: the arguments ----------------------------------------------------------------------------------


def _rewritten(chunks: list[Chunk], change: Callable[[list[str]], list[Any]]) -> list[Chunk]:
    """Give the pieces of each function call's arguments to `change` and send what it gives.

    One piece alone goes with the opening, as servers that do not stream arguments send them.
    """
    texts: dict[Any, list[str]] = {}
    for entry in _all(chunks):
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
    for entry in _openings(chunks):
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
    for entry in _openings(chunks):
        entry[entry["type"]]["name"] += "_of_tomorrow"
    return chunks
