"""The ways in which servers get the Responses API wrong: errors, ends, items of other kinds.

Knows the events of `events`. Must not know HTTP, nor how a fault is asked for. Nearly all of them were
seen at real servers; tests/quirks/responses says where.
"""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import Any, Final

from callscope.serving.demo.answer import pieces, words
from callscope.serving.demo.faults.fault import Fault

from .documents import calls_in, document_fault, is_stream, items_in, last_response, place_of, without
from .events import Document
from .history import CALLS, Item

CONTENTS: list[Fault] = []
_fault = partial(document_fault, CONTENTS)

SORRY: Final = "The demo was asked to fail here."


# ---- errors and ends ------------------------------------------------------------------------------------------------


def _broken(documents: list[Document], *ends: Document) -> list[Document]:
    """The events before the last delta, and then these; an answer in one piece stays as it is."""
    if not is_stream(documents):
        return documents
    grown = [place for place, each in enumerate(documents) if str(each["type"]).endswith(".delta")]
    begun = documents[: grown[-1]] if grown else documents[:2]
    return [*begun, *ends]


@_fault("flat error", "In the middle comes an error event as the reference documents it.", "error event", "error")
def _(documents: list[Document]) -> list[Document]:
    return _broken(documents, {"type": "error", "code": "server_error", "message": SORRY, "param": None})


def _nested(kind: str) -> Document:
    return {"type": "error", "error": {"type": kind, "code": kind, "message": SORRY, "param": None}}


@_fault("nested error", "In the middle comes an error event whose words stand in `error` (OpenAI).")
def _(documents: list[Document]) -> list[Document]:
    return _broken(documents, _nested("too_many_requests"))


@_fault("error at once", "After response.created comes an error and nothing else: no credits (OpenAI).", "no credits")
def _(documents: list[Document]) -> list[Document]:
    return [*documents[:1], _nested("insufficient_quota")] if is_stream(documents) else documents


def _ended(documents: list[Document], status: str, **members: Any) -> Document:
    """A terminal event of another kind, whose items are those that came."""
    response = {**deepcopy(last_response(documents)), "status": status, **members}
    return {"type": f"response.{status}", "response": response}


@_fault("failed", "In the middle the response fails, and says why.", "response failed")
def _(documents: list[Document]) -> list[Document]:
    error = {"code": "server_error", "message": SORRY}
    if not is_stream(documents):
        return [{**documents[0], "status": "failed", "error": error, "output": []}]
    return _broken(documents, _ended(documents, "failed", error=error, output=[], usage=None))


@_fault("failed without error", "In the middle the response fails, and does not say why.")
def _(documents: list[Document]) -> list[Document]:
    if not is_stream(documents):
        return [{**documents[0], "status": "failed", "output": []}]
    return _broken(documents, _ended(documents, "failed", output=[], usage=None))


@_fault("error then failed", "In the middle come an error event and then response.failed (OpenAI).")
def _(documents: list[Document]) -> list[Document]:
    error = {"code": "rate_limit_exceeded", "message": SORRY}
    flat = {"type": "error", **error, "param": None}
    return _broken(documents, flat, _ended(documents, "failed", error=error, output=[], usage=None))


def _cut_off(documents: list[Document], reason: str) -> list[Document]:
    """The response, incomplete in the middle of its last item."""
    details = {"reason": reason}
    cut = [_halved(item) for item in deepcopy(last_response(documents)["output"])[-1:]]
    output = [*last_response(documents)["output"][:-1], *cut]
    if not is_stream(documents):
        return [{**documents[0], "status": "incomplete", "incomplete_details": details, "output": output}]
    done = [
        {"type": "response.output_item.done", "output_index": len(output) - 1, "item": deepcopy(item)} for item in cut
    ]
    return _broken(documents, *done, _ended(documents, "incomplete", incomplete_details=details, output=output))


def _halved(item: Item) -> Item:
    item["status"] = "incomplete"
    member = CALLS.get(item["type"])
    if member and isinstance(item[member], str):
        item[member] = "".join(pieces(item[member])[:-1])
    for part in (each for each in item.get("content", ()) if "text" in each):
        part["text"] = "".join(words(part["text"])[:-1])
    return item


@_fault("length", "The token limit cuts the answer off, in the middle of the arguments if there are any.", "incomplete")
def _(documents: list[Document]) -> list[Document]:
    return _cut_off(documents, "max_output_tokens")


@_fault("content filter", "The provider's filter stops the answer in the middle.")
def _(documents: list[Document]) -> list[Document]:
    return _cut_off(documents, "content_filter")


@_fault("cancelled", "The last response says that it was cancelled.")
def _(documents: list[Document]) -> list[Document]:
    last_response(documents)["status"] = "cancelled"
    return documents


@_fault("no completed", "Every item is done, but response.completed never comes.", "completed missing")
def _(documents: list[Document]) -> list[Document]:
    return without(documents, "response.completed", "response.incomplete")


# ---- other contents -------------------------------------------------------------------------------------------------


def _with_item(documents: list[Document], item: Item, *between: Document) -> list[Document]:
    """The answer with one more item before its others."""
    last_response(documents)["output"].insert(0, deepcopy(item))
    if not is_stream(documents):
        return documents
    for document in documents:
        if "output_index" in document:
            document["output_index"] += 1
    place = next((n for n, each in enumerate(documents) if "item" in each), len(documents) - 1)
    opened = {name: item[name] for name in ("type", "id")}
    new: list[Document] = [
        {"type": "response.output_item.added", "output_index": 0, "item": {**opened, "status": "in_progress"}},
        *({**each, "item_id": item["id"], "output_index": 0} for each in between),
        {"type": "response.output_item.done", "output_index": 0, "item": item},
    ]
    return [*documents[:place], *new, *documents[place:]]


@_fault("web search", "The server searches the web itself, and tells it in an item and events of its own (OpenAI).")
def _(documents: list[Document]) -> list[Document]:
    action = {"type": "search", "query": "made-up demo data"}
    item = {"type": "web_search_call", "id": "ws_demo", "status": "completed", "action": action}
    steps = ("in_progress", "searching", "completed")
    return _with_item(documents, item, *({"type": f"response.web_search_call.{step}"} for step in steps))


@_fault("MCP call", "The server calls a tool of an MCP server itself, and tells what came of it (OpenAI).")
def _(documents: list[Document]) -> list[Document]:
    item: Item = {
        "type": "mcp_call",
        "id": "mcp_demo",
        "status": "completed",
        "server_label": "demo",
        "name": "ask_demo",
    }
    item |= {"arguments": '{"question": "why"}', "output": "Because a demo has no reasons.", "error": None}
    steps: list[Document] = [{"type": "response.mcp_call.in_progress"}]
    steps += [{"type": "response.mcp_call_arguments.delta", "delta": piece} for piece in pieces(str(item["arguments"]))]
    steps += [{"type": "response.mcp_call_arguments.done", "arguments": item["arguments"]}]
    return _with_item(documents, item, *steps, {"type": "response.mcp_call.completed"})


@_fault("unknown item", "An item and an event come that nobody knows, with a vendor's prefix (orq.ai).")
def _(documents: list[Document]) -> list[Document]:
    item = {"type": "demo:weather_report", "id": "wr_demo", "status": "completed", "sky": "sunny"}
    return _with_item(documents, item, {"type": "demo:weather_report.sky_seen", "sky": "sunny"})


@_fault("namespace", "Each call stands in a namespace, which has to go back with it (OpenAI).")
def _(documents: list[Document]) -> list[Document]:
    for item in calls_in(documents):
        item["namespace"] = "demo"
    return documents


@_fault("refusal", "The answer is a refusal, in the part made for it.")
def _(documents: list[Document]) -> list[Document]:
    text = "I was asked to refuse, so I refuse."
    part = {"type": "refusal", "refusal": text}
    item = {"type": "message", "id": "msg_refusal", "status": "completed", "role": "assistant", "content": [part]}
    last_response(documents)["output"] = [item]
    if not is_stream(documents):
        return documents
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    empty = {**item, "status": "in_progress", "content": []}
    grown: list[Document] = [
        {"type": "response.output_item.added", "output_index": 0, "item": empty},
        {"type": "response.content_part.added", **place, "part": {"type": "refusal", "refusal": ""}},
        *({"type": "response.refusal.delta", **place, "delta": word} for word in words(text)),
        {"type": "response.refusal.done", **place, "refusal": text},
        {"type": "response.content_part.done", **place, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": deepcopy(item)},
    ]
    return [*documents[:2], *grown, documents[-1]]


@_fault("reasoning text", "Reasoning comes as itself, in reasoning_part events (vLLM); `think` asks for some.")
def _(documents: list[Document]) -> list[Document]:
    for item in items_in(documents):
        if item["type"] == "reasoning":
            texts = [{"type": "reasoning_text", "text": part["text"]} for part in item["summary"]]
            item.update(summary=[], content=texts)
    for document in documents:
        if "summary_index" in document:
            document["type"] = document["type"].replace("reasoning_summary_", "reasoning_")
            document["content_index"] = document.pop("summary_index")
            if "part" in document:
                document["part"]["type"] = "reasoning_text"
    return documents


@_fault("leaked call", "The server did not parse the model's own form of a call: it comes as words (vLLM).", "leak")
def _(documents: list[Document]) -> list[Document]:
    calls = [item for item in last_response(documents)["output"] if item["type"] in CALLS]
    form = '\n<tool_call>\n{"name": "NAME", "arguments": ARGUMENTS}\n</tool_call>'
    leaked = [form.replace("NAME", i["name"]).replace("ARGUMENTS", str(i[CALLS[i["type"]]])) for i in calls]
    return _told(documents, {item.get("id") for item in calls}, "".join(leaked)) if calls else documents


def _told(documents: list[Document], calls: set[str | None], text: str) -> list[Document]:
    """The documents without these calls, with this text behind the words of the message."""
    response = last_response(documents)
    response["output"] = [item for item in response["output"] if item.get("id") not in calls]
    kept = [each for each in documents if not _is_of(each, calls)]
    for item in items_in(kept):
        if item["type"] == "message" and item["content"]:
            item["content"][0]["text"] += text
    sent: list[Document] = []
    for each in kept:
        if each.get("type") == "response.output_text.done":
            sent += [{"type": "response.output_text.delta", **place_of(each), "delta": piece} for piece in pieces(text)]
            each["text"] += text
        elif each.get("type") == "response.content_part.done":
            each["part"]["text"] += text
        sent.append(each)
    return sent


def _is_of(document: Document, names: set[str | None]) -> bool:
    name = document.get("item_id", (document.get("item") or {}).get("id"))
    return name is not None and name in names


@_fault("chat usage", "The usage has the names of Chat Completions (LiteLLM).")
def _(documents: list[Document]) -> list[Document]:
    usage = last_response(documents)["usage"] or {}
    names = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens", "total_tokens": "total_tokens"}
    last_response(documents)["usage"] = {new: usage.get(old) for old, new in names.items()}
    return documents


@_fault("usage null", "There is no usage: it is null.", "no usage")
def _(documents: list[Document]) -> list[Document]:
    last_response(documents)["usage"] = None
    return documents
