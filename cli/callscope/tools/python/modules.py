"""A person's Python modules: importing them, and finding the functions in them that are tools.

Knows that importing runs code, may print and may fail in any way, that two threads may want one module at once, and in
which order a module says what its tools are. Must not know how a function becomes a schema.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from callscope.core.errors import UnusableFile
from callscope.tools.definitions import PythonFunction
from callscope.tools.words import did_you_mean

from .tracebacks import line_in, summary

_importing = threading.RLock()


class ImportFailed(UnusableFile):
    """A module of a person raised while it was imported; the cause is what it raised."""


def import_module(module: Path | str) -> ModuleType:
    """Import a file or a dotted name, once; raises UnusableFile with the line of the person's file that failed."""
    with _importing:
        name = module if isinstance(module, str) else _module_name(module)
        if loaded := sys.modules.get(name):
            return loaded
        try:
            return importlib.import_module(name) if isinstance(module, str) else _load_file(module, name)
        except UnusableFile:
            raise
        except BaseException as error:  # whatever it is, SystemExit too, it came from the person's module
            raise ImportFailed(_import_message(module, error)) from error


def function_of(target: PythonFunction) -> Any:
    """The function itself, or a framework's tool, imported where need be; raises UnusableFile where there is none."""
    if target.function is not None:
        return target.function
    from .foreign import foreign_tool, holds_several

    module = import_module(target.module)
    if target.listed:
        return _offered(target, module)
    found = getattr(module, target.name, None)
    if foreign_tool(found) is not None:
        return found
    if holds_several(found):
        raise UnusableFile(f"{target} holds several tools; name its module under `modules`.")
    if callable(found):
        return found
    known = [name for name, value in vars(module).items() if inspect.isfunction(value)]
    what = "is no function" if found is not None else f"does not exist{did_you_mean(target.name, known)}"
    raise UnusableFile(f"{target} {what}.")


def _offered(target: PythonFunction, module: ModuleType) -> Any:
    """A tool by its name among those that the module offers."""
    for name, value in _spread(_listed(module), target.module):
        if name == target.name:
            return value
    raise UnusableFile(f"{target} is no longer among the tools of its module.")


def tool_functions(module: Path | str) -> Iterator[PythonFunction]:
    """The tools of a module: what `TOOLS` lists, or a plugin's hook registers; else what `__all__` or the module holds.

    Where there are tools of frameworks, a module's functions are no tools by themselves.
    """
    loaded = import_module(module)
    values = _spread(_listed(loaded), module)
    if not values:
        raise UnusableFile(f"{module}: no tools here: define a public function, or list functions in TOOLS.")
    for name, value in values:
        yield PythonFunction(module, name, value, listed=True)


def _listed(module: ModuleType) -> list[Any]:
    from .foreign import registered

    if (listed := getattr(module, "TOOLS", None)) is not None:
        return list(listed)
    if (plugged := registered(module)) is not None:
        return plugged
    names = getattr(module, "__all__", None)
    public = [name for name in vars(module) if not name.startswith("_")] if names is None else names
    values = [getattr(module, name, None) for name in public]
    if foreign := [value for value in values if _is_foreign(value, module)]:
        made = {type(value) for value in foreign}  # of a toolbox's class and an object of it, the object is taken
        return [value for value in foreign if not (isinstance(value, type) and value in made)]
    functions = [value for value in values if inspect.isfunction(value)]
    return functions if names is not None else [one for one in functions if one.__module__ == module.__name__]


def _is_foreign(value: Any, module: ModuleType) -> bool:
    """Whether a value is a framework's tool, or holds some; of classes only those that the module itself defines."""
    from .foreign import foreign_tool, holds_several

    if isinstance(value, type) and value.__module__ != module.__name__:
        return False
    return holds_several(value) or foreign_tool(value) is not None


def _spread(values: list[Any], module: Path | str) -> list[tuple[str, Any]]:
    """Each tool with its name, once; what holds several is taken apart."""
    from .foreign import foreign_tool, holds_several, several

    found: dict[int, tuple[str, Any]] = {}
    for value in values:
        for one in several(value) if holds_several(value) else [value]:
            foreign = foreign_tool(one)
            if foreign is None and (not callable(one) or not hasattr(one, "__name__")):
                raise UnusableFile(f"{module}: TOOLS holds {one!r}, which is no function.")
            found[id(one)] = (foreign.name if foreign is not None else one.__name__, one)
    return list(found.values())


def _module_name(path: Path) -> str:
    """A name of its own for each file, so that a person's `json.py` is never taken for another module."""
    resolved = path.resolve()
    return f"callscope_tool_{resolved.stem}_{zlib.crc32(str(resolved).encode()):08x}"


def _load_file(path: Path, name: str) -> ModuleType:
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        # last, not first: what lies beside a tool file must not stand in for a module of the program
        sys.path.append(folder)
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise UnusableFile(f"{path}: Python cannot import this file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pydantic and dataclasses look a class's module up here
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _import_message(module: Path | str, error: BaseException) -> str:
    if isinstance(module, str):
        if isinstance(error, ModuleNotFoundError) and error.name and f"{module}.".startswith(f"{error.name}."):
            return f"there is no module {module}; install it, or write the path of a .py file."
        return f"{module} cannot be imported: {summary(error)}."
    line = line_in(error, module)
    place = f"{module}:{line}" if line else str(module)
    return f"{place}: the module cannot be imported: {summary(error)}."
