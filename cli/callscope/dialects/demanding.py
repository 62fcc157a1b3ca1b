"""What a request demanded, and what of its answer is not as it was asked for: read from its exact body.

Knows the members of Chat Completions, of the legacy functions and of the Responses API that say which tools may be
called, and the one by which every protocol asks for a stream. Must not know settings (a person's settings say what was
meant, the body says what left), nor what becomes of a call that was not allowed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

from callscope.core.events import Diagnostic
from callscope.core.values import JsonObject, ToolCall

from .diagnostics import diagnostic, excerpt
from .shapes import objects

Mode = Literal["unset", "none", "auto", "required", "one", "some", "own"]
"""How calls were asked for: `one` tool by name, `some` of the tools (`allowed_tools`), or in a server's own words."""

NOT_ALLOWED = "call_not_allowed"
_CHOICES = (b'"tool_choice"', b'"function_call"')
_MEMBERS = (*_CHOICES, b'"parallel_tool_calls"')
_HOSTED = frozenset(
    (
        "apply_patch",
        "code_interpreter",
        "computer",
        "computer_use",
        "computer_use_preview",
        "file_search",
        "image_generation",
        "local_shell",
        "mcp",
        "shell",
        "web_search",
        "web_search_preview",
    )
)
"""Tools that a choice names by their type: https://platform.openai.com/docs/api-reference/responses/create"""
_DATE = re.compile(r"_20\d\d_?\d\d_?\d\d$")
_MODES: dict[str, Mode] = {"none": "none", "auto": "auto", "required": "required", "any": "required"}


class Demand(NamedTuple):
    """Which member chooses, how, the tools that it names, whether it asks for a call, and the tools on offer."""

    member: str
    mode: Mode
    named: tuple[str, ...]
    obliges: bool
    tools: tuple[str, ...]

    def forbids(self, name: str) -> str:
        """Why a call of this tool is not allowed, in words; "" where it is."""
        if self.mode == "none":
            return f"{self.member} was none"
        if self.mode in ("one", "some") and name not in self.named:
            alone = f"{excerpt(', '.join(self.named))} alone" if self.named else "no tool"
            return f"{self.member} allowed {alone}"
        return ""


def not_allowed(raw: bytes, calls: Sequence[ToolCall]) -> Iterator[Diagnostic]:
    """What is to be said of calls that a request of this body did not allow; those that the peer runs are its own."""
    ours = [call for call in calls if call.executor == "local"]
    if not ours or not any(member in raw for member in _MEMBERS):
        return  # a body may be megabytes: it is read only where it can say anything
    body = body_of(raw) or {}
    demand = demand_of(body)
    for call in ours:
        if reason := demand.forbids(call.name):
            yield diagnostic(NOT_ALLOWED, call.key, name=excerpt(call.name), text=reason)
    if body.get("parallel_tool_calls") is False:
        for call in ours[1:]:
            yield diagnostic("call_not_alone", call.key, name=excerpt(call.name))


def forced(raw: bytes) -> str:
    """The tool that a request of this body demanded by its name; "" where it left any choice."""
    if not any(member in raw for member in _CHOICES):
        return ""
    demand = demand_of(body_of(raw) or {})
    return demand.named[0] if demand.mode == "one" else ""


def not_streamed(raw: bytes) -> Iterator[Diagnostic]:
    """What is to be said of an answer in one piece to a request of this body; nothing where that was asked for."""
    if b'"stream"' in raw and (body_of(raw) or {}).get("stream") is True:
        yield diagnostic("answer_in_one_piece")


def demand_of(body: JsonObject) -> Demand:
    """What a body says of which of its tools may be called."""
    member = "tool_choice" if "tool_choice" in body or "function_call" not in body else "function_call"
    mode, named, obliges = mode_of(body.get(member))
    offered = (*objects(body.get("tools")), *objects(body.get("functions")))
    tools = tuple(filter(None, map(name_of, offered)))
    if mode == "own" and not set(tools).isdisjoint(named):
        mode = "one"  # the word is a tool's name
    return Demand(member, mode, named, obliges, tools)


def mode_of(choice: Any) -> tuple[Mode, tuple[str, ...], bool]:
    """What a tool choice of any shape means, the tools that it names, and whether it asks for a call."""
    match choice:
        case None:
            return "unset", (), False
        case str():
            mode = _MODES.get(choice)
            return (mode, (), mode == "required") if mode else ("own", (choice,), True)
        case {"type": "allowed_tools", **rest}:
            inner = rest.get("allowed_tools")
            allowed = inner if isinstance(inner, dict) else rest
            entries = list(objects(allowed.get("tools")))
            mode = "some" if not entries or any(map(_is_known, entries)) else "own"
            return mode, tuple(filter(None, map(name_of, entries))), allowed.get("mode") == "required"
        case {"type": "none" | "auto" | "any" | "required" as word} if "name" not in choice:
            return mode_of(word)  # Anthropic's shape: https://docs.anthropic.com/en/docs/agents-and-tools/tool-use
        case dict():
            mode = "one" if _is_known(choice) else "own"
            return (mode, (name,), True) if (name := name_of(choice)) else ("unset", (), False)
        case _:
            return "unset", (), False


def _is_known(entry: JsonObject) -> bool:
    """Whether an entry names a tool in a shape that is documented: a tool of ours by its name, or a hosted one."""
    if _is_hosted(entry):
        return True
    part = part_of(entry)
    return isinstance(part.get("name"), str) and (part is not entry or entry.get("type") in ("function", "custom"))


def _is_hosted(entry: JsonObject) -> bool:
    """Whether an entry names a tool of the server's, whatever its version."""
    kind = entry.get("type")
    return isinstance(kind, str) and _DATE.sub("", kind) in _HOSTED


def name_of(entry: JsonObject) -> str:
    """The name of a definition or a choice; a hosted tool has none but its type (an `mcp` may name a tool of it)."""
    name, kind = part_of(entry).get("name"), entry.get("type")
    if isinstance(name, str) and not _is_hosted(entry):
        return name
    return kind if isinstance(kind, str) and kind not in ("function", "custom") else ""


def part_of(entry: JsonObject) -> JsonObject:
    """What of an entry stands under its kind; the entry itself where it is flat."""
    return next((part for kind in ("function", "custom") if isinstance(part := entry.get(kind), dict)), entry)


def body_of(raw: bytes) -> JsonObject | None:
    """The JSON object of a body."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
