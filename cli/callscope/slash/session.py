"""Commands about the session itself: help, and leaving.

Knows how the table of commands reads. Must not know what any of them does.
"""

from __future__ import annotations

import difflib
from typing import get_args

from callscope.core.errors import UsageError
from callscope.repl import Command, Group, Repl
from callscope.ui.visible import one_line

from .hints import commands

KEYS = (
    "Enter sends; Alt-Enter, Ctrl-J, or \\ before Enter: a new line. Tab completes. Ctrl-R searches what was said.",
    "Ctrl-X Ctrl-E opens $EDITOR. Ctrl-C stops a turn or clears the line; Ctrl-Z suspends; Ctrl-D leaves.",
    "// begins a message with a slash.",
)


async def _help(repl: Repl, rest: str) -> None:
    if rest:
        _show_one(repl, f"/{rest.removeprefix('/')}")
        return
    width = max(len(command.usage) for command in repl.commands.values())
    for group in get_args(Group):
        if members := [command for command in repl.commands.values() if command.group == group]:
            repl.say(group, "bold")
            for command in members:
                repl.say(f"  {command.usage:<{width}}  {command.does}")
    for line in KEYS:
        repl.say(line, "dim")


def _show_one(repl: Repl, name: str) -> None:
    command = repl.commands.get(name)
    if command is None:
        near = difflib.get_close_matches(name, repl.commands, n=1)
        raise UsageError(f"There is no {one_line(name, 40)}.{f' Did you mean {near[0]}?' if near else ''}")
    repl.say(command.usage, "bold")
    repl.say(f"  {command.does}")
    for line in command.more.splitlines():
        repl.say(f"  {line}")


async def _quit(repl: Repl, rest: str) -> None:
    repl.leaving = True


COMMANDS = (
    Command("/help [COMMAND]", "this list, or more about a command", _help, completes=commands),
    Command("/quit", "leave (Ctrl-D)", _quit),
)
