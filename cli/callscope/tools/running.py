"""Running calls on this machine: whatever a tool does, a call has a result.

Knows how each kind of implementation runs, and the order: know the tool, check the arguments, run, write down. Must
not know how tools are loaded, nor who decided that a call may run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, assert_never

from callscope.core.errors import UnusableFile
from callscope.core.plan import error
from callscope.core.values import ResultStatus, ToolCall, ToolResult

from .arguments import Schema
from .definitions import InvalidArguments, MockAnswer, PythonFunction, Signature, Tool
from .modules import function_of
from .outputs import cut, output_text
from .prints import Prints, printing_into
from .threads import ThreadedCall
from .tracebacks import person_traceback, summary
from .words import did_you_mean

Answer = tuple[str, ResultStatus]
"""The output for the model, and the status."""


class LocalToolbox:
    """The tools of this session; implements `core.ports.Toolbox`. `clock` gives seconds."""

    def __init__(self, tools: Iterable[Tool], clock: Callable[[], float] = time.monotonic) -> None:
        self._tools = {tool.spec.name: tool for tool in tools}
        self._clock = clock
        self._schemas: dict[str, Schema] = {}
        self._signatures: dict[str, Signature] = {}

    def answered_by_person(self, name: str) -> bool:
        """Whether this tool is defined without an implementation, so that a person's answer is its result."""
        tool = self._tools.get(name)
        return tool is not None and tool.implementation is None

    def check(self, call: ToolCall, arguments: str) -> str | None:
        """What is wrong with these arguments, as one sentence, or None; an unknown tool is wrong, too."""
        tool = self._tools.get(call.name)
        if tool is None:
            return self._unknown(call.name)
        try:
            self._checked(tool, arguments)
        except InvalidArguments as problem:
            return str(problem)
        return None

    async def run(self, call: ToolCall, arguments: str) -> ToolResult:
        """Check the arguments, run the call and give its result; raises nothing but the caller's own cancellation."""
        prints = Prints()
        started = self._clock()
        output, status = await self._answer(call, arguments, prints)
        return ToolResult(call.key, output, status, self._clock() - started, prints.text)

    async def _answer(self, call: ToolCall, arguments: str, prints: Prints) -> Answer:
        tool = self._tools.get(call.name)
        if tool is None:
            return error("unknown_tool", f"{self._unknown(call.name)}.", retryable=True), "error"
        match tool.implementation:
            case None:
                words = f"{tool.spec.source} defines {call.name} without `run`: a person was to answer, and nobody did."
                return error("no_implementation", words), "error"
            case MockAnswer(output=output):
                return self._mock(tool, arguments, output)
            case PythonFunction() as target:
                return await self._python(tool, target, arguments, prints)
            case _:
                assert_never(tool.implementation)

    def _unknown(self, name: str) -> str:
        known = ", ".join(self._tools) or "none"
        return f"there is no tool {name}{did_you_mean(name, self._tools)}; the tools here: {known}"

    def _checked(self, tool: Tool, arguments: str) -> str:
        """The arguments as a tool may take them; raises InvalidArguments. A custom tool's input is plain text."""
        if tool.spec.kind == "custom":
            return arguments
        schema = self._schemas.get(tool.spec.name)
        if schema is None:
            schema = self._schemas[tool.spec.name] = Schema(tool.spec.parameters)
        try:
            return schema.check(arguments)
        except InvalidArguments:
            raise
        except Exception as trouble:  # a schema that was loaded can still fail: a reference to itself, a slow pattern
            words = f"the schema of {tool.spec.name} cannot be applied: {summary(trouble).splitlines()[0]}"
            raise InvalidArguments([("", words)]) from None

    # ---- the kinds of implementation ------------------------------------------------------------------------------

    def _mock(self, tool: Tool, arguments: str, output: Any) -> Answer:
        try:
            self._checked(tool, arguments)
        except InvalidArguments as problem:
            return _invalid(problem)
        return output_text(output)[0], "mocked"

    async def _python(self, tool: Tool, target: PythonFunction, arguments: str, prints: Prints) -> Answer:
        def work(thread: ThreadedCall[Answer]) -> Answer:
            with printing_into(prints):
                return self._call(thread, tool, target, arguments, prints)

        try:
            thread = ThreadedCall(work, tool.spec.name)
        except RuntimeError as trouble:  # the machine has no thread left
            return error("not_run", f"{tool.spec.name} could not be started: {trouble}.", retryable=True), "error"
        try:
            return await thread.result(tool.timeout)
        except TimeoutError:
            fate = "It runs on, for a Python thread cannot be stopped" if thread.runs_on else "It was cancelled"
            words = f"{tool.spec.name} gave no result within {tool.timeout:g} s. {fate}, and may have had an effect."
            return error("timeout", words, retryable=True), "timeout"

    def _call(
        self, thread: ThreadedCall[Answer], tool: Tool, target: PythonFunction, arguments: str, prints: Prints
    ) -> Answer:
        """In the call's own thread: from the arguments' text to the output's text."""
        try:
            text = self._checked(tool, arguments)
            call = self._callable(tool, target)
            if thread.abandoned:  # while a slow module was imported; nobody hears this answer
                return error("cancelled", "The call was not run."), "cancelled"
            output, notes = output_text(thread.settle(call(text)))
        except InvalidArguments as problem:
            return _invalid(problem)
        except UnusableFile as problem:
            if problem.__cause__ is not None:
                prints.write(person_traceback(problem.__cause__))
            return error("tool_unavailable", f"{tool.spec.name} cannot run: {problem}"), "error"
        except BaseException as raised:  # also SystemExit: a tool does not end the program
            prints.write(person_traceback(raised))
            retryable = isinstance(raised, TimeoutError | ConnectionError)
            return error("exception", summary(raised), retryable=retryable), "error"
        for note in notes:
            prints.write(f"[callscope: {note}]\n")
        return cut(output, tool.limit), "ok"

    def _callable(self, tool: Tool, target: PythonFunction) -> Callable[[str], Any]:
        """The function behind its signature; a custom tool's function takes the input's text as it is."""
        function = function_of(target)
        if tool.spec.kind == "custom":
            return function
        signature = self._signatures.get(tool.spec.name)
        if signature is None:
            from .signatures import read_signature  # pydantic: paid by the first call, in its thread

            signature = self._signatures[tool.spec.name] = read_signature(function, typed=False)
        return signature.call


def _invalid(problem: InvalidArguments) -> Answer:
    path = problem.problems[0][0] if len(problem.problems) == 1 else None
    words = f"The call was not run: {problem}."
    return error("invalid_arguments", words, path=path or None, retryable=True), "error"
