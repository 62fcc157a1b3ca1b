"""The ways in which servers get the arguments of a call wrong in the Responses API.

Knows the events of `events`. Must not know HTTP, nor how a fault is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from itertools import accumulate
from typing import Any

from callscope.serving.demo.answer import pieces
from callscope.serving.demo.faults.fault import Fault

from .documents import calls_in, document_fault, is_stream, items_in, place_of
from .events import PARTS, Document

ARGUMENTS: list[Fault] = []
_fault = partial(document_fault, ARGUMENTS)


def _regrown(documents: list[Document], grow: Callable[[str], list[str]]) -> list[Document]:
    """The documents with other deltas of arguments, made from the whole text."""
    texts = {item.get("id"): item["arguments"] for item in calls_in(documents) if _is_text(item.get("arguments"))}
    grown: set[str] = set()
    sent: list[Document] = []
    for document in documents:
        name = document.get("item_id")
        if document.get("type") != "response.function_call_arguments.delta" or name not in texts:
            sent.append(document)
        elif name not in grown:
            grown.add(str(name))
            sent += [{**document, "delta": piece} for piece in grow(texts[name])]
    return sent


def _rewritten(documents: list[Document], change: Callable[[str], Any]) -> list[Document]:
    """The documents with other arguments everywhere: in the deltas, in what is done, in the response at the end."""
    documents = _regrown(documents, lambda text: pieces(new) if isinstance(new := change(text), str) else [])
    for document in documents:
        if "arguments" in document and _is_text(document["arguments"]):
            document["arguments"] = change(document["arguments"])
    for item in calls_in(documents):
        if _is_text(item.get("arguments")):
            item["arguments"] = change(item["arguments"])
    return documents


def _is_text(value: Any) -> bool:
    """Whether these are arguments that have come and that no other fault made something else of."""
    return isinstance(value, str) and value != ""


def _on_arguments(name: str, sentence: str, *aliases: str) -> Callable[[Callable[[str], Any]], None]:
    def register(change: Callable[[str], Any]) -> None:
        _fault(name, sentence, *aliases)(lambda documents: _rewritten(documents, change))

    return register


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = text
    return found if isinstance(found, dict) else {"text": text}


@_on_arguments("arguments as object", "The arguments are a JSON object, not a string of JSON; no deltas come.")
def _(text: str) -> Any:
    return _object(text)


@_on_arguments("arguments null", "The arguments are null, which means none.")
def _(text: str) -> Any:
    return None


@_on_arguments("arguments empty", "The arguments are an empty string, which means none.")
def _(text: str) -> Any:
    return ""


@_on_arguments("doubly encoded arguments", "The arguments are a JSON string that holds JSON.", "doubly encoded")
def _(text: str) -> Any:
    return json.dumps(text)


@_on_arguments("cut arguments", "The arguments break off; the response is completed all the same (vLLM).")
def _(text: str) -> Any:
    return text[: max(1, len(text) * 2 // 3)]


@_on_arguments("python arguments", "The arguments are a Python dict, with single quotes.", "python dict")
def _(text: str) -> Any:
    return repr(_object(text))


@_on_arguments("two documents", "The arguments are two JSON objects that contradict each other.", "two objects")
def _(text: str) -> Any:
    return text + json.dumps(dict.fromkeys(_object(text) or {"other": 0}, "another"))


@_on_arguments("wrong arguments", "The arguments are JSON, but not what the tool's schema asks for.")
def _(text: str) -> Any:
    return json.dumps({"nonsense": True})


@_fault("cumulative arguments", "Each delta repeats all before it; what is done has them once.", "arguments cumulative")
def _(documents: list[Document]) -> list[Document]:
    return _regrown(documents, lambda text: list(accumulate(pieces(text))))


@_fault("encrypted deltas", "The deltas of arguments are ciphertext; what is done is plain (GitHub Copilot).")
def _(documents: list[Document]) -> list[Document]:
    return _regrown(documents, lambda text: pieces(text.encode().hex()))


@_fault("contradicting done", "The arguments that are done are others than the deltas made.", "done contradicts")
def _(documents: list[Document]) -> list[Document]:
    other = json.dumps({"nonsense": True})
    for document in documents:
        if document.get("type") == "response.function_call_arguments.done":
            document["arguments"] = other
    for item in calls_in(documents if is_stream(documents) else []):
        if item.get("arguments"):
            item["arguments"] = other
    return documents


@_fault("unknown tool", "The call names a tool that nobody offered.")
def _(documents: list[Document]) -> list[Document]:
    for item in calls_in(documents):
        item["name"] += "_of_tomorrow"
    return documents


@_fault("custom as function", "A call of a custom tool comes as one of a function, its text in JSON (ds4).")
def _(documents: list[Document]) -> list[Document]:
    custom = [item for item in items_in(documents) if item["type"] == "custom_tool_call"]
    texts = {item.get("id"): json.dumps({"input": item["input"]}) for item in custom}
    for item in custom:
        text = item.pop("input")
        item.update(type="function_call", arguments=json.dumps({"input": text}) if text else "")
    sent: list[Document] = []
    for document in documents:
        name = document.get("item_id")
        if name in texts and str(document.get("type")).startswith(PARTS["custom_tool_call"]):
            if document["type"].endswith("done"):
                place = place_of(document)
                kind = PARTS["function_call"]
                sent += [{"type": f"{kind}.delta", **place, "delta": piece} for piece in pieces(texts[name])]
                sent.append({"type": f"{kind}.done", **place, "arguments": texts[name]})
        else:
            sent.append(document)
    return sent
