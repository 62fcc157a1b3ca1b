"""The gate where a person decides, one call at a time, with one key a decision.

Knows how a decision is asked for. Must not know how a call runs; what is wrong with arguments it hears from `check`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rich.console import Console
from rich.text import Text

from callscope.core.events import CallDecided, ResultReviewed
from callscope.core.state import Conversation
from callscope.core.values import Abort, Decision, Edit, Mock, Reject, Run, ToolCall, ToolResult

from .visible import one_line, visible

Ask = Callable[[str, str], Awaitable[str]]
"""Ask the person: a prompt and the text to start from; gives the answer."""

Check = Callable[[ToolCall, str], "str | None"]
"""What is wrong with these arguments of this call, as a sentence; None where nothing is."""

KEYS = "[y]es [Y]always [n]o [N]ever [r]eason [e]dit [m]ock [p]rint [a]bort"


class PromptGate:
    """Asks the person, one call at a time, with one key a decision.

    `answered_by_person` names the tools that have no implementation: for them the answer is asked for at once.
    """

    def __init__(self, ask: Ask, console: Console, check: Check, answered_by_person: Callable[[str], bool]) -> None:
        self.ask = ask
        self.console = console
        self.check = check
        self.answered_by_person = answered_by_person
        self._standing: dict[str, Decision] = {}

    async def decide(self, call: ToolCall, conversation: Conversation) -> CallDecided:
        """Ask until there is a decision."""
        if standing := self._standing.get(call.name):
            return CallDecided(call.key, standing, "person")
        self._present(call)
        while True:
            if self.answered_by_person(call.name):
                return CallDecided(call.key, Mock(await self.ask("  your answer › ", "")), "person")
            key = (await self.ask(f"  run it? {KEYS} › ", "")).strip()
            if decision := await self._decision(key, call):
                return CallDecided(call.key, decision, "person")

    async def review(self, call: ToolCall, result: ToolResult, conversation: Conversation) -> ResultReviewed:
        """Ask for the words that go back, beginning with the tool's own."""
        self.console.print(Text(f"  result of {one_line(call.name, 64)}", style="bold yellow"))
        output = await self.ask("  goes back › ", result.output)
        return ResultReviewed(call.key, None if output == result.output else output)

    def _present(self, call: ToolCall) -> None:
        self.console.print(Text(f"  held: {one_line(call.name, 64)} {one_line(call.arguments)}", style="bold yellow"))
        if problem := self.check(call, call.arguments):
            self.console.print(Text(f"  ! {one_line(problem)}", style="yellow"))

    async def _decision(self, key: str, call: ToolCall) -> Decision | None:
        match key:
            case "y" | "yes":
                return Run()
            case "Y":
                return self._from_now_on(call.name, Run())
            case "n" | "no":
                return Reject()
            case "N":
                return self._from_now_on(call.name, Reject("The person refuses every call of this tool."))
            case "r":
                return Reject(await self.ask("  reason › ", ""))
            case "e":
                return await self._edited(call)
            case "m":
                return Mock(await self.ask("  answer in its place › ", ""))
            case "a":
                return Abort()
            case "p":
                self.console.print(Text(visible(call.arguments)))
                return None
            case _:
                return None

    def _from_now_on(self, name: str, decision: Decision) -> Decision:
        self._standing[name] = decision
        return decision

    async def _edited(self, call: ToolCall) -> Decision | None:
        """Ask for other arguments until they are valid; an empty answer goes back to the question."""
        text = call.arguments
        while text := (await self.ask("  arguments › ", text)).strip():
            problem = self.check(call, text)
            if problem is None:
                return Edit(text)
            self.console.print(Text(f"  ! {one_line(problem)}", style="yellow"))
        return None
