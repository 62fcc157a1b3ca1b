"""Running calls on this machine: whatever a tool does, a call has a result.

Knows the order: know the tool, check the arguments, run, write down. Must not know how tools are loaded, who decided
that a call may run, nor how each kind of tool does it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from callscope.core.plan import error
from callscope.core.values import ToolCall, ToolResult
from callscope.tools.answers import Answer, failed, invalid, timed_out
from callscope.tools.arguments import LONGEST_CHECK, Schema
from callscope.tools.definitions import PythonFunction, Tool
from callscope.tools.invalid import InvalidArguments
from callscope.tools.python.tracebacks import summary
from callscope.tools.words import did_you_mean

from .calling import answer_of, callable_of
from .prints import Prints, printing_into
from .threads import ThreadedCall

if TYPE_CHECKING:
    from .performing import Performer


class LocalToolbox:
    """The tools of this session; implements `core.ports.Toolbox`.

    `clock` gives seconds; `environment` is where secrets come from and what programs inherit.
    """

    def __init__(
        self,
        tools: Iterable[Tool],
        clock: Callable[[], float] = time.monotonic,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._clock = clock
        self._environment = environment
        self._performer: Performer | None = None
        self.use(tools)

    def use(self, tools: Iterable[Tool]) -> None:
        """Have these tools from now on; calls that run already end as they began."""
        self._tools = {tool.spec.name: tool for tool in tools}
        self._schemas: dict[str, Schema] = {}
        self._callables: dict[str, Callable[[str], Any]] = {}

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
        implementation = tool.implementation
        if implementation is None:
            words = f"{tool.spec.source} defines {call.name} without `run`: a person was to answer, and nobody did."
            return failed("no_implementation", words)
        try:
            text = self._checked(tool, arguments)  # in no thread: there a slow pattern could not be stopped
        except InvalidArguments as problem:
            return invalid(problem)
        if isinstance(implementation, PythonFunction) and not implementation.isolated:
            return await self._in_thread(tool, implementation, text, prints)
        if self._performer is None:
            from .performing import Performer  # what most sessions never need

            self._performer = Performer(self._environment)
        return await self._performer.perform(tool, implementation, text, prints)

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
        except TimeoutError:
            words = f"the schema of {tool.spec.name} needs over {LONGEST_CHECK:g} s to check them; see its patterns"
            raise InvalidArguments([("", words)]) from None
        except Exception as trouble:  # a schema that was loaded can still fail, as one that refers to itself
            words = f"the schema of {tool.spec.name} cannot be applied: {summary(trouble).splitlines()[0]}"
            raise InvalidArguments([("", words)]) from None

    # ---- in the thread of a call ----------------------------------------------------------------------------------

    async def _in_thread(self, tool: Tool, target: PythonFunction, text: str, prints: Prints) -> Answer:
        def work(thread: ThreadedCall[Answer]) -> Answer:
            with printing_into(prints):
                return answer_of(tool.spec.name, tool.limit, lambda: self._value(thread, tool, target, text), prints)

        try:
            thread = ThreadedCall(work, tool.spec.name)
        except RuntimeError as trouble:
            return _no_thread(tool, trouble)
        try:
            return await thread.result(tool.timeout)
        except TimeoutError:
            fate = "It runs on, for a Python thread cannot be stopped" if thread.runs_on else "It was cancelled"
            return timed_out(tool.spec.name, tool.timeout, f"{fate}, and may have had an effect")

    def _value(self, thread: ThreadedCall[Answer], tool: Tool, target: PythonFunction, text: str) -> Any:
        name = tool.spec.name
        call = self._callables.get(name)
        if call is None:
            call = self._callables[name] = callable_of(target, tool.spec.kind)
        if thread.abandoned:  # while a slow module was imported: nobody hears an answer any more
            return None
        return thread.settle(call(text))


def _no_thread(tool: Tool, trouble: RuntimeError) -> Answer:
    """The machine has no thread left."""
    return failed("not_run", f"{tool.spec.name} could not be started: {trouble}.", retryable=True)
