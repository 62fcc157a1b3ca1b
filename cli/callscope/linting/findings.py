"""What a lint of tool definitions can find: every rule with its severity and its reason.

Knows the table of rules, which `docs/lint.md` prints for people. Must not know how any rule is checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "info"]
Provider: TypeAlias = Literal["openai", "anthropic", "gemini", "mcp"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: how bad it is to break it, and why."""

    severity: Severity
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a tool breaks: where in its definition (a JSON path), and what to do.

    `tool` is empty for what concerns all tools together; `source` is where a person finds the definition.
    """

    rule: str
    tool: str
    path: str
    message: str
    source: str = ""

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return RULES[self.rule].severity


RULES: dict[str, Rule] = {
    # ---- what a model has to go by --------------------------------------------------------------------------------
    "no-description": Rule(
        "warning", "A model chooses a tool by its description; without one it guesses from the name."
    ),
    "thin-description": Rule("info", "Fewer than three words seldom say when to use a tool and when not."),
    "parameter-undescribed": Rule(
        "warning", "A model fills a parameter by its description; names alone are read in many ways."
    ),
    "untyped-parameter": Rule("warning", "Without a type any JSON is valid, and a model sends any."),
    "bare-object": Rule("warning", "An object without properties says nothing; models send {} or invent members."),
    "enum-in-words": Rule("info", "A list of values in the description binds nobody; an enum does, and is checked."),
    "unit-unsaid": Rule("info", "A quantity without a unit is filled in whatever unit the model thinks of."),
    "alike-parameters": Rule("warning", "Two parameters whose names differ by a hair are filled the wrong way round."),
    "mixed-naming": Rule("info", "Where one tool mixes userId and user_id, models mix them, too."),
    "alike-tools": Rule("warning", "Between two tools that read alike a model chooses by chance."),
    # ---- schemas that contradict themselves -----------------------------------------------------------------------
    "root-not-object": Rule("error", "Arguments are always an object; servers refuse a schema whose root is not one."),
    "required-unknown": Rule("error", "A required property that is not described can never be filled as meant."),
    "required-twice": Rule(
        "error", "JSON Schema demands unique names in `required`; strict readers refuse the schema."
    ),
    "default-invalid": Rule("error", "A default that the schema itself refuses sends the model the wrong example."),
    "enum-invalid": Rule("error", "An enum value of another type than the parameter's can never be valid."),
    "untyped-items": Rule("error", "OpenAI and Gemini answer 400 to an array without `items`."),
    # ---- safety -----------------------------------------------------------------------------------------------------
    "secret-in-definition": Rule(
        "error", "Every definition is sent to the server and recorded: a key in it is public."
    ),
    "no-run": Rule("warning", "Without `run` a person is asked for the answer, and a script gets an error."),
    # ---- names and sizes, by provider -------------------------------------------------------------------------------
    "name-refused": Rule("error", "The provider refuses the whole request for one tool's name."),
    "description-too-long": Rule(
        "error", "OpenAI answers 400 (string_above_max_length) to a description of more than 1024 characters."
    ),
    "many-tools": Rule("warning", "Models choose worse among more than about 20 tools, as OpenAI itself says."),
    "too-many-tools": Rule("error", "OpenAI answers 400 (array_above_max_length) to more than 128 tools."),
    "root-union": Rule("error", "Anthropic refuses oneOf, anyOf and allOf at the root of a tool's schema."),
    "keyword-refused": Rule("error", "Gemini's schemas are a subset of OpenAPI; an unknown keyword fails the request."),
    # ---- protocols --------------------------------------------------------------------------------------------------
    "custom-refused": Rule(
        "error",
        "Custom tools are OpenAI's, in Chat Completions and the Responses API; elsewhere the request fails, or the "
        "tool is not offered.",
    ),
    "format-refused": Rule(
        "error",
        "A custom tool takes text, or what a grammar in lark or regex (Rust's, which cannot look around) allows.",
    ),
    "strict-unsaid": Rule(
        "info",
        "Without `strict` Chat Completions leaves strict mode off; the Responses API tries it, and falls back without "
        "a word.",
    ),
    # ---- strict mode ------------------------------------------------------------------------------------------------
    "strict-root": Rule("error", "Strict mode wants a plain object at the root, no union."),
    "strict-additional": Rule("error", "Strict mode wants additionalProperties: false in every object."),
    "strict-required": Rule(
        "error", "Strict mode wants every property in `required`; optional means a union with null."
    ),
    "strict-keyword": Rule(
        "error", "Strict mode refuses this keyword; the request fails with invalid_function_parameters."
    ),
    "strict-default": Rule("error", "Strict mode refuses `default` ('default' is not permitted)."),
    "strict-format": Rule("error", "Strict mode knows few formats and refuses all others."),
    "strict-pattern": Rule("error", "Strict mode refuses patterns that look around."),
    "strict-ref": Rule("error", "In strict mode a $ref stands alone and points to # or to #/$defs/…"),
    "strict-limits": Rule("error", "Strict mode limits depth, properties, enum values and the length of all names."),
    "strict-length": Rule("warning", "minLength and maxLength are known to newer models alone."),
}
