"""From paths to tools: the one door of this folder for whoever starts a session.

Knows that a path is a tools file or a Python module, and that names are unique over all of them. A bad file is
refused whole. Must not know how tools run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from callscope.core.errors import UnusableFile
from callscope.core.paths import expanded, is_file, is_folder
from callscope.core.values import ToolSpec
from callscope.tools.python.modules import function_of, tool_functions
from callscope.tools.reading.definitions import check_name, read_tools, settled
from callscope.tools.reading.documents import read_document, read_text
from callscope.tools.running.prints import Prints, printing_into

from .definitions import LoadedTools, PythonFunction, Signature, Tool
from .run_settings import DEFAULT_TIMEOUT

TOOL_FILES = (".yaml", ".yml", ".json")


def load_tools(paths: Sequence[Path | str]) -> LoadedTools:
    """Load tools files (YAML, JSON) and Python modules (a .py file, or a dotted name), in this order.

    Python modules are imported; of a YAML file only those that are needed to know a schema. MCP servers are started.
    Raises UnusableFile with file, line, the rule and what to do.
    """
    prints = Prints()
    with printing_into(prints):
        loaded = _together(_load(path) for path in paths)
    first: dict[str, Tool] = {}
    for tool in loaded.tools:
        _refuse_second(first.setdefault(tool.spec.name, tool), tool)
    _end_other_servers(loaded.tools)
    said = prints.text.strip()
    printed = (f"A module printed while it was imported: {said[:500]}",) if said else ()
    return replace(loaded, warnings=(*printed, *loaded.warnings))


def _together(parts: Iterable[LoadedTools]) -> LoadedTools:
    """All tools in their order, each secret once."""
    parts = list(parts)
    return LoadedTools(
        tuple(tool for part in parts for tool in part.tools),
        tuple(dict.fromkeys(name for part in parts for name in part.secrets)),
        tuple(warning for part in parts for warning in part.warnings),
    )


def _load(path: Path | str) -> LoadedTools:
    as_path = expanded(path)
    if as_path.suffix == ".py":
        read_text(as_path)  # missing, unreadable or not UTF-8: said in our words
        return LoadedTools(tuple(_module_tools(as_path)))
    if as_path.suffix in TOOL_FILES or is_file(as_path) or is_folder(as_path):
        return _load_file(as_path, ())
    if all(part.isidentifier() for part in str(path).split(".")):
        return LoadedTools(tuple(_module_tools(str(path))))
    raise UnusableFile(
        f"{path}: there is no such file; tools come from .yaml, .json or .py files, or a package.module."
    )


def _load_file(path: Path, including: tuple[Path, ...]) -> LoadedTools:
    """What a file and those it includes hold; `including` are the files that led here."""
    file = read_tools(read_document(path), _with_signature)
    parts = []
    for included, where in file.includes:
        _refuse_circle(included, (*including, path), where)
        parts.append(_load_file(included, (*including, path)))
    parts.append(LoadedTools(file.tools, file.secrets, file.warnings))
    if file.servers:
        from callscope.tools.mcp.listing import tools_of

        parts.append(tools_of(file.servers, os.environ))
    for module, where in file.modules:
        parts.append(LoadedTools(tuple(settled(tool, file.defaults) for tool in _named(module, where))))
    return _together(parts)


def _end_other_servers(tools: Sequence[Tool]) -> None:
    """End the MCP servers that an earlier load started and none of these tools needs."""
    if (running := sys.modules.get(f"{__package__}.mcp.servers")) is not None:
        from callscope.tools.mcp.settings import McpTool

        running.SERVERS.keep({tool.implementation.server for tool in tools if isinstance(tool.implementation, McpTool)})


def _refuse_circle(included: Path, including: tuple[Path, ...], where: str) -> None:
    resolved = [path.resolve() for path in including]
    if included.resolve() in resolved:
        circle = [*including[resolved.index(included.resolve()) :], included]
        raise UnusableFile(f"{where}: the files include one another: {' → '.join(map(str, circle))}.")


def _named(module: Path | str, where: str) -> list[Tool]:
    """The tools of a module that a file names; what is wrong with the module is said with the place of its name."""
    try:
        return list(_module_tools(module))
    except UnusableFile as error:
        raise UnusableFile(f"{where}: {error}") from error


def _module_tools(module: Path | str) -> Iterator[Tool]:
    for target in tool_functions(module):
        target, signature = _with_signature(target)
        if problem := check_name(target.name):
            raise UnusableFile(f"{_source(target)}: {problem}.")
        spec = ToolSpec(
            target.name,
            signature.description,
            signature.parameters,
            strict=signature.strict,
            source=_source(target),
            approve=signature.approve,
        )
        yield Tool(spec, target, signature.timeout or DEFAULT_TIMEOUT)


def _with_signature(target: PythonFunction) -> tuple[PythonFunction, Signature]:
    from callscope.tools.python.foreign import foreign_tool

    function = function_of(target)
    found = replace(target, function=function)
    if (foreign := foreign_tool(function)) is not None:
        return found, foreign
    from callscope.tools.python.signatures import (
        read_signature,  # pydantic: only where a signature is the only source of a schema
    )

    try:
        return found, read_signature(function)
    except UnusableFile as error:
        raise UnusableFile(f"{_source(found)}: {error}") from None


def _source(target: PythonFunction) -> str:
    code = getattr(target.function, "__code__", None)
    return f"{target.module}:{code.co_firstlineno}" if code is not None else f"{target.module}:{target.name}"


def _refuse_second(first: Tool, second: Tool) -> None:
    if first is not second:
        raise UnusableFile(
            f"{second.spec.source}: there is a tool {second.spec.name} already, at {first.spec.source}; "
            "rename one of them: a model knows a tool by its name alone."
        )
