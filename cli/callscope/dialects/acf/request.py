"""A conversation with an agent, written: the exact request out.

Knows the framework's request, which is that of Chat Completions with a thread, and how an agent's own calls go back to
it. Must not know secrets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, assert_never

from callscope.core.ports import Prepared
from callscope.core.state import Conversation
from callscope.core.values import CallKey, Item, JsonObject, Message, Reasoning, Request, ToolCall, ToolResult
from callscope.dialects.chat.request import History, encoded, items_to_send, request_headers, system_messages
from callscope.dialects.chat.tools import tool_members
from callscope.dialects.choices import told

from .thread import thread_headers
from .urls import chat_url

DEFAULT_MODEL: Final = "agent"
"""Some agents answer 422 without a model; none of those seen chooses by it."""


def prepare(conversation: Conversation) -> Prepared:
    """The next request. Raises UsageError where the settings have no usable URL."""
    settings = conversation.settings
    history = History(conversation.exchange)
    for item in in_the_agents_order(items_to_send(conversation)):
        history.add(item)
    messages = system_messages(settings) + [_with_text(message) for message in history.finish()]
    body: JsonObject = {"model": settings.model or DEFAULT_MODEL, "messages": messages}
    body.update(tool_members(settings, conversation.tools))
    body["stream"] = settings.stream
    thread = conversation.thread or settings.thread
    if thread:
        body["extra_body"] = {"thread_id": thread}
    body.update(settings.parameters)
    headers = (*request_headers(settings), *thread_headers(thread))
    request = Request("POST", chat_url(settings.url), headers, encoded(body))
    return Prepared(request, (*told(conversation), *history.diagnostics))


def _with_text(message: JsonObject) -> JsonObject:
    """The message with an empty text for none: agents that check messages want a string."""
    return {**message, "content": ""} if message.get("content") is None and "refusal" not in message else message


def in_the_agents_order(items: Sequence[Item]) -> Iterator[Item]:
    """The items with each response's remote calls, and their results, before its words, as an exchange of their own.

    A call without a result stays out, as servers refuse a history with one.
    """
    told = {item.key: item for item in items if isinstance(item, ToolResult)}
    ran = {item.key: item for item in items if isinstance(item, ToolCall) and item.executor == "remote"}
    written: set[int] = set()
    for item in items:
        response = _response(item)
        if response and response not in written:
            written.add(response)
            calls = [call for key, call in ran.items() if key.exchange == response and key in told]
            yield from (replace(call, executor="local", key=_apart(call.key)) for call in calls)
            yield from (replace(told[call.key], key=_apart(call.key)) for call in calls)
        if not isinstance(item, ToolCall | ToolResult) or item.key not in ran:
            yield item


def _apart(key: CallKey) -> CallKey:
    return CallKey(-key.exchange, key.index)


def _response(item: Item) -> int:
    """The response that an item came in or answers; 0 for the person's words."""
    match item:
        case Message() | Reasoning():
            return item.response
        case ToolCall() | ToolResult():
            return item.key.exchange
        case _:
            assert_never(item)
