"""Commands about the session itself: help, and leaving.

Knows how the table of commands reads. Must not know what any of them does.
"""

from __future__ import annotations

from callscope.repl import Command, Repl


async def _help(repl: Repl, rest: str) -> None:
    width = max(len(command.usage) for command in repl.commands.values())
    for command in repl.commands.values():
        repl.say(f"  {command.usage:<{width}}  {command.does}")
    repl.say("  Ctrl-C stops a turn or clears the line; Ctrl-D leaves; // begins a message with a slash.", "dim")


async def _quit(repl: Repl, rest: str) -> None:
    repl.leaving = True


COMMANDS = (
    Command("/help", "this list", _help),
    Command("/quit", "leave (Ctrl-D)", _quit),
)
