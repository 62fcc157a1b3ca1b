"""From paths to tools: the one door of this folder for whoever starts a session.

Knows that a path is a tools file or a Python module, and that names are unique over all of them. A bad file is
refused whole. Must not know how tools run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from callscope.core.errors import UnusableFile
from callscope.core.values import ToolSpec

from .definitions import LoadedTools, PythonFunction, Signature, Tool
from .documents import read_document, read_text
from .modules import function_of, tool_functions
from .prints import Prints, printing_into
from .reading import check_name, read_tools, settled

TOOL_FILES = (".yaml", ".yml", ".json")


def load_tools(paths: Sequence[Path | str]) -> LoadedTools:
    """Load tools files (YAML, JSON) and Python modules (a .py file, or a dotted name), in this order.

    Python modules are imported; of a YAML file only those that are needed to know a schema. Raises UnusableFile with
    file, line, the rule and what to do.
    """
    tools: dict[str, Tool] = {}
    secrets: dict[str, None] = {}
    prints = Prints()
    with printing_into(prints):
        for path in paths:
            loaded, names = _load(path)
            secrets |= dict.fromkeys(names)
            for tool in loaded:
                _refuse_second(tools.get(tool.spec.name), tool)
                tools[tool.spec.name] = tool
    said = prints.text.strip()
    warnings = (f"A module printed while it was imported: {said[:500]}",) if said else ()
    return LoadedTools(tuple(tools.values()), tuple(secrets), warnings)


def _load(path: Path | str) -> tuple[Sequence[Tool], Sequence[str]]:
    as_path = Path(path).expanduser()
    if as_path.suffix == ".py":
        read_text(as_path)  # missing, unreadable or not UTF-8: said in our words
        return tuple(_module_tools(as_path)), ()
    if as_path.suffix in TOOL_FILES or as_path.exists():
        return _load_file(as_path, ())
    if all(part.isidentifier() for part in str(path).split(".")):
        return tuple(_module_tools(str(path))), ()
    raise UnusableFile(
        f"{path}: there is no such file; tools come from .yaml, .json or .py files, or a package.module."
    )


def _load_file(path: Path, including: tuple[Path, ...]) -> tuple[Sequence[Tool], Sequence[str]]:
    """The tools and the secrets of a file and of those it includes; `including` are the files that led here."""
    file = read_tools(read_document(path), _with_signature)
    tools: list[Tool] = []
    secrets = list(file.secrets)
    for included, where in file.includes:
        _refuse_circle(included, (*including, path), where)
        found, names = _load_file(included, (*including, path))
        tools += found
        secrets += names
    tools += file.tools
    for module, where in file.modules:
        tools += (settled(tool, file.defaults) for tool in _named(module, where))
    return tools, secrets


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
        spec = ToolSpec(target.name, signature.description, signature.parameters, source=_source(target))
        yield Tool(spec, target)


def _with_signature(target: PythonFunction) -> tuple[PythonFunction, Signature]:
    from .signatures import read_signature  # pydantic: only where a signature is the only source of a schema

    function = function_of(target)
    found = replace(target, function=function)
    try:
        return found, read_signature(function)
    except UnusableFile as error:
        raise UnusableFile(f"{_source(found)}: {error}") from None


def _source(target: PythonFunction) -> str:
    code = getattr(target.function, "__code__", None)
    return f"{target.module}:{code.co_firstlineno}" if code is not None else f"{target.module}:{target.name}"


def _refuse_second(first: Tool | None, second: Tool) -> None:
    if first is not None:
        raise UnusableFile(
            f"{second.spec.source}: there is a tool {second.spec.name} already, at {first.spec.source}; "
            "rename one of them: a model knows a tool by its name alone."
        )
