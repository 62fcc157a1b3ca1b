"""A lint of tool definitions, whole: every rule, in the order of the tools.

Knows which rules apply when. Must not know files, nor how findings are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from callscope.core.values import ToolSpec

from . import consistency, dialects, providers, strict, wording
from .findings import Finding, Provider

ORDER = {"error": 0, "warning": 1, "info": 2}


def lint(
    tools: Sequence[ToolSpec],
    *,
    provider: Provider,
    dialect: str = "chat",
    without_run: Collection[str] = (),
    holds_secret: Callable[[str], bool],
) -> list[Finding]:
    """All findings: tool by tool, the worst of each first, then what concerns all tools together.

    Strict mode's rules are OpenAI's; they are held against tools that ask for it (`strict: true`).
    """
    found = [
        *consistency.broken_rules(tools, holds_secret),
        *providers.broken_rules(tools, provider),
        *dialects.broken_rules(tools, provider, dialect),
        *_strict(tools),
        *wording.broken_rules(tools),
        *(
            Finding("no-run", tool.name, "$", "give it a `run`, or a mock", tool.source)
            for tool in tools
            if tool.name in without_run
        ),
    ]
    places = {tool.name: place for place, tool in enumerate(tools)}
    return sorted(found, key=lambda one: (places.get(one.tool, len(places)), ORDER[one.severity]))


def _strict(tools: Sequence[ToolSpec]) -> list[Finding]:
    return [
        Finding(rule, tool.name, path.replace("$", "$.parameters", 1), message, tool.source)
        for tool in tools
        if tool.strict and tool.kind == "function"
        for rule, path, message in strict.broken_rules(tool.parameters)
    ]
