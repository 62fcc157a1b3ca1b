"""Messages as Chat Completions has them, read back as items.

Knows the members of a message. Must not know whose messages they are, nor events.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from callscope.core.values import CallKey, CallKind, Item, JsonObject, Message, Reasoning, ToolCall, ToolResult

from .shapes import objects, text_of
from .texts import PLAIN_REASONING, flat_text


@dataclass(slots=True)
class History:
    """Messages as items; each assistant message is the response of an exchange that nobody heard."""

    items: list[Item] = field(default_factory=list)
    responses: int = 0
    calls: dict[str, CallKey] = field(default_factory=dict)

    def add(self, message: JsonObject) -> None:
        """Take the next message."""
        match message.get("role"):
            case "user":
                self.items.append(Message("user", words(message)))
            case "assistant":
                self.responses += 1
                self.items += self._response(message)
            case "tool" if (key := self.calls.pop(text_of(message.get("tool_call_id")), None)) is not None:
                self.items.append(ToolResult(key, words(message)))
            case _:
                pass

    def _response(self, message: JsonObject) -> Iterator[Item]:
        reasoning = {name: message[name] for name in PLAIN_REASONING if isinstance(message.get(name), str)}
        echo = {"output": message["output"]} if "output" in message else reasoning
        if echo:
            yield Reasoning(next(iter(reasoning.values()), ""), self.responses, echo)
        if said := words(message):
            yield Message("assistant", said, self.responses)
        if refusal := text_of(message.get("refusal")):
            yield Message("assistant", refusal, self.responses, refusal=True)
        for index, entry in enumerate(objects(message.get("tool_calls"))):
            call = _call(CallKey(self.responses, index), entry)
            self.calls[call.call_id] = call.key
            yield call


def _call(key: CallKey, entry: JsonObject) -> ToolCall:
    kind: CallKind = "custom" if isinstance(entry.get("custom"), dict) else "function"
    arguments = part_of(entry).get("input" if kind == "custom" else "arguments")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return ToolCall(key, text_of(entry.get("id")), named(entry), text, kind)


def named(entry: JsonObject) -> str:
    """What a call, or a definition, is called."""
    return text_of(part_of(entry).get("name"))


def part_of(entry: JsonObject) -> JsonObject:
    """What of a call or a definition stands under its kind; the entry itself where it is flat."""
    return next((part for kind in ("custom", "function") if isinstance(part := entry.get(kind), dict)), entry)


def words(message: JsonObject) -> str:
    """The text of a message; what is no text (an image) is named in brackets."""
    content = message.get("content")
    if not isinstance(content, list):
        return flat_text(content)
    return "".join(flat_text(part) or f"[{text_of(part.get('type')) or 'part'}]" for part in objects(content))
