"""Is this a JSON Schema (Draft 2020-12)? Asked when a tool file is loaded, so it must be cheap.

Knows the shape of each keyword, by hand: importing jsonschema costs 45 to 60 ms of every start, and a meta-schema's
own words ("is not valid under any of the given schemas") help nobody. tests/tools/reading/test_schemas.py holds the
answers against jsonschema's. Must not know what a tool is.

Spec: https://json-schema.org/draft/2020-12/schema
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from callscope.tools.words import did_you_mean, either

from .value_path import ValuePath

TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
PYTHON_TYPES = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
    "None": "null",
}

_SCHEMA = frozenset(
    (
        "items",
        "contains",
        "additionalProperties",
        "propertyNames",
        "not",
        "if",
        "then",
        "else",
        "unevaluatedItems",
        "unevaluatedProperties",
        "contentSchema",
    )
)
_SCHEMAS_BY_NAME = frozenset(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"))
_SCHEMA_LIST = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
_TEXT = frozenset(
    (
        "$id",
        "$schema",
        "$ref",
        "$dynamicRef",
        "$recursiveRef",
        "$comment",
        "title",
        "description",
        "format",
        "contentEncoding",
        "contentMediaType",
    )
)
_ANCHOR = frozenset(("$anchor", "$dynamicAnchor", "$recursiveAnchor"))
_NUMBER = frozenset(("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"))
_COUNT = frozenset(
    ("minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains", "minProperties", "maxProperties")
)
_FLAG = frozenset(("uniqueItems", "deprecated", "readOnly", "writeOnly"))
_LIST = frozenset(("enum", "examples"))

Problem = tuple[ValuePath, str]


def schema_problem(schema: Any) -> Problem | None:
    """The first thing that is wrong with a schema as (path within it, sentence), or None."""
    try:
        return next(_problems(schema, ()), None) or next(_reference_problems(schema), None)
    except RecursionError:
        return (), "the schema is nested too deeply"


def refers_to_files(schema: Any) -> bool:
    """Whether any reference leads out of the schema."""
    if isinstance(schema, list):
        return any(map(refers_to_files, schema))
    if not isinstance(schema, Mapping):
        return False
    reference = schema.get("$ref")
    return (isinstance(reference, str) and not reference.startswith("#")) or any(map(refers_to_files, schema.values()))


def _problems(schema: Any, at: ValuePath) -> Iterator[Problem]:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, Mapping):
        yield at, f"a schema must be an object, not {_name(schema)}"
        return
    for keyword, value in schema.items():
        here = (*at, keyword)
        if problem := _shape(keyword, value):
            yield here, problem
        else:
            for path, part in _parts(keyword, value):
                yield from _problems(part, (*here, *path))


def _parts(keyword: str, value: Any) -> Iterator[tuple[ValuePath, Any]]:
    """The schemas directly below a keyword."""
    if keyword in _SCHEMA:
        yield (), value
    elif keyword in _SCHEMAS_BY_NAME:
        for name, part in value.items():
            yield (name,), part
    elif keyword in _SCHEMA_LIST:
        for index, part in enumerate(value):
            yield (index,), part
    elif keyword == "dependencies":
        for name, part in value.items():
            if not isinstance(part, list):
                yield (name,), part


def _shape(keyword: str, value: Any) -> str | None:
    match keyword:
        case "type":
            return _type_problem(value)
        case "required":
            return _names_problem(keyword, value)
        case "pattern":
            return _regex_problem(value)
        case "dependentRequired" | "dependencies":
            return _dependencies_problem(keyword, value)
        case "items" if isinstance(value, list):
            return "`items` must be one schema; for a list of them, one for each place, write `prefixItems`"
        case "patternProperties" if isinstance(value, Mapping):
            return next(filter(None, map(_regex_problem, value)), None)
        case "multipleOf" if _is_number(value) and value <= 0:
            return "`multipleOf` must be above 0"
        case "$id" if isinstance(value, str) and "#" in value[:-1]:
            return "`$id` must not have a fragment (#…)"
        case "$vocabulary":
            fits = isinstance(value, Mapping) and all(isinstance(flag, bool) for flag in value.values())
            return None if fits else "`$vocabulary` must be an object of booleans"
        case _:
            return _plain_shape(keyword, value)


def _plain_shape(keyword: str, value: Any) -> str | None:
    rules = (
        (_SCHEMAS_BY_NAME, "an object of schemas", isinstance(value, Mapping)),
        (_SCHEMA_LIST, "a list of at least one schema", isinstance(value, list) and bool(value)),
        (_TEXT, "text", isinstance(value, str)),
        (_ANCHOR, "a plain name", isinstance(value, str) and bool(re.fullmatch(r"[A-Za-z_][-A-Za-z0-9._]*", value))),
        (_NUMBER, "a number", _is_number(value)),
        (_COUNT, "a whole number of 0 or more", _is_whole(value) and value >= 0),
        (_FLAG, "true or false", isinstance(value, bool)),
        (_LIST, "a list", isinstance(value, list)),
    )
    for keywords, wanted, fits in rules:
        if keyword in keywords:
            return None if fits else f"`{keyword}` must be {wanted}, not {_name(value)}"
    return None


def _type_problem(value: Any) -> str | None:
    names = value if isinstance(value, list) else [value]
    if not names or len({str(name) for name in names}) < len(names):
        return "`type` must be a name, or a list of different names"
    for name in names:
        if not isinstance(name, str) or name not in TYPES:
            meant = PYTHON_TYPES.get(str(name))
            hint = f" (did you mean {meant}?)" if meant else did_you_mean(str(name), TYPES)
            return f"`type` must be {either(TYPES)}, not {name!r}{hint}"
    return None


def _names_problem(keyword: str, value: Any) -> str | None:
    fits = isinstance(value, list) and all(isinstance(name, str) for name in value) and len(set(value)) == len(value)
    if keyword == "required" and isinstance(value, bool):
        return "`required` must be a list of names; it stands beside `properties`, not inside one of them"
    return None if fits else f"`{keyword}` must be a list of different names"


def _dependencies_problem(keyword: str, value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return f"`{keyword}` must be an object, not {_name(value)}"
    lists = (part for part in value.values() if keyword == "dependentRequired" or isinstance(part, list))
    return next(filter(None, (_names_problem(keyword, part) for part in lists)), None)


def _regex_problem(value: Any) -> str | None:
    if not isinstance(value, str):
        return f"`pattern` must be text, not {_name(value)}"
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        return f"{value!r} is no regular expression that Python understands: {error}"
    return None


# ---- references ---------------------------------------------------------------------------------------------------


def _reference_problems(root: Any) -> Iterator[Problem]:
    """References that lead nowhere, or out of the schema: nothing is ever fetched."""
    anchors = {schema.get(key) for _, schema in _subschemas(root, ()) for key in ("$anchor", "$dynamicAnchor")}
    for at, schema in _subschemas(root, ()):
        for keyword in ("$ref", "$dynamicRef"):
            reference = schema.get(keyword)
            if reference is None:
                continue
            if not reference.startswith("#"):
                yield (*at, keyword), f"{reference!r} is never fetched: copy it under `$defs` and write #/$defs/NAME"
            elif reference[1:] not in anchors and not _leads_somewhere(root, reference):
                yield (*at, keyword), f"{reference!r} leads nowhere in this schema"


def _subschemas(schema: Any, at: ValuePath) -> Iterator[tuple[ValuePath, Mapping[str, Any]]]:
    if isinstance(schema, Mapping):
        yield at, schema
        for keyword, value in schema.items():
            for path, part in _parts(keyword, value):
                yield from _subschemas(part, (*at, keyword, *path))


def _leads_somewhere(root: Any, reference: str) -> bool:
    from urllib.parse import unquote

    pointer = unquote(reference[1:])
    if pointer and not pointer.startswith("/"):
        return False
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(root, list) and name.isdecimal() and int(name) < len(root):
            root = root[int(name)]
        elif isinstance(root, Mapping) and name in root:
            root = root[name]
        else:
            return False
    return isinstance(root, Mapping | bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    """Whether JSON Schema takes it for an integer: 2.0 is one."""
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


def _name(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "an object"
