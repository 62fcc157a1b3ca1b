"""A person's Python modules: importing them, and finding the functions in them that are tools.

Knows that importing runs code, may print and may fail in any way, and that two threads may want one module at once.
Must not know how a function becomes a schema.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from callscope.core.errors import UnusableFile

from .definitions import PythonFunction
from .tracebacks import line_in, summary
from .words import did_you_mean

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


def function_of(target: PythonFunction) -> Callable[..., Any]:
    """The function itself, imported where need be; raises UnusableFile where there is none."""
    if target.function is not None:
        return target.function
    module = import_module(target.module)
    found = getattr(module, target.name, None)
    if not callable(found):
        known = [name for name, value in vars(module).items() if inspect.isfunction(value)]
        what = "is no function" if found is not None else f"does not exist{did_you_mean(target.name, known)}"
        raise UnusableFile(f"{target} {what}.")
    return found  # type: ignore[no-any-return] # getattr is Any


def tool_functions(module: Path | str) -> Iterator[PythonFunction]:
    """The tools of a module: the functions of `TOOLS`, else those of `__all__`, else the public ones it defines."""
    loaded = import_module(module)
    listed = getattr(loaded, "TOOLS", None)
    functions = list(listed) if listed is not None else _public(loaded)
    for function in functions:
        if not callable(function) or not hasattr(function, "__name__"):
            raise UnusableFile(f"{module}: TOOLS holds {function!r}, which is no function.")
    if not functions:
        raise UnusableFile(f"{module}: no tools here: define a public function, or list functions in TOOLS.")
    for function in functions:
        yield PythonFunction(module, function.__name__, function)


def _public(module: ModuleType) -> list[Callable[..., Any]]:
    names = getattr(module, "__all__", None)
    if names is not None:
        return [value for name in names if inspect.isfunction(value := getattr(module, name, None))]
    return [
        value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    ]


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
