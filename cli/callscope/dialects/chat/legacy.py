"""Requests from before `tools`, read as what they would be today.

Knows `functions`, `function_call` and the role `function`. Must not know how today's form is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from callscope.core.values import JsonObject


def is_legacy(body: JsonObject) -> bool:
    """Whether a request offers `functions` and no `tools`."""
    return isinstance(body.get("functions"), list) and "tools" not in body


def modern(body: JsonObject) -> JsonObject:
    """The same request with `tools`, with a name for a choice of one, and with made-up ids of its calls."""
    kept = {name: member for name, member in body.items() if name not in ("functions", "function_call")}
    choice = body.get("function_call")
    messages = body.get("messages")
    return {
        **kept,
        "tools": [{"type": "function", "function": function} for function in body["functions"]],
        "tool_choice": choice.get("name") if isinstance(choice, dict) else choice,
        "messages": list(_modern(messages)) if isinstance(messages, list) else messages,
    }


def _modern(messages: list[Any]) -> Iterator[Any]:
    call_id = ""
    for place, message in enumerate(messages):
        call = message.get("function_call") if isinstance(message, dict) else None
        if isinstance(call, dict):
            call_id = f"call_{place}"
            rest = {name: member for name, member in message.items() if name != "function_call"}
            yield {**rest, "tool_calls": [{"id": call_id, "type": "function", "function": call}]}
        elif isinstance(message, dict) and message.get("role") == "function":
            yield {**message, "role": "tool", "tool_call_id": call_id}
        else:
            yield message
