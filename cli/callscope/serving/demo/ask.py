"""What a request asks of the demo agent, as values, and how members of a request are read strictly.

Knows the words in which servers refuse a request. Must not know any one protocol.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
MODES = ("none", "auto", "required")


class Refused(Exception):
    """A request that gets an error for an answer, in OpenAI's shape."""

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "error": {"message": message, "type": "invalid_request_error", "param": param, "code": code},
        }


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool the client offers; `parameters` is its JSON Schema (empty for a custom tool)."""

    name: str
    description: str
    parameters: dict[str, Any]
    kind: Literal["function", "custom"] = "function"


@dataclass(frozen=True, slots=True)
class PastCall:
    """A call in the history, and its result."""

    name: str
    arguments: str
    result: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A valid request: what to answer, with which tools, in which form.

    `prompt` is the newest message of the user, `results` are the calls since then, `calls_before` counts the calls of
    the whole history, `last_call` names the newest tool called; `choice` is a mode or the name of a tool. A `legacy`
    request offers `functions` and gets a `function_call`.
    """

    model: str
    prompt: str
    tools: tuple[Tool, ...]
    results: tuple[PastCall, ...]
    calls_before: int
    last_call: str
    choice: str
    parallel: bool
    stream: bool
    include_usage: bool
    think: bool
    max_tokens: int | None
    prompt_tokens: int
    legacy: bool = False


# ---- members --------------------------------------------------------------------------------------------------------


def document(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; raises Refused."""
    try:
        data = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"We could not parse the JSON body of your request: {error}") from error
    if not isinstance(data, dict):
        raise wrong("The body must be a JSON object.", None)
    return data


def wrong(message: str, param: str | None) -> Refused:
    """A refusal of what a member says."""
    return Refused(400, message, param)


def typed(data: dict[str, Any], name: str, kind: type, default: Any) -> Any:
    """A member of this type, or its default; a default of None means that it is required."""
    value = data.get(name)
    if value is None:
        if default is None:
            raise wrong(f"Missing required parameter: '{name}'.", name)
        return default
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise wrong(f"Invalid type for '{name}': expected {kind.__name__}, but got {type(value).__name__}.", name)
    return value


def limit(data: dict[str, Any], *names: str) -> int | None:
    """The least of the token limits that a request sets."""
    limits = [typed(data, name, int, 0) for name in names if data.get(name) is not None]
    if any(each < 1 for each in limits):
        raise wrong("The token limit must be at least 1.", names[0])
    return min(limits, default=None)


def parallel(data: dict[str, Any], tools: Sequence[Tool]) -> bool:
    """Whether calls may be made side by side."""
    if "parallel_tool_calls" in data and not tools:
        raise wrong("'parallel_tool_calls' is only allowed when 'tools' are specified.", "parallel_tool_calls")
    return bool(typed(data, "parallel_tool_calls", bool, default=True))


def is_object(arguments: str) -> bool:
    """Whether a text is a JSON object."""
    try:
        return isinstance(json.loads(arguments, parse_constant=_no_constant), dict)
    except (ValueError, RecursionError):
        return False


def tokens(items: Sequence[Any]) -> int:
    """About how many tokens the input has."""
    return -(-sum(len(json.dumps(item)) for item in items) // 4)


def choice(
    data: dict[str, Any], tools: tuple[Tool, ...], name_in: Callable[[dict[str, Any]], Any]
) -> tuple[str, tuple[Tool, ...]]:
    """A mode or the name of a tool, and the tools that may be called; `name_in` finds the name in an entry."""
    chosen = data.get("tool_choice")
    if chosen is None:
        return "auto", tools
    if not tools:
        raise wrong("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice")
    if chosen in MODES:
        return str(chosen), tools
    if isinstance(chosen, dict) and chosen.get("type") == "allowed_tools":
        return _allowed(chosen.get("allowed_tools", chosen), tools, name_in)
    return _known(chosen, tools, name_in).name, tools


def _allowed(
    inner: Any, tools: tuple[Tool, ...], name_in: Callable[[dict[str, Any]], Any]
) -> tuple[str, tuple[Tool, ...]]:
    mode = inner.get("mode") if isinstance(inner, dict) else None
    entries = inner.get("tools") if isinstance(inner, dict) else None
    if mode not in ("auto", "required") or not isinstance(entries, list) or not entries:
        raise wrong("Invalid value for 'tool_choice': allowed_tools needs a 'mode' and 'tools'.", "tool_choice")
    allowed = [_known(entry, tools, name_in) for entry in entries]
    return str(mode), tuple(tool for tool in tools if tool in allowed)


def _known(entry: Any, tools: tuple[Tool, ...], name_in: Callable[[dict[str, Any]], Any]) -> Tool:
    name = name_in(entry) if isinstance(entry, dict) and entry.get("type") in ("function", "custom") else None
    for tool in tools:
        if tool.name == name:
            return tool
    raise wrong(f"Invalid value for 'tool_choice': {json.dumps(entry)} names no tool of 'tools'.", "tool_choice")


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")
