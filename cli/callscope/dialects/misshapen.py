"""What a person wrote as one protocol has it and sends in another: the commonest mistake between the two of OpenAI.

Knows that Chat Completions nests a definition, a choice and a grammar where the Responses API has them flat. Must not
change any: what a person wrote as JSON goes as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from callscope.core.events import Diagnostic
from callscope.core.json_text import json_text
from callscope.core.values import Settings

from .diagnostics import diagnostic, excerpt

KINDS = ("function", "custom")
FLAT = "nested, as Chat Completions has it, but the Responses API has it flat"
NESTED = "flat, as the Responses API has it, but Chat Completions nests it"


def misshapen(settings: Settings) -> Iterator[Diagnostic]:
    """Complaints about the raw JSON of these settings that stands in the other protocol's shape."""
    flat = settings.dialect == "responses"
    choices = [("The tool choice", settings.tool_choice), ("`tool_choice`", settings.parameters.get("tool_choice"))]
    for what, choice in choices:
        yield from _one(what, choice, flat=flat)
    tools = settings.parameters.get("tools")
    for place, tool in enumerate(tools if isinstance(tools, list) else ()):
        yield from _one(f"`tools[{place}]`", tool, flat=flat)


def _one(what: str, value: Any, *, flat: bool) -> Iterator[Diagnostic]:
    if not isinstance(value, Mapping):
        return
    kind, inner = value.get("type"), None
    if kind in KINDS or kind == "allowed_tools":
        inner = value.get(kind) if isinstance(value.get(kind), Mapping) else None
    if inner is not None and flat:
        yield diagnostic("offer_misshapen", what=what, how=FLAT, wanted=_written(_flat(value)))
    elif inner is None and not flat and kind in KINDS and "name" in value:
        yield diagnostic("offer_misshapen", what=what, how=NESTED, wanted=_written(_nested(value)))


def _written(value: Any) -> str:
    return excerpt(json_text(value, default=dict))


def _flat(value: Mapping[str, Any]) -> Any:
    kind = str(value["type"])
    inner = {**value[kind]}
    if kind == "allowed_tools" and isinstance(inner.get("tools"), list):
        inner["tools"] = [_flat(tool) if _is_nested(tool) else tool for tool in inner["tools"]]
    form = inner.get("format")
    if isinstance(form, Mapping) and isinstance(form.get("grammar"), Mapping):
        inner["format"] = {"type": "grammar", **form["grammar"]}
    return {"type": kind, **inner}


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("type") in KINDS and isinstance(value.get(value["type"]), Mapping)


def _nested(value: Mapping[str, Any]) -> Any:
    kind = str(value["type"])
    inner = {name: member for name, member in value.items() if name != "type"}
    form = inner.get("format")
    if isinstance(form, Mapping) and form.get("type") == "grammar" and "grammar" not in form:
        inner["format"] = {"type": "grammar", "grammar": {name: form[name] for name in form if name != "type"}}
    return {"type": kind, kind: inner}
