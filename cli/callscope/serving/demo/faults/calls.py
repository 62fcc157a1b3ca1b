"""The faults of rules 1 to 6: how a call's index, id and name are spoilt in the chunks.

Knows the honest chunks of `answer`: one entry a chunk, calls one after another. Must not know bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import zip_longest
from typing import Any

from callscope.serving.demo.answer import Chunk

from .fault import Fault, all_entries, chunk_fault, entries, openings

Entry = dict[str, Any]
FAULTS: list[Fault] = []
_fault = partial(chunk_fault, FAULTS)


def _continuations(chunks: list[Chunk]) -> list[tuple[Entry, Entry]]:
    """Each continuation with the opening of its call."""
    opened = {entry["index"]: entry for entry in openings(chunks) if "index" in entry}
    pairs = ((entry, opened.get(entry.get("index"))) for entry in all_entries(chunks) if "id" not in entry)
    return [(entry, opening) for entry, opening in pairs if opening is not None]


def _reindexed(chunks: list[Chunk], new: Callable[[int, bool], int | None]) -> list[Chunk]:
    """Every index anew, from the old one and whether the piece opens a call."""
    for entry in all_entries(chunks):
        if isinstance(entry.get("index"), int):
            entry["index"] = new(entry["index"], "id" in entry)
    return chunks


# ---- rules 1 to 3: the index --------------------------------------------------------------------------------------


@_fault(1, "index always 0", "Every call comes at index 0 (Ollama, Gemini proxies).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    return _reindexed(chunks, lambda index, opens: 0)


@_fault(2, "index missing", "No call has an index; a piece without id and index belongs to the call before (Gemini).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry in all_entries(chunks):
        entry.pop("index", None)
    return chunks


@_fault(2, "index null", "Every index is null (SGLang).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    return _reindexed(chunks, lambda index, opens: None)


@_fault(2, "id in place of index", "No call has an index, every piece has the id of its call.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry, opening in _continuations(chunks):
        entry["id"] = opening["id"]
    for entry in all_entries(chunks):
        entry.pop("index", None)
    return chunks


@_fault(3, "index from 1", "The first call has index 1 (Bedrock, LiteLLM after text).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    return _reindexed(chunks, lambda index, opens: index + 1)


@_fault(3, "index shifts", "A call opens at one index and its arguments come at the next (Bedrock).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    return _reindexed(chunks, lambda index, opens: 2 * index + (not opens))


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
    for entry, opening in _continuations(chunks):
        kind = opening["type"]
        entry.update({"id": opening["id"], "type": kind, kind: {"name": opening[kind]["name"], **entry[kind]}})
    return chunks


@_fault(5, "name in pieces", "The name of a call comes in two pieces.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for opening in openings(chunks):
        inner = opening[opening["type"]]
        rest = next((entry for entry, its in _continuations(chunks) if its is opening), None)
        if rest is not None:
            half = len(inner["name"]) // 2
            rest[opening["type"]] = {"name": inner["name"][half:], **rest[opening["type"]]}
            inner["name"] = inner["name"][:half]
    return chunks


@_fault(5, "null on continuations", "Pieces of arguments carry id, type and name as null (Fireworks).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry, opening in _continuations(chunks):
        kind = opening["type"]
        entry.update({"id": None, "type": None, kind: {"name": None, **entry[kind]}})
    return chunks


@_fault(6, "id missing", "No call has an id (StepFun).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry in all_entries(chunks):
        entry.pop("id", None)
    return chunks


@_fault(6, "id null", "Every id is null (SGLang).")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry in openings(chunks):
        entry["id"] = None
    return chunks


@_fault(6, "id empty", "Every id is empty.")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry in openings(chunks):
        entry["id"] = ""
    return chunks


@_fault(6, "shared id", "All calls of the answer have the same id (DeepSeek relays).", "same id", "shared ids")
def _(chunks: list[Chunk]) -> list[Chunk]:
    for entry in openings(chunks):
        entry["id"] = "call_same"
    return chunks
