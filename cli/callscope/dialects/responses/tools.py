"""Tools as the Responses API writes them: definitions flat, beside their type.

Knows the members `tools`, `tool_choice` and `parallel_tool_calls`. Must not know input items.
"""

from __future__ import annotations

from collections.abc import Sequence

from callscope.core.values import JsonObject, Settings, ToolSpec
from callscope.dialects.chat.tools import EMPTY_PARAMETERS


def tool_members(settings: Settings, tools: Sequence[ToolSpec]) -> JsonObject:
    """Tools and what goes with them, which means nothing without tools."""
    if not tools:
        return {}
    members: JsonObject = {"tools": [tool_definition(tool) for tool in tools]}
    if settings.tool_choice is not None:
        named = next((tool for tool in tools if tool.name == settings.tool_choice), None)
        members["tool_choice"] = {"type": named.kind, "name": named.name} if named else settings.tool_choice
    if settings.parallel is not None:
        members["parallel_tool_calls"] = settings.parallel
    return members


def tool_definition(tool: ToolSpec) -> JsonObject:
    """A tool as a request carries it."""
    definition: JsonObject = {"type": tool.kind, "name": tool.name}
    if tool.description:
        definition["description"] = tool.description
    if tool.kind == "custom":
        if tool.parameters:
            definition["format"] = dict(tool.parameters)
    else:
        definition["parameters"] = tool.parameters or EMPTY_PARAMETERS
        if tool.strict is not None:
            definition["strict"] = tool.strict
    return definition
