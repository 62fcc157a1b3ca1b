"""Tools as Chat Completions writes them: definitions nested under their kind, or as the legacy `functions`.

Knows the members `tools`, `tool_choice` and `parallel_tool_calls`, and those before them. Must not know messages, nor
what can be said at all (`choices` does).

Spec: https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from callscope.core.values import Json, JsonObject, Settings, ToolSpec
from callscope.dialects.choices import Allowed, Choice, Offer, Raw, forms, offer

EMPTY_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}


def tool_members(settings: Settings, tools: Sequence[ToolSpec]) -> JsonObject:
    """Tools and what goes with them: servers answer 400 to tool_choice and parallel_tool_calls without tools."""
    found = offer(settings, tools)
    if not found.tools:
        return {}
    if "functions" in forms(settings):
        return _legacy_members(found)
    members: JsonObject = {"tools": [tool_definition(tool) for tool in found.tools]}
    if found.choice is not None:
        members["tool_choice"] = _written(found.choice, flat="flat-allowed" in forms(settings))
    if found.parallel is not None:
        members["parallel_tool_calls"] = found.parallel
    return members


def tool_definition(tool: ToolSpec) -> JsonObject:
    """A tool as a request carries it."""
    if tool.kind == "custom":
        return {"type": "custom", "custom": _named(tool) | ({"format": _format(tool)} if tool.parameters else {})}
    strict = {} if tool.strict is None else {"strict": tool.strict}
    return {"type": "function", "function": _function(tool) | strict}


def _function(tool: ToolSpec) -> JsonObject:
    return _named(tool) | {"parameters": tool.parameters or EMPTY_PARAMETERS}


def _named(tool: ToolSpec) -> JsonObject:
    return {"name": tool.name} | ({"description": tool.description} if tool.description else {})


def _format(tool: ToolSpec) -> JsonObject:
    """The format of a custom tool; a grammar written flat, as the Responses API has it, is nested once more here."""
    given = dict(tool.parameters)
    if given.get("type") == "grammar" and "grammar" not in given:
        return {"type": "grammar", "grammar": {name: value for name, value in given.items() if name != "type"}}
    return given


# ---- the choice -----------------------------------------------------------------------------------------------------


def _written(choice: Choice, *, flat: bool) -> Json:
    match choice:
        case Raw(value=value):
            return value
        case ToolSpec():
            return _chosen(choice)
        case Allowed(mode=mode, tools=tools):
            # ZenMux documents it without the inner level: https://docs.zenmux.ai/guide/advanced/tool-calls
            inner: JsonObject = {"mode": mode, "tools": [_chosen(tool) for tool in tools]}
            return {"type": "allowed_tools", **(inner if flat else {"allowed_tools": inner})}
        case _:
            assert_never(choice)


def _chosen(tool: ToolSpec) -> JsonObject:
    return {"type": tool.kind, tool.kind: {"name": tool.name}}


def _legacy_members(found: Offer) -> JsonObject:
    """What stood there before `tools`, deprecated and still taken."""
    members: JsonObject = {"functions": [_function(tool) for tool in found.tools]}
    match found.choice:
        case Raw(value=value):
            members["function_call"] = value
        case ToolSpec(name=name):
            members["function_call"] = {"name": name}
        case _:
            pass
    return members
