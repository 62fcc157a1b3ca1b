"""Commands about tools: what there is.

Knows how a tool is shown. Must not know how it runs.
"""

from __future__ import annotations

from callscope.repl import Command, Repl
from callscope.ui.visible import one_line


async def _tools(repl: Repl, rest: str) -> None:
    tools = repl.session.conversation.tools
    if not tools:
        repl.say("No tools. Start with --tools FILE, or put a tools.yaml here.")
    for tool in tools:
        approve = f" [{tool.approve}]" if tool.approve else ""
        repl.say(f"  {one_line(tool.name, 64)}{approve}  {one_line(tool.description, 120)}")


COMMANDS = (Command("/tools", "the tools the model is offered", _tools, "tools"),)
