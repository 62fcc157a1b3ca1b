"""A request that another program made, read back: its settings, its tools, and what is new in its messages.

Knows the request of Chat Completions, which the Agent Connect Framework shares, whoever wrote it, and takes that of the
Responses API as its messages. Must not know who overhears it. Pure; what it cannot read it leaves out, because the
exact request is recorded anyway. Of a call only its result is known, when it goes back: not when it ran, nor whether
the tool thought it an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

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
    Item,
    JsonObject,
    Message,
    Reasoning,
    Request,
    Run,
    Settings,
    ToolResult,
    ToolSpec,
)
from callscope.dialects.acf.thread import THREAD_HEADERS
from callscope.dialects.chat.legacy import is_legacy, modern
from callscope.dialects.responses.reading import PREVIOUS, Asked
from callscope.dialects.responses.reading import READ as READ_OF_RESPONSES
from callscope.dialects.responses.reading import asked as asked_of_responses

from .detecting import told_by_url
from .messages import History, named, part_of, words
from .shapes import objects, text_of
from .texts import flat_text
from .urls import CHAT, RESPONSES

DEEPEST: Final = 100
"""Levels of a body; a deeper one is made to hurt whoever walks through it."""

OLLAMA: Final = "/api/chat"
"""Ends in /chat as an agent's URL does, and is Ollama's own protocol: https://docs.ollama.com/api"""

_READ: Final = ("model", "messages", "tools", "tool_choice", "parallel_tool_calls", "stream")
_SYSTEM: Final = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Overheard:
    """What a request says of the conversation it belongs to; `messages` are all but the system prompt, as they came.

    `previous` is the response that the server knows all before of, "" where the request says it all.
    """

    settings: Settings
    tools: tuple[ToolSpec, ...]
    messages: tuple[JsonObject, ...]
    previous: str = ""


def overhear(request: Request) -> Overheard | None:
    """Read a request to a model or an agent; None for any other."""
    url = request.url.partition("?")[0]
    told = told_by_url(url) if request.method == "POST" and not url.endswith(OLLAMA) else None
    body = _body(request.body) if told else None
    if told is None or body is None:
        return None
    legacy = told.dialect == "chat" and is_legacy(body)
    body = modern(body) if legacy else body
    asked = _asked(body) if told.dialect != "responses" else asked_of_responses(body)
    if not asked.messages:
        return None
    settings = Settings(
        dialect=told.dialect,
        url=request.url if told.dialect == "acf" else request.url.removesuffix(CHAT).removesuffix(RESPONSES),
        model=text_of(body.get("model")),
        system=asked.system,
        tool_choice=body.get("tool_choice"),
        parallel=parallel if isinstance(parallel := body.get("parallel_tool_calls"), bool) else None,
        tool_forms=("functions",) if legacy else (),
        stream=body.get("stream") is True,
        history="server" if asked.previous else "full",
        approve="always",
        retries=0,
        parameters={name: value for name, value in body.items() if name not in _read(told.dialect)},
        thread=_thread(request, body),
    )
    return Overheard(settings, tuple(_tools(body.get("tools"))), tuple(asked.messages), asked.previous)


def _asked(body: JsonObject) -> Asked:
    messages = objects(body.get("messages"))
    if messages and messages[0].get("role") in _SYSTEM:
        return Asked(flat_text(messages[0].get("content")), messages[1:], "")
    return Asked(None, messages, "")


def _read(dialect: str) -> tuple[str, ...]:
    return _READ if dialect != "responses" else (*READ_OF_RESPONSES, PREVIOUS)


def goes_on_from(conversation: Conversation, previous: str) -> bool:
    """Whether the last answer of a conversation is the response of this id."""
    response = conversation.response
    ids = [item.extra.get("id") for item in conversation.items if _is_echo(item, response.exchange if response else 0)]
    return bool(previous) and previous in ids


def _is_echo(item: Item, exchange: int) -> TypeGuard[Reasoning]:
    return isinstance(item, Reasoning) and item.response == exchange > 0


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
    repeated = [(text_of(entry.get("id")), named(entry)) for entry in objects(new[0].get("tool_calls"))]
    if heard or repeated:
        return 2 if heard == repeated else int([name for _, name in heard] == [name for _, name in repeated])
    text, again = response.text("output"), flat_text(new[0].get("content"))
    return 2 if text == again else int(text.strip() == again.strip())


def told_anew(conversation: Conversation, new: Sequence[JsonObject]) -> Iterator[OurEvent]:
    """What the new messages of a conversation that goes on mean: its calls ran, then the person's words."""
    # a server that keeps what was said is told the results alone
    waiting = {each.call.call_id: key for key, each in conversation.calls.items() if each.result is None}
    results: list[ToolResult] = []
    said: list[str] = []
    for message in new:
        match message.get("role"):
            case "assistant":
                waiting = _waiting(conversation, message)
            case "tool" if (key := waiting.pop(text_of(message.get("tool_call_id")), None)) is not None:
                results.append(ToolResult(key, words(message)))
            case "user":
                said.append(words(message))
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
    ids = [text_of(entry.get("id")) for entry in objects(message.get("tool_calls"))]
    return dict(zip(ids, keys, strict=False)) if len(ids) == len(keys) else {}


def latest(messages: Sequence[JsonObject]) -> Sequence[JsonObject]:
    """The last answer and what came after it."""
    answers = [place for place, message in enumerate(messages) if message.get("role") == "assistant"]
    return messages[answers[-1] :] if answers else messages


def told_first(messages: Sequence[JsonObject]) -> Iterator[OurEvent]:
    """What the messages of a conversation mean that is overheard from here on: what went before, then what is asked."""
    answers = [place for place, message in enumerate(messages) if message.get("role") in ("assistant", "tool")]
    first_new = answers[-1] + 1 if answers else 0
    history = History()
    for message in messages[:first_new]:
        history.add(message)
    if history.items:
        yield ItemsInserted(tuple(history.items), history.responses)
    said = [words(message) for message in messages[first_new:] if message.get("role") == "user"]
    yield from _spoken(said)
    if not said:
        yield Continued()


def _spoken(said: Sequence[str]) -> Iterator[OurEvent]:
    """The last words begin the turn; any before them were never answered."""
    if said[:-1]:
        yield ItemsInserted(tuple(Message("user", words) for words in said[:-1]))
    if said:
        yield UserMessage(said[-1])


def _tools(value: Any) -> Iterator[ToolSpec]:
    """The tools that are offered, nested under their kind or flat; what has no name is none."""
    for entry in objects(value):
        part, custom = part_of(entry), entry.get("type") == "custom"
        parameters, strict = part.get("format" if custom else "parameters"), part.get("strict")
        if name := text_of(part.get("name")):
            yield ToolSpec(
                name,
                text_of(part.get("description")),
                parameters if isinstance(parameters, dict) else {},
                "custom" if custom else "function",
                strict if isinstance(strict, bool) else None,
                "the request",
            )


def _thread(request: Request, body: JsonObject) -> str | None:
    """The thread that the client asks for."""
    extra = body.get("extra_body")
    named = text_of(extra.get("thread_id")) if isinstance(extra, Mapping) else ""
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
