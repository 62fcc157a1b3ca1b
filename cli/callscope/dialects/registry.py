"""Dialects by their names.

Knows which dialects there are. Must not know when one of them is chosen.
"""

from __future__ import annotations

from collections.abc import Sequence

from callscope.core.errors import UsageError
from callscope.core.ports import Dialect
from callscope.core.values import JsonObject, Settings, ToolSpec
from callscope.dialects.acf.dialect import AgentConnect
from callscope.dialects.chat import tools as chat_tools
from callscope.dialects.chat.dialect import ChatCompletions
from callscope.dialects.choices import offer
from callscope.dialects.responses import tools as responses_tools
from callscope.dialects.responses.dialect import Responses

from .urls import endpoint_url

DIALECTS: dict[str, type[Dialect]] = {"chat": ChatCompletions, "acf": AgentConnect, "responses": Responses}


def dialect_named(name: str) -> Dialect:
    """A dialect by its name; raises UsageError for a name that is none."""
    if name not in DIALECTS:
        others = [one for one in ("auto", *DIALECTS) if one != name]  # to a program that cannot ask, auto is none
        raise UsageError(f"dialect {name}: write one of {', '.join(others)}.")
    return DIALECTS[name]()


def definitions(settings: Settings, tools: Sequence[ToolSpec]) -> tuple[list[JsonObject], list[str]]:
    """The tools as a request under these settings carries them, and what it cannot carry, in sentences."""
    dialect_named(settings.dialect)
    members = (responses_tools if settings.dialect == "responses" else chat_tools).tool_members(settings, tools)
    written: list[JsonObject] = members.get("tools") or members.get("functions") or []
    return written, [each.message for each in offer(settings, tools).left_out]


def models_url(base: str) -> str:
    """The URL that lists the models of the server behind a base URL; raises UsageError for what is no URL."""
    return endpoint_url(base, "/models")
