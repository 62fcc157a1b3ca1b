"""A typed function as a tool: its JSON Schema, its description, and the call from JSON text.

Knows pydantic, docstring_parser and Python's signatures. Must not know where the function came from, nor run it
anywhere but in the calling thread.

One pydantic model is built for each function. Its fields are named f0, f1, … with the parameters' names as aliases:
with the real names pydantic warns on `json` and `copy`, drops `_private` and fails on `model_config`.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any

from callscope.core.errors import UnusableFile
from callscope.tools.definitions import Signature
from callscope.tools.invalid import InvalidArguments
from callscope.tools.words import path_text

from .tracebacks import summary

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True)
class _Doc:
    summary: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


def read_signature(function: Callable[..., Any], *, typed: bool = True) -> Signature:
    """Read a function's signature and docstring.

    `typed=False` accepts parameters without a type, for functions whose schema is given elsewhere. Raises
    UnusableFile, naming the function and the parameter, where no schema can be made.
    """
    name = getattr(function, "__name__", repr(function))
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError) as error:
        raise UnusableFile(f"{name}: its parameters cannot be read ({error}); give `parameters` in the file.") from None
    hints = _hints(function, name)
    doc = _doc(function)
    fields = {
        f"f{index}": _field(parameter, _annotation(parameter, hints, name, typed=typed), doc)
        for index, parameter in enumerate(signature.parameters.values())
    }
    model = _model(name, fields)
    names = list(signature.parameters)

    def call(arguments: str) -> Any:
        values = _converted(model, arguments)
        bound = inspect.BoundArguments(signature, {})
        for field_name, parameter_name in zip(fields, names, strict=True):
            if field_name in values.model_fields_set or _is_field(signature.parameters[parameter_name].default):
                bound.arguments[parameter_name] = getattr(values, field_name)
        bound.apply_defaults()
        return function(*bound.args, **bound.kwargs)

    return Signature(doc.summary, _schema(model, name), call, name)


# ---- from annotations to a model ----------------------------------------------------------------------------------


def _hints(function: Callable[..., Any], name: str) -> dict[str, Any]:
    target = function if inspect.isroutine(function) else getattr(function, "func", type(function).__call__)
    try:
        return typing.get_type_hints(target, include_extras=True)
    except Exception as error:  # evaluating a string annotation can raise anything
        raise UnusableFile(f"{name}: its annotations cannot be read: {summary(error)}.") from None


def _annotation(parameter: Parameter, hints: Mapping[str, Any], function: str, *, typed: bool) -> Any:
    annotation = hints.get(parameter.name, Any if not typed else Parameter.empty)
    if annotation is Parameter.empty:
        raise UnusableFile(
            f"{function}: the parameter {parameter.name} has no type; write one, as in `{parameter.name}: str`, "
            "or give the tool's `parameters` in a tools.yaml."
        )
    match parameter.kind:
        case Parameter.VAR_POSITIONAL:
            return list[annotation]  # type: ignore[valid-type] # built at run time
        case Parameter.VAR_KEYWORD:
            return dict[str, annotation]  # type: ignore[valid-type]
        case _:
            return annotation


def _field(parameter: Parameter, annotation: Any, doc: _Doc) -> tuple[Any, FieldInfo]:
    """A pydantic field: what the annotation says wins over the docstring."""
    from pydantic import Field
    from pydantic.fields import FieldInfo

    default = parameter.default
    if parameter.kind is Parameter.VAR_POSITIONAL:
        default = []
    elif parameter.kind is Parameter.VAR_KEYWORD:
        default = {}
    description = _described(annotation, default) or doc.parameters.get(parameter.name)
    if isinstance(default, FieldInfo):
        annotation, default = Annotated[annotation, default], ...
    elif default is Parameter.empty:
        default = ...
    return annotation, Field(default, alias=parameter.name, description=description)


def _described(annotation: Any, default: Any) -> str | None:
    """A description within the annotation: `Annotated[str, Field(description=…)]`, or a bare string there."""
    for extra in (default, *getattr(annotation, "__metadata__", ())):
        text = extra if isinstance(extra, str) and extra is not default else getattr(extra, "description", None)
        if (_is_field(extra) or isinstance(extra, str)) and isinstance(text, str) and text:
            return text
    return None


def _is_field(value: Any) -> bool:
    return type(value).__module__ == "pydantic.fields" and type(value).__name__ == "FieldInfo"


def _model(name: str, fields: Mapping[str, tuple[Any, FieldInfo]]) -> type[BaseModel]:
    from pydantic import ConfigDict, PydanticUserError, create_model

    try:
        return create_model("Arguments", __config__=ConfigDict(extra="forbid"), **dict(fields))  # type: ignore[call-overload,no-any-return] # built at run time
    except PydanticUserError as error:
        words = str(error).splitlines()[0]
        if "TypedDict" in words:
            words = "Python 3.11's typing.TypedDict cannot be read; import TypedDict from typing_extensions instead"
        raise UnusableFile(f"{name}: no schema can be made of its types: {words.rstrip('.')}.") from None
    except Exception as error:  # a person's types may have schema hooks of their own
        raise UnusableFile(f"{name}: no schema can be made of its types: {summary(error)}.") from None


def _schema(model: type[BaseModel], name: str) -> dict[str, Any]:
    from pydantic.json_schema import GenerateJsonSchema

    class Quiet(GenerateJsonSchema):
        """Says nothing of defaults that are no JSON: they are left out, as they must be."""

        ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 - pydantic's own name

    try:
        schema = model.model_json_schema(by_alias=True, schema_generator=Quiet)
    except Exception as error:  # pydantic's own errors and those of a person's schema hooks
        words = summary(error).splitlines()[0]
        raise UnusableFile(f"{name}: no schema can be made of its types: {words}.") from None
    return without_titles(schema)  # type: ignore[no-any-return] # an object stays an object


def without_titles(schema: Any) -> Any:
    """Pydantic titles everything after its Python name, and the synthetic names would be noise to a model."""
    if isinstance(schema, list):
        return [without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    named = ("properties", "$defs")
    plain = ("default", "const", "enum", "examples")
    return {
        key: {name: without_titles(part) for name, part in value.items()}
        if key in named
        else value
        if key in plain
        else without_titles(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }


# ---- from JSON text to arguments ----------------------------------------------------------------------------------


def _converted(model: type[BaseModel], arguments: str) -> BaseModel:
    from pydantic import ValidationError

    try:
        return model.model_validate_json(arguments)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
    raise InvalidArguments([_problem(tuple(part["loc"]), part["type"], part["msg"]) for part in found])


def _problem(path: tuple[str | int, ...], kind: str, message: str) -> tuple[str, str]:
    place = path_text(path)
    match kind:
        case "extra_forbidden":
            return place, f"unknown argument {place}"
        case "missing":
            return place, f"missing argument {place}"
        case _:
            return place, f"{place}: {message[:1].lower()}{message[1:]}" if place else message


# ---- docstrings ---------------------------------------------------------------------------------------------------


def _doc(function: Callable[..., Any]) -> _Doc:
    """What a docstring says of the function and of each parameter, in any of the common styles."""
    text = inspect.getdoc(function) if inspect.isroutine(function) else None
    if not text:
        return _Doc()
    import docstring_parser

    try:
        parsed = docstring_parser.parse(text)
    except docstring_parser.ParseError:
        return _Doc(text.strip())
    parts = (parsed.short_description, parsed.long_description)
    parameters = {part.arg_name.lstrip("*"): " ".join((part.description or "").split()) for part in parsed.params}
    return _Doc("\n\n".join(part for part in parts if part), parameters)
