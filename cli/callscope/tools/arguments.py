"""The arguments of a call against the tool's schema: all problems at once, in sentences a model can act on.

Knows jsonschema, imported when the first call comes. Must not know how a tool runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from callscope.tools.running.stopping import at_most

from .complaints import Fault, complaints, named
from .invalid import InvalidArguments

if TYPE_CHECKING:
    from jsonschema import ValidationError


LONGEST_CHECK = 2.0
"""Seconds that a check may take, and hold everything up: a pattern such as `^(a+)+$` may need years for one word."""


class Schema:
    """A tool's parameters, ready to check arguments against. Draft 2020-12; no reference is ever fetched."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        from jsonschema import Draft202012Validator  # with its parts 45 to 60 ms: not at start-up
        from referencing import Registry

        self._validator = Draft202012Validator(parameters, registry=Registry())

    def check(self, arguments: str) -> str:
        """The arguments as JSON text of an object that fits; raises InvalidArguments with all that is wrong.

        Raises TimeoutError after LONGEST_CHECK seconds in the main thread.
        """
        text = arguments if arguments.strip() else "{}"
        value = parse(text)
        with at_most(LONGEST_CHECK):
            problems = list(dict.fromkeys(complaints(_faults(self._validator.iter_errors(value)))))
        if problems:
            raise InvalidArguments(problems)
        return text


def parse(text: str) -> dict[str, Any]:
    """The JSON object of this text; raises InvalidArguments."""
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise InvalidArguments([("", f"the arguments are no JSON: {error.msg} at character {error.pos}")]) from None
    except RecursionError:
        raise InvalidArguments([("", "the arguments are nested too deeply")]) from None
    except ValueError as error:  # Python reads no number of more than 4,300 digits
        raise InvalidArguments([("", f"the arguments cannot be read: {error}")]) from None
    if not isinstance(value, dict):
        twice = " (were they encoded twice?)" if isinstance(value, str) and value.lstrip().startswith("{") else ""
        raise InvalidArguments([("", f"the arguments must be a JSON object, not {named(value)}{twice}")])
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        if key in members:
            raise InvalidArguments([(key, f"{key} stands twice in one object")])
        members[key] = value
    return members


def _no_constant(name: str) -> NoReturn:
    raise InvalidArguments([("", f"the arguments are no JSON: {name} is no JSON number")])


def _faults(errors: Iterable[ValidationError]) -> list[Fault]:
    return [
        Fault(
            path=tuple(error.absolute_path),
            keyword=str(error.validator),
            wanted=error.validator_value,
            instance=error.instance,
            schema=error.schema if isinstance(error.schema, Mapping) else {},
            message=error.message,
            branch=error.relative_schema_path[0] if error.parent else 0,
            within=tuple(_faults(error.context or ())),
        )
        for error in errors
    ]
