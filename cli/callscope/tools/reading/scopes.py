"""What the templates of one definition may name: its parameters, and the variables of its file.

Knows the rules for names in templates. Must not know what a template is filled for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from callscope.core.values import CallKind
from callscope.tools.templates import (
    ALL,
    BadTemplate,
    JsonTemplate,
    Template,
    Variable,
    parse_json_template,
    parse_template,
    templates_in,
    text_of,
)
from callscope.tools.words import did_you_mean

from .rules import Part, Variables

CUSTOM_INPUT = "input"
"""What templates call the text that a custom tool takes."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The names of one definition. `arguments` is None where the schema does not list them."""

    arguments: tuple[str, ...] | None = None
    required: tuple[str, ...] = ()
    variables: Mapping[str, Variable] = field(default_factory=dict)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secret variables."""
        return tuple(variable.name for variable in self.variables.values() if variable.secret)

    def template(self, part: Part) -> Template:
        """Read a text, or a plain value, as a template."""
        if isinstance(part.value, Mapping | list) or part.value is None:
            part.refuse(f"this must be text, which may have places such as {{city}}, not {part.value!r}.")
        try:
            template = parse_template(text_of(part.value), self.variables)
        except BadTemplate as problem:
            part.refuse(f"{problem}.")
        self._refuse_unknown(part, template)
        return template

    def json_template(self, part: Part) -> JsonTemplate:
        """Read JSON whose texts are templates."""
        try:
            value = parse_json_template(part.value, self.variables)
        except BadTemplate as problem:
            part.refuse(f"{problem}.")
        for template in templates_in(value):
            self._refuse_unknown(part, template)
        return value

    def refuse_unused(self, part: Part, templates: Iterable[Template]) -> None:
        """Refuse parameters that have no place in any template: their values would be lost."""
        used = {name for template in templates for name in template.arguments}
        for name in self.arguments or ():
            if name not in used and ALL not in used:
                part.refuse(
                    f"the parameter {name} goes nowhere; put {{{name}}} where it belongs, or {{*}} where all belong."
                )

    def is_required(self, name: str) -> bool:
        """Whether a call always has this argument, as far as the schema tells."""
        return self.arguments is None or name in self.required or name == ALL

    def _refuse_unknown(self, part: Part, template: Template) -> None:
        for name in template.arguments:
            if self.arguments is not None and name not in self.arguments and name != ALL:
                known = ", ".join(self.arguments) or "none"
                hint = did_you_mean(name, self.arguments)
                text = f"for the text itself write {{{{{name}}}}}"
                part.refuse(f"{{{name}}} names no parameter{hint}; known here: {known}; {text}.")


def scope_of(kind: CallKind, parameters: Mapping[str, Any] | None, declared: Variables) -> Scope:
    """The scope of a definition with these parameters, in a file that declares these variables."""
    variables = {name: Variable(name) for name in declared.secrets}
    variables |= {name: Variable(name, secret=False, default=default) for name, default in declared.plain.items()}
    if kind == "custom":
        return Scope((CUSTOM_INPUT,), (CUSTOM_INPUT,), variables)
    schema = parameters or {}
    properties = schema.get("properties", {})
    closed = not any(key in schema for key in ("$ref", "allOf", "anyOf", "oneOf", "patternProperties", "if"))
    if not closed or isinstance(schema.get("additionalProperties"), Mapping):
        return Scope(None, (), variables)
    return Scope(tuple(properties), tuple(schema.get("required", ())), variables)
