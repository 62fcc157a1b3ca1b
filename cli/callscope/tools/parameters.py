"""What a tool's schema says of each parameter, for whoever writes arguments by hand.

Knows how to look through references and combinations for the plain schemas behind them. Must not know how a value is
written, nor whether one fits (arguments.py does).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from callscope.core.values import ToolSpec

JsonSchema = Mapping[str, Any]

KINDS = ("string", "integer", "number", "boolean", "null", "array", "object")

_COMBINED = ("$ref", "anyOf", "oneOf", "allOf")
_DEEPEST = 12
"""Steps from a schema to the plain ones: a reference that goes on for longer goes in a circle."""


def properties(spec: ToolSpec) -> dict[str, JsonSchema]:
    """The parameters that a tool's schema names, with their schemas."""
    found: dict[str, JsonSchema] = {}
    for part in plain_schemas(spec.parameters, spec.parameters):
        named = part.get("properties")
        if isinstance(named, Mapping):
            found.update({str(name): schema for name, schema in named.items() if isinstance(schema, Mapping)})
    return found


def plain_schemas(schema: Any, root: JsonSchema, depth: int = 0) -> list[JsonSchema]:
    """The schemas that a schema stands for, its references and combinations followed; the alternatives of `anyOf`."""
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return []
    if not any(keyword in schema for keyword in _COMBINED):
        return [schema]
    rest = {keyword: value for keyword, value in schema.items() if keyword not in _COMBINED}
    return list(_combined(schema, rest, root, depth + 1))


def _combined(schema: JsonSchema, rest: JsonSchema, root: JsonSchema, depth: int) -> Iterator[JsonSchema]:
    reference = schema.get("$ref")
    if isinstance(reference, str):
        yield from plain_schemas({**_resolved(root, reference), **rest}, root, depth)
    elif parts := _list(schema, "anyOf") or _list(schema, "oneOf"):
        for part in parts:
            yield from plain_schemas({**rest, **part} if isinstance(part, Mapping) else rest, root, depth)
    else:
        merged = dict(rest)
        for part in _list(schema, "allOf"):
            for plain in plain_schemas(part, root, depth):
                merged = merged | dict(plain) | {"properties": _named(merged) | _named(plain)}
        yield {keyword: value for keyword, value in merged.items() if keyword != "properties" or value}


def listed(part: JsonSchema) -> Sequence[Any]:
    """The only values that a plain schema allows, where it lists them: a constant, or an enum."""
    return [part["const"]] if "const" in part else _list(part, "enum")


def kinds(part: JsonSchema) -> tuple[str, ...]:
    """The JSON types that a plain schema allows; all of them where it does not say."""
    given = part.get("type")
    if isinstance(given, str):
        return (given,)
    if types := _list(part, "type"):
        return tuple(str(kind) for kind in types)
    if "properties" in part:
        return ("object",)
    return ("array",) if "items" in part else KINDS


def _list(schema: JsonSchema, keyword: str) -> list[Any]:
    value = schema.get(keyword)
    return list(value) if isinstance(value, list | tuple) else []


def _named(schema: JsonSchema) -> dict[str, Any]:
    named = schema.get("properties")
    return dict(named) if isinstance(named, Mapping) else {}


def _resolved(root: JsonSchema, reference: str) -> JsonSchema:
    """What a reference into the same schema points to; nothing where it leads elsewhere."""
    found: Any = root
    for token in reference.removeprefix("#").split("/")[1:]:
        step = token.replace("~1", "/").replace("~0", "~")
        found = found.get(step) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) and reference.startswith("#") else {}
