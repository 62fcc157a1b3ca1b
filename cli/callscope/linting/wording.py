"""What a model has to go by: descriptions, names that say something, and tools that can be told apart.

Knows how definitions mislead a reader. Must not know any provider.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from operator import itemgetter
from typing import Any

from callscope.core.values import ToolSpec

from .findings import Finding
from .walking import Place, member_path, places, properties, types

FEWEST_WORDS = 3
ALIKE = 0.85
"""Two descriptions that share so much of their text (difflib's ratio) are alike."""
ALIKE_NAMES = 0.88

_CHOICES = re.compile(
    r"\b(?:one of|either|allowed values?|possible values?|must be)\b[^.]{0,20}?(?:\w+(?:, | or |\|)){1,}\w+", re.I
)
_QUANTITY = re.compile(
    r"(?:^|_)(?:timeout|duration|delay|interval|distance|length|width|height|weight|size|age|ttl|speed|temperature|price|amount)$"
)
_UNIT = re.compile(
    r"\b(?:milli|micro|nano)?(?:seconds?|secs?|minutes?|mins?|hours?|days?|weeks?|months?|years?|ms|bytes?|[kmg]i?b|"
    r"characters?|pixels?|px|met(?:er|re)s?|kilomet(?:er|re)s?|km|cm|mm|miles?|inch(?:es)?|feet|ft|grams?|kilograms?|kg|pounds?|lbs?|"
    r"celsius|fahrenheit|kelvin|degrees?|percent|%|euros?|dollars?|cents?|eur|usd|currency|items?|units?|rows?|lines?|tokens?|pages?)\b",
    re.I,
)


def broken_rules(tools: Sequence[ToolSpec]) -> Iterator[Finding]:
    """What makes a model choose or fill wrongly."""
    for tool in tools:
        yield from _description(tool)
        if tool.kind == "function":
            yield from _parameters(tool)
    yield from _alike(tools)


def _description(tool: ToolSpec) -> Iterator[Finding]:
    words = tool.description.split()
    if not words:
        yield Finding("no-description", tool.name, "$.description", "say what it does and when to use it", tool.source)
    elif len(words) < FEWEST_WORDS:
        message = f"{tool.description.strip()!r}: say when to use it, and when not"
        yield Finding("thin-description", tool.name, "$.description", message, tool.source)


def _parameters(tool: ToolSpec) -> Iterator[Finding]:
    for place in places(tool.parameters, "$.parameters"):
        for rule, message in _parameter(place):
            yield Finding(rule, tool.name, place.path, message, tool.source)
        for rule, path, message in _together(place):
            yield Finding(rule, tool.name, path, message, tool.source)


def _parameter(place: Place) -> Iterator[tuple[str, str]]:
    if not place.parameter:
        return
    schema, description = place.schema, str(place.schema.get("description", ""))
    kinds = types(schema)
    if not description.strip() and "enum" not in schema and "const" not in schema and "$ref" not in schema:
        yield "parameter-undescribed", "describe it"
    if not kinds and not any(word in schema for word in ("enum", "const", "$ref", "anyOf", "oneOf", "allOf")):
        yield "untyped-parameter", "give it a type"
    if kinds == ("object",) and not properties(schema) and not isinstance(schema.get("additionalProperties"), Mapping):
        yield "bare-object", "list its properties"
    if "string" in kinds and "enum" not in schema and _CHOICES.search(description):
        yield "enum-in-words", "write the values as an enum"
    is_number = "number" in kinds or "integer" in kinds
    if is_number and _QUANTITY.search(_snake(place.parameter)) and not _UNIT.search(description):
        yield "unit-unsaid", "say the unit, in the description or the name"


def _together(place: Place) -> Iterator[tuple[str, str, str]]:
    """What is wrong between the parameters of one object."""
    names = list(properties(place.schema))
    path = f"{place.path}.properties"
    for one, other in combinations(names, 2):
        if _bare(one) == _bare(other):
            yield "alike-parameters", member_path(path, other), f"{one} and {other} read the same"
    snake = [name for name in names if "_" in name]
    camel = [name for name in names if re.search(r"[a-z][A-Z]", name)]
    if snake and camel:
        yield "mixed-naming", path, f"{snake[0]} beside {camel[0]}: keep to one"


def _alike(tools: Sequence[ToolSpec]) -> Iterator[Finding]:
    """Each tool that is like an earlier one, once: of a hundred alike nobody reads each pair."""
    for number, other in enumerate(tools):
        likenesses = ((one, _likeness(one, other)) for one in tools[:number])
        one, reason = next(filter(itemgetter(1), likenesses), (other, ""))
        if reason:
            yield Finding("alike-tools", other.name, "$", f"{one.name} and {other.name} {reason}", other.source)


def _likeness(one: ToolSpec, other: ToolSpec) -> str:
    if _bare(one.name) == _bare(other.name):
        return "have the same name but for its spelling"
    a, b = one.description.strip().lower(), other.description.strip().lower()
    if a and a == b:
        return "have the same description"
    if len(a.split()) > FEWEST_WORDS and len(b.split()) > FEWEST_WORDS and _ratio(a, b) >= ALIKE:
        return "have nearly the same description: say what parts them"
    if not (a and b) and _ratio(one.name, other.name) >= ALIKE_NAMES:
        return "have nearly the same name, and no description parts them"
    return ""


def _ratio(a: str, b: str) -> float:
    """How alike two texts are; the cheap bounds first, since every tool is compared with every other."""
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    if matcher.real_quick_ratio() < ALIKE or matcher.quick_ratio() < ALIKE:
        return 0.0
    return matcher.ratio()


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every string in a JSON value with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, member in value.items():
            yield from texts(member, member_path(path, str(name)))
    elif isinstance(value, list | tuple):
        for place, member in enumerate(value):
            yield from texts(member, f"{path}[{place}]")
