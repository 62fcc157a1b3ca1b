"""How a tool runs, as a definition says it: `run`, from plain values to an implementation.

Knows the kinds there are. Must not know the rest of a definition, nor run anything. What only some kinds need is
imported where they are met: this is read at every start.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from callscope.core.values import CallKind
from callscope.tools.definitions import Implementation, MockAnswer, PythonFunction
from callscope.tools.words import did_you_mean, either

from .keys import MOCK_KEYS, RUN_KINDS
from .rules import Part, Variables


def read_run(entry: Part, kind: CallKind, parameters: Mapping[str, Any] | None, variables: Variables) -> Implementation:
    """Read `run` of a definition, or raise UnusableFile."""
    run = entry.part("run")
    if not isinstance(run.value, Mapping) or len(run.value) != 1:
        run.refuse(f"`run` must be a mapping with one key, {either(RUN_KINDS)}; without `run` a person answers.")
    ((word, part),) = run.members()
    if word == "python":
        return _python(part)
    if word == "mock" and not (isinstance(part.value, Mapping) and any(key in MOCK_KEYS for key in part.value)):
        return MockAnswer(part.value)
    if word not in RUN_KINDS:
        part.refuse(f"`run` knows no {word!r}{did_you_mean(word, RUN_KINDS)}; it knows {either(RUN_KINDS)}.")
    from .scopes import scope_of

    scope = scope_of(kind, parameters, variables)
    match word:
        case "http":
            from .http import read_http

            return read_http(part, scope)
        case "command":
            from .commands import read_command

            return read_command(part, scope)
        case _:
            from .mocks import read_mock

            return read_mock(part, scope)


def module_path(part: Part, module: str) -> Path | str:
    """A file beside the document, or a dotted name."""
    if not module.endswith(".py"):
        if all(word.isidentifier() for word in module.split(".")):
            return module
        part.refuse(f"{module!r} is neither a .py file nor a dotted module name.")
    return Part(part.document, module, part.at).file_beside("a module")


def _python(part: Part) -> PythonFunction:
    module, colon, name = part.value.rpartition(":") if isinstance(part.value, str) else ("", "", "")
    if not colon or not module or not name.isidentifier():
        part.refuse('`python` must be "file.py:function" or "package.module:function".')
    return PythonFunction(module_path(part, module), name)
