"""The REPL: a prompt, one task a turn, and the slash commands.

Knows how a person's line becomes a turn or a change of the conversation. Must not know which endpoint, tools or
recorder stand behind the session; they come in from the app.
"""

from __future__ import annotations

import asyncio
import difflib
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from rich.console import Console
from rich.text import Text

from callscope.core.events import Rewound, SettingsChanged
from callscope.core.values import Message
from callscope.session import Session
from callscope.ui.lines import LinesView
from callscope.ui.raw import LastExchange, Secrets
from callscope.ui.visible import one_line, visible


class Prompt(Protocol):
    """Where the person's lines come from."""

    async def ask(self, prompt: str) -> str | None:
        """The next line; None when the person leaves."""
        ...


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command: what it takes, what it does in one line, and the doing."""

    usage: str
    does: str
    run: Callable[[Repl, str], Awaitable[None]]


class Repl:
    """A conversation with a person. `secrets` are hidden in what `/raw` shows."""

    def __init__(
        self,
        *,
        session: Session,
        prompt: Prompt,
        view: LinesView,
        console: Console,
        exchange: LastExchange,
        secrets: Secrets,
    ) -> None:
        self.session = session
        self.prompt = prompt
        self.view = view
        self.console = console
        self.exchange = exchange
        self.secrets = secrets
        self.leaving = False

    async def run(self) -> None:
        """Read lines until the person leaves."""
        while not self.leaving:
            line = await self.prompt.ask("> ")
            if line is None:
                return
            await self.take(line.strip())

    async def take(self, line: str) -> None:
        """Do what one line says. Words that begin with a slash are written with two."""
        if line.startswith("/") and not line.startswith("//"):
            name, _, rest = line.partition(" ")
            await self._command(name, rest.strip())
        elif line:
            await self.turn(line.removeprefix("/"))

    async def _command(self, name: str, rest: str) -> None:
        command = COMMANDS.get(name)
        if command is None:
            near = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            self.say(
                f"There is no {one_line(name, 40)}.{hint} /help lists the commands; // begins a message with a slash."
            )
            return
        await command.run(self, rest)

    async def turn(self, text: str) -> None:
        """Drive one turn as a task of its own, so that Ctrl-C ends the turn and not the program."""
        turn = asyncio.ensure_future(self.session.say(text))
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, turn.cancel)
        try:
            await asyncio.wait([turn])
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            if not turn.done():
                turn.cancel()
                await asyncio.wait([turn])
            self.view.close()
        if not turn.cancelled():
            turn.result()

    def say(self, text: str, style: str = "") -> None:
        """Tell the person something."""
        self.console.print(Text(text, style=style))

    def last_words(self) -> int | None:
        """The place of the person's last message among the items."""
        items = self.session.conversation.items
        places = [place for place, item in enumerate(items) if isinstance(item, Message) and item.role == "user"]
        return places[-1] if places else None


async def _help(repl: Repl, rest: str) -> None:
    width = max(len(command.usage) for command in COMMANDS.values())
    for command in COMMANDS.values():
        repl.say(f"  {command.usage:<{width}}  {command.does}")
    repl.say("  Ctrl-C stops a turn or clears the line; Ctrl-D leaves; // begins a message with a slash.", "dim")


async def _tools(repl: Repl, rest: str) -> None:
    tools = repl.session.conversation.tools
    if not tools:
        repl.say("No tools. Start with --tools FILE, or put a tools.yaml here.")
    for tool in tools:
        approve = f" [{tool.approve}]" if tool.approve else ""
        repl.say(f"  {one_line(tool.name, 64)}{approve}  {one_line(tool.description, 120)}")


async def _model(repl: Repl, rest: str) -> None:
    settings = repl.session.conversation.settings
    if rest:
        repl.session.emit(SettingsChanged(replace(settings, model=rest)))
    repl.say(f"  {one_line(rest or settings.model)}")


async def _system(repl: Repl, rest: str) -> None:
    settings = repl.session.conversation.settings
    if rest:
        text = None if rest == "-" else rest
        repl.session.emit(SettingsChanged(replace(settings, system=text)))
    system = repl.session.conversation.settings.system
    repl.say(f"  {visible(system)}" if system else "  no system prompt")


async def _clear(repl: Repl, rest: str) -> None:
    repl.session.emit(Rewound(0))
    repl.say("  the conversation is empty again; model, system prompt and tools stay")


async def _undo(repl: Repl, rest: str) -> None:
    place = repl.last_words()
    if place is None:
        repl.say("  nothing to take back")
        return
    message = repl.session.conversation.items[place]
    repl.session.emit(Rewound(place))
    repl.say(f"  taken back: {one_line(message.text if isinstance(message, Message) else '')}")


async def _retry(repl: Repl, rest: str) -> None:
    place = repl.last_words()
    if place is None:
        repl.say("  nothing to try again")
        return
    message = repl.session.conversation.items[place]
    repl.session.emit(Rewound(place))
    if isinstance(message, Message):
        await repl.turn(message.text)


async def _raw(repl: Repl, rest: str) -> None:
    repl.exchange.show(repl.console, repl.secrets)


async def _quit(repl: Repl, rest: str) -> None:
    repl.leaving = True


COMMANDS = {
    "/help": Command("/help", "this list", _help),
    "/tools": Command("/tools", "the tools the model is offered", _tools),
    "/model": Command("/model [NAME]", "show or change the model", _model),
    "/system": Command("/system [TEXT]", "show or change the system prompt; - removes it", _system),
    "/clear": Command("/clear", "forget the conversation", _clear),
    "/undo": Command("/undo", "take back the last message and what followed", _undo),
    "/retry": Command("/retry", "say the last message again", _retry),
    "/raw": Command("/raw", "the last exchange as it was on the wire", _raw),
    "/quit": Command("/quit", "leave (Ctrl-D)", _quit),
}
