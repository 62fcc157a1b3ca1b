"""The ways in which servers get the Responses API wrong: ids and indexes, stages left out, framing.

Knows the events of `events`. Must not know HTTP, nor how a fault is asked for. Nearly all of them were
seen at real servers; tests/quirks/responses says where.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import zip_longest
from typing import Any, Final

from callscope.serving.demo.faults.fault import Fault, LineFault

from .documents import (
    GROWING,
    RULE,
    DocumentFault,
    calls_in,
    document_fault,
    is_stream,
    items_in,
    last_response,
    without,
)
from .events import Document
from .history import CALLS, Item

SHAPES: list[Fault] = []


def _fault(name: str, sentence: str, *aliases: str) -> Callable[[Callable[[list[Document]], list[Document]]], None]:
    return document_fault(SHAPES, name, sentence, *aliases)


# ---- ids and indexes ------------------------------------------------------------------------------------------------


@_fault("item ids rotate", "Each event has another id for the same item; its index alone is stable (GitHub Copilot).")
def _(documents: list[Document]) -> list[Document]:
    for number, document in enumerate(documents):
        if "item_id" in document:
            document["item_id"] = f"opaque-{number:04}"
        if document.get("item"):
            document["item"]["id"] = f"opaque-{number:04}"
    return documents


@_fault("item ids differ", "An item has one id when added, one when done, one in the whole response (mistral.rs).")
def _(documents: list[Document]) -> list[Document]:
    for document in documents:
        kind = document.get("type", "").rpartition(".")[2]
        for item in items_in([document]):
            item["id"] = str(item.get("id")) + {"added": "", "done": "_done"}.get(kind, "_final")
    return documents


@_fault("item ids missing", "No event has an item_id, no item an id (gateways).", "item id missing")
def _(documents: list[Document]) -> list[Document]:
    for document in documents:
        document.pop("item_id", None)
    for item in items_in(documents):
        item.pop("id", None)
    return documents


@_fault("call id in place of item id", "Deltas of arguments name their call by call_id, and nothing else (DeepSeek).")
def _(documents: list[Document]) -> list[Document]:
    call_ids = {item.get("id"): item.get("call_id") for item in calls_in(documents)}
    for document in documents:
        if "item_id" in document and document["item_id"] in call_ids:
            document["call_id"] = call_ids[document.pop("item_id")]
            document.pop("output_index", None)
    return documents


def _reindexed(documents: list[Document], new: Callable[[int], int | None]) -> list[Document]:
    for document in documents:
        if "output_index" in document and (index := new(document.pop("output_index"))) is not None:
            document["output_index"] = index
    return documents


@_fault("output index always 0", "Every item is at output_index 0 (open-responses-server).")
def _(documents: list[Document]) -> list[Document]:
    return _reindexed(documents, lambda index: 0)


@_fault("output index from 1", "The first item is at output_index 1.")
def _(documents: list[Document]) -> list[Document]:
    return _reindexed(documents, lambda index: index + 1)


@_fault("indexes missing", "No event has an output_index or a content_index (Lemonade).")
def _(documents: list[Document]) -> list[Document]:
    for document in documents:
        document.pop("content_index", None)
    return _reindexed(documents, lambda index: None)


@_fault("interleaved calls", "The deltas of parallel calls come in turns.")
def _(documents: list[Document]) -> list[Document]:
    by_call: dict[Any, list[Document]] = {}
    for document in documents:
        if str(document.get("type")).endswith(GROWING):
            by_call.setdefault(document.get("item_id"), []).append(document)
    turns = [each for turn in zip_longest(*by_call.values()) for each in turn if each is not None]
    opened = [each for each in documents if str(each.get("type")).endswith("added") and _is_call(each)]
    start = documents.index(opened[0]) if opened else len(documents)
    rest = [each for each in documents[start:] if each not in turns and each not in opened]
    return [*documents[:start], *opened, *turns, *rest] if len(by_call) > 1 else documents


def _is_call(document: Document) -> bool:
    return (document.get("item") or {}).get("type") in CALLS


def _call_ids(documents: list[Document], new: Callable[[Item], Any]) -> list[Document]:
    for item in calls_in(documents):
        item["call_id"] = new(item)
    return documents


@_fault("call id missing", "No call has a call_id.", "id missing")
def _(documents: list[Document]) -> list[Document]:
    for item in calls_in(documents):
        item.pop("call_id", None)
    return documents


@_fault("call id null", "Every call_id is null.", "id null")
def _(documents: list[Document]) -> list[Document]:
    return _call_ids(documents, lambda item: None)


@_fault("call id late", "call_id and name are empty until the call is done (M365-Copilot2API).", "id empty")
def _(documents: list[Document]) -> list[Document]:
    for document in documents:
        if document.get("type") == "response.output_item.added" and _is_call(document):
            document["item"].update(call_id="", name="")
    return documents


@_fault("shared call id", "All calls of the answer have the same call_id.", "shared id", "same id", "shared ids")
def _(documents: list[Document]) -> list[Document]:
    return _call_ids(documents, lambda item: "call_same")


@_fault("call id is item id", "The call_id is the id of the item.")
def _(documents: list[Document]) -> list[Document]:
    return _call_ids(documents, lambda item: item.get("id"))


# ---- stages ---------------------------------------------------------------------------------------------------------


@_fault("no deltas", "Words and arguments come in the done events alone (gpt-5.3-codex-spark).", "deltas missing")
def _(documents: list[Document]) -> list[Document]:
    return without(documents, ".delta")


@_fault("one delta", "The whole arguments are one delta (Ollama).")
def _(documents: list[Document]) -> list[Document]:
    texts = {item["id"]: item[CALLS[item["type"]]] for item in calls_in(documents) if "id" in item}
    begun: set[str] = set()
    sent: list[Document] = []
    for document in documents:
        name = document.get("item_id")
        if name not in texts or not str(document.get("type")).endswith(GROWING):
            sent.append(document)
        elif str(name) not in begun:
            begun.add(str(name))
            sent.append({**document, "delta": texts[name]})
    return sent


@_fault("no done events", "Neither words nor arguments are said to be done, only the items are (Llama Stack).")
def _(documents: list[Document]) -> list[Document]:
    return without(documents, "_text.done", "_part.done", "arguments.done", "input.done")


@_fault("items done alone", "Each item comes whole, in output_item.done alone (NeMo Relay).")
def _(documents: list[Document]) -> list[Document]:
    kept = ("response.created", "output_item.done", "response.completed", "response.incomplete")
    return [each for each in documents if not is_stream(documents) or each["type"].endswith(kept)]


@_fault("completed alone", "The stream is one event, response.completed.")
def _(documents: list[Document]) -> list[Document]:
    return documents[-1:]


@_fault("empty output", "The items come, but the output of the response at the end is empty (new-api, LiteLLM).")
def _(documents: list[Document]) -> list[Document]:
    if is_stream(documents):
        last_response(documents)["output"] = []
    return documents


@_fault("no created", "The stream begins with its first item (LiteLLM).")
def _(documents: list[Document]) -> list[Document]:
    return without(documents, "response.created", "response.in_progress")


@_fault("items not added", "No item is announced before its words come (LiteLLM).", "no items added")
def _(documents: list[Document]) -> list[Document]:
    return without(documents, ".added")


@_fault("null item", "Before the first item comes one that is null (compatible providers).")
def _(documents: list[Document]) -> list[Document]:
    place = next((n for n, each in enumerate(documents) if "item" in each), None)
    if place is None:
        return documents
    documents = _reindexed(documents, lambda index: index + 1)
    return [*documents[:place], NULL_ITEM, *documents[place:]]


NULL_ITEM: Final[Document] = {"type": "response.output_item.added", "output_index": 0, "item": None}


# ---- framing --------------------------------------------------------------------------------------------------------


@_fault("keepalive events", "Events of the type keepalive come between the others (OpenAI).", "keepalive")
def _(documents: list[Document]) -> list[Document]:
    if not is_stream(documents):
        return documents
    return [part for each in documents for part in (each, {"type": "keepalive"})][:-1]


def _late(name: str, sentence: str, *aliases: str) -> Callable[[Callable[[list[Document]], list[Document]]], None]:
    def register(change: Callable[[list[Document]], list[Document]]) -> None:
        SHAPES.append(DocumentFault(name=name, rule=RULE, sentence=sentence, aliases=aliases, change=change, late=True))

    return register


@_late("sequence numbers 0", "Every event has the sequence number 0.")
def _(documents: list[Document]) -> list[Document]:
    return [{**each, "sequence_number": 0} if "type" in each else each for each in documents]


@_late("no sequence numbers", "No event has a sequence number (mlx-vlm).", "sequence numbers missing")
def _(documents: list[Document]) -> list[Document]:
    return [{name: value for name, value in each.items() if name != "sequence_number"} for each in documents]


@_late("DONE at the end", "After the last event comes [DONE], which belongs to the other protocol.", "done at the end")
def _(documents: list[Document]) -> list[Document]:
    return [*documents, DONE_MARK] if is_stream(documents) else documents


DONE_MARK: Final[Document] = {}
"""Stands for `data: [DONE]` among the events."""


@_fault("obfuscation", "Every delta has a member with random padding (OpenAI).")
def _(documents: list[Document]) -> list[Document]:
    for number, each in enumerate(documents):
        if isinstance(each.get("delta"), str):
            each["obfuscation"] = "kP3xWq9vLm2Rt"[: 4 + number % 9]
    return documents


def _lines(name: str, sentence: str, *aliases: str) -> Callable[[Callable[[bytes, int], bytes]], None]:
    def register(change: Callable[[bytes, int], bytes]) -> None:
        SHAPES.append(LineFault(name=name, rule=RULE, sentence=sentence, aliases=aliases, change=change))

    return register


@_lines("no event lines", "No event has an `event:` line; `type` alone says what it is (LiteLLM).")
def _(event: bytes, number: int) -> bytes:
    return event.partition(b"\n")[2] if event.startswith(b"event: ") else event


@_lines("no types", "No event has a `type`; its `event:` line alone says what it is.", "types missing")
def _(event: bytes, number: int) -> bytes:
    line, _, data = event.partition(b"\ndata: ")
    if not line.startswith(b"event: "):
        return event
    document = {name: value for name, value in json.loads(data).items() if name != "type"}
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")
    return b"%b\ndata: %b\n\n" % (line, text)
