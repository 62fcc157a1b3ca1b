"""What strict mode comes to for each tool that is offered: asked for, refused by the schema, or left to the server.

Knows that Chat Completions takes a missing `strict` as false, and that the Responses API tries strict mode then and
falls back without a word. Must not know how a definition is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from callscope.core.values import ToolSpec

from .findings import RULES
from .strict import Broken, broken_rules


def refusals(tools: Sequence[ToolSpec]) -> Iterator[str]:
    """A sentence for each tool that asks for strict mode with a schema it does not take: path, rule, what to do."""
    for tool in tools:
        if tool.strict and (broken := _errors(tool)):
            yield f"strict mode refuses the schema of {tool.name}: {_first(broken)}; callscope tools lint says more"


def verdict(tool: ToolSpec, dialect: str) -> str:
    """What a person should know of the strictness of one tool, in a line."""
    if tool.kind == "custom":
        return "a custom tool has no schema"
    broken = _errors(tool)
    if tool.strict:
        return f"on, but refused: {_first(broken)}" if broken else "on"
    if tool.strict is False or dialect != "responses":
        return "off" if tool.strict is False else "not asked for, so off"
    if broken:
        return f"not said: the server tries it, and falls back to off: {_first(broken)}"
    return "not said: the server turns it on by itself"


def _errors(tool: ToolSpec) -> list[Broken]:
    if tool.kind == "custom":
        return []
    return [found for found in broken_rules(tool.parameters) if RULES[found[0]].severity == "error"]


def _first(broken: Sequence[Broken]) -> str:
    rule, path, advice = broken[0]
    more = f", and {len(broken) - 1} more" if len(broken) > 1 else ""
    return f"{path.replace('$', '$.parameters', 1)} ({rule}): {advice}{more}"
