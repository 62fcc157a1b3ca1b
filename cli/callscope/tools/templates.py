"""Text with places: `{city}` for an argument, `{*}` for all of them, `${WEATHER_KEY}` for an environment variable.

Knows how such text is read and how values become text, and that some variables are secret. Must not know what the text
is for: who fills a URL quotes, who fills a command does not. A brace that is meant is written twice, and so is a dollar
sign right before a place for an argument.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote as percent_encoded

from .invalid import InvalidArguments

ALL = "*"
"""The name that stands for all arguments together."""

_PLACES = re.compile(r"\$\$(?=\{)|\{\{|\}\}|\$\{(?P<variable>[A-Za-z_][A-Za-z0-9_]*)\}|\{(?P<argument>[^{}]*)\}|[{}]")


class BadTemplate(ValueError):
    """A text whose braces make no sense; the message is a sentence without a full stop."""


class MissingVariable(Exception):
    """An environment variable that a template names is not set; the argument is its name."""


@dataclass(frozen=True, slots=True)
class Argument:
    """A place for an argument; `join` stands between the items of a list or an object, which else is JSON."""

    name: str
    join: str | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """A place for the value of an environment variable, or for its default where it is unset.

    `encoded` is for HTTP's basic authentication, which wants `user:password` in base64.
    """

    name: str
    secret: bool = True
    default: str | None = None
    encoded: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """Text and places, in order."""

    parts: tuple[str | Argument | Variable, ...]

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of the arguments that have a place here."""
        return tuple(part.name for part in self.parts if isinstance(part, Argument))

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secret variables that have a place here."""
        return tuple(part.name for part in self.parts if isinstance(part, Variable) and part.secret)

    @property
    def only(self) -> str | None:
        """The name of the argument where the template is its place and nothing else."""
        part = self.parts[0] if len(self.parts) == 1 else None
        return part.name if isinstance(part, Argument) else None

    def __str__(self) -> str:
        texts = [_written(part) for part in self.parts]
        for index, after in enumerate(self.parts[1:]):
            if isinstance(after, Argument) and texts[index].endswith("$"):
                texts[index] += "$"
        return "".join(texts)


JsonTemplate: TypeAlias = "Template | bool | int | float | list[JsonTemplate] | dict[str, JsonTemplate] | None"
"""JSON whose texts are templates; its keys are not."""


@dataclass(frozen=True, slots=True)
class Filling:
    """What goes into the places. `shown` leaves the secrets as they are written: for a person to read."""

    arguments: Mapping[str, Any]
    environment: Mapping[str, str]
    shown: bool = False

    def value(self, name: str) -> Any:
        """An argument, or None where it is absent; `null` and absent are one."""
        return dict(self.arguments) if name == ALL else self.arguments.get(name)

    def variable(self, variable: Variable) -> str:
        """The value of a variable; raises MissingVariable."""
        value = self.environment.get(variable.name) or variable.default
        if self.shown and (variable.secret or value is None):
            return f"${{{variable.name}}}"
        if value is None:
            raise MissingVariable(variable.name)
        return base64_of(value) if variable.encoded else value

    def secret_values(self, names: Iterable[str]) -> tuple[str, ...]:
        """The values of these variables, those that are set, in each form in which one may come back."""
        values = [value for name in names if (value := self.environment.get(name))]
        forms = (str, base64_of, lambda value: percent_encoded(value, safe=""), lambda value: json.dumps(value)[1:-1])
        return tuple(dict.fromkeys(form(value) for value in values for form in forms))


NO_VARIABLES: Mapping[str, Variable] = {}


def parse_template(text: str, variables: Mapping[str, Variable] = NO_VARIABLES) -> Template:
    """Read a template that may name these variables; raises BadTemplate."""
    parts: list[str | Argument | Variable] = []
    end = 0
    for match in _PLACES.finditer(text):
        parts.append(text[end : match.start()])
        parts.append(_place(match, variables))
        end = match.end()
    parts.append(text[end:])
    return Template(tuple(_joined(parts)))


def parse_json_template(value: Any, variables: Mapping[str, Variable] = NO_VARIABLES) -> JsonTemplate:
    """Read the texts of a JSON value as templates; raises BadTemplate."""
    match value:
        case str():
            return parse_template(value, variables)
        case Mapping():
            return {key: parse_json_template(part, variables) for key, part in value.items()}
        case list():
            return [parse_json_template(part, variables) for part in value]
        case _:
            return value  # type: ignore[no-any-return] # what a document holds is JSON


def templates_in(value: JsonTemplate) -> Iterator[Template]:
    """All templates within a JSON value."""
    match value:
        case Template():
            yield value
        case dict():
            for part in value.values():
                yield from templates_in(part)
        case list():
            for part in value:
                yield from templates_in(part)
        case _:
            return


def text_of(value: Any) -> str:
    """A value as text: text as it is, anything else as compact JSON."""
    return value if isinstance(value, str) else _dumps(value)


def fill(template: Template, filling: Filling, quote: Callable[[str], str] = str) -> str | None:
    """The text, its values quoted; None where an argument is absent."""
    texts: list[str] = []
    for part in template.parts:
        match part:
            case str():
                texts.append(part)
            case Argument(name=name, join=join):
                if (value := filling.value(name)) is None:
                    return None
                texts.append((join or "").join(quote(text_of(item)) for item in _items(value, join)))
            case Variable():
                value = filling.variable(part)
                texts.append(value if filling.shown and part.secret else quote(value))
    return "".join(texts)


def _items(value: Any, join: str | None) -> list[Any]:
    """What stands one by one in a joined place: the items of a list, the keys and values of an object."""
    if join is None or not isinstance(value, list | Mapping):
        return [value]
    return value if isinstance(value, list) else [word for pair in value.items() for word in pair]


def base64_of(text: str) -> str:
    """The text in base64."""
    return base64.b64encode(text.encode()).decode("ascii")


class _Absent:
    """Marks what is left out."""


_ABSENT = _Absent()


def fill_json(value: JsonTemplate, filling: Filling) -> Any:
    """The JSON value: a text that is one place becomes the argument itself; what is absent is left out.

    None where the whole is one place whose argument is absent.
    """
    filled = _filled(value, filling)
    return None if filled is _ABSENT else filled


def _filled(value: JsonTemplate, filling: Filling) -> Any:
    match value:
        case Template(only=str() as name):
            absent = name != ALL and name not in filling.arguments
            return _ABSENT if absent else filling.value(name)
        case Template():
            text = fill(value, filling)
            return _ABSENT if text is None else text
        case dict():
            members = {key: _filled(part, filling) for key, part in value.items()}
            return {key: part for key, part in members.items() if part is not _ABSENT}
        case list():
            return [part for item in value if (part := _filled(item, filling)) is not _ABSENT]
        case _:
            return value


def _place(match: re.Match[str], variables: Mapping[str, Variable]) -> str | Argument | Variable:
    if name := match["variable"]:
        if (variable := variables.get(name)) is None:
            raise BadTemplate(
                f"${{{name}}} is not declared: write {name} under `secrets:` or, where anybody may see it, "
                f"`variables:`; for the text itself write ${{{{{name}}}}}, for an argument after a dollar $${{{name}}}"
            )
        return variable
    if (argument := match["argument"]) is not None:
        if not argument.strip():
            raise BadTemplate("{} names no argument; write {{}} for the braces themselves")
        return Argument(argument)
    if len(match.group()) == 1:
        raise BadTemplate(f"a {match.group()} stands alone; write it twice for the brace itself")
    return match.group()[0]


def _joined(parts: list[str | Argument | Variable]) -> Iterator[str | Argument | Variable]:
    """The parts with neighbouring texts made one, and none of them empty."""
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        if text:
            yield text
        text = ""
        yield part
    if text:
        yield text


def _written(part: str | Argument | Variable) -> str:
    match part:
        case Argument(name=name):
            return f"{{{name}}}"
        case Variable(name=name):
            return f"${{{name}}}"
        case str():
            return part.replace("{", "{{").replace("}", "}}")


def _dumps(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:  # 1e999 is read as infinity
        raise InvalidArguments([("", "the arguments hold a number that is too large")]) from None
