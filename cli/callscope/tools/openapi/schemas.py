"""Schemas of OpenAPI as JSON Schema (Draft 2020-12), which is what a model gets and a call is checked against.

Knows where OpenAPI 3.0 and Swagger 2 differ from JSON Schema. Must not know operations.

Spec: https://spec.openapis.org/oas/v3.0.4.html#schema-object
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from callscope.tools.reading.schemas import TYPES

NOT_SCHEMA = ("xml", "discriminator", "externalDocs", "example", "nullable", "x-nullable", "readOnly", "writeOnly")
OF_PARAMETERS = ("name", "in", "required", "description", "collectionFormat", "allowEmptyValue")
"""What stands beside the keywords of a schema in a parameter of Swagger 2."""

OTHER_TYPES = {
    "int": "integer",
    "int32": "integer",
    "int64": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "decimal": "number",
    "bool": "boolean",
    "str": "string",
    "file": "string",
    "date": "string",
    "datetime": "string",
    "uuid": "string",
    "list": "array",
    "dict": "object",
    "map": "object",
}
"""What published files call types."""

_BY_NAME = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "not", "contains", "if", "then", "else", "propertyNames")
_BOUNDS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}


def json_schema(schema: Any) -> Any:
    """The schema without what only OpenAPI knows, and with what JSON Schema says otherwise."""
    if not isinstance(schema, Mapping):
        return schema
    copy: dict[str, Any] = {}
    for key, value in schema.items():
        if key in NOT_SCHEMA or key.startswith("x-") or (key == "pattern" and not _understood(value)):
            continue
        if key in _BY_NAME and isinstance(value, Mapping):
            hidden = is_read_only if key == "properties" else _never
            copy[key] = {name: json_schema(part) for name, part in value.items() if not hidden(part)}
        elif key in _LISTS and isinstance(value, list):
            copy[key] = [json_schema(part) for part in value]
        elif key in _SINGLE:
            copy[key] = json_schema(value)
        else:
            copy[key] = value
    return _nullable(schema, _bounded(_required(schema, _typed(copy))))


def is_read_only(schema: Any) -> bool:
    """Whether a property is only ever in answers."""
    return isinstance(schema, Mapping) and schema.get("readOnly") is True


def _never(schema: Any) -> bool:
    return False


def _understood(pattern: Any) -> bool:
    """OpenAPI's patterns are JavaScript's; one that Python cannot read is not checked."""
    try:
        re.compile(pattern)
    except (re.error, TypeError, OverflowError, RecursionError):
        return False
    return True


def _typed(schema: dict[str, Any]) -> dict[str, Any]:
    """The type by JSON Schema's name where a file has another, such as int; what is no type at all is left out."""
    kind = schema.get("type")
    if isinstance(kind, str) and kind not in TYPES:
        del schema["type"]
        if (meant := OTHER_TYPES.get(kind.lower())) is not None:
            schema["type"] = meant
    return schema


def _required(schema: Mapping[str, Any], copy: dict[str, Any]) -> dict[str, Any]:
    """`required` without what is only in answers; a boolean there belongs to the parameter around the schema."""
    required = copy.get("required")
    if isinstance(required, bool):
        del copy["required"]
    elif isinstance(required, list):
        properties = schema.get("properties")
        own = properties if isinstance(properties, Mapping) else {}
        copy["required"] = [name for name in dict.fromkeys(required) if not is_read_only(own.get(name))]
    return copy


def _bounded(schema: dict[str, Any]) -> dict[str, Any]:
    """Exclusive bounds were booleans beside the bound."""
    for keyword, bound in _BOUNDS.items():
        exclusive = schema.get(keyword)
        if isinstance(exclusive, bool):
            del schema[keyword]
            if exclusive and bound in schema:
                schema[keyword] = schema.pop(bound)
    return schema


def _nullable(schema: Mapping[str, Any], copy: dict[str, Any]) -> dict[str, Any]:
    if not (schema.get("nullable") is True or schema.get("x-nullable") is True):
        return copy
    if not isinstance(copy.get("type"), str):
        return {"anyOf": [copy, {"type": "null"}]}
    nullable = {**copy, "type": [copy["type"], "null"]}
    if isinstance(copy.get("enum"), list) and None not in copy["enum"]:
        nullable["enum"] = [*copy["enum"], None]
    return nullable
