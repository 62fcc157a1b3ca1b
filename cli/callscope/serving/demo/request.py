"""Reads a Chat Completions request as strictly as the strictest servers do.

Knows what a valid request is and which words to refuse another with. Must not know how it will be answered. It is
strict so that a client's history is put to a real test: a call without a result or a result without a call is a 400.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .ask import (
    NAME,
    Ask,
    PastCall,
    Tool,
    choice,
    document,
    is_object,
    limit,
    parallel,
    tokens,
    typed,
    wrong,
)
from .legacy import modern

ROLES = ("system", "developer", "user", "assistant", "tool")


def read(body: bytes) -> Ask:
    """The request in `body`; raises Refused."""
    told = document(body)
    data = modern(told)
    messages = _list(data, "messages")
    if not messages:
        raise wrong("'messages' must have at least one message.", "messages")
    calls = _history(messages)
    stream, include_usage = _streaming(data)
    tools = tuple(_tools(data))
    chosen, allowed = choice(data, tools, _name_in)
    since = _calls_since_the_prompt(messages)
    return Ask(
        model=typed(data, "model", str, ""),
        prompt=next((_text(m["content"]) for m in reversed(messages) if m["role"] == "user"), ""),
        tools=allowed,
        results=tuple(calls[len(calls) - since :]),
        calls_before=len(calls),
        last_call=calls[-1].name if calls else "",
        choice=chosen,
        parallel=parallel(data, tools),
        stream=stream,
        include_usage=include_usage,
        think=data.get("reasoning_effort") not in (None, "none"),
        max_tokens=limit(data, "max_tokens", "max_completion_tokens"),
        prompt_tokens=tokens([*messages, *(data.get("tools") or ())]),
        legacy=told.get("functions") is not None,
    )


# ---- members of the request -------------------------------------------------------------------------------------


def _list(data: dict[str, Any], name: str) -> list[Any]:
    value: list[Any] = typed(data, name, list, None)
    return value


def _streaming(data: dict[str, Any]) -> tuple[bool, bool]:
    stream: bool = typed(data, "stream", bool, default=False)
    options: dict[str, Any] = typed(data, "stream_options", dict, {})
    if options and not stream:
        raise wrong("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
    if data.get("n") not in (None, 1):
        raise wrong("This server gives one choice: 'n' must be 1.", "n")
    return stream, options.get("include_usage") is True


def _name_in(entry: dict[str, Any]) -> Any:
    named = entry.get(entry["type"])
    return named.get("name") if isinstance(named, dict) else None


def _tools(data: dict[str, Any]) -> Iterator[Tool]:
    names: set[str] = set()
    if data.get("tools") == []:
        raise wrong("[] is too short - 'tools'", "tools")
    for place, entry in enumerate(typed(data, "tools", list, [])):
        path = f"tools[{place}]"
        kind = entry.get("type") if isinstance(entry, dict) else None
        if kind not in ("function", "custom"):
            raise wrong(f"Invalid value for '{path}.type': {json.dumps(kind)}.", f"{path}.type")
        inner = entry.get(kind)
        if not isinstance(inner, dict):
            raise wrong(f"Missing required parameter: '{path}.{kind}'.", f"{path}.{kind}")
        name, schema = inner.get("name"), inner.get("parameters") or {}
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise wrong(f"Invalid '{path}.{kind}.name': it must match ^[a-zA-Z0-9_-]{{1,64}}$.", f"{path}.{kind}.name")
        if name in names:
            raise wrong(f"Tool names must be unique: {name!r} comes twice.", f"{path}.{kind}.name")
        if not isinstance(schema, dict) or schema.get("type", "object") != "object":
            raise wrong(f"Invalid schema for function '{name}': 'type' must be \"object\".", f"{path}.parameters")
        names.add(name)
        yield Tool(name, str(inner.get("description") or ""), schema, kind)


# ---- the history --------------------------------------------------------------------------------------------------


def _history(messages: list[Any]) -> list[PastCall]:
    """Every call with its result, in order; each must be answered before anything else is said."""
    calls: list[PastCall] = []
    owed: dict[str, tuple[str, str]] = {}
    for place, message in enumerate(messages):
        path = f"messages[{place}]"
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ROLES:
            raise wrong(f"Invalid value for '{path}.role': {json.dumps(role)}. Supported: {', '.join(ROLES)}.", path)
        if role == "tool":
            calls.append(_result(message, owed, path))
            continue
        _refuse_owed(owed, path)
        _content(message, path)
        if role == "assistant":
            owed = _made_calls(message, path)
    _refuse_owed(owed, "messages")
    return calls


def _refuse_owed(owed: dict[str, tuple[str, str]], path: str) -> None:
    if owed:
        raise wrong(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(owed)}",
            path,
        )


def _result(message: dict[str, Any], owed: dict[str, tuple[str, str]], path: str) -> PastCall:
    call_id = message.get("tool_call_id")
    if not isinstance(call_id, str) or call_id not in owed:
        raise wrong(
            "Messages with role 'tool' must be a response to a preceding message with 'tool_calls': "
            f"{json.dumps(call_id)} is the id of no open call.",
            f"{path}.tool_call_id",
        )
    _content(message, path)
    return PastCall(*owed.pop(call_id), _text(message["content"]))


def _made_calls(message: dict[str, Any], path: str) -> dict[str, tuple[str, str]]:
    entries = message.get("tool_calls")
    if entries is None:
        return {}
    if not isinstance(entries, list) or not entries:
        raise wrong(f"Invalid '{path}.tool_calls': it must be a list with at least one call.", f"{path}.tool_calls")
    made: dict[str, tuple[str, str]] = {}
    for place, entry in enumerate(entries):
        call_id, call = _made_call(entry, f"{path}.tool_calls[{place}]")
        if call_id in made:
            raise wrong(f"Duplicate tool call id {call_id!r} in one message.", f"{path}.tool_calls[{place}].id")
        made[call_id] = call
    return made


def _made_call(entry: Any, path: str) -> tuple[str, tuple[str, str]]:
    kind = entry.get("type") if isinstance(entry, dict) else None
    inner = entry.get(kind) if kind in ("function", "custom") else None
    if not isinstance(inner, dict):
        raise wrong(f"Invalid '{path}': a call needs a 'type' and a member of that name.", path)
    call_id, name = entry.get("id"), inner.get("name")
    arguments = inner.get("arguments" if kind == "function" else "input")
    if not isinstance(call_id, str) or not call_id:
        raise wrong(f"Invalid '{path}.id': empty string or no string.", f"{path}.id")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise wrong(f"Invalid '{path}.{kind}.name': it must match ^[a-zA-Z0-9_-]{{1,64}}$.", f"{path}.{kind}.name")
    if not isinstance(arguments, str) or (kind == "function" and not is_object(arguments)):
        raise wrong(
            f"Invalid '{path}.function.arguments': the model must have made a JSON object, written as a string.",
            f"{path}.function.arguments",
        )
    return call_id, (name, arguments)


def _content(message: dict[str, Any], path: str) -> None:
    content = message.get("content")
    if message["role"] == "assistant" and content is None and not {"tool_calls", "refusal"}.isdisjoint(message):
        return
    parts = content if isinstance(content, list) and content else [{"type": "text", "text": content}]
    for part in parts:
        if not isinstance(part, dict) or (part.get("type") == "text" and not isinstance(part.get("text"), str)):
            raise wrong(f"Invalid '{path}.content': expected a string or a list of parts.", f"{path}.content")


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content or () if part.get("type") == "text")


def _calls_since_the_prompt(messages: list[Any]) -> int:
    roles = [message["role"] for message in messages]
    start = len(roles) - roles[::-1].index("user") if "user" in roles else 0
    return roles[start:].count("tool")
