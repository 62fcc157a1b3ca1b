"""A request that another program made, read back: its settings, its tools, and what is new in its messages.

Knows the request of Chat Completions, which the Agent Connect Framework shares, whoever wrote it. Must not know who
overhears it. Pure; what it cannot read it leaves out, because the exact request is recorded anyway. Of a call only its
result is known, when it goes back: not when it ran, nor whether the tool thought it an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from callscope.core.events import (
    CallDecided,
    Continued,
    ItemsInserted,
    OurEvent,
    ToolFinished,
    ToolStarted,
    UserMessage,
)
from callscope.core.state import Conversation
from callscope.core.values import (
    CallKey,
    CallKind,
    Item,
    JsonObject,
    Message,
    Reasoning,
    Request,
    Run,
    Settings,
    ToolCall,
    ToolResult,
    ToolSpec,
)
from callscope.dialects.acf.thread import THREAD_HEADERS

from .detecting import told_by_url
from .texts import PLAIN_REASONING, flat_text
from .urls import CHAT

DEEPEST: Final = 100
"""Levels of a body; a deeper one is made to hurt whoever walks through it."""

OLLAMA: Final = "/api/chat"
"""Ends in /chat as an agent's URL does, and is Ollama's own protocol: https://docs.ollama.com/api"""

_READ: Final = ("model", "messages", "tools", "tool_choice", "parallel_tool_calls", "stream")
_SYSTEM: Final = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Overheard:
    """What a request says of the conversation it belongs to; `messages` are all but the system prompt, as they came."""

    settings: Settings
    tools: tuple[ToolSpec, ...]
    messages: tuple[JsonObject, ...]


def overhear(request: Request) -> Overheard | None:
    """Read a request to a model or an agent; None for any other."""
    url = request.url.partition("?")[0]
    told = told_by_url(url) if request.method == "POST" and not url.endswith(OLLAMA) else None
    body = _body(request.body) if told else None
    if told is None or body is None:
        return None
    messages = [message for message in _list(body.get("messages")) if isinstance(message, dict)]
    if not messages:
        return None
    system = next((message for message in messages[:1] if message.get("role") in _SYSTEM), None)
    settings = Settings(
        dialect=told.dialect,
        url=request.url.removesuffix(CHAT) if told.dialect == "chat" else request.url,
        model=_text(body.get("model")),
        system=flat_text(system.get("content")) if system else None,
        tool_choice=body.get("tool_choice"),
        parallel=parallel if isinstance(parallel := body.get("parallel_tool_calls"), bool) else None,
        stream=body.get("stream") is True,
        approve="always",
        retries=0,
        parameters={name: value for name, value in body.items() if name not in _READ},
        thread=_thread(request, body),
    )
    rest = messages[1:] if system else messages
    return Overheard(settings, tuple(_tools(body.get("tools"))), tuple(rest))


def goes_on(conversation: Conversation, before: int, messages: Sequence[JsonObject]) -> int:
    """How surely these messages, of which the first `before` are those of the last request, go on with a conversation.

    0 they do not; 1 the last answer comes back with other ids or spaces; 2 it comes back as it was, or there was none.
    After an answer the messages have to repeat it; after a failure the same request may come once more.
    """
    response, new = conversation.response, messages[before:]
    if response is None or response.status == "streaming":
        return 0
    if response.status == "failed":
        return 0 if any(message.get("role") == "assistant" for message in new) else 2
    if not new or new[0].get("role") != "assistant" or any(each.get("role") == "assistant" for each in new[1:]):
        return 0
    heard = [(call.call_id, call.name) for call in response.chunks.calls if call.executor == "local"]
    repeated = [(_text(entry.get("id")), _named(entry)) for entry in _objects(new[0].get("tool_calls"))]
    if heard or repeated:
        return 2 if heard == repeated else int([name for _, name in heard] == [name for _, name in repeated])
    text, again = response.text("output"), flat_text(new[0].get("content"))
    return 2 if text == again else int(text.strip() == again.strip())


def told_anew(conversation: Conversation, new: Sequence[JsonObject]) -> Iterator[OurEvent]:
    """What the new messages of a conversation that goes on mean: its calls ran, then the person's words."""
    waiting: dict[str, CallKey] = {}
    results: list[ToolResult] = []
    said: list[str] = []
    for message in new:
        match message.get("role"):
            case "assistant":
                waiting = _waiting(conversation, message)
            case "tool" if (key := waiting.pop(_text(message.get("tool_call_id")), None)) is not None:
                results.append(ToolResult(key, _words(message)))
            case "user":
                said.append(_words(message))
            case _:
                pass
    yield from _ran(conversation, results)
    yield from _spoken(said)
    failed = conversation.response is not None and conversation.response.status == "failed"
    if failed and not said:
        yield Continued()  # the same once more


def _ran(conversation: Conversation, results: Sequence[ToolResult]) -> Iterator[OurEvent]:
    """That a program ran its calls is known by their results; it asked nobody whom we could have heard."""
    calls = [conversation.calls[result.key].call for result in results]
    yield from (CallDecided(call.key, Run(), "policy") for call in calls)
    yield from (ToolStarted(call.key, call.name, call.arguments) for call in calls)
    yield from map(ToolFinished, results)


def _waiting(conversation: Conversation, message: JsonObject) -> dict[str, CallKey]:
    """The calls without a result, by what the client calls them: by their places where it has names of its own."""
    keys = [record.call.key for record in conversation.calls.values() if record.result is None]
    ids = [_text(entry.get("id")) for entry in _objects(message.get("tool_calls"))]
    return dict(zip(ids, keys, strict=False)) if len(ids) == len(keys) else {}


def latest(messages: Sequence[JsonObject]) -> Sequence[JsonObject]:
    """The last answer and what came after it."""
    answers = [place for place, message in enumerate(messages) if message.get("role") == "assistant"]
    return messages[answers[-1] :] if answers else messages


def told_first(messages: Sequence[JsonObject]) -> Iterator[OurEvent]:
    """What the messages of a conversation mean that is overheard from here on: what went before, then what is asked."""
    answers = [place for place, message in enumerate(messages) if message.get("role") in ("assistant", "tool")]
    first_new = answers[-1] + 1 if answers else 0
    history = _History()
    for message in messages[:first_new]:
        history.add(message)
    if history.items:
        yield ItemsInserted(tuple(history.items), history.responses)
    said = [_words(message) for message in messages[first_new:] if message.get("role") == "user"]
    yield from _spoken(said)
    if not said:
        yield Continued()


def _spoken(said: Sequence[str]) -> Iterator[OurEvent]:
    """The last words begin the turn; any before them were never answered."""
    if said[:-1]:
        yield ItemsInserted(tuple(Message("user", words) for words in said[:-1]))
    if said:
        yield UserMessage(said[-1])


@dataclass(slots=True)
class _History:
    """Messages as items; each assistant message is the response of an exchange that nobody heard."""

    items: list[Item] = field(default_factory=list)
    responses: int = 0
    calls: dict[str, CallKey] = field(default_factory=dict)

    def add(self, message: JsonObject) -> None:
        match message.get("role"):
            case "user":
                self.items.append(Message("user", _words(message)))
            case "assistant":
                self.responses += 1
                self.items += self._response(message)
            case "tool" if (key := self.calls.pop(_text(message.get("tool_call_id")), None)) is not None:
                self.items.append(ToolResult(key, _words(message)))
            case _:
                pass

    def _response(self, message: JsonObject) -> Iterator[Item]:
        reasoning = {name: message[name] for name in PLAIN_REASONING if isinstance(message.get(name), str)}
        if reasoning:
            yield Reasoning(next(iter(reasoning.values())), self.responses, reasoning)
        if words := _words(message):
            yield Message("assistant", words, self.responses)
        if refusal := _text(message.get("refusal")):
            yield Message("assistant", refusal, self.responses, refusal=True)
        for index, entry in enumerate(_objects(message.get("tool_calls"))):
            call = _call(CallKey(self.responses, index), entry)
            self.calls[call.call_id] = call.key
            yield call


def _call(key: CallKey, entry: JsonObject) -> ToolCall:
    kind: CallKind = "custom" if isinstance(entry.get("custom"), dict) else "function"
    arguments = _part(entry).get("input" if kind == "custom" else "arguments")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return ToolCall(key, _text(entry.get("id")), _named(entry), text, kind)


def _named(entry: JsonObject) -> str:
    return _text(_part(entry).get("name"))


def _part(entry: JsonObject) -> JsonObject:
    """What of a call or a definition stands under its kind; the entry itself where it is flat."""
    return next((part for kind in ("custom", "function") if isinstance(part := entry.get(kind), dict)), entry)


def _words(message: JsonObject) -> str:
    """The text of a message; what is no text (an image) is named in brackets."""
    content = message.get("content")
    if not isinstance(content, list):
        return flat_text(content)
    return "".join(flat_text(part) or f"[{_text(part.get('type')) or 'part'}]" for part in _objects(content))


def _tools(value: Any) -> Iterator[ToolSpec]:
    """The tools that are offered, nested under their kind or flat; what has no name is none."""
    for entry in _objects(value):
        part, custom = _part(entry), entry.get("type") == "custom"
        parameters, strict = part.get("format" if custom else "parameters"), part.get("strict")
        if name := _text(part.get("name")):
            yield ToolSpec(
                name,
                _text(part.get("description")),
                parameters if isinstance(parameters, dict) else {},
                "custom" if custom else "function",
                strict if isinstance(strict, bool) else None,
                "the request",
            )


def _thread(request: Request, body: JsonObject) -> str | None:
    """The thread that the client asks for."""
    extra = body.get("extra_body")
    named = _text(extra.get("thread_id")) if isinstance(extra, Mapping) else ""
    names = [name.lower() for name in THREAD_HEADERS]
    return named or next((value for name, value in request.headers if name.lower() in names and value), None)


def _body(raw: bytes) -> JsonObject | None:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) and _is_shallow(body) else None


def _is_shallow(body: JsonObject) -> bool:
    level: list[Any] = [body]
    for _ in range(DEEPEST):
        below = [value for value in level if isinstance(value, dict | list)]
        level = [each for value in below for each in (value.values() if isinstance(value, dict) else value)]
        if not level:
            return True
    return False


def _objects(value: Any) -> list[JsonObject]:
    return [each for each in _list(value) if isinstance(each, dict)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
