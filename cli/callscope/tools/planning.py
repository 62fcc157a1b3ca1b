"""What a call would run, without running it: the exact argument list, the HTTP request, the function and its arguments.

Knows how each kind of implementation is filled. Must not start, send or import anything, nor show a secret: where one
would stand, its name stands, as in `${WEATHER_KEY}`.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, assert_never

from callscope.core.values import Request
from callscope.tools.mcp.settings import HttpServer, McpTool, StdioServer
from callscope.tools.reading.scopes import CUSTOM_INPUT
from callscope.tools.running.commands import fill_command
from callscope.tools.running.requests import fill_request

from .arguments import parse
from .definitions import MockAnswer, MockCases, MockSequence, PythonFunction, Tool
from .outgoing import CommandLine, HttpCall
from .templates import Filling, fill


@dataclass(frozen=True, slots=True)
class PlannedFunction:
    """A Python function would be called; `process` says that it has one of its own."""

    function: str
    arguments: Mapping[str, Any]
    process: bool = False

    def as_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"python": self.function, "arguments": dict(self.arguments), "process": self.process}

    def __str__(self) -> str:
        arguments = ", ".join(f"{name}={_json(value)}" for name, value in self.arguments.items())
        return f"{self.function}({arguments}){' in a process of its own' if self.process else ''}"


@dataclass(frozen=True, slots=True)
class PlannedCommand:
    """A program would be started in `folder`, with these arguments and variables, and this on its stdin."""

    words: tuple[str, ...]
    folder: str
    environment: Mapping[str, str]
    stdin: str

    def as_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "command": list(self.words),
            "cwd": self.folder,
            "env": dict(self.environment),
            "stdin": self.stdin,
        }

    def __str__(self) -> str:
        variables = "".join(f"{name}={shlex.quote(value)} " for name, value in self.environment.items())
        line = f"cd {shlex.quote(self.folder)} && {variables}{shlex.join(self.words)}"
        return f"{line}\nstdin: {self.stdin}"


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """A request would be sent."""

    request: Request

    def as_json(self) -> dict[str, Any]:
        """As plain JSON."""
        request = self.request
        return {
            "http": {
                "method": request.method,
                "url": request.url,
                "headers": [list(pair) for pair in request.headers],
                "body": request.body.decode("utf-8", "replace"),
            }
        }

    def __str__(self) -> str:
        request = self.request
        head = [f"{request.method} {request.url}", *(f"{name}: {value}" for name, value in request.headers)]
        body = request.body.decode("utf-8", "replace")
        return "\n".join([*head, *(["", body] if body else [])])


@dataclass(frozen=True, slots=True)
class PlannedMcpCall:
    """The MCP server at this URL, or started by this command line, would be sent `tools/call`."""

    server: str
    address: str
    tool: str
    arguments: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """As plain JSON."""
        params = {"name": self.tool, "arguments": dict(self.arguments)}
        return {"mcp": {"server": self.server, "address": self.address, "method": "tools/call", "params": params}}

    def __str__(self) -> str:
        return f"{self.address}\ntools/call {self.tool} {_json(dict(self.arguments))}"


@dataclass(frozen=True, slots=True)
class PlannedAnswer:
    """Nothing would run: a mock answers, or a person."""

    by: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"answered_by": self.by, "arguments": dict(self.arguments)}

    def __str__(self) -> str:
        return f"a {self.by} answers {_json(dict(self.arguments))}"


PlannedRun: TypeAlias = PlannedFunction | PlannedCommand | PlannedRequest | PlannedMcpCall | PlannedAnswer


def planned_run(tool: Tool, arguments: str, environment: Mapping[str, str]) -> PlannedRun:
    """What a call of this tool with these arguments (JSON text, or a custom tool's input) would run.

    The arguments are taken to fit the schema; InvalidArguments is raised for what only the filling can see.
    """
    custom = tool.spec.kind == "custom"
    values = {CUSTOM_INPUT: arguments} if custom else parse(arguments if arguments.strip() else "{}")
    filling = Filling(values, environment, shown=True)
    run = tool.implementation
    match run:
        case PythonFunction():
            return PlannedFunction(str(run), values, run.isolated)
        case CommandLine():
            command = fill_command(run, filling)
            folder = str(command.folder.absolute())
            stdin = arguments if custom or arguments.strip() else "{}"
            return PlannedCommand(command.words, folder, command.environment, stdin)
        case HttpCall():
            return PlannedRequest(fill_request(run, filling))
        case McpTool(server=server, name=name):
            return PlannedMcpCall(server.name, _address(server.transport, filling), name, values)
        case MockAnswer() | MockSequence() | MockCases():
            return PlannedAnswer("mock", values)
        case None:
            return PlannedAnswer("person", values)
        case _:
            assert_never(run)


def _address(transport: StdioServer | HttpServer, filling: Filling) -> str:
    match transport:
        case HttpServer(url=url):
            return fill(url, filling) or ""
        case StdioServer(words=words, folder=folder, environment=environment):
            variables = "".join(f"{name}={shlex.quote(fill(value, filling) or '')} " for name, value in environment)
            line = shlex.join(fill(word, filling) or "" for word in words)
            return f"cd {shlex.quote(str(folder))} && {variables}{line}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
