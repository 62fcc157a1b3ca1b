"""Chat Completions, written: a conversation in, the exact request out.

Knows the messages and tools of the protocol and what strict servers refuse in a history. Must not know secrets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from callscope.core.events import Diagnostic
from callscope.core.json_text import json_text
from callscope.core.ports import Prepared
from callscope.core.state import Conversation
from callscope.core.values import (
    CallKey,
    Headers,
    Item,
    JsonObject,
    Message,
    Reasoning,
    Request,
    Settings,
    ToolCall,
    ToolForm,
    ToolResult,
)
from callscope.dialects.assembly import is_made_up
from callscope.dialects.choices import forms, told
from callscope.dialects.fragments import PARTS
from callscope.dialects.sending import SentCalls
from callscope.dialects.texts import DETAILED_REASONING, OPAQUE, REASONING
from callscope.dialects.urls import endpoint_url

from .tools import tool_members


def prepare(conversation: Conversation) -> Prepared:
    """The next request. Raises UsageError where the settings have no usable URL."""
    settings = conversation.settings
    history = History(conversation.exchange, forms(settings))
    for item in items_to_send(conversation):
        history.add(item)
    body: JsonObject = {"model": settings.model, "messages": system_messages(settings) + history.finish()}
    body.update(tool_members(settings, conversation.tools))
    body["stream"] = settings.stream
    if settings.stream:
        body["stream_options"] = {"include_usage": True}
    body.update(settings.parameters)
    request = Request("POST", endpoint_url(settings.url), request_headers(settings), encoded(body))
    return Prepared(request, (*told(conversation), *history.diagnostics))


def encoded(body: JsonObject) -> bytes:
    """The body as it leaves."""
    # a person may paste half a character; no server takes one
    return json_text(body, default=dict).encode("utf-8", "replace")


def request_headers(settings: Settings) -> Headers:
    """The headers that the protocol asks for."""
    # identity: the recording should hold what the server said, not what a compressor made of it
    return (
        ("content-type", "application/json"),
        ("accept", "text/event-stream" if settings.stream else "application/json"),
        ("accept-encoding", "identity"),
    )


def items_to_send(conversation: Conversation) -> Sequence[Item]:
    """All items, or those since the person's last words."""
    items = conversation.items
    if conversation.settings.history != "last":
        return items
    spoken = [place for place, item in enumerate(items) if isinstance(item, Message) and item.role == "user"]
    return items[spoken[-1] :] if spoken else items


def system_messages(settings: Settings) -> list[JsonObject]:
    """The system prompt, where there is one."""
    return [{"role": "system", "content": settings.system}] if settings.system else []


# ---- messages -------------------------------------------------------------------------------------------------------


class History:
    """Messages from the flat items: what one response brought becomes one assistant message, then its results.

    `latest` is the exchange before this request.
    """

    def __init__(self, latest: int, forms: Sequence[ToolForm] = ()) -> None:
        self._legacy = "functions" in forms
        self._null_ids = "null-ids" in forms
        self.messages: list[JsonObject] = []
        self._sent = SentCalls(latest)
        self._response: int | None = None
        self._assistant: JsonObject = {}
        self._echo: Mapping[str, Any] = {}
        self._calls: list[ToolCall] = []
        self._results: dict[CallKey, str] = {}

    @property
    def diagnostics(self) -> Sequence[Diagnostic]:
        """What of the calls was changed."""
        return self._sent.diagnostics

    def add(self, item: Item) -> None:
        """Take the next item of the conversation."""
        match item:
            case Message(role="user", text=text):
                self._flush()
                self.messages.append({"role": "user", "content": text})
            case Message(text=text, response=response, refusal=refusal):
                self._of(response)
                self._assistant["refusal" if refusal else "content"] = text
            case Reasoning(response=response, extra=extra):
                self._of(response)
                self._echo = extra
            case ToolCall(key=key, executor="local"):
                self._of(key.exchange)
                self._calls.append(item)
            case ToolResult(key=key, output=output):
                self._results[key] = output
            case ToolCall():
                pass  # the peer ran it itself, and this protocol has no place for that

    def finish(self) -> list[JsonObject]:
        """All messages."""
        self._flush()
        return self.messages

    def _of(self, response: int) -> None:
        if response != self._response:
            self._flush()
            self._response = response

    def _flush(self) -> None:
        """Write the open response: the assistant's message, then one result for each call, in the calls' order."""
        if self._assistant or self._calls:
            message = {"role": "assistant", "content": None, **self._assistant, **self._echoed()}
            self.messages += self._called_before_tools(message) if self._legacy else self._called(message)
        self._response = None
        self._assistant, self._echo, self._calls, self._results = {}, {}, [], {}

    def _called(self, message: JsonObject) -> Iterator[JsonObject]:
        """The message with its calls, and a result for each."""
        written = [self._call(call) for call in self._calls]
        yield message | ({"tool_calls": written} if written else {})
        for call, entry in zip(self._calls, written, strict=True):
            yield {"role": "tool", "tool_call_id": entry["id"], "content": self._sent.result(call, self._results)}

    def _called_before_tools(self, message: JsonObject) -> Iterator[JsonObject]:
        """The same in the legacy form: one call a message, which has no id, so that its result names the function."""
        if not self._calls:
            yield message
        for call in self._calls:
            function = self._call(replace(call, kind="function"))["function"]
            yield {**message, "function_call": function}
            yield {"role": "function", "name": function["name"], "content": self._sent.result(call, self._results)}
            message = {"role": "assistant", "content": None}

    def _echoed(self) -> JsonObject:
        """What the server wants back. Plain reasoning only beside calls: elsewhere some servers refuse it."""
        # https://api-docs.deepseek.com/guides/thinking_mode
        kept = REASONING | OPAQUE if self._calls else OPAQUE.union(DETAILED_REASONING)
        return {name: member for name, member in self._echo.items() if name in kept}

    def _call(self, call: ToolCall) -> JsonObject:
        call_id = self._id(call)
        entry: JsonObject = {"id": call_id, "type": call.kind}
        part = {"name": self._sent.name(call), PARTS[call.kind]: self._sent.arguments(call)}
        extra = dict(call.extra)
        inner = extra.pop(call.kind, {})
        return {**extra, **entry, call.kind: {**inner, **part}}

    def _id(self, call: ToolCall) -> str | None:
        """The id that this server is to know the call by; None where the server gave none and wants none."""
        call_id = call.call_id
        if self._legacy or (self._null_ids and is_made_up(call_id, call.key)):
            return None  # it was not the server's: see `assembly`
        return self._sent.call_id(call)
