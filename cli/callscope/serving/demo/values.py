"""Finds the values of a tool's parameters in plain words.

Knows JSON Schema's types and how people write values: quoted, numbers, names with a capital, `city Paris`,
`city=Paris`, `3 days`, `in Paris`. Must not know which tool fits a prompt. A value it does not find is missing:
it never makes one up, except for what the schema itself offers (a default, a minimum, an only choice).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final
from zoneinfo import available_timezones


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PREPOSITIONS: Final = _words("in at for of from to near about on into by named called")
STOP: Final = PREPOSITIONS | _words(
    """
    a an and also are as be between can compare could current currently did do does for get give go had has have hello
    hey hi how i i'd i'll i'm if is it it's its just let like look me might much my need now of ok one or our please
    say she should show some tell than that the their them then there these they think this those to today tomorrow up
    us use using want was we what when where whether which while who whose why will with would you your
    """
)
FREE_TEXT: Final = _words(
    """
    body content description expression formula input keywords message note phrase prompt q query question search
    sentence subject summary task term terms text title topic words
    """
)
"""Names of parameters that want a person's own words rather than one name in them."""

TIMEZONE_NAMES: Final = _words("timezone time_zone tz zone")

_VALUE = re.compile(
    r"""
      "(?P<double>[^"]*)" | “(?P<curly>[^”]*)” | (?<!\w)'(?P<single>[^']*)'(?!\w) | `(?P<code>[^`]*)`
    | (?P<sum>\(*-?\d+(?:\.\d+)?\)*(?:\s*[-+*/×÷^%]\s*\(*-?\d+(?:\.\d+)?\)*)+)
    | (?P<text>https?://[^\s,]+ | [\w.+-]+@[\w-]+\.\w+ | \d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?Z?)? | \d\d?:\d\d
              | (?<!\w)[~.]?/[\w./-]+ | \w[\w/-]*\.[a-z]\w{1,4}\b | [A-Z][a-z]+/[A-Z]\w+ )
    | (?P<number>(?<![\w.])-?\d+(?:\.\d+)?(?![\d.]\d))
    | (?P<word>[^\W\d_][\w'’-]*)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Value:
    """A value as it was written: as text, and perhaps as a number."""

    text: str
    number: bool = False


@dataclass(slots=True)
class Filling:
    """The arguments found for one call, and the required parameters that were not."""

    arguments: dict[str, Any] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def values(text: str, not_names: frozenset[str]) -> list[Value]:
    """What in these words may be a value; `not_names` are words that are none even with a capital."""
    found: list[Value] = []
    open_until = -1
    for match in _VALUE.finditer(text):
        kind = str(match.lastgroup)
        word = match[kind]
        if kind != "word":
            found.append(Value(word, kind == "number"))
        elif _is_name(word, not_names) and not _opens_sentence(match, text):
            bare = re.sub(r"['’]s$", "", word)
            if match.start() == open_until + 1 and text[open_until] == " ":
                found[-1] = Value(f"{found[-1].text} {bare}")
            else:
                found.append(Value(bare))
            open_until = match.end() if bare == word else -1
    return found or _after_preposition(text)


def _is_name(word: str, not_names: frozenset[str]) -> bool:
    """A capital, or a letter of a script that has none (北京)."""
    lower = word.lower()
    if lower in STOP or lower in not_names or re.sub(r"['’](s|re|ll|d|m)$", "", lower) in STOP | not_names:
        return False
    return word[0].isupper() or not word[0].islower()


def _opens_sentence(match: re.Match[str], text: str) -> bool:
    """`Compare the …`: a capital that only begins a sentence, where no name or noun follows it."""
    begins = not text[: match.start()].strip(" ,") or text[: match.start()].rstrip().endswith((".", "?", "!"))
    following = re.match(r"\s+([\w']+)", text[match.end() :])
    return begins and following is not None and (following[1].lower() in STOP or following[1][0].isdigit())


def _after_preposition(text: str) -> list[Value]:
    """`weather in paris`: where nothing else is a value, the word after a preposition is."""
    tokens = re.findall(r"[\w'-]+", text.lower())
    return [Value(word) for first, word in pairwise(tokens) if first in PREPOSITIONS and word not in STOP]


# ---- one schema, many calls -------------------------------------------------------------------------------------


def fill(schema: dict[str, Any], text: str, found: list[Value], rest: str) -> list[Filling]:
    """One filling a call: as many calls as the values suffice for, at least one.

    `rest` is the person's own words without those that chose the tool.
    """
    properties: dict[str, Any] = {name: resolve(each, schema) for name, each in schema.get("properties", {}).items()}
    required = [name for name in schema.get("required", []) if name in properties]
    wanted = required or [name for name, each in properties.items() if _takes_any_name(each)][:1]
    common = dict(_named(properties, text))
    spoken = {_spoken(value) for value in common.values()}
    left = [value for value in found if value.text not in spoken]
    fillings: list[Filling] = []
    while not fillings or left:
        filling, used = _fill_once(properties, wanted, dict(common), left, rest)
        filling.missing = [name for name in filling.missing if name in required]
        if fillings and (not used or filling.missing):
            break
        fillings.append(filling)
        left = left[used:]
        if not used:
            break
    return fillings


def _fill_once(
    properties: dict[str, Any], wanted: list[str], arguments: dict[str, Any], left: list[Value], rest: str
) -> tuple[Filling, int]:
    """Fill the open wanted parameters in order; also says how many values it took from the front of `left`."""
    used, missing = 0, []
    for name in (name for name in wanted if name not in arguments):
        schema = properties[name]
        if schema.get("type") == "array":
            items = [found for each in left[used:] if (found := coerce(each.text, schema.get("items", {}))) is not None]
            used = len(left)
            if items:
                arguments[name] = items
                continue
        place, value = _next_fitting(name, schema, left, used, rest)
        used = max(used, place)
        if value is None:
            value = fallback(schema)
        if value is None:
            missing.append(name)
        else:
            arguments[name] = value
    return Filling({name: arguments[name] for name in properties if name in arguments}, missing), used


def _next_fitting(name: str, schema: dict[str, Any], left: list[Value], used: int, rest: str) -> tuple[int, Any]:
    if schema.get("type", "string") == "string" and "enum" not in schema and set(name.lower().split("_")) & FREE_TEXT:
        quoted = next((each.text for each in left if not each.number and f'"{each.text}"' in rest), None)
        return len(left), quoted or _only_sum(name, left) or rest or None
    for numbers_too in (schema.get("type", "string") != "string", True):
        for place in range(used, len(left)):
            if left[place].number and not numbers_too:
                continue
            if (value := coerce(left[place].text, schema)) is not None:
                return place + 1, _as_timezone(value) if name.lower() in TIMEZONE_NAMES else value
    return used, None


def _takes_any_name(schema: dict[str, Any]) -> bool:
    return schema.get("type", "string") == "string" and "enum" not in schema and "format" not in schema


def _as_timezone(place: str) -> str:
    """`Tokyo` as `Asia/Tokyo`, where the time zone database has such a city."""
    city = place.strip().title().replace(" ", "_")
    return next((zone for zone in sorted(available_timezones()) if zone.split("/")[-1] == city), place)


def _only_sum(name: str, left: list[Value]) -> str | None:
    if name.lower() not in ("expression", "formula"):
        return None
    return next((each.text for each in left if re.search(r"\d\s*[-+*/×÷^%]", each.text)), None)


def _named(properties: dict[str, Any], text: str) -> Iterator[tuple[str, Any]]:
    """`city=Paris`, `city: "São Paulo"`, `city Paris`, `3 days`, an enum's own word, a flag that is mentioned."""
    for name, schema in properties.items():
        spoken = re.escape(name).replace("_", "[ _-]")
        for pattern in (_AFTER.format(spoken), _BEFORE.format(spoken), _DIRECTIONS.get(name.split("_")[0], r"(?!)")):
            if (value := _written(pattern, schema, text)) is not None:
                yield name, value
                break
        else:
            yield from _mentioned(name, spoken, schema, text)


_AFTER = r"""(?<![\w-]){}(?:\s*[=:]\s*|\s+)(?:"([^"]*)"|'([^']*)'|(\[[^\]]*\])|([^\s,;()"\[]+))"""
_BEFORE = r"(?<![\w.])(-?\d+(?:\.\d+)?)[ -]?{}\b"
_DIRECTIONS = {
    "from": r"(?:\bfrom\s+|(?<![\w.])\d+(?:\.\d+)?\s*)([^\W\d][\w@.+-]*)",
    "to": r"\b(?:to|into)\s+([\w@.+-]+)",
}
"""`5 km to mi`: parameters that are named for a direction take the word that goes there."""


def _written(pattern: str, schema: dict[str, Any], text: str) -> Any:
    for match in re.finditer(pattern, text, re.IGNORECASE):
        word = next(group for group in match.groups() if group is not None).rstrip(".?!")
        written_so = "=" in match[0] or ":" in match[0]
        loose_list = schema.get("type") == "array" and not written_so
        value = None if loose_list or (word.lower() in STOP and not written_so) else coerce(word, schema)
        if value is not None:
            return value
    return None


def _mentioned(name: str, spoken: str, schema: dict[str, Any], text: str) -> Iterator[tuple[str, Any]]:
    if schema.get("type") == "boolean" and (flag := re.search(rf"(\b(?:not|no|without)\s+)?\b{spoken}\b", text, re.I)):
        yield name, flag[1] is None
    for choice in schema.get("enum", []):
        if isinstance(choice, str) and choice and re.search(rf"(?<!\w){re.escape(choice)}(?!\w)", text, re.IGNORECASE):
            yield name, choice
            return


def _spoken(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


# ---- one value --------------------------------------------------------------------------------------------------


def resolve(schema: Any, root: dict[str, Any]) -> dict[str, Any]:
    """The schema behind a local `$ref`, and the first alternative that is not null."""
    if not isinstance(schema, dict):
        return {}
    if isinstance(reference := schema.get("$ref"), str):
        target: Any = root
        for step in reference.removeprefix("#/").split("/"):
            target = target.get(step, {}) if isinstance(target, dict) else {}
        return target if isinstance(target, dict) else {}
    kind = schema.get("type")
    if isinstance(kind, list):
        return {**schema, "type": next((each for each in kind if each != "null"), "null")}
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if isinstance(each, dict) and each.get("type") != "null":
            return resolve(each, root)
    return schema


def coerce(text: str, schema: dict[str, Any]) -> Any:
    """The text as a value of this schema; None where it is none."""
    if "enum" in schema:
        return next((each for each in schema["enum"] if _spoken(each).lower() == text.lower()), None)
    match schema.get("type", "string"):
        case "string":
            return text or None
        case "integer":
            return int(text) if re.fullmatch(r"-?\d+", text) else None
        case "number":
            number = float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None
            return int(number) if number is not None and number.is_integer() and "." not in text else number
        case "boolean":
            return {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}.get(text.lower())
        case "array":
            items = [coerce(each.strip(" \"'"), schema.get("items", {})) for each in text.strip("[]").split(",")]
            return None if None in items else items
        case _:
            return None


def fallback(schema: dict[str, Any]) -> Any:
    """What the schema itself offers where the words have nothing; None for words that only a person knows."""
    for offered in (schema.get("default"), schema.get("const"), *schema.get("examples", ()), *schema.get("enum", ())):
        if offered is not None:
            return offered
    match schema.get("type"):
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "array":
            return [] if not schema.get("minItems") else None
        case "object":
            inner = {name: resolve(each, schema) for name, each in schema.get("properties", {}).items()}
            filled = {name: fallback(inner.get(name, {})) for name in schema.get("required", [])}
            return None if None in filled.values() else filled
        case _:
            return None
