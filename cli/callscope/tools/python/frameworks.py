"""Other frameworks' tools, one by one, as signatures of ours: called as their framework calls them.

Knows what openai-agents, LangChain, pydantic-ai, llm and watsonx Orchestrate keep in a tool. Must not import any of
them: whoever holds a tool of a framework has imported it. A context that a tool may ask for is an empty one.
"""

from __future__ import annotations

import copy
import inspect
import json
import sys
import typing
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from callscope.core.values import Approval
from callscope.tools.definitions import Signature

HARMLESS = "read_only"
"""The permission of a watsonx tool that only looks; any other is a reason to ask."""


# ---- openai-agents ------------------------------------------------------------------------------------------------


def of_agents(tool: Any) -> Signature:
    """A tool of this kind: https://openai.github.io/openai-agents-python/ref/tool/."""
    loud = tool
    if getattr(tool, "_use_default_failure_error_function", False):
        # Its default formatter says "An error occurred" in place of the exception, which is what a person looks for.
        loud = copy.copy(tool)
        loud._use_default_failure_error_function = False
        loud._failure_error_function = None

    def call(arguments: str) -> Any:
        return loud.on_invoke_tool(_agents_context(loud, arguments), arguments)

    return Signature(
        _words(tool.description),
        _untitled(tool.params_json_schema),
        call,
        tool.name,
        strict=True if getattr(tool, "strict_json_schema", False) else None,
        approve="ask" if getattr(tool, "needs_approval", False) else None,
        timeout=_seconds(getattr(tool, "timeout_seconds", None)),
    )


def _agents_context(tool: Any, arguments: str) -> Any:
    """The context that a tool may ask for: nothing is in it."""
    words = {"tool_name": tool.name, "tool_call_id": "call", "tool_arguments": arguments}
    package = type(tool).__module__.partition(".")[0]
    context = getattr(sys.modules.get(f"{package}.tool_context"), "ToolContext", SimpleNamespace)
    return context(context=None, **words)


# ---- LangChain ----------------------------------------------------------------------------------------------------


def of_langchain(tool: Any) -> Signature:
    """A tool of this kind: https://reference.langchain.com/python/langchain_core/tools/."""

    def call(arguments: str) -> Any:
        values = json.loads(arguments)
        if getattr(tool, "coroutine", None) is not None and getattr(tool, "func", None) is None:
            return tool.ainvoke(values)
        try:
            return tool.invoke(values)
        except NotImplementedError:  # a tool that has only an asynchronous side
            return tool.ainvoke(values)

    return Signature(_words(tool.description), _langchain_schema(tool), call, tool.name)


def _langchain_schema(tool: Any) -> Mapping[str, Any]:
    """What a model may fill in: without what the framework injects."""
    if tool.args_schema is None:
        return {"type": "object", "properties": dict(tool.args), "required": list(tool.args)}
    return _model_schema(getattr(tool, "tool_call_schema", None) or tool.args_schema)


# ---- pydantic-ai --------------------------------------------------------------------------------------------------


def of_pydantic_ai(tool: Any) -> Signature:
    """A tool of this kind: https://ai.pydantic.dev/api/tools/."""
    schema = tool.function_schema

    async def run(values: Mapping[str, Any]) -> Any:
        return await schema.call(values, _run_context(tool) if tool.takes_ctx else None)

    def call(arguments: str) -> Any:
        return run(schema.validator.validate_json(arguments))

    return Signature(
        _words(tool.description),
        _untitled(schema.json_schema),
        call,
        tool.name,
        strict=getattr(tool, "strict", None),
        approve="ask" if getattr(tool, "requires_approval", False) else None,
        timeout=_seconds(getattr(tool, "timeout", None)),
    )


def _run_context(tool: Any) -> Any:
    """The context that a tool may ask for: nothing is in it."""
    context = getattr(sys.modules.get(type(tool).__module__), "RunContext", SimpleNamespace)
    return context(deps=None, model=None, usage=None)


# ---- llm ----------------------------------------------------------------------------------------------------------


def of_llm(tool: Any) -> Signature:
    """A tool of this kind: https://llm.datasette.io/en/stable/python-api.html#tools."""

    def call(arguments: str) -> Any:
        return _plain(tool.implementation(**json.loads(arguments)))

    return Signature(_words(tool.description), _untitled(tool.input_schema), call, tool.name)


def _plain(value: Any) -> Any:
    """A result without the attachments that may be around it."""
    if inspect.isawaitable(value):

        async def awaited() -> Any:
            return _plain(await value)

        return awaited()
    return value.output if hasattr(value, "output") and hasattr(value, "attachments") else value


# ---- watsonx Orchestrate ------------------------------------------------------------------------------------------


def of_watsonx(tool: Any) -> Signature:
    """A tool of this kind: https://developer.watson-orchestrate.ibm.com/tools/create_tool."""
    spec = tool.__tool_spec__
    permission = str(getattr(spec.permission, "value", spec.permission))
    function = tool.fn
    parameter = _run_parameter(tool)
    if parameter is not None:
        function = _with_argument(function, parameter)

    def call(arguments: str) -> Any:
        from .signatures import read_signature

        return read_signature(function, typed=False).call(arguments)

    schema = _without(spec.input_schema.model_dump(mode="json", exclude_unset=True, by_alias=True), parameter)
    approve: Approval | None = None if permission == HARMLESS else "ask"
    return Signature(_words(spec.description), _untitled(schema), call, spec.name, approve=approve)


def _run_parameter(tool: Any) -> str | None:
    """The parameter for the run's context, which no model fills in."""
    ask = getattr(tool, "get_run_param", None)
    name = ask() if callable(ask) else None
    return name if isinstance(name, str) and name else None


def _without(schema: Mapping[str, Any], name: str | None) -> Mapping[str, Any]:
    """The schema of all arguments but one."""
    properties = {key: part for key, part in (schema.get("properties") or {}).items() if key != name}
    required = [key for key in schema.get("required") or [] if key != name]
    return {**schema, "properties": properties, "required": required}


def _with_argument(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The function with an empty context in this place."""
    hints = typing.get_type_hints(function, include_extras=True)
    kind = hints.pop(name, None)
    signature = inspect.signature(function)

    rest = signature.replace(parameters=[one for one in signature.parameters.values() if one.name != name])

    def call(*args: Any, **kwargs: Any) -> Any:
        context = kind() if isinstance(kind, type) else None
        return function(**rest.bind(*args, **kwargs).arguments, **{name: context})

    call.__name__ = function.__name__
    call.__annotations__ = hints
    call.__signature__ = rest  # type: ignore[attr-defined] # inspect looks for it
    return call


# ---- what they share ----------------------------------------------------------------------------------------------


def _model_schema(schema: Any) -> Mapping[str, Any]:
    """The JSON Schema of a pydantic class, or the schema itself; what it says of the whole is the tool's to say."""
    whole = schema if isinstance(schema, Mapping) else schema.model_json_schema()
    return {key: value for key, value in _untitled(whole).items() if key != "description"}


def _untitled(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    from .signatures import without_titles

    return without_titles(schema)  # type: ignore[no-any-return] # an object stays an object


def _words(description: Any) -> str:
    return inspect.cleandoc(description) if isinstance(description, str) else ""


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and value > 0 else None
