"""An answer as the items and events of the Responses API.

Knows the honest form: reasoning, a message, calls, each added, grown in deltas and done. Must not know who chose the
answer nor how it is spoilt. The same answer to the same request always makes the same events.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from callscope.serving.demo.answer import CREATED, MODEL, Answer, Call, pieces, words

from .history import CALLS, Item, sealed

Document: TypeAlias = dict[str, Any]
"""The JSON of one event, or of a whole response."""

TYPES: Final = {"function": "function_call", "custom": "custom_tool_call"}
PREFIXES: Final = {"function": "fc", "custom": "ctc"}
PARTS: Final = {
    "function_call": "response.function_call_arguments",
    "custom_tool_call": "response.custom_tool_call_input",
}
"""How the events are called that carry the text of a call."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a reply is named and what it repeats of its request; `encrypted` says whether reasoning goes along sealed."""

    digest: str
    prompt_tokens: int
    encrypted: bool
    echoed: dict[str, Any]


def limited(answer: Answer) -> tuple[Answer, bool]:
    """The answer within its limit of tokens, where each delta counts as one, and whether that cut it."""
    if answer.max_tokens is None or answer.max_tokens >= _deltas(answer):
        return answer, False
    left = answer.max_tokens
    reasoning, left = _taken(words(answer.reasoning), left)
    text, left = _taken(words(answer.text), left)
    calls: list[Call] = []
    for call in answer.calls:
        if left > 0:
            arguments, left = _taken(pieces(call.arguments), left)
            calls.append(replace(call, arguments=arguments))
    return replace(answer, reasoning=reasoning, text=text, calls=tuple(calls)), True


def _taken(deltas: list[str], left: int) -> tuple[str, int]:
    taken = deltas[: max(0, left)]
    return "".join(taken), left - len(taken)


def _deltas(answer: Answer) -> int:
    calls = sum(len(pieces(call.arguments)) for call in answer.calls)
    return len(words(answer.reasoning)) + len(words(answer.text)) + calls


def response(answer: Answer, form: Form, output: list[Item], *, status: str, whole: bool = True) -> Document:
    """The reply as a whole; of one in progress (`whole` False) nothing is known yet."""
    reason = {"reason": "max_output_tokens"} if status == "incomplete" else None
    return {
        "id": f"resp_{form.digest}",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": None,
        "incomplete_details": reason,
        "model": MODEL,
        "output": output,
        **form.echoed,
        "usage": usage(answer, form.prompt_tokens) if whole else None,
    }


def usage(answer: Answer, prompt_tokens: int) -> dict[str, Any]:
    """Tokens, where each delta counts as one."""
    output = _deltas(answer)
    return {
        "input_tokens": prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": len(words(answer.reasoning))},
        "total_tokens": prompt_tokens + output,
    }


def items(answer: Answer, form: Form, *, cut: bool = False) -> list[Item]:
    """The finished output items; of an answer that was cut the last one is incomplete."""
    found = list(_items(answer, form))
    if cut and found:
        found[-1]["status"] = "incomplete"
    return found


def _items(answer: Answer, form: Form) -> Iterator[Item]:
    if answer.reasoning:
        seal = {"encrypted_content": sealed(answer.reasoning)} if form.encrypted else {}
        summary = [{"type": "summary_text", "text": answer.reasoning}]
        yield {"type": "reasoning", "id": f"rs_{form.digest}", "summary": summary, **seal}
    if answer.text:
        part = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
        head = {"type": "message", "id": f"msg_{form.digest}", "status": "completed", "role": "assistant"}
        yield {**head, "content": [part]}
    for number, call in enumerate(answer.calls, 1):
        kind = TYPES[call.kind]
        head = {"type": kind, "id": f"{PREFIXES[call.kind]}_{form.digest}_{number}", "status": "completed"}
        yield {**head, "call_id": call.call_id, "name": call.name, CALLS[kind]: call.arguments}


# ---- events ---------------------------------------------------------------------------------------------------------


def events(answer: Answer, form: Form, output: list[Item], *, cut: bool) -> list[Document]:
    """The stream of an answer that `limited` gave, whose items are `output`."""
    begun = response(answer, form, [], status="in_progress", whole=False)
    found: list[Document] = [{"type": f"response.{name}", "response": begun} for name in ("created", "in_progress")]
    for index, item in enumerate(output):
        found += _events_of(item, index)
    status = "incomplete" if cut else "completed"
    found.append({"type": f"response.{status}", "response": response(answer, form, output, status=status)})
    return numbered([deepcopy(each) for each in found])


def numbered(documents: list[Document]) -> list[Document]:
    """The events with their numbers in sequence."""
    return [
        {"type": each["type"], "sequence_number": number, **_unnumbered(each)} if each else each
        for number, each in enumerate(documents)
    ]


def _unnumbered(document: Document) -> Document:
    return {name: value for name, value in document.items() if name not in ("type", "sequence_number")}


def _events_of(item: Item, index: int) -> Iterator[Document]:
    """An item is added without its words, grows, and is done; one that was cut is never said to be whole before."""
    cut = item.get("status") == "incomplete"
    yield {"type": "response.output_item.added", "output_index": index, "item": _empty(item)}
    place = {"item_id": item["id"], "output_index": index}
    match item["type"]:
        case "reasoning":
            yield from _summary(item["summary"][0]["text"], {**place, "summary_index": 0}, cut)
        case "message":
            yield from _text(item["content"][0], {**place, "content_index": 0}, cut)
        case kind:
            text = item[CALLS[kind]]
            yield from ({"type": f"{PARTS[kind]}.delta", **place, "delta": piece} for piece in pieces(text))
            if not cut:
                yield {"type": f"{PARTS[kind]}.done", **place, CALLS[kind]: text}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _empty(item: Item) -> Item:
    """An item as it is announced."""
    emptied = {"summary": [], "content": [], "arguments": "", "input": "", "status": "in_progress"}
    return {name: emptied.get(name, value) for name, value in item.items()}


def _summary(text: str, place: Document, cut: bool) -> Iterator[Document]:
    part = {"type": "summary_text", "text": ""}
    yield {"type": "response.reasoning_summary_part.added", **place, "part": part}
    yield from ({"type": "response.reasoning_summary_text.delta", **place, "delta": word} for word in words(text))
    if not cut:
        yield {"type": "response.reasoning_summary_text.done", **place, "text": text}
        yield {"type": "response.reasoning_summary_part.done", **place, "part": {**part, "text": text}}


def _text(part: Document, place: Document, cut: bool) -> Iterator[Document]:
    yield {"type": "response.content_part.added", **place, "part": {**part, "text": ""}}
    for word in words(part["text"]):
        yield {"type": "response.output_text.delta", **place, "delta": word, "logprobs": []}
    if not cut:
        yield {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": []}
        yield {"type": "response.content_part.done", **place, "part": part}
