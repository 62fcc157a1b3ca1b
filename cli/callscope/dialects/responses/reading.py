"""A request of the Responses API that another program made, read as the messages that Chat Completions has for it.

Knows the items of `input`. Must not know what is made of messages. Items that are one answer become one message of the
assistant, which keeps them as they came in `output`, so that nothing opaque is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from callscope.core.values import JsonObject
from callscope.dialects.texts import flat_text

from .items import CALLS, RAW, type_of, whole_texts

READ: Final = ("model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "stream")
PREVIOUS: Final = "previous_response_id"
_WORDS_OF_OTHERS: Final = ("user", "system", "developer")


class Asked(NamedTuple):
    """What a request says: the system prompt, the messages, and the response that it goes on from ("")."""

    system: str | None
    messages: list[JsonObject]
    previous: str


def asked(body: Mapping[str, Any]) -> Asked:
    """What a request says; nothing where it has no input."""
    given = body.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given if isinstance(given, list) else []
    messages = list(_messages([item for item in items if isinstance(item, dict)]))
    system = body.get("instructions")
    previous = body.get(PREVIOUS)
    if not isinstance(system, str):
        system = None
        if messages and messages[0]["role"] in ("system", "developer"):
            system = flat_text(messages.pop(0)["content"])
    return Asked(system, messages, previous if isinstance(previous, str) else "")


def _messages(items: list[JsonObject]) -> Iterator[JsonObject]:
    answer: list[JsonObject] = []
    for item in items:
        kind, role = _kind(item), item.get("role")
        if kind.endswith("_output"):
            message: JsonObject = {"role": "tool", "tool_call_id": item.get("call_id"), "content": item.get("output")}
        elif kind == "message" and role in _WORDS_OF_OTHERS:
            message = {"role": role, "content": item.get("content")}
        else:
            answer.append(item)
            continue
        if answer:
            yield _answer(answer)
            answer = []
        yield message
    if answer:
        yield _answer(answer)


def _kind(item: JsonObject) -> str:
    return type_of(item) if "type" in item else "message"


def _answer(items: list[JsonObject]) -> JsonObject:
    """One answer: its words, its calls, and its items as they came."""
    words: dict[str, list[str]] = {"output_text": [], "refusal": [], "reasoning_text": [], "reasoning_summary_text": []}
    calls: list[JsonObject] = []
    for item in items:
        kind = _kind(item)
        if kind in CALLS:
            part = {"name": item.get("name"), RAW[kind]: item.get(RAW[kind])}
            calls.append({"id": item.get("call_id"), "type": CALLS[kind], CALLS[kind]: part})
        elif kind in ("message", "reasoning"):
            for name, text in whole_texts(item):
                words[name].append(text)
    message: JsonObject = {"role": "assistant", "content": "".join(words["output_text"]), "output": items}
    if refusal := "".join(words["refusal"]):
        message["refusal"] = refusal
    if reasoning := "".join((*words["reasoning_summary_text"], *words["reasoning_text"])):
        message["reasoning"] = reasoning
    return message | ({"tool_calls": calls} if calls else {})
