"""The tools of MCP servers as ours: names, schemas and hints.

Knows how MCP describes a tool. Must not know how a server is reached, nor what a result means.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from callscope.core.errors import UnusableFile
from callscope.core.values import Approval, ToolSpec
from callscope.tools.answers import concealed
from callscope.tools.definitions import LoadedTools, Tool
from callscope.tools.reading.schemas import schema_problem
from callscope.tools.words import did_you_mean

from .settings import McpServer, McpSource, McpTool

if TYPE_CHECKING:
    from mcp import types

LONGEST_NAME = 64
"""Characters: what Chat Completions takes; MCP allows 128, and dots."""


def tools_of(sources: Sequence[McpSource], environment: Mapping[str, str]) -> LoadedTools:
    """Start or reach every server and list its tools. Raises UnusableFile with the server's place in its file."""
    if not sources:
        return LoadedTools()
    servers = [source.server for source in sources]
    if importlib.util.find_spec("mcp") is None:
        raise UnusableFile(f'{servers[0].source}: MCP servers need an extra: pip install "callscope[mcp]".')
    from .client import McpUnavailable
    from .servers import SERVERS

    try:
        listed = SERVERS.list_tools(servers, environment)
    except McpUnavailable as trouble:
        words = concealed(str(trouble), secret_values(trouble.server, environment))
        raise UnusableFile(
            f"{trouble.server.source}: {words}. Mend it, or leave the server out with `disabled: true`."
        ) from None
    parts = [_loaded(source, found) for source, found in zip(sources, listed, strict=True)]
    return LoadedTools(
        tuple(tool for part in parts for tool in part.tools),
        tuple(dict.fromkeys(name for server in servers for name in server.secrets)),
        tuple(warning for part in parts for warning in part.warnings),
    )


def secret_values(server: McpServer, environment: Mapping[str, str]) -> list[str]:
    """What must not be shown of what the server was started with."""
    return [environment.get(name, "") for name in server.secrets]


def _loaded(source: McpSource, listed: Sequence[types.Tool]) -> LoadedTools:
    chosen = list(_chosen(source, listed))
    problems = {tool.name: problem for tool in chosen if (problem := _problem(tool))}
    tools = tuple(_named(source, [tool for tool in chosen if tool.name not in problems]))
    left_out = ", ".join(f"{name} ({problem})" for name, problem in problems.items())
    warnings = (f"{source.server.source}: of {source.server.name}, left out: {left_out}.",) if left_out else ()
    return LoadedTools(tools, (), warnings)


def _problem(tool: types.Tool) -> str | None:
    """Why a tool cannot be taken, or None."""
    if tool.execution is not None and tool.execution.task_support == "required":
        return "it runs as one of MCP's tasks alone, which are not spoken here"
    problem = schema_problem(tool.input_schema)
    return f"its inputSchema: {problem[1]}" if problem else None


def _chosen(source: McpSource, listed: Sequence[types.Tool]) -> Iterator[types.Tool]:
    names = [tool.name for tool in listed]
    for pattern in source.chosen:
        if not any(fnmatchcase(name, pattern) for name in names):
            known = ", ".join(names) or "none"
            hint = did_you_mean(pattern, names)
            raise UnusableFile(
                f"{source.server.source}: {source.server.name} has no tool {pattern}{hint}; it has: {known}."
            )
    for tool in listed:
        if not source.chosen or any(fnmatchcase(tool.name, pattern) for pattern in source.chosen):
            yield tool


def _named(source: McpSource, listed: Sequence[types.Tool]) -> Iterator[Tool]:
    """The tools, each with a name of its own that models' protocols take: `server__tool`, at most 64 characters."""
    taken: dict[str, int] = {}
    for tool in listed:
        name = re.sub(r"[^a-zA-Z0-9_-]", "_", f"{source.server.name}__{tool.name}")[:LONGEST_NAME]
        taken[name] = taken.get(name, 0) + 1
        yield _tool(source, tool, f"{name[: LONGEST_NAME - 4]}_{taken[name]}" if taken[name] > 1 else name)


def _tool(source: McpSource, tool: types.Tool, name: str) -> Tool:
    server, settings = source.server, source.settings
    spec = ToolSpec(
        name,
        (tool.description or tool.title or "").strip(),
        tool.input_schema,
        source=f"{server.source} (MCP {server.name}:{tool.name}{_hints(tool)})",
        approve=settings.approve or _approval(source, tool),
    )
    return Tool(spec, McpTool(server, tool.name), settings.timeout, settings.limit)


def _approval(source: McpSource, tool: types.Tool) -> Approval | None:
    """What the server's hint comes to where the file trusts it: a hint is no guarantee."""
    if not source.trust:
        return None
    return "always" if tool.annotations is not None and tool.annotations.read_only_hint else "ask"


def _hints(tool: types.Tool) -> str:
    """What a server says that a tool does to the world; it may destroy unless it says otherwise, in MCP's terms."""
    hints = tool.annotations
    if hints is None or (hints.read_only_hint is None and hints.destructive_hint is None):
        return ""
    if hints.read_only_hint:
        return ", says it only reads"
    return ", says it destroys nothing" if hints.destructive_hint is False else ", may destroy"
