"""The table of slash commands: what /help lists, in this order.

Each module of commands has a tuple `COMMANDS` of `repl.Command`; a new module is one more line here.
"""

from __future__ import annotations

from callscope.repl import Command

from . import conversation, looking, session, tools

COMMANDS: dict[str, Command] = {
    command.name: command for command in (*conversation.COMMANDS, *tools.COMMANDS, *looking.COMMANDS, *session.COMMANDS)
}
