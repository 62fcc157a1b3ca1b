"""Tools as the Responses API writes them: definitions flat, beside their type.

Knows the members `tools`, `tool_choice` and `parallel_tool_calls`. Must not know input items, nor what can be said at
all (`choices` does).

Spec: https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from callscope.core.values import Json, JsonObject, Settings, ToolSpec
from callscope.dialects.chat.tools import EMPTY_PARAMETERS
from callscope.dialects.choices import Allowed, Choice, Raw, offer


def tool_members(settings: Settings, tools: Sequence[ToolSpec]) -> JsonObject:
    """Tools and what goes with them, which means nothing without tools."""
    found = offer(settings, tools)
    if not found.tools:
        return {}
    members: JsonObject = {"tools": [tool_definition(tool) for tool in found.tools]}
    if found.choice is not None:
        members["tool_choice"] = _written(found.choice)
    if found.parallel is not None:
        members["parallel_tool_calls"] = found.parallel
    return members


def tool_definition(tool: ToolSpec) -> JsonObject:
    """A tool as a request carries it; without `strict` the server tries strict mode, and falls back by itself."""
    definition: JsonObject = {"type": tool.kind, "name": tool.name}
    if tool.description:
        definition["description"] = tool.description
    if tool.kind == "custom":
        if tool.parameters:
            definition["format"] = _format(tool)
    else:
        definition["parameters"] = tool.parameters or EMPTY_PARAMETERS
        if tool.strict is not None:
            definition["strict"] = tool.strict
    return definition


def _format(tool: ToolSpec) -> JsonObject:
    """The format of a custom tool; a grammar that is nested, as Chat Completions has it, is one level less here."""
    given = dict(tool.parameters)
    grammar = given.get("grammar")
    if given.get("type") == "grammar" and isinstance(grammar, dict):
        return {"type": "grammar", **grammar}
    return given


def _written(choice: Choice) -> Json:
    match choice:
        case Raw(value=value):
            return value
        case ToolSpec():
            return _chosen(choice)
        case Allowed(mode=mode, tools=tools):
            return {"type": "allowed_tools", "mode": mode, "tools": [_chosen(tool) for tool in tools]}
        case _:
            assert_never(choice)


def _chosen(tool: ToolSpec) -> JsonObject:
    return {"type": tool.kind, "name": tool.name}
