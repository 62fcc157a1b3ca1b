"""Which values of a person's module are tools of another framework, or hold some: known by what they can do.

Knows the shapes of openai-agents' FunctionTool, LangChain's tools, pydantic-ai's Tool, llm's Tool and Toolbox, and
watsonx Orchestrate's PythonTool. Must not ask a value what it has: a proxy or a mock has everything.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

from callscope.core.errors import UnusableFile
from callscope.tools.definitions import Signature

from .frameworks import of_agents, of_langchain, of_llm, of_pydantic_ai, of_watsonx
from .tracebacks import summary

_NOTHING = object()


def foreign_tool(value: Any) -> Signature | None:
    """What a value is as a tool, or None where it is none; raises UnusableFile where it cannot describe itself."""
    read = _reader(value)
    if read is None:
        return None
    try:
        return read(value)
    except Exception as error:  # a framework's own code may raise anything
        name = getattr(value, "name", None) or type(value).__name__
        raise UnusableFile(f"{name}: its {type(value).__module__} cannot describe it: {summary(error)}.") from error


def holds_several(value: Any) -> bool:
    """Whether a value is a collection of a framework: a toolbox, or a class of them, a toolset, an agent."""
    if _has(value, "method_tools"):
        return True
    if isinstance(value, type) or _reader(value) is not None:
        return False
    return _is_toolset(value) or bool(_toolsets(value))


def several(value: Any) -> list[Any]:
    """The tools within a collection of a framework; raises UnusableFile where it cannot say which."""
    if isinstance(value, type):
        value = _instance(value)
    try:
        if _has(value, "method_tools"):
            value.prepare()
            return list(value.tools())
        toolsets = [value] if _is_toolset(value) else _toolsets(value)
        return [tool for toolset in toolsets for tool in toolset.tools.values()]
    except Exception as error:  # a person's own code may raise anything
        raise UnusableFile(f"{type(value).__name__}: cannot be made ready: {summary(error)}.") from error


def registered(module: ModuleType) -> list[Any] | None:
    """What a plugin of llm registers through its hook, or None where the module has none."""
    hook = getattr(module, "register_tools", None)
    if not callable(hook) or not hasattr(hook, "llm_impl"):
        return None
    found: list[Any] = []

    def register(tool: Any, name: str | None = None) -> None:
        found.append(_renamed(tool, name) if name else tool)

    try:
        hook(register)
    except Exception as error:  # a person's own code may raise anything
        raise UnusableFile(f"{module.__name__}: register_tools fails: {summary(error)}.") from error
    return found


# ---- shapes -------------------------------------------------------------------------------------------------------


def _reader(value: Any) -> Callable[[Any], Signature] | None:
    """How to read a value, by the members it has."""
    if isinstance(value, type | ModuleType):
        return None
    for members, read in _SHAPES:
        if all(_has(value, member) for member in members):
            return read
    return None


def _has(value: Any, member: str) -> bool:
    """Whether an object has a member, without running any code of it: a proxy or a mock seems to have every one."""
    return inspect.getattr_static(value, member, _NOTHING) is not _NOTHING


def _member(value: Any, member: str) -> Any:
    """A member that an object really has; None where there is none, or where it cannot be had."""
    if not _has(value, member):
        return None
    try:
        return getattr(value, member)
    except Exception:  # a property of some object that happens to have this name
        return None


def _is_toolset(value: Any) -> bool:
    tools = _member(value, "tools")
    return isinstance(tools, Mapping) and bool(tools) and all(map(_reader, tools.values()))


def _toolsets(value: Any) -> list[Any]:
    """The toolsets of an agent whose tools are there before it runs."""
    toolsets = _member(value, "toolsets")
    return [one for one in toolsets if _is_toolset(one)] if isinstance(toolsets, list | tuple) else []


def _instance(kind: type) -> Any:
    try:
        return kind()
    except TypeError as error:
        raise UnusableFile(
            f"{kind.__name__} cannot be made without arguments ({error}); make one in the module: "
            f"toolbox = {kind.__name__}(…)."
        ) from error


def _renamed(tool: Any, name: str) -> Any:
    if _reader(tool) is None:
        function = tool

        @functools.wraps(function)
        def renamed(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        renamed.__name__ = name
        return renamed
    again = copy.copy(tool)
    again.name = name
    return again


_SHAPES: Iterable[tuple[tuple[str, ...], Callable[[Any], Signature]]] = (
    (("__tool_spec__", "fn"), of_watsonx),
    (("on_invoke_tool", "params_json_schema"), of_agents),
    (("function_schema", "takes_ctx"), of_pydantic_ai),
    (("input_schema", "implementation"), of_llm),
    (("args_schema", "invoke", "ainvoke"), of_langchain),
)
