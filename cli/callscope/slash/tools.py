"""Commands about the tools: what there is, and what is known of each.

Knows how a tool is shown. Must not know how it runs.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size

from callscope.core.errors import UsageError
from callscope.core.values import ToolSpec
from callscope.core.visible import one_line, visible
from callscope.dialects.choices import offer
from callscope.linting.strictness import verdict
from callscope.panels.fitting import fitted
from callscope.repl import Command, Repl
from callscope.session import strictest
from callscope.tools.parameters import properties
from callscope.tools.words import did_you_mean

from .hints import parameter_note, tool_names
from .standing import standing_note

LEAST_DESCRIPTION = 24
"""Columns below which a description is not shown beside a name."""


def named_tool(repl: Repl, name: str) -> ToolSpec:
    """The offered tool of this name; raises UsageError."""
    tool = repl.session.conversation.tool(name)
    if tool is None:
        known = [tool.name for tool in repl.session.conversation.tools]
        there = f"; there are {', '.join(known)}" if known else "; there are none"
        what = f"There is no tool {name}{did_you_mean(name, known)}" if name else "Name a tool"
        raise UsageError(f"{what}{there}.")
    return tool


async def _tools(repl: Repl, rest: str) -> None:
    tools = repl.session.conversation.tools
    if not tools:
        repl.say("No tools. Start with --tools FILE, or put a tools.yaml here.")
    for line in _table([_row(repl, tool) for tool in tools], repl.console.width):
        repl.say(line)


def _row(repl: Repl, tool: ToolSpec) -> tuple[str, str, str]:
    """Its name, what holds for its calls, what it does."""
    own = f"[{tool.approve}]" if tool.approve else ""
    mock = "[mock]" if any(rule.partition("=")[0].strip() == tool.name for rule in repl.mocks) else ""
    holds = " ".join(filter(None, (own, mock, standing_note(repl, tool.name).strip())))
    return one_line(tool.name, 64), holds, one_line(tool.description, 200)


def _table(rows: Sequence[tuple[str, str, str]], width: int) -> Iterator[str]:
    """Columns side by side; where they leave little room for what a tool does, that has lines of its own."""
    names, holds = (max((cell_len(row[column]) for row in rows), default=0) for column in (0, 1))
    columns = (names, holds) if holds else (names,)
    room = width - 2 - sum(column + 2 for column in columns)
    for row in rows:
        before = "  ".join(set_cell_size(cell, column) for cell, column in zip(row, columns, strict=False))
        if room >= LEAST_DESCRIPTION:
            yield f"  {before}  {fitted(row[2], room)}".rstrip()
        else:
            yield f"  {row[0]} {row[1]}".rstrip()
            yield f"    {row[2]}".rstrip()


async def _tool(repl: Repl, rest: str) -> None:
    tool = named_tool(repl, rest)
    repl.say(f"{visible(tool.name)}  {_facts(repl, tool)}", "bold")
    repl.say(visible(tool.source), "dim")
    if tool.description:
        repl.say(visible(tool.description))
    known = properties(tool)
    width = max(map(len, known), default=0)
    for name in known:
        repl.say(f"  {visible(name):<{width}}  {parameter_note(name, tool, 200)}")
    repl.say(visible(json.dumps(dict(tool.parameters), ensure_ascii=False)), "dim")
    repl.say(f"/call {visible(tool.name)} {visible(' '.join(_example(tool)))}", "dim")


def _facts(repl: Repl, tool: ToolSpec) -> str:
    own = f"its own: {tool.approve}" if tool.approve else "it has none of its own"
    policy = f"approve {strictest(repl.session.conversation, tool.name)} ({own})"
    answered = ", answered by a person" if repl.toolbox.answered_by_person(tool.name) else ""
    return f"{tool.kind}{_strictness(repl, tool)}, {policy}{answered}"


def _strictness(repl: Repl, tool: ToolSpec) -> str:
    """What becomes of its strict mode, where anybody asked for it or the server does so by itself."""
    settings = repl.session.conversation.settings
    offered = next((each for each in offer(settings, [tool]).tools if each.kind == "function"), None)
    if offered is None or (offered.strict is None and settings.dialect != "responses"):
        return ""
    return f", strict {one_line(verdict(offered, settings.dialect))}"


def _example(tool: ToolSpec) -> Sequence[str]:
    """The words that call it, with what it must have."""
    if tool.kind == "custom":
        return ["text"]
    required = tool.parameters.get("required") or ()
    return [f"{shlex.quote(name)}=…" for name in properties(tool) if name in required]


COMMANDS = (
    Command("/tools", "the tools the model is offered", _tools, "tools"),
    Command("/tool NAME", "what is known of a tool: schema, policy, source", _tool, "tools", tool_names),
)
