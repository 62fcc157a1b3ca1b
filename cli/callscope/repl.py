"""The REPL: a prompt, one task a turn, and the shape of a slash command.

Knows how a person's line becomes a turn or a command. Must not know which endpoint, tools or recorder stand behind
the session, nor any command: they come in from the app (the commands from `slash/table.py`).
"""

from __future__ import annotations

import asyncio
import difflib
import signal
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypeVar

from rich.console import Console

from callscope.core.errors import UsageError
from callscope.core.events import BreakRequested, Continued
from callscope.core.values import Message, Request, TurnReason
from callscope.core.visible import one_line
from callscope.looking.last_turn import last_turn
from callscope.looking.raw import Secrets
from callscope.looking.witness import Witness
from callscope.session import Session
from callscope.ui.asking import Choice, Choices, Person
from callscope.ui.completion import Candidate, Complete, choices
from callscope.ui.hanging import hanging
from callscope.ui.view import View

if TYPE_CHECKING:
    from callscope.record.recorder import Recorder
    from callscope.tools.definitions import LoadedTools
    from callscope.tools.running.toolbox import LocalToolbox

Result = TypeVar("Result")
Group = Literal["conversation", "tools", "looking", "session"]
"""Under which heading of /help a command stands."""

OF_THE_START = frozenset(("/url", "/dialect", "/profile", "/key-env", "/header", "/query", "/param", "/thread"))
"""What a person may look for among the commands, and is an option: with it an endpoint is opened."""

GO_ON: Choices = {"y": Choice("yes", "go on for as many rounds again"), "n": Choice("no", "leave it at that")}


class Prompt(Protocol):
    """Where the person's lines come from."""

    async def ask(self, prompt: str, *, default: str = "", complete: Complete | None = None) -> str | None:
        """The next line, edited from `default`; empty after Ctrl-C, None when the person leaves."""
        ...


Watching: TypeAlias = Callable[[Callable[[], object]], AbstractContextManager[None]]
"""What watches a piece of work, and can stop it."""

Handler: TypeAlias = "Callable[[Repl, str], Awaitable[None]]"
"""Does a command; the text is all that stands behind its name, stripped. A UsageError of it is shown as a line."""

Completes: TypeAlias = "Callable[[Repl, str], Awaitable[Sequence[Candidate]]]"
"""What may stand at the cursor; the text is what stands between the command's name and the cursor."""


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command: `usage` begins with its name; `more` is what /help NAME adds to the line `does`."""

    usage: str
    does: str
    run: Handler
    group: Group = "session"
    completes: Completes | None = None
    more: str = ""

    @property
    def name(self) -> str:
        """The name, with its slash."""
        return self.usage.partition(" ")[0]


class Repl:
    """A conversation with a person.

    `secrets` are hidden in what is shown of the wire. `tools` are those of `toolbox`, and `reload` reads their files
    again; `recorder` is what is being written, and `record` begins a new one. `behind` is the recording of turns that
    `witness` has not heard.
    """

    def __init__(
        self,
        *,
        session: Session,
        prompt: Prompt,
        person: Person,
        view: View,
        console: Console,
        witness: Witness,
        secrets: Secrets,
        commands: Callable[[], Mapping[str, Command]],
        tools: LoadedTools,
        toolbox: LocalToolbox,
        reload: Callable[[], LoadedTools],
        record: Callable[[], Recorder],
        curl: Callable[[Request], str],
        recorder: Recorder | None,
        behind: Path | None = None,
    ) -> None:
        self.session = session
        self.prompt = prompt
        self.person = person
        self.view = view
        self.console = console
        self.witness = witness
        self.secrets = secrets
        self._load_commands = commands
        self.tools = tools
        self.toolbox = toolbox
        self.reload = reload
        self.record = record
        self.curl = curl
        self.recorder = recorder
        self.behind = behind
        self.by_hand = -1  # the last call that the person made
        self.models: Sequence[str] | None = None
        self.mocks: tuple[str, ...] = ()
        self.leaving = False

    @cached_property
    def commands(self) -> Mapping[str, Command]:
        """The commands by their names; the first prompt does not wait for them."""
        return self._load_commands()

    async def run(self) -> None:
        """Read lines until the person leaves; a conversation that is gone on with is first called to mind."""
        for reminder in last_turn(self.session.conversation.items, self.secrets):
            self.console.print(reminder)
        while not self.leaving:
            line = await self.prompt.ask("> ", complete=self.complete)
            if line is None:
                return
            await self.take(line.strip())

    async def take(self, line: str) -> None:
        """Do what one line says. Words that begin with a slash are written with two."""
        if line.startswith("/") and not line.startswith("//"):
            name, *rest = line.split(maxsplit=1)
            await self._command(name, "".join(rest))
        elif line:
            await self.turn(line.removeprefix("/"))

    async def _command(self, name: str, rest: str) -> None:
        command = self.commands.get(name)
        if command is None:
            self.say(f"{self._nearest(name)} /help lists the commands; // begins a message with a slash.")
            return
        try:
            await command.run(self, rest)
        except UsageError as error:
            self.say(str(error), "yellow")

    def _nearest(self, name: str) -> str:
        """What to say of a command that there is not."""
        missing = f"There is no {one_line(name, 40)}."
        if name in OF_THE_START:
            go_on = f" --resume {self.recorder.path}" if self.recorder else ""
            return f"{missing} It is said when a session begins: callscope{go_on} --{name[1:]} …"
        near = difflib.get_close_matches(name, self.commands, n=1)
        return f"{missing} Did you mean {near[0]}?" if near else missing

    async def turn(self, text: str) -> None:
        """Drive one turn; Ctrl-C ends the turn and not the program. At the round limit the person may go on."""
        reason = await self._drive(self.session.say(text))
        while reason == "round_limit" and await self._goes_on():
            self.session.emit(Continued())
            reason = await self._drive(self.session.drive())
        from callscope.forensics.why import hint  # some milliseconds, which the first prompt need not wait for

        if said := hint(self.witness.case):
            self.say(f"  {said}: /why says what to do", "dim")

    async def _drive(self, turn: Coroutine[Any, Any, TurnReason]) -> TurnReason | None:
        try:
            return await self.interruptible(turn, self._watching)
        finally:
            self.view.close()

    def _watching(self, stop: Callable[[], object]) -> AbstractContextManager[None]:
        return self.view.watching(stop, lambda: self.session.emit(BreakRequested()))

    async def _goes_on(self) -> bool:
        limit = self.session.conversation.settings.max_rounds
        rounds = "1 round" if limit == 1 else f"{limit} rounds"
        return await self.agrees(f"stopped after {rounds}: continue?", GO_ON)

    async def agrees(self, question: str, choices: Choices) -> bool:
        """Whether the person answers with `y`; Ctrl-C is a no."""
        return await self.interruptible(self.person.key(question, choices, "Ctrl-C says no.")) == "y"

    async def interruptible(self, work: Coroutine[Any, Any, Result], watching: Watching | None = None) -> Result | None:
        """Do this as a task of its own, which Ctrl-C ends; None where it did. `watching` knows Ctrl-C as a key."""
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, task.cancel)
        try:
            with watching(task.cancel) if watching else nullcontext():
                await _to_its_end(task)
        finally:
            loop.remove_signal_handler(signal.SIGINT)
        return None if task.cancelled() else task.result()

    async def complete(self, before: str) -> Sequence[Candidate]:
        """What may stand at the cursor, by the text before it."""
        if not before.startswith("/") or before.startswith("//"):
            return ()
        name, space, rest = before.partition(" ")
        if not space:
            return [
                candidate
                for command in self.commands.values()
                for candidate in choices({command.name: command.does}, before, end=" " if " " in command.usage else "")
            ]
        command = self.commands.get(name)
        if command is None or command.completes is None:
            return ()
        return await command.completes(self, rest.lstrip())

    def say(self, text: str, style: str = "") -> None:
        """Tell the person something, broken at words."""
        for line in hanging(self.console, text, style):
            self.console.print(line)

    def said(self) -> list[tuple[int, Message]]:
        """The person's messages with their places among the items; the person counts them from 1."""
        items = self.session.conversation.items
        return [(place, item) for place, item in enumerate(items) if isinstance(item, Message) and item.role == "user"]


async def _to_its_end(task: asyncio.Future[Any]) -> None:
    """Wait for a task; whoever stops us stops it first, and what it lent the terminal to has given it back."""
    try:
        await asyncio.wait([task])
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
