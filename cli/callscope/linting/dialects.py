"""What a protocol has no place for, or reads otherwise than its sibling: custom tools, formats, a missing `strict`.

Knows that custom tools are OpenAI's, and what their formats may be. Must not know how a definition is written.

Spec: https://platform.openai.com/docs/guides/function-calling#custom-tools
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from callscope.core.values import ToolSpec

from .findings import Finding, Provider
from .strict import LOOKAROUNDS
from .strictness import verdict

SYNTAXES = ("lark", "regex")


def broken_rules(tools: Sequence[ToolSpec], provider: Provider, dialect: str) -> Iterator[Finding]:
    """What this provider, spoken to in this dialect, would refuse or read otherwise."""
    for tool in tools:
        if tool.kind == "custom":
            yield from _custom(tool, provider, dialect)
        elif dialect == "responses" and tool.strict is None:
            message = f"{verdict(tool, dialect)}; write strict: true or false"
            yield Finding("strict-unsaid", tool.name, "$.strict", message, tool.source)


def _custom(tool: ToolSpec, provider: Provider, dialect: str) -> Iterator[Finding]:
    if provider != "openai" or dialect == "acf":
        message = "offer a function with one parameter of type string instead"
        yield Finding("custom-refused", tool.name, "$.type", message, tool.source)
    elif problem := _format_problem(tool.parameters):
        yield Finding("format-refused", tool.name, *problem, tool.source)


def _format_problem(given: Mapping[str, Any]) -> tuple[str, str] | None:
    """Where a format is wrong, and what to do; a grammar may be written flat or nested."""
    if not given or given.get("type") == "text":
        return None
    if given.get("type") != "grammar":
        return "$.format.type", "write text or grammar"
    nested = given.get("grammar")
    grammar, path = (nested, "$.format.grammar") if isinstance(nested, Mapping) else (given, "$.format")
    definition = grammar.get("definition")
    if grammar.get("syntax") not in SYNTAXES:
        return f"{path}.syntax", f"write {' or '.join(SYNTAXES)}"
    if not isinstance(definition, str) or not definition.strip():
        return f"{path}.definition", "write the grammar as a text"
    if any(look in definition for look in LOOKAROUNDS):
        return f"{path}.definition", "write it without lookahead and lookbehind"
    return None
