"""Tools as Chat Completions writes them: definitions nested under their kind.

Knows the members `tools`, `tool_choice` and `parallel_tool_calls`. Must not know messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from callscope.core.values import Json, JsonObject, Settings, ToolSpec

EMPTY_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}


def tool_members(settings: Settings, tools: Sequence[ToolSpec]) -> JsonObject:
    """Tools and what goes with them: servers answer 400 to tool_choice and parallel_tool_calls without tools."""
    if not tools:
        return {}
    members: JsonObject = {"tools": [tool_definition(tool) for tool in tools]}
    if settings.tool_choice is not None:
        members["tool_choice"] = _choice(settings.tool_choice, tools)
    if settings.parallel is not None:
        members["parallel_tool_calls"] = settings.parallel
    return members


def tool_definition(tool: ToolSpec) -> JsonObject:
    """A tool as a request carries it."""
    definition: JsonObject = {"name": tool.name}
    if tool.description:
        definition["description"] = tool.description
    if tool.kind == "custom":
        if tool.parameters:
            definition["format"] = _format(tool.parameters)
    else:
        definition["parameters"] = tool.parameters or EMPTY_PARAMETERS
        if tool.strict is not None:
            definition["strict"] = tool.strict
    return {"type": tool.kind, tool.kind: definition}


def _format(given: Mapping[str, Any]) -> JsonObject:
    """The format of a custom tool; a grammar written flat, as the Responses API has it, is nested once more here."""
    if given.get("type") == "grammar" and "grammar" not in given:
        return {"type": "grammar", "grammar": {name: value for name, value in given.items() if name != "type"}}
    return dict(given)


def _choice(choice: Json, tools: Sequence[ToolSpec]) -> Json:
    """A tool's bare name means that tool; all else goes as it is."""
    tool = next((tool for tool in tools if tool.name == choice), None)
    if tool is None or choice in ("auto", "none", "required"):
        return choice
    return {"type": tool.kind, tool.kind: {"name": tool.name}}
