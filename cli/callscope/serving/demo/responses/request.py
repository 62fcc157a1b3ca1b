"""Reads a request of the Responses API as strictly as the strictest servers do.

Knows the members of a request and its flat tools. Must not know the history (`history`) nor how it will
be answered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from callscope.serving.demo.ask import NAME, Ask, Tool, choice, limit, parallel, tokens, typed, wrong

from .history import Item, calls_in, newest_prompt, since_the_prompt

ENCRYPTED: Final = "reasoning.encrypted_content"
INCLUDABLE: Final = (
    ENCRYPTED,
    "file_search_call.results",
    "message.output_text.logprobs",
    "web_search_call.action.sources",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request wants besides an answer; `echoed` are members that the reply repeats."""

    stored: bool
    encrypted: bool
    previous: str
    echoed: dict[str, Any]


def input_items(data: dict[str, Any]) -> list[Any]:
    """The new input items; words alone are a message."""
    given = data.get("input")
    if given is None and "messages" in data:
        raise wrong("Unsupported parameter: 'messages'. In the Responses API it is called 'input'.", "messages")
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    if not isinstance(given, list):
        raise wrong("Missing required parameter: 'input', a string or a list of items.", "input")
    if not given and not data.get("previous_response_id"):
        raise wrong("'input' must have at least one item.", "input")
    return given


def wanted(data: dict[str, Any]) -> Wanted:
    """What a request says about storing, including and continuing; raises Refused."""
    if data.get("background"):
        raise wrong("This server answers nothing in the background: 'background' must be false.", "background")
    if data.get("conversation") is not None:
        raise wrong("This server keeps responses, not conversations: use 'previous_response_id'.", "conversation")
    include = typed(data, "include", list, [])
    for each in include:
        if each not in INCLUDABLE:
            raise wrong(f"Invalid value for 'include': {json.dumps(each)}.", "include")
    stored = typed(data, "store", bool, default=True)
    previous = typed(data, "previous_response_id", str, "")
    echoed = {
        "instructions": typed(data, "instructions", str, "") or None,
        "max_output_tokens": data.get("max_output_tokens"),
        "parallel_tool_calls": data.get("parallel_tool_calls", True),
        "previous_response_id": previous or None,
        "reasoning": {"effort": _effort(data), "summary": "auto" if _effort(data) else None},
        "store": stored,
        "tool_choice": data.get("tool_choice", "auto"),
        "tools": data.get("tools") or [],
        "metadata": typed(data, "metadata", dict, {}),
    }
    return Wanted(stored, ENCRYPTED in include, previous, echoed)


def read(data: dict[str, Any], history: list[Item]) -> Ask:
    """The request, whose whole history was checked; raises Refused."""
    stream: bool = typed(data, "stream", bool, default=False)
    if typed(data, "stream_options", dict, {}) and not stream:
        raise wrong("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
    tools = tuple(_tools(data))
    chosen, allowed = choice(data, tools, lambda entry: entry.get("name"))
    calls = calls_in(history)
    return Ask(
        model=typed(data, "model", str, ""),
        prompt=newest_prompt(history),
        tools=allowed,
        results=tuple(calls[len(calls) - since_the_prompt(history) :]),
        calls_before=len(calls),
        last_call=calls[-1].name if calls else "",
        choice=chosen,
        parallel=parallel(data, tools),
        stream=stream,
        include_usage=True,
        think=_effort(data) not in (None, "none"),
        max_tokens=limit(data, "max_output_tokens"),
        prompt_tokens=tokens([*history, *(data.get("tools") or ())]),
    )


def _effort(data: dict[str, Any]) -> Any:
    return typed(data, "reasoning", dict, {}).get("effort")


def _tools(data: dict[str, Any]) -> Iterator[Tool]:
    names: set[str] = set()
    for place, entry in enumerate(typed(data, "tools", list, [])):
        path = f"tools[{place}]"
        kind = entry.get("type") if isinstance(entry, dict) else None
        if kind not in ("function", "custom"):
            raise wrong(f"Invalid value for '{path}.type': {json.dumps(kind)}.", f"{path}.type")
        name = entry.get("name")
        if name is None and isinstance(entry.get(kind), dict):
            message = f"Missing required parameter: '{path}.name'. Tools are flat here: nothing stands in '{kind}'."
            raise wrong(message, f"{path}.name")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise wrong(f"Invalid '{path}.name': it must match ^[a-zA-Z0-9_-]{{1,64}}$.", f"{path}.name")
        if name in names:
            raise wrong(f"Tool names must be unique: {name!r} comes twice.", f"{path}.name")
        names.add(name)
        schema = _schema(entry, path) if kind == "function" else _format(entry, path)
        yield Tool(name, str(entry.get("description") or ""), schema, kind)


def _schema(entry: dict[str, Any], path: str) -> dict[str, Any]:
    schema = entry.get("parameters") or {}
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        message = f"Invalid schema for function '{entry['name']}': 'type' must be \"object\"."
        raise wrong(message, f"{path}.parameters")
    return schema


def _format(entry: dict[str, Any], path: str) -> dict[str, Any]:
    """The form of a custom tool's text is checked, and not obeyed."""
    form = entry.get("format") or {"type": "text"}
    kind = form.get("type") if isinstance(form, dict) else None
    grammar = kind == "grammar" and form.get("syntax") in ("lark", "regex") and isinstance(form.get("definition"), str)
    if kind != "text" and not grammar:
        raise wrong(f"Invalid value for '{path}.format': a text, or a grammar of lark or regex.", f"{path}.format")
    return {}
