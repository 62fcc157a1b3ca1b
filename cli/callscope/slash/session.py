"""Commands about the session itself: help, and leaving.

Knows how the table of commands reads. Must not know what any of them does.
"""

from __future__ import annotations

import difflib
import textwrap
from typing import get_args

from callscope.core.errors import UsageError
from callscope.core.visible import one_line
from callscope.repl import Command, Group, Repl

from .hints import commands

KEYS = """\
Enter sends; Alt-Enter, Ctrl-J, or \\ before Enter begins a new line. Tab completes. Up and Ctrl-R bring back what was
said. Ctrl-X Ctrl-E opens $EDITOR. Ctrl-C stops a turn or clears the line, Ctrl-Z suspends, Ctrl-D leaves. // begins a
message with a slash."""

USAGE = 26
"""Columns for how a command is written; a longer one pushes on what it does."""


async def _help(repl: Repl, rest: str) -> None:
    if rest:
        _show_one(repl, f"/{rest.removeprefix('/')}")
        return
    for group in get_args(Group):
        if members := [command for command in repl.commands.values() if command.group == group]:
            repl.say(group, "bold")
            for command in members:
                usage = command.usage.ljust(USAGE if repl.console.width >= 3 * USAGE else 0)
                _say_wrapped(repl, f"  {usage}  {command.does}", USAGE + 4)
    _say_wrapped(repl, KEYS, 2, "dim")


def _show_one(repl: Repl, name: str) -> None:
    command = repl.commands.get(name)
    if command is None:
        near = difflib.get_close_matches(name, repl.commands, n=1)
        raise UsageError(f"There is no {one_line(name, 40)}.{f' Did you mean {near[0]}?' if near else ''}")
    repl.say(command.usage, "bold")
    for line in (command.does, *command.more.splitlines()):
        _say_wrapped(repl, f"  {line}", 2)


def _say_wrapped(repl: Repl, line: str, indent: int, style: str = "") -> None:
    """Say it in lines that end between words, those after the first indented, less so where there is little room."""
    width = max(repl.console.width, 20)
    hanging = " " * (indent if width >= 3 * USAGE else 4)
    for part in textwrap.wrap(line, width - 1, subsequent_indent=hanging, break_long_words=False):
        repl.say(part, style)


async def _quit(repl: Repl, rest: str) -> None:
    repl.leaving = True


COMMANDS = (
    Command("/help [COMMAND]", "this list, or more about a command", _help, completes=commands),
    Command("/quit", "leave (Ctrl-D)", _quit),
)
