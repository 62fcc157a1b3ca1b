"""Reading the tool files again, without leaving the session.

Knows what becomes of the tools in use. Must not know how files are read.
"""

from __future__ import annotations

import math

from callscope.choosing import gone
from callscope.core.errors import UnusableFile, UsageError
from callscope.core.events import ToolsChanged
from callscope.core.visible import one_line, visible
from callscope.repl import Command, Repl
from callscope.tools.definitions import LoadedTools
from callscope.tools.python.reloading import changes, load_again
from callscope.tools.reading.mock_rules import mocked
from callscope.tools.running.threads import ThreadedCall

from .standing import ask_again


async def _reload(repl: Repl, rest: str) -> None:
    try:
        loaded = await repl.interruptible(_loaded(repl))
    except UnusableFile as error:
        repl.say(visible(str(error)), "yellow")
        repl.say("  the tools stay as they were", "dim")
        return
    if loaded is None:
        repl.say("  interrupted; the tools stay as they were", "yellow")
        return
    difference = changes(repl.tools.tools, loaded.tools)
    mocked = _with_mocks_that_are_left(repl, loaded)
    repl.tools = loaded
    repl.toolbox.use(mocked.tools)
    repl.session.emit(ToolsChanged(loaded.specs))
    ask_again(repl, (*difference.changed, *difference.removed))
    count = len(loaded.tools)
    repl.say(f"  {count} tool{'' if count == 1 else 's'}; {str(difference) or 'the definitions are the same'}")
    _warn_of_a_choice_that_is_gone(repl)


async def _loaded(repl: Repl) -> LoadedTools:
    """In a thread: a module may take its time to import, and Ctrl-C must be heard."""
    thread = ThreadedCall(lambda _: load_again(repl.reload, repl.tools), "reload")
    return await thread.result(math.inf)


def _with_mocks_that_are_left(repl: Repl, loaded: LoadedTools) -> LoadedTools:
    """The tools with the mocks of this session; that of a tool which is gone goes with it."""
    left: list[str] = []
    tools = loaded
    for rule in repl.mocks:
        try:
            tools = mocked(tools, rule)
        except UsageError as error:
            repl.say(f"  {one_line(str(error))}", "yellow")
        else:
            left.append(rule)
    repl.mocks = tuple(left)
    return tools


def _warn_of_a_choice_that_is_gone(repl: Repl) -> None:
    conversation = repl.session.conversation
    if names := gone(conversation.settings.tool_choice, conversation.tools):
        repl.say(f"  tool_choice still names {one_line(', '.join(names), 64)}; change it with /tool-choice", "yellow")


COMMANDS = (
    Command(
        "/reload",
        "read the tool files again",
        _reload,
        "tools",
        more="Python modules are imported anew. Where a file is broken, the tools stay as they were.",
    ),
)
