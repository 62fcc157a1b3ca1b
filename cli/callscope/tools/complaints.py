"""What is wrong with arguments, said so that a model can mend them: what was meant, what is missing, what fits.

Knows the keywords of JSON Schema. Must not know jsonschema: a fault is a plain value here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .words import either, nearest, path_text

Path = tuple[str | int, ...]
Problem = tuple[str, str]
"""Where, as a path within the arguments, and a sentence without a full stop."""

LONGEST_VALUE = 60
"""Characters of a value that a sentence quotes."""

_EXTRA = ("additionalProperties", "unevaluatedProperties")
_BOUNDS = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}

_SIZES = {
    "minLength": ("at least", "characters"),
    "maxLength": ("at most", "characters"),
    "minItems": ("at least", "items"),
    "maxItems": ("at most", "items"),
    "minProperties": ("at least", "members"),
    "maxProperties": ("at most", "members"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One keyword that an instance at a path does not satisfy.

    `wanted` is the keyword's value and `schema` what it stands in; `within` are the faults of the branches of an
    anyOf or oneOf, each with the number of its `branch`.
    """

    path: Path
    keyword: str
    wanted: Any
    instance: Any
    schema: Mapping[str, Any]
    message: str
    branch: str | int
    within: tuple[Fault, ...]


def complaints(faults: Sequence[Fault]) -> Iterator[Problem]:
    """All problems, unknown arguments first: each is paired with the one that was meant, best with one missing."""
    absent = {(fault.path, name) for fault in faults for name in _absent(fault)}
    for fault in faults:
        if fault.keyword in _EXTRA and isinstance(fault.instance, dict):
            yield from _unknown(fault, absent)
    for fault in faults:
        if fault.keyword == "required":
            yield from (_missing(fault, name) for name in _absent(fault) if (fault.path, name) in absent)
        elif fault.keyword in ("anyOf", "oneOf") and fault.within:
            yield from _branch(fault)
        elif fault.keyword not in _EXTRA or not isinstance(fault.instance, dict):
            place = path_text(fault.path)
            yield place, f"{place} {_must(fault)}".strip()


def named(value: Any) -> str:
    """What kind of value this is, and which."""
    match value:
        case None | bool():
            return json.dumps(value)
        case str():
            return f"the string {_quoted(value)}"
        case int() | float():
            return f"the number {_quoted(value)}"
        case list():
            return "an array"
        case _:
            return "an object"


def _unknown(fault: Fault, absent: set[tuple[Path, str]]) -> Iterator[Problem]:
    """Each argument the schema does not know; one that is taken for a missing one leaves `absent`."""
    known = fault.schema.get("properties", {})
    free = [name for name in known if name not in fault.instance]
    for name in _extras(fault):
        place = path_text((*fault.path, name))
        meant = nearest(name, [wanted for wanted in free if (fault.path, wanted) in absent]) or nearest(name, free)
        if meant is None:
            yield place, f"unknown argument {place}; " + (f"known: {', '.join(known)}" if known else "none are known")
        elif (fault.path, meant) in absent:
            absent.discard((fault.path, meant))
            yield place, f"unknown argument {place} (did you mean {meant}, which is required and missing?)"
        else:
            yield place, f"unknown argument {place} (did you mean {meant}?)"


def _extras(fault: Fault) -> list[str]:
    """The members that an additionalProperties fault is about."""
    properties = fault.schema.get("properties", {})
    patterns = fault.schema.get("patternProperties", {})
    return [
        name
        for name in fault.instance
        if name not in properties and not any(re.search(pattern, name) for pattern in patterns)
    ]


def _absent(fault: Fault) -> list[str]:
    if fault.keyword != "required":
        return []
    # jsonschema reports each missing name as a fault of its own, all with the whole list: its message names the one
    return [name for name in fault.wanted if name not in fault.instance and fault.message.startswith(repr(name))]


def _missing(fault: Fault, name: str) -> Problem:
    place = path_text((*fault.path, name))
    about = fault.schema.get("properties", {}).get(name)
    words = about.get("description") if isinstance(about, dict) else None
    return place, f"missing argument {place}" + (f" ({words.strip().rstrip('.')})" if words else "")


def _branch(fault: Fault) -> Iterator[Problem]:
    """Of several allowed forms, what is wrong with the one whose type fits; else the forms that would fit."""
    branches: dict[str | int, list[Fault]] = {}
    for inner in fault.within:
        branches.setdefault(inner.branch, []).append(inner)
    fitting = [
        inner for inner in branches.values() if not any(f.keyword == "type" and f.path == fault.path for f in inner)
    ]
    if len(fitting) == 1:
        yield from complaints(fitting[0])
        return
    place = path_text(fault.path)
    forms = [_must(inner[0]).removeprefix("must be ").partition(", not ")[0] for inner in fitting or branches.values()]
    yield place, f"{place} must be {either(list(dict.fromkeys(forms)))}, not {_quoted(fault.instance)}".strip()


def _must(fault: Fault) -> str:
    """What one keyword asks for, and what came instead."""
    wanted, came = fault.wanted, _quoted(fault.instance)
    match fault.keyword:
        case "type":
            types = wanted if isinstance(wanted, list) else [wanted]
            return f"must be {either([_article(name) for name in types])}, not {named(fault.instance)}"
        case "enum":
            return f"must be {either([_quoted(choice) for choice in wanted])}, not {came}{_meant(fault)}"
        case "const":
            return f"must be {_quoted(wanted)}, not {came}"
        case "multipleOf":
            return f"must be a multiple of {wanted}, not {came}"
        case "pattern":
            return f"must match {wanted}, and {came} does not"
        case keyword if keyword in _SIZES:
            least, unit = _SIZES[keyword]
            return f"must have {least} {wanted} {unit}, not {len(fault.instance)}"
        case keyword if keyword in _BOUNDS:
            return f"must be {_BOUNDS[keyword]} {wanted}, not {came}"
        case _:
            return _shortened(fault.message, 3 * LONGEST_VALUE)


def _meant(fault: Fault) -> str:
    choices = [choice for choice in fault.wanted if isinstance(choice, str)]
    meant = nearest(fault.instance, choices) if isinstance(fault.instance, str) else None
    return f" (did you mean {_quoted(meant)}?)" if meant is not None else ""


def _article(name: str) -> str:
    return {"null": "null", "integer": "an integer", "object": "an object", "array": "an array"}.get(name, f"a {name}")


def _quoted(value: Any) -> str:
    return _shortened(json.dumps(value, ensure_ascii=False), LONGEST_VALUE)


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
