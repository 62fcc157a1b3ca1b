"""Walks a JSON Schema: every subschema with the JSON path to it.

Knows where JSON Schema keeps schemas within schemas. Must not know any rule, and follows no `$ref`, so that a
recursive schema has an end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

ONE = ("items", "not", "if", "then", "else", "contains", "propertyNames", "additionalProperties", "unevaluatedItems")
LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")


class Place(NamedTuple):
    """A subschema: its JSON path, its depth in objects and arrays, and the parameter it describes ("" for none)."""

    path: str
    schema: Mapping[str, Any]
    depth: int
    parameter: str = ""


def places(schema: Mapping[str, Any], path: str = "$", depth: int = 1, parameter: str = "") -> Iterator[Place]:
    """Every subschema of a schema, itself first."""
    yield Place(path, schema, depth, parameter)
    for key, value in schema.items():
        if key in ONE and isinstance(value, Mapping):
            yield from places(value, f"{path}.{key}", depth + (key == "items"))
        elif key in LISTS and isinstance(value, Sequence) and not isinstance(value, str):
            for place, member in enumerate(value):
                if isinstance(member, Mapping):
                    yield from places(member, f"{path}.{key}[{place}]", depth)
        elif key in MAPS and isinstance(value, Mapping):
            yield from _named(value, f"{path}.{key}", depth, is_property=key == "properties")


def _named(schemas: Mapping[str, Any], path: str, depth: int, *, is_property: bool) -> Iterator[Place]:
    for name, schema in schemas.items():
        if isinstance(schema, Mapping):
            deeper = depth + is_property
            yield from places(schema, member_path(path, str(name)), deeper, str(name) if is_property else "")


def member_path(path: str, name: str) -> str:
    """The JSON path of a member."""
    return f"{path}.{name}" if name.isidentifier() else f"{path}[{name!r}]"


def types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The types a schema names; none where it names none."""
    named = schema.get("type")
    if isinstance(named, str):
        return (named,)
    return tuple(name for name in named if isinstance(name, str)) if isinstance(named, list | tuple) else ()


def properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties of an object schema."""
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def required(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The names a schema requires."""
    found = schema.get("required")
    return tuple(name for name in found if isinstance(name, str)) if isinstance(found, list | tuple) else ()


def is_of_type(value: Any, name: str) -> bool:
    """Whether a value is of a JSON Schema type."""
    match name:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer()
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list | tuple)
        case "object":
            return isinstance(value, Mapping)
        case _:
            return True  # an unknown type is refused when the file is read
