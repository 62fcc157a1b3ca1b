"""Schemas that contradict themselves, and definitions that give something away.

Knows JSON Schema. Must not know any provider nor how a model reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from callscope.core.values import ToolSpec

from .findings import Finding
from .walking import Place, is_of_type, member_path, places, properties, required, types
from .wording import texts

Broken = tuple[str, str, str]


def broken_rules(tools: Sequence[ToolSpec], holds_secret: Callable[[str], bool]) -> Iterator[Finding]:
    """What no reader could make sense of; `holds_secret` knows what a key looks like."""
    for tool in tools:
        for path, text in (("$.description", tool.description), *texts(tool.parameters, "$.parameters")):
            if holds_secret(text):
                message = (
                    "take the key out and declare a variable under `secrets`; then change the key: it may be known"
                )
                yield Finding("secret-in-definition", tool.name, path, message, tool.source)
        if tool.kind == "function":
            for rule, path, message in _schema(tool):
                yield Finding(rule, tool.name, path, message, tool.source)


def _schema(tool: ToolSpec) -> Iterator[Broken]:
    root = tool.parameters
    if root and types(root) != ("object",):
        yield "root-not-object", "$.parameters", "let the root be {type: object, properties: {…}}"
    for place in places(root, "$.parameters"):
        yield from _required(place)
        yield from _values(place)
        if types(place.schema) == ("array",) and not any(word in place.schema for word in ("items", "prefixItems")):
            yield "untyped-items", place.path, "say what the items are: items: {type: …}"


def _required(place: Place) -> Iterator[Broken]:
    names = required(place.schema)
    known = properties(place.schema)
    for position, name in enumerate(names):
        path = f"{place.path}.required[{position}]"
        if name in names[:position]:
            yield "required-twice", path, f"{name} is listed twice"
        elif known and name not in known:
            yield "required-unknown", path, f"there is no property {name}"


def _values(place: Place) -> Iterator[Broken]:
    schema = place.schema
    kinds = types(schema)
    listed = schema["enum"] if isinstance(schema.get("enum"), list | tuple) else None
    for position, value in enumerate(listed or ()):
        if kinds and not any(is_of_type(value, kind) for kind in kinds):
            yield "enum-invalid", f"{place.path}.enum[{position}]", f"{value!r} is no {' or '.join(kinds)}"
    if "default" not in schema:
        return
    default, path = schema["default"], member_path(place.path, "default")
    if kinds and not any(is_of_type(default, kind) for kind in kinds):
        yield "default-invalid", path, f"{default!r} is no {' or '.join(kinds)}"
    elif listed is not None and default not in listed:
        yield "default-invalid", path, f"{default!r} is not in the enum"
