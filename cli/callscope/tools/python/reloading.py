"""Reading tools again in a session that runs: a person's modules are imported anew, or all stays as it was.

Knows which modules are a person's, and what differs between two loads. Must not know how tools are loaded.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from callscope.core.errors import UnusableFile
from callscope.tools.definitions import LoadedTools, PythonFunction, Tool

from .modules import function_of

_OF_FILES = "callscope_tool_"
"""How the names of modules begin that were imported from a file (see modules.py)."""

_OURS = ("callscope", "__main__")


@dataclass(frozen=True, slots=True)
class Changes:
    """The names of the tools that came, went, or are another now."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"{verb} {', '.join(names)}" for verb, names in (
            ("added", self.added), ("removed", self.removed), ("changed", self.changed)
        ) if names]  # fmt: skip
        return "; ".join(parts)


def load_again(load: Callable[[], LoadedTools], before: LoadedTools) -> LoadedTools:
    """What `load` gives with the person's modules imported anew.

    Raises UnusableFile where a file or a module that was in use is broken; then all modules are as they were.
    """
    dropped = _drop_modules(before.tools)
    importlib.invalidate_caches()
    try:
        loaded = load()
        _import_what_was_in_use(loaded.tools, dropped)
        _refuse_new_secrets(loaded, before)
    except BaseException:
        sys.modules.update(dropped)
        raise
    return loaded


def changes(before: Iterable[Tool], after: Iterable[Tool]) -> Changes:
    """What differs; neither the line a definition stands on, nor the code of a function, is a difference."""
    old = {tool.spec.name: _definition(tool) for tool in before}
    new = {tool.spec.name: _definition(tool) for tool in after}
    return Changes(
        tuple(name for name in new if name not in old),
        tuple(name for name in old if name not in new),
        tuple(name for name in new if name in old and new[name] != old[name]),
    )


def _definition(tool: Tool) -> Tool:
    implementation = tool.implementation
    if isinstance(implementation, PythonFunction):
        implementation = replace(implementation, function=None)
    return replace(tool, spec=replace(tool.spec, source=""), implementation=implementation)


def _drop_modules(tools: Iterable[Tool]) -> dict[str, ModuleType]:
    """Forget the modules that tools come from, and those that lie beside their files; gives what was forgotten."""
    named = {tool.implementation.module for tool in tools if isinstance(tool.implementation, PythonFunction)}
    packages = tuple(module for module in named if isinstance(module, str))
    folders = {module.resolve().parent for module in named if isinstance(module, Path)}
    dropped = {
        name: module
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] not in _OURS
        and (name.startswith(_OF_FILES) or name in packages or _folder(name, module) in folders)
    }
    for name in dropped:
        del sys.modules[name]
    return dropped


def _folder(name: str, module: ModuleType) -> Path | None:
    """The folder in which a module was found; for a part of a package, the folder the package lies in."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str):
        return None
    above = name.count(".") + (Path(file).name == "__init__.py")
    parents = Path(file).resolve().parents
    return parents[above] if above < len(parents) else None


def _import_what_was_in_use(tools: Iterable[Tool], dropped: dict[str, ModuleType]) -> None:
    """A module that only a call would import is imported now, if one had: what is broken is said before it is used."""
    used = {getattr(module, "__file__", None) for module in dropped.values()} | set(dropped)
    for tool in tools:
        target = tool.implementation
        if isinstance(target, PythonFunction):
            module = target.module
            if (str(module.resolve()) if isinstance(module, Path) else module) in used:
                function_of(target)


def _refuse_new_secrets(loaded: LoadedTools, before: LoadedTools) -> None:
    if new := [name for name in loaded.secrets if name not in before.secrets]:
        raise UnusableFile(
            f"{', '.join(new)}: a secret must be known when a session begins, or it is recorded before it is masked; "
            "leave and start again."
        )
