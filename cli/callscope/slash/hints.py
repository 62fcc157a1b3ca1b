"""What completes the words behind a command: fixed words, files, tools and their arguments, models.

Knows where each kind of word comes from. Must not know the commands that take them. Each of these is, or gives, a
`repl.Completes`.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from collections.abc import Mapping, Sequence

from callscope.core.errors import EndpointError
from callscope.core.values import ToolSpec
from callscope.core.visible import one_line
from callscope.repl import Completes, Repl
from callscope.tools.parameters import JsonSchema, kinds, listed, plain_schemas, properties
from callscope.ui.completion import Candidate, choices, file_names

from .words import open_word

_NAME = re.compile(r"(?:^|\s)([^\s=:]+):?=")


def one_of(words: Mapping[str, str] | Sequence[str]) -> Completes:
    """The first word is one of these; a mapping gives each its note."""

    async def complete(repl: Repl, begun: str) -> Sequence[Candidate]:
        return choices(words, begun)

    return complete


async def files(repl: Repl, begun: str) -> Sequence[Candidate]:
    """All that follows is the name of a file."""
    return file_names(begun)


async def commands(repl: Repl, begun: str) -> Sequence[Candidate]:
    """A command, with its slash or without."""
    return choices({command.name[1:]: command.does for command in repl.commands.values()}, begun.removeprefix("/"))


async def tool_names(repl: Repl, begun: str) -> Sequence[Candidate]:
    """A tool."""
    return choices(_tools(repl), begun)


async def tool_call(repl: Repl, begun: str) -> Sequence[Candidate]:
    """A tool and then its arguments."""
    name, space, rest = begun.partition(" ")
    if not space:
        return choices(_tools(repl), begun, end=" ")
    tool = repl.session.conversation.tool(name)
    return arguments(tool, rest) if tool else ()


async def models(repl: Repl, begun: str) -> Sequence[Candidate]:
    """A model of the endpoint, asked for once; nothing where the endpoint does not say."""
    if repl.models is None:
        from callscope.dialects.registry import models_url
        from callscope.endpoints.models import list_models

        session = repl.session
        try:
            async with asyncio.timeout(10):
                listed = await list_models(session.endpoint, models_url(session.conversation.settings.url))
                repl.models = [name for name in listed if name.isprintable()]
        except (EndpointError, TimeoutError):
            repl.models = ()  # a server that has no list is asked once
    return choices(repl.models, begun)


def _tools(repl: Repl) -> dict[str, str]:
    return {tool.name: one_line(tool.description, 60) for tool in repl.session.conversation.tools}


# ---- arguments by schema --------------------------------------------------------------------------------------------


def arguments(tool: ToolSpec, begun: str) -> Sequence[Candidate]:
    """The next argument of a tool: a parameter that is not given yet, required ones first, or a value of one."""
    if begun.lstrip().startswith("{") or tool.kind == "custom":
        return ()
    start = open_word(begun)
    word = begun[start:]
    name, separator, value = word.partition("=")
    if separator:
        return _values(name, value, tool)
    given = set(_NAME.findall(begun[:start]))
    required = tool.parameters.get("required") or ()
    known = sorted(properties(tool).items(), key=lambda item: item[0] not in required)
    notes = {_written(name, schema, tool): parameter_note(name, tool) for name, schema in known if name not in given}
    return choices(notes, word)


def _written(name: str, schema: JsonSchema, tool: ToolSpec) -> str:
    """`name=`, or `name:=` where only JSON can be meant."""
    types = {kind for part in plain_schemas(schema, tool.parameters) for kind in kinds(part)}
    return f"{name}:=" if types == {"object"} else f"{name}="


def parameter_note(name: str, tool: ToolSpec, limit: int = 60) -> str:
    """What a parameter is, in a line: its type or values, whether it is required, what it means."""
    schema = properties(tool).get(name, {})
    names = dict.fromkeys(kind for part in plain_schemas(schema, tool.parameters) for kind in _kinds_said(part))
    required = "required" if name in (tool.parameters.get("required") or ()) else ""
    description = schema.get("description")
    words = (" or ".join(names), required, description if isinstance(description, str) else "")
    return one_line(", ".join(filter(None, words)), limit)


def _kinds_said(part: JsonSchema) -> Sequence[str]:
    """The values where there are only some, else the types."""
    if values := listed(part):
        return [value if isinstance(value, str) else json.dumps(value) for value in values]
    return kinds(part) if "type" in part else []


def _values(name: str, begun: str, tool: ToolSpec) -> Sequence[Candidate]:
    """The values that the schema lists, or the files after an `@`."""
    if begun.startswith("@"):
        return file_names(begun[1:], quote=shlex.quote)
    schema = properties(tool).get(name.removesuffix(":"), {})
    values: list[str] = []
    for part in plain_schemas(schema, tool.parameters):
        listing = listed(part) or ([True, False] if kinds(part) == ("boolean",) else ())
        values += [_value_text(value, as_json=name.endswith(":")) for value in listing]
    return choices(values, begun, end=" ")


def _value_text(value: object, *, as_json: bool) -> str:
    """A value as it is typed: text in quotes where a word needs them."""
    if isinstance(value, str) and not as_json:
        return shlex.quote(value)
    return json.dumps(value, ensure_ascii=False)
