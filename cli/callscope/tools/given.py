"""Arguments as a person writes them: `key=value`, `key:=json`, `key=@file`, as in HTTPie.

Knows how words become the JSON text of a call's arguments, by the tool's schema. Must not know whether that text fits
the schema as a whole (arguments.py does), nor who runs the call.

    city=Paris            text, or what the schema says: a number, true, false, null, a value of an enum
    days:=[1, 2]          JSON as it stands
    days=1 days=2         an array, one item a word
    notes=@notes.txt      the text of a file;    options:=@options.json    the JSON of a file

After https://httpie.io/docs/cli/request-items, where `=` is always text; here a schema knows better.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from callscope.core.errors import UsageError
from callscope.core.values import ToolSpec
from callscope.tools.reading.documents import LONGEST

from .parameters import JsonSchema, kinds, listed, plain_schemas, properties
from .words import did_you_mean, either

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORDS = {"number": "a number", "integer": "a whole number", "boolean": "true or false", "null": "null"}


@dataclass(frozen=True, slots=True)
class _Given:
    """One word: the value of a parameter, as text or as JSON."""

    name: str
    text: str
    is_json: bool


def given_arguments(words: Sequence[str], spec: ToolSpec) -> str:
    """The JSON text of the arguments that these words give; a custom tool takes the words as its text.

    Raises UsageError that names the parameter. What is missing, or does not fit, is for the toolbox to say.
    """
    if spec.kind == "custom":
        return " ".join(words)
    by_name: dict[str, list[_Given]] = {}
    for word in words:
        given = _given(word, spec)
        by_name.setdefault(given.name, []).append(given)
    members = (f"{_quoted(name, name)}: {_value(name, given, spec)}" for name, given in by_name.items())
    return f"{{{', '.join(members)}}}"


def json_value(name: str, text: str, hint: str = "") -> str:
    """JSON text as it was given, checked; raises UsageError that names the parameter and ends with the hint."""
    try:
        json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise UsageError(f"{name}: the JSON is nested too deeply.") from None
    except ValueError as error:
        message = f"{error.msg} at character {error.pos}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise UsageError(f"{name}: {_short(text)} is no JSON: {message}{hint}") from None
    return text.strip()


def text_hint(name: str) -> str:
    """What to write instead where JSON was asked for with `:=` and text was meant."""
    return f"; for text write {name}=…"


# ---- one word -------------------------------------------------------------------------------------------------------


def _given(word: str, spec: ToolSpec) -> _Given:
    name, separator, text = word.partition("=")
    is_json = name.endswith(":")
    name = name.removesuffix(":")
    if not separator or not name:
        known = next(iter(properties(spec)), "name")
        raise UsageError(f"{spec.name}: {_short(word)} names no parameter; write {known}=…, or all of it as {{json}}.")
    _schema_of(name, spec)
    return _Given(name, _file_text(name, text[1:]) if text.startswith("@") else text, is_json)


def _schema_of(name: str, spec: ToolSpec) -> JsonSchema:
    """The schema of a parameter; a name that the tool's schema does not have is more likely mistyped than meant."""
    known = properties(spec)
    if name in known:
        return known[name]
    for pattern, schema in (spec.parameters.get("patternProperties") or {}).items():
        if re.search(pattern, name):
            return schema if isinstance(schema, Mapping) else {}
    if others := spec.parameters.get("additionalProperties", not known):
        return others if isinstance(others, Mapping) else {}
    takes = f"it takes {', '.join(known)}" if known else "it takes none"
    raise UsageError(f"{spec.name} has no parameter {name}{did_you_mean(name, known)}; {takes}.")


def _value(name: str, given: Sequence[_Given], spec: ToolSpec) -> str:
    """One word is the value; more of them are the items of an array, where the schema allows one."""
    schema, root = _schema_of(name, spec), spec.parameters
    if len(given) == 1:
        return _one(given[0], name, schema, root)
    items = [part.get("items", {}) for part in _free(schema, root) if "array" in kinds(part)]
    if not items:
        raise UsageError(f"{name} is given {len(given)} times, and takes one value.")
    return f"[{', '.join(_one(each, f'an item of {name}', items[0], root) for each in given)}]"


def _one(given: _Given, name: str, schema: JsonSchema, root: JsonSchema) -> str:
    if given.is_json:
        return json_value(given.name, given.text, text_hint(given.name))
    return _coerced(name, given.text, schema, root)


def _coerced(name: str, text: str, schema: JsonSchema, root: JsonSchema) -> str:
    """The text as JSON of a type that the schema allows; text stays text wherever text is allowed."""
    values = {
        value if isinstance(value, str) else json.dumps(value): value
        for part in plain_schemas(schema, root)
        for value in listed(part)
    }
    if text in values:
        return json.dumps(values[text], ensure_ascii=False)
    free = _free(schema, root)
    if values and not free:
        raise UsageError(f"{name} must be {either(list(values))}, not {_short(text)}{did_you_mean(text, values)}.")
    allowed = {kind for part in free for kind in kinds(part)} or {"string"}
    if "string" in allowed:
        return _quoted(text, name)
    if literal := _literal(name, text, allowed):
        return literal
    for part in free:
        if "array" in kinds(part):
            return f"[{_coerced(f'an item of {name}', text, part.get('items', {}), root)}]"
    raise UsageError(f"{name} must be {_wanted(allowed)}, not {_short(text)}.")


def _free(schema: JsonSchema, root: JsonSchema) -> list[JsonSchema]:
    """The plain schemas that do not list their values."""
    return [part for part in plain_schemas(schema, root) if not listed(part)]


def _literal(name: str, text: str, allowed: set[str]) -> str | None:
    """The JSON that a text is, where it is of an allowed type."""
    if "null" in allowed and text == "null":
        return text
    if "boolean" in allowed and text.lower() in ("true", "false"):
        return text.lower()
    if ("number" in allowed and _NUMBER.fullmatch(text)) or ("integer" in allowed and _is_whole(text)):
        return text
    for kind, opening in (("object", "{"), ("array", "[")):
        if kind in allowed and text.lstrip().startswith(opening):
            return json_value(name, text)
    return None


def _is_whole(text: str) -> bool:
    """Whether this is a JSON number without a fraction: to JSON Schema 2.0 is an integer."""
    number = _NUMBER.fullmatch(text)
    return number is not None and (not any(number.groups()) or float(text).is_integer())


def _wanted(allowed: set[str]) -> str:
    simple = [words for kind, words in _WORDS.items() if kind in allowed]
    return either([*simple, *(["JSON of an object"] if "object" in allowed else [])])


# ---- texts and files ------------------------------------------------------------------------------------------------


def _file_text(name: str, path: str) -> str:
    try:
        with Path(path).expanduser().open(encoding="utf-8") as file:
            text = file.read(LONGEST + 1)
    except UnicodeDecodeError:
        raise UsageError(f"{name}: {path} is no UTF-8 text.") from None
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: a ~ that leads nowhere; ValueError: a NUL
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        hint = f"""for text that begins with @ write {name}:='"@…"'"""
        raise UsageError(f"{name}: {path or 'the file'} cannot be read ({reason}); {hint}.") from None
    if len(text) > LONGEST:
        raise UsageError(f"{name}: {path} is longer than {LONGEST:,} characters.")
    return text


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _quoted(text: str, name: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # a shell gave bytes that are no UTF-8
        raise UsageError(f"{name!a}: this is no UTF-8 text.") from None
    return json.dumps(text, ensure_ascii=False)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
