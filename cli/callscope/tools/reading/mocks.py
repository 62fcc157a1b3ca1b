"""Mocks as a file or a command line says them, from plain values to answers.

Knows the keys of a mock, and that anything without them is the answer itself. Must not know how an answer is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args

from callscope.tools.definitions import Malformation, Mock, MockAnswer, MockCases, MockForm, MockSequence
from callscope.tools.templates import Variable, templates_in
from callscope.tools.words import either

from .keys import MOCK_KEYS
from .rules import Part
from .scopes import Scope

FORMS = ("answer", "template", "file", "error")
SEVERAL_KEYS = ("sequence", "cases")
ERROR_KEYS = ("type", "message", "path", "retryable")
MALFORMATIONS = get_args(Malformation)


def read_mock(part: Part, scope: Scope) -> Mock:
    """Read what stands under `mock`, or raise UnusableFile."""
    keys = [key for key in part.value if key in MOCK_KEYS] if isinstance(part.value, Mapping) else []
    if not keys:
        return MockAnswer(part.value)
    others = [key for key in part.value if key not in MOCK_KEYS]
    if others:
        part.refuse(
            f"`{keys[0]}` is a key of mocks, and `{others[0]}` is none; for an answer with these members write them "
            "under `answer`."
        )
    return _described(part, scope)


def _described(part: Part, scope: Scope) -> Mock:
    """A mock that is described by the keys of mocks."""
    several = [key for key in SEVERAL_KEYS if key in part.value]
    if several and len(part.value) > 1:
        part.refuse(f"`{several[0]}` stands alone; what else belongs to an answer stands in each of its entries.")
    match several:
        case ["sequence"]:
            return MockSequence(tuple(read_mock(entry, scope) for entry in _entries(part, "sequence")))
        case ["cases"]:
            return MockCases(tuple(_case(entry, scope) for entry in _entries(part, "cases")))
        case _:
            return _answer(part, scope)


def _entries(part: Part, key: str) -> list[Part]:
    entries = part.list_at(key)
    if not entries:
        part.part(key).refuse(f"`{key}` must be a list of at least one answer.")
    return entries


def _case(entry: Part, scope: Scope) -> tuple[Mapping[str, Any], Mock]:
    if not isinstance(entry.value, Mapping):
        entry.refuse("a case must be a mapping: {when: {city: Rome}, answer: …}.")
    entry.known(("when", *MOCK_KEYS), {})
    when = entry.optional("when", Mapping, "a mapping from arguments to values") or {}
    for name in when:
        if scope.arguments is not None and name not in scope.arguments:
            known = ", ".join(scope.arguments) or "none"
            entry.part("when").part(name).refuse(f"{name} is no parameter; known here: {known}.")
    rest = {key: value for key, value in entry.value.items() if key != "when"}
    if not rest:
        entry.refuse("a case without an answer; give it one, as in {when: {city: Rome}, answer: …}.")
    return when, _described(Part(entry.document, rest, entry.at), scope)


def _answer(part: Part, scope: Scope) -> MockAnswer:
    forms = [key for key in FORMS if key in part.value]
    if len(forms) > 1:
        part.part(forms[1]).refuse(f"a mock has one answer: {either(forms)}.")
    form = forms[0] if forms else "answer"
    malformed = part.choice("malformed", MALFORMATIONS)
    return MockAnswer(
        _output(part.part(form), form, scope) if forms else "",
        cast(MockForm, "value" if form == "answer" else form),
        part.seconds("delay", 0.0, least=0.0),
        cast("Malformation | None", malformed),
    )


def _output(part: Part, form: str, scope: Scope) -> Any:
    match form:
        case "template":
            value = scope.json_template(part)
            if any(isinstance(place, Variable) for template in templates_in(value) for place in template.parts):
                part.refuse("a mock's answer goes to the model: no variable of the environment may stand in it.")
            return value
        case "file":
            return str(part.file_beside("`file`"))
        case "error":
            return _error(part)
        case _:
            return part.value


def _error(part: Part) -> dict[str, Any]:
    """The members of an error, in the order and with the defaults of a real one."""
    if isinstance(part.value, str):
        return {"type": "exception", "message": part.value, "retryable": False}
    if not isinstance(part.value, Mapping) or not isinstance(part.value.get("message"), str):
        part.refuse("`error` must be text, or a mapping with `message`.")
    part.known(ERROR_KEYS, {})
    kind = part.optional("type", str, "text") or "exception"
    path = part.optional("path", str, "text")
    retryable = part.optional("retryable", bool, "true or false") or False
    named = {"path": path} if path is not None else {}
    return {"type": kind, "message": part.value["message"], **named, "retryable": retryable}
