"""The gate where a person decides, one call at a time, with one key a decision.

Knows which decisions there are and which hold for the rest of the session. Must not know how a terminal is read
(`asking` does) nor how a call runs; what is wrong with arguments it hears from `check`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console
from rich.text import Text

from callscope.core.events import CallDecided, ResultReviewed
from callscope.core.naming import call_named
from callscope.core.ports import Gate
from callscope.core.state import CallRecord, Conversation
from callscope.core.values import Abort, Decision, Edit, Mock, Reject, Run, ToolCall, ToolResult
from callscope.core.visible import one_line, visible
from callscope.dialects.json_progress import utf8_size
from callscope.panels.wording import counted
from callscope.session import strictest, why_not_allowed

from .asking import Choice, Choices, Draft, Person
from .gate import ScriptedGate
from .hanging import hanging

Check = Callable[[ToolCall, str], "str | None"]
"""What is wrong with these arguments of this call, as a sentence; None where nothing is."""

Aside = Callable[[], AbstractContextManager[None]]
"""While the context is open nobody else owns the terminal."""

CALL: Choices = {
    "y": Choice("yes", "run it"),
    "Y": Choice("always", "run it, and every later call of this tool in this session", 3),
    "n": Choice("no", "do not run it"),
    "N": Choice("Never", "run neither it nor any later call of this tool in this session", 2),
    "r": Choice("reason", "do not run it, and tell the model why", 1),
    "e": Choice("edit", "edit the arguments, then run it"),
    "m": Choice("mock", "do not run it; write the result in its place", 1),
    "o": Choice("output", "run it, then look at the result before it goes back", 4),
    "p": Choice("print", "print the whole arguments", 5),
    "a": Choice("abort", "run none of these calls and stop the turn"),
}
UNIMPLEMENTED: Choices = {key: CALL[key] for key in "mnNrpa"}
RESULT: Choices = {
    "y": Choice("yes", "send it as it is"),
    "e": Choice("edit", "edit it, then send it"),
    "m": Choice("mock", "send other words in its place"),
    "p": Choice("print", "print the whole result"),
    "a": Choice("abort", "stop the turn; nothing is sent"),
}
CUT = ("length", "content_filter")


class PromptGate:
    """Asks the person, one call at a time, with one key a decision.

    `answered_by_person` names the tools that have no implementation: for them the answer is asked for at once.
    `aside` gives the terminal to the questions for as long as they need it.
    """

    def __init__(
        self,
        person: Person,
        console: Console,
        check: Check,
        answered_by_person: Callable[[str], bool],
        aside: Aside = nullcontext,
    ) -> None:
        self.person = person
        self.console = console
        self.check = check
        self.answered_by_person = answered_by_person
        self.aside = aside
        fancy = (console.encoding or "").lower().startswith("utf")
        self._dash, self._dot = ("—", "·") if fancy else ("-", "-")
        self._standing: dict[str, Decision] = {}

    def standing(self) -> Mapping[str, Decision]:
        """The answers that hold for every call of a tool, by its name."""
        return dict(self._standing)

    def forget(self, name: str | None = None) -> None:
        """Ask again for the calls of this tool, or of every tool."""
        for known in [name] if name is not None else list(self._standing):
            self._standing.pop(known, None)

    async def decide(self, call: ToolCall, conversation: Conversation) -> CallDecided:
        """Ask until there is a decision; a break is asked about whatever was said for the tool.

        A call that its request did not allow is asked about, too, but where the person said that it is never to run.
        """
        record = conversation.calls.get(call.key)
        unforeseen = why_not_allowed(conversation, call.key)
        if record is None or not record.at_break:
            standing = self._standing.get(call.name)
            if standing and not (unforeseen and isinstance(standing, Run)):
                return CallDecided(call.key, standing, "person")
            only_result = strictest(conversation, call.name) == "result" and not self.answered_by_person(call.name)
            if only_result and not unforeseen:
                return CallDecided(call.key, Run(), "policy")  # its result is what waits
        with self.aside():
            self._warn(call, conversation)
            return CallDecided(call.key, await self._decided(call, conversation), "person")

    async def review(self, call: ToolCall, result: ToolResult, conversation: Conversation) -> ResultReviewed:
        """Ask what goes back."""
        with self.aside():
            return ResultReviewed(call.key, await self._reviewed(call, result), "person")

    # ---- a call ---------------------------------------------------------------------------------------------------

    def _warn(self, call: ToolCall, conversation: Conversation) -> None:
        """What speaks against running it: the call stands above the question already."""
        if not any(record.decided_by == "person" for record in conversation.calls.values()):
            for warning in warnings(conversation):
                self._say(f"! {warning}", "yellow")
        for problem in (why_not_allowed(conversation, call.key), self.check(call, call.arguments)):
            if problem:
                self._say(f"! {one_line(problem, 2000)}", "yellow")

    async def _decided(self, call: ToolCall, conversation: Conversation) -> Decision:
        asked, question, choices = self._named(call, conversation), "run it?", CALL
        if self.answered_by_person(call.name):
            self._say(asked, "bold yellow")
            if answer := await self.person.words("your answer", "Esc: refuse or stop"):
                return Mock(answer)
            question, choices = "answer it?", UNIMPLEMENTED
        while True:
            key = await self.person.key(f"{asked} {self._dash} {question}", choices)
            if decision := await self._decision(key, call):
                return decision

    def _named(self, call: ToolCall, conversation: Conversation) -> str:
        """Which call is asked about; nothing more, for its panel stands above."""
        place = _place(conversation)
        return f"{place} {self._dot} " * bool(place) + call_named(call.name, call.call_id, self._dot)

    async def _decision(self, key: str, call: ToolCall) -> Decision | None:
        match key:
            case "y":
                return Run()
            case "Y":
                return self._from_now_on(call.name, Run())
            case "o":
                return Run(review=True)
            case "n":
                return Reject()
            case "N":
                return self._from_now_on(call.name, Reject("The person refuses every call of this tool."))
            case "a":
                return Abort()
            case _:
                return await self._decision_in_words(key, call)

    async def _decision_in_words(self, key: str, call: ToolCall) -> Decision | None:
        """A decision that needs a text; None where the person thought better of it."""
        match key:
            case "r":
                reason = await self.person.words("reason")
                return Reject(reason) if reason.strip() else None
            case "e":
                return await self._edited(call)
            case "m":
                answer = await self.person.edit(Draft("", "answer in its place", "txt", _nothing_wrong))
                return None if answer is None else Mock(answer)
            case _:
                self._print(call.arguments)
                return None

    def _from_now_on(self, name: str, decision: Decision) -> Decision:
        self._standing[name] = decision
        return decision

    async def _edited(self, call: ToolCall) -> Decision | None:
        json_text = call.kind == "function"

        def problem(text: str) -> str | None:
            return (_not_json(text) if json_text else None) or self.check(call, text)

        text = await self.person.edit(Draft(call.arguments, "arguments", "json" if json_text else "txt", problem))
        return None if text is None else Edit(text)

    # ---- a result -------------------------------------------------------------------------------------------------

    async def _reviewed(self, call: ToolCall, result: ToolResult) -> str | None:
        """The words that go back; None where they are the tool's own. The result stands above the question already."""
        is_json = _not_json(result.output) is None
        size = f"{result.status}, {counted(utf8_size(result.output), 'byte')}"
        named = call_named(call.name, call.call_id, self._dot)
        question = f"result of {named}, {size} {self._dash} send it?"
        while True:
            match await self.person.key(question, RESULT):
                case "y":
                    return None
                case "a":
                    raise asyncio.CancelledError
                case "e":
                    problem = _no_json_result if is_json else _nothing_wrong
                    draft = Draft(result.output, "goes back", "json" if is_json else "txt", problem)
                    edited = await self.person.edit(draft)
                case "m":
                    edited = await self.person.edit(Draft("", "other words", "txt", _nothing_wrong))
                case _:
                    self._print(result.output)
                    continue
            if edited is not None:
                return edited

    # ---- what is shown --------------------------------------------------------------------------------------------

    def _say(self, text: str, style: str = "") -> None:
        for line in hanging(self.console, f"  {text}", style):
            self.console.print(line)

    def _print(self, text: str) -> None:
        self.console.print(Text(visible(text)))  # not broken: it is there to be copied


def gate_of_person(gate: Gate) -> PromptGate | None:
    """The gate where a person is asked, behind a script or not; None where nobody is."""
    while isinstance(gate, ScriptedGate):
        gate = gate.otherwise
    return gate if isinstance(gate, PromptGate) else None


def warnings(conversation: Conversation) -> Iterator[str]:
    """What is to be known of a response before any call of it runs."""
    response = conversation.response
    if response is None:
        return
    if response.finish_reason in CUT:
        said = f"the answer was cut (finish_reason {response.finish_reason})"
        faulty = any(record.call.fault for record in conversation.calls.values())
        yield f"{said}: what the calls give will not be sent on" if faulty else said
    found = [diagnostic for diagnostic in response.chunks.diagnostics if diagnostic.severity != "info"]
    if codes := list(dict.fromkeys(diagnostic.code for diagnostic in found)):
        yield f"found in this response: {', '.join(codes)}"


def _place(conversation: Conversation) -> str:
    """Which of the held calls of a response this is; nothing where it is the only one."""
    records = conversation.calls.values()
    waiting = sum(_waits(record) for record in records)
    asked = sum(record.decided_by == "person" for record in records)
    return f"{asked + 1} of {asked + waiting}" if asked + waiting > 1 else ""


def _waits(record: CallRecord) -> bool:
    return record.held and record.decision is None


def _nothing_wrong(text: str) -> None:
    return None


def _no_json_result(text: str) -> str | None:
    problem = _not_json(text)
    return f"{problem}; Esc, then m sends other words" if problem else None


def _not_json(text: str) -> str | None:
    """Where a text stops being JSON, by line and column; None where it is JSON."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError) as error:  # a number of too many digits, or too deep
        return f"not JSON that can be read: {error}"
    return None
