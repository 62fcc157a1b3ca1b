"""The table of slash commands, in the order of /help.

A module of commands ends with a tuple `COMMANDS`, and is one more name below. A whole one:

    async def _tokens(repl: Repl, rest: str) -> None:
        repl.say(f"  {repl.session.conversation.exchange} requests")

    COMMANDS = (Command("/tokens [all]", "what the turn cost", _tokens, "looking", one_of(["all"])),)

`rest` is what stands behind the name. A UsageError is shown as a line. The last argument is a hint from `hints.py`
(`one_of`, `files`, `tool_names`, `models`, …) or a function of your own; what /help NAME says more goes into `more`.
"""

from __future__ import annotations

from callscope.repl import Command

from . import (
    approving,
    calling,
    conversation,
    exporting,
    forking,
    looking,
    mocking,
    offering,
    readers,
    recording,
    reloading,
    session,
    standing,
    tools,
    why,
)

_CHANGING = (conversation, forking, tools, offering, approving, standing, calling, mocking, reloading)
_LOOKING = (looking, why, readers, exporting)
_KEEPING = (recording, session)

COMMANDS: dict[str, Command] = {
    command.name: command for module in _CHANGING + _LOOKING + _KEEPING for command in module.COMMANDS
}
