"""OpenAI's strict mode: what a schema must be so that a server that keeps to it takes it.

Knows the rules of https://platform.openai.com/docs/guides/structured-outputs#supported-schemas. Must not know tools.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .walking import Place, member_path, places, properties, required, types

Broken = tuple[str, str, str]
"""A rule, the JSON path where it is broken, and what to do."""

REFUSED = (
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "unevaluatedProperties",
    "unevaluatedItems",
    "contains",
    "minContains",
    "maxContains",
    "uniqueItems",
    "prefixItems",
)
FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")
LOOKAROUNDS = ("(?=", "(?!", "(?<=", "(?<!")
MOST_PROPERTIES, DEEPEST, MOST_CHARACTERS, MOST_VALUES = 5000, 10, 120_000, 1000
LONG_ENUM, MOST_CHARACTERS_OF_A_LONG_ENUM = 250, 15_000


def broken_rules(schema: Mapping[str, Any]) -> Iterator[Broken]:
    """What strict mode would refuse."""
    if "anyOf" in schema:
        yield "strict-root", "$.anyOf", "put the union into a property of an object"
    for place in places(schema):
        yield from _object(place)
        yield from _keywords(place)
        yield from _reference(place)
    yield from _limits(schema)


def _object(place: Place) -> Iterator[Broken]:
    path, schema = place.path, place.schema
    if "object" not in types(schema) and "properties" not in schema:
        return
    if schema.get("additionalProperties") is not False:
        yield "strict-additional", path, "add additionalProperties: false"
    wanted = set(required(schema))
    for name in properties(schema):
        if name not in wanted:
            where = member_path(f"{path}.properties", name)
            yield "strict-required", where, f"list {name} in `required` and let its type be a union with null"


def _keywords(place: Place) -> Iterator[Broken]:
    path, schema = place.path, place.schema
    for keyword in REFUSED:
        if keyword in schema:
            yield "strict-keyword", f"{path}.{keyword}", f"leave out {keyword}; say it in the description"
    if "default" in schema:
        yield "strict-default", f"{path}.default", "say the default in the description"
    if isinstance(named := schema.get("format"), str) and named not in FORMATS:
        yield "strict-format", f"{path}.format", f"{named} is none of {', '.join(FORMATS)}"
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and any(look in pattern for look in LOOKAROUNDS):
        yield "strict-pattern", f"{path}.pattern", "write the pattern without lookahead and lookbehind"
    for keyword in ("minLength", "maxLength"):
        if keyword in schema:
            yield "strict-length", f"{path}.{keyword}", "older models refuse it"


def _reference(place: Place) -> Iterator[Broken]:
    target = place.schema.get("$ref")
    if target is None:
        return
    if len(place.schema) > 1:
        yield "strict-ref", place.path, "let $ref stand alone"
    if target != "#" and not str(target).startswith("#/$defs/"):
        yield "strict-ref", f"{place.path}.$ref", "point to # or to #/$defs/…"


def _limits(schema: Mapping[str, Any]) -> Iterator[Broken]:
    all_places = list(places(schema))
    count = sum(len(properties(place.schema)) for place in all_places)
    if count > MOST_PROPERTIES:
        yield "strict-limits", "$", f"{count:,} properties; at most {MOST_PROPERTIES:,}"
    deepest = max(all_places, key=lambda place: place.depth)
    if deepest.depth > DEEPEST:
        yield "strict-limits", deepest.path, f"{deepest.depth} levels deep; at most {DEEPEST}"
    enums = [(place.path, place.schema["enum"]) for place in all_places if isinstance(place.schema.get("enum"), list)]
    values = sum(len(values) for _, values in enums)
    if values > MOST_VALUES:
        yield "strict-limits", "$", f"{values:,} enum values in all; at most {MOST_VALUES:,}"
    for path, listed in enums:
        size = sum(len(str(value)) for value in listed)
        if len(listed) > LONG_ENUM and size > MOST_CHARACTERS_OF_A_LONG_ENUM:
            wanted = f"at most {MOST_CHARACTERS_OF_A_LONG_ENUM:,} where there are more than {LONG_ENUM} values"
            yield "strict-limits", f"{path}.enum", f"{size:,} characters; {wanted}"
    size = sum(_written(place.schema) for place in all_places)
    if size > MOST_CHARACTERS:
        yield "strict-limits", "$", f"{size:,} characters of names and values; at most {MOST_CHARACTERS:,}"


def _written(schema: Mapping[str, Any]) -> int:
    """The characters of names, enum and const values."""
    definitions = schema.get("$defs")
    names = [*properties(schema), *(definitions if isinstance(definitions, Mapping) else ())]
    values = schema["enum"] if isinstance(schema.get("enum"), list) else []
    return sum(len(str(word)) for word in (*names, *values, schema.get("const", "")))
