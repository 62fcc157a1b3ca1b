"""Tools for one test: written to a folder, loaded, and called."""

from __future__ import annotations

import asyncio
import itertools
import json
import textwrap
from pathlib import Path
from typing import Any

from callscope.core.errors import UnusableFile
from callscope.core.values import CallKey, ToolCall, ToolResult
from callscope.tools.loading import load_tools
from callscope.tools.running.toolbox import LocalToolbox

_numbers = itertools.count(1)


def write(folder: Path, name: str, text: str) -> Path:
    """Write a file, its text dedented."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return path


def refusal(*paths: Path | str) -> str:
    """The message with which these files are refused, without the folder they are in."""
    try:
        load_tools(paths)
    except UnusableFile as error:
        folders = {str(Path(path).parent) for path in paths}
        text = str(error)
        for folder in folders:
            text = text.replace(f"{folder}/", "")
        return text
    raise AssertionError("the file was loaded")


def toolbox(folder: Path, module: str) -> LocalToolbox:
    """The tools of one Python module, given as source."""
    return LocalToolbox(load_tools([write(folder, f"tools{next(_numbers)}.py", module)]).tools)


def yaml_toolbox(folder: Path, yaml: str) -> LocalToolbox:
    """The tools of one YAML file."""
    return LocalToolbox(load_tools([write(folder, "tools.yaml", yaml)]).tools)


def call(name: str, index: int = 0) -> ToolCall:
    """A call of a tool; its own arguments are never looked at when it runs."""
    return ToolCall(CallKey(1, index), f"call_{index}", name, "")


def run(tools: LocalToolbox, name: str, arguments: str | dict[str, Any] = "") -> ToolResult:
    """Run one call in an event loop of its own."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return asyncio.run(tools.run(call(name), text))


def error_of(result: ToolResult) -> dict[str, Any]:
    """The members of a structured error."""
    members: dict[str, Any] = json.loads(result.output)["error"]
    return members
