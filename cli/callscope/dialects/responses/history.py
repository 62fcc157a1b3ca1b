"""The conversation as input items: what the server said goes back as it said it, results stand behind their calls.

Knows how items are written and which of them a server would refuse. Must not know settings or secrets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from callscope.core.events import Diagnostic
from callscope.core.values import CallKey, Item, JsonObject, Message, Reasoning, ToolCall, ToolResult
from callscope.dialects.diagnostics import diagnostic
from callscope.dialects.sending import SentCalls
from callscope.dialects.shapes import objects, text_of

from .items import CALLS, RAW, type_of

TYPES = {kind: item_type for item_type, kind in CALLS.items()}


@dataclass(slots=True)
class Said:
    """What one response brought, of what is still in the conversation."""

    response: int
    echo: Mapping[str, Any] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    results: dict[CallKey, str] = field(default_factory=dict)

    @property
    def output(self) -> list[JsonObject]:
        """The items as the server gave them."""
        return objects(self.echo.get("output"))


class InputList:
    """Input items from the flat items of a conversation.

    `stored`: the server keeps what it said. `moved`: the last exchange with another server, whose ids mean nothing to
    this one. `latest` is the exchange before this request.
    """

    def __init__(self, *, latest: int, stored: bool, moved: int) -> None:
        self._latest = latest
        self._stored = stored
        self._moved = moved
        self._sent = SentCalls(latest)
        self.items: list[JsonObject] = []

    @property
    def diagnostics(self) -> Sequence[Diagnostic]:
        """What was changed or left out."""
        return self._sent.diagnostics

    def add(self, part: Message | Said) -> None:
        """Take the person's words, or what a response brought."""
        if isinstance(part, Message):
            self.items.append({"role": "user", "content": part.text})
            return
        ids = {call.call_id: self._sent.call_id(call) for call in part.calls}
        self.items += self._echoed(part, part.output, ids) if part.output else self._written(part, ids)
        self.add_results(part, ids)

    def add_results(self, said: Said, ids: Mapping[str, str] | None = None) -> None:
        """The results of a response's calls, in the calls' order."""
        for call in said.calls:
            call_id = (ids or {}).get(call.call_id, call.call_id)
            kind = f"{TYPES[call.kind]}_output"
            self.items.append({"type": kind, "call_id": call_id, "output": self._sent.result(call, said.results)})

    # ---- what the server said ---------------------------------------------------------------------------------------

    def _echoed(self, said: Said, output: list[JsonObject], ids: Mapping[str, str]) -> list[JsonObject]:
        """The items as the server gave them, with the arguments that ran."""
        calls = {call.call_id: call for call in said.calls}
        kept: list[JsonObject] = []
        for document in output:
            kind = type_of(document)
            call = calls.pop(text_of(document.get("call_id")), None) if kind in CALLS else None
            if call is not None:
                kept.append({**document, **self._call(call, ids[call.call_id])})
            elif kind not in CALLS and (kind != "message" or said.messages):
                kept.append(document)
        kept += [self._call(call, ids[call.call_id]) for call in calls.values()]
        stored = self._stored and said.echo.get("store") is not False
        return self._acceptable(kept, said.response, stored=stored)

    def _acceptable(self, items: list[JsonObject], response: int, *, stored: bool) -> list[JsonObject]:
        """The items without reasoning that the server would refuse, nor ids that another server gave."""
        foreign = response <= self._moved
        kept: list[JsonObject] = []
        for item in reversed(items):
            if item.get("type") != "reasoning":
                kept.append({k: v for k, v in item.items() if k not in ("id", "status")} if foreign else item)
                continue
            # https://github.com/openai/openai-agents-python/issues/1611 and https://github.com/vercel/ai/issues/7543
            if foreign:
                reason = "another server made it"
            elif not kept:
                reason = "nothing followed it"
            elif not stored and not item.get("encrypted_content") and not item.get("content"):
                reason = "the server keeps nothing, and it has no encrypted_content"
            elif not item.get("id") and not item.get("encrypted_content") and not item.get("content"):
                reason = "it has neither an id nor encrypted_content"
            else:
                kept.append(item)
                continue
            if response == self._latest or (foreign and self._latest == self._moved):
                self._sent.diagnostics.append(diagnostic("reasoning_left_out", text=reason))
        return kept[::-1]

    def _written(self, said: Said, ids: Mapping[str, str]) -> list[JsonObject]:
        """Items of our own making: the response was broken, came in another protocol, or was put in by hand."""
        items: list[JsonObject] = []
        for message in said.messages:
            kind = "refusal" if message.refusal else "output_text"
            part = {"type": kind, "refusal" if message.refusal else "text": message.text}
            items.append({"type": "message", "role": "assistant", "content": [part]})
        return items + [self._call(call, ids[call.call_id]) for call in said.calls]

    def _call(self, call: ToolCall, call_id: str) -> JsonObject:
        kind, sent = TYPES[call.kind], self._sent
        return {"type": kind, "call_id": call_id, "name": sent.name(call), RAW[kind]: sent.arguments(call)}


def parts(items: Iterable[Item]) -> list[Message | Said]:
    """The flat items by who said them: words of the person, and responses with the results of their calls."""
    found: list[Message | Said] = []
    for item in items:
        match item:
            case Message(role="user"):
                found.append(item)
            case Message(response=response):
                _of(found, response).messages.append(item)
            case Reasoning(response=response, extra=extra):
                _of(found, response).echo = extra
            case ToolCall(key=key, executor="local"):
                _of(found, key.exchange).calls.append(item)
            case ToolResult(key=key, output=output):
                _of(found, key.exchange).results[key] = output
            case ToolCall():
                pass  # the server ran it itself: its item says so
    return found


def _of(found: list[Message | Said], response: int) -> Said:
    last = found[-1] if found else None
    if not isinstance(last, Said) or last.response != response:
        last = Said(response)
        found.append(last)
    return last


def said_of(found: Sequence[Message | Said]) -> list[Said]:
    """The responses among the parts."""
    return [part for part in found if isinstance(part, Said)]
