"""What single providers refuse: names, sizes, keywords.

Knows limits that were seen in the providers' own errors; the comments say where. Must not know how a model reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from callscope.core.values import ToolSpec

from .findings import Finding, Provider
from .walking import places

NAMES: dict[Provider, tuple[re.Pattern[str], str]] = {
    "openai": (re.compile(r"[a-zA-Z0-9_-]{1,64}"), "letters, digits, _ and -, at most 64"),
    # https://github.com/home-assistant/core/issues/147760
    "anthropic": (re.compile(r"[a-zA-Z0-9_-]{1,128}"), "letters, digits, _ and -, at most 128"),
    # https://ai.google.dev/api/caching#FunctionDeclaration
    "gemini": (
        re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}"),
        "a letter or _ first; letters, digits, _ . : -, at most 128",
    ),
    "mcp": (re.compile(r"[a-zA-Z0-9_./-]{1,128}"), "letters, digits, _ - . /, at most 128"),
}
LONGEST_DESCRIPTION = 1024  # https://github.com/getsentry/sentry-mcp/issues/106
MANY_TOOLS, MOST_TOOLS = 20, 128  # https://platform.openai.com/docs/guides/function-calling
# https://docs.cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/Schema has no field for these
REFUSED_BY_GEMINI = (
    "additionalProperties",
    "patternProperties",
    "propertyNames",
    "unevaluatedProperties",
    "unevaluatedItems",
    "$ref",
    "$schema",
    "const",
    "oneOf",
    "allOf",
    "not",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "uniqueItems",
    "contains",
    "prefixItems",
)


def broken_rules(tools: Sequence[ToolSpec], provider: Provider) -> Iterator[Finding]:
    """What this provider would refuse."""
    for tool in tools:
        pattern, wanted = NAMES[provider]
        if not pattern.fullmatch(tool.name):
            yield Finding("name-refused", tool.name, "$.name", f"{provider} wants {wanted}", tool.source)
        yield from _one(tool, provider)
    if provider == "openai" and len(tools) > MOST_TOOLS:
        yield Finding("too-many-tools", "", "$", f"{len(tools)} tools; OpenAI takes {MOST_TOOLS}")
    elif len(tools) > MANY_TOOLS:
        yield Finding("many-tools", "", "$", f"{len(tools)} tools; offer the {MANY_TOOLS} that the task needs")


def _one(tool: ToolSpec, provider: Provider) -> Iterator[Finding]:
    match provider:
        case "openai":
            if (size := len(tool.description)) > LONGEST_DESCRIPTION:
                message = f"{size:,} characters; OpenAI takes {LONGEST_DESCRIPTION:,}"
                yield Finding("description-too-long", tool.name, "$.description", message, tool.source)
        case "anthropic" if tool.kind == "function":
            for keyword in ("oneOf", "anyOf", "allOf"):
                if keyword in tool.parameters:
                    message = "put the union into a property"
                    yield Finding("root-union", tool.name, f"$.parameters.{keyword}", message, tool.source)
        case "gemini" if tool.kind == "function":
            for place in places(tool.parameters, "$.parameters"):
                for keyword in REFUSED_BY_GEMINI:
                    if keyword in place.schema:
                        message = f"Gemini's `parameters` has no {keyword} (its `parametersJsonSchema` has)"
                        yield Finding("keyword-refused", tool.name, f"{place.path}.{keyword}", message, tool.source)
        case _:
            return
