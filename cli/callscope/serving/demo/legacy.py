"""Chat Completions as it was before `tools`: functions, read as tools, and calls, written as `function_call`.

Knows the members of 2023 and the words in which servers refuse them. Must not know how today's form is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from callscope.serving.demo.faults.fault import entries, part

from .answer import Chunk
from .ask import typed, wrong


def modern(data: dict[str, Any]) -> dict[str, Any]:
    """The request in today's form, with made-up ids of its calls; raises Refused. One without functions stays."""
    messages = data.get("messages")
    told = {**data, "messages": list(_modern(messages))} if isinstance(messages, list) else data
    if data.get("functions") is None:
        if data.get("function_call") is not None:
            raise wrong("'function_call' is only allowed when 'functions' are specified.", "function_call")
        return told
    functions = typed(data, "functions", list, [])
    if not functions:
        raise wrong("[] is too short - 'functions'", "functions")
    if data.get("tools") is not None:
        raise wrong("Only one of 'functions' and 'tools' may be specified.", "functions")
    return {
        **told,
        "tools": [{"type": "function", "function": function} for function in functions],
        "tool_choice": _choice(data.get("function_call"), functions),
        "parallel_tool_calls": False,
    }


def as_function_call(chunks: list[Chunk]) -> list[Chunk]:
    """The same chunks, or completion, with their first call in the form of 2023; they may be changed."""
    kept = [chunk for chunk in chunks if all(entry.get("index", 0) == 0 for entry in entries(chunk))]
    found = False
    for chunk in kept:
        for entry in entries(chunk)[:1]:
            found = True
            del part(chunk)["tool_calls"]
            part(chunk)["function_call"] = entry.get("function", {})
    for choice in [choice for chunk in kept for choice in chunk["choices"] or ()] if found else ():
        if choice["finish_reason"] is not None:
            choice["finish_reason"] = "function_call"
    return kept


def _choice(chosen: Any, functions: list[Any]) -> Any:
    if chosen in (None, "none", "auto"):
        return chosen
    names = [function.get("name") for function in functions if isinstance(function, dict)]
    if not isinstance(chosen, dict) or chosen.get("name") not in names:
        words = f"Invalid value for 'function_call': {json.dumps(chosen)} names no function of 'functions'."
        raise wrong(words, "function_call")
    return {"type": "function", "function": {"name": chosen["name"]}}


def _modern(messages: list[Any]) -> Iterator[Any]:
    """The messages with a call and its result tied by an id; a result must follow the call of its function."""
    owed: tuple[str, Any] | None = None
    for place, message in enumerate(messages):
        call = message.get("function_call") if isinstance(message, dict) else None
        if isinstance(message, dict) and message.get("role") == "function":
            if owed is None or message.get("name") != owed[1]:
                words = "Messages with role 'function' must follow a message with a 'function_call' of the same name."
                raise wrong(words, f"messages[{place}].name")
            yield {**message, "role": "tool", "tool_call_id": owed[0]}
            owed = None
        elif isinstance(call, dict):
            owed = (f"function_call of messages[{place}]", call.get("name"))
            rest = {name: member for name, member in message.items() if name != "function_call"}
            yield {**rest, "tool_calls": [{"id": owed[0], "type": "function", "function": call}]}
        else:
            yield message
