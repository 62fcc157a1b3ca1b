"""Running what runs outside of this process, or not at all: programs, requests, servers, isolated functions, mocks.

Knows which module runs which kind. Must not know how a call came to be run; its arguments fit already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from callscope.tools.answers import Answer
from callscope.tools.arguments import parse
from callscope.tools.definitions import Implementation, MockAnswer, MockCases, MockSequence, PythonFunction, Tool
from callscope.tools.mcp.settings import McpTool
from callscope.tools.outgoing import CommandLine, HttpCall
from callscope.tools.reading.scopes import CUSTOM_INPUT
from callscope.tools.templates import Filling

from .mocks import MockPlayer
from .prints import Prints


class Performer:
    """Runs calls of one session. `environment` is where variables come from and what programs inherit."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._mocks = MockPlayer()

    async def perform(self, tool: Tool, implementation: Implementation, text: str, prints: Prints) -> Answer:
        """Run one call with arguments that fit, and give its answer."""
        values = {CUSTOM_INPUT: text} if tool.spec.kind == "custom" else parse(text)
        filling = Filling(values, self._environment)
        match implementation:
            case MockAnswer() | MockSequence() | MockCases():
                return await self._mocks.answer(tool, implementation, values)
            case CommandLine():
                from .commands import run_command

                return await run_command(tool, implementation, filling, text, prints, self._environment)
            case HttpCall():
                from .http import run_request

                return await run_request(tool, implementation, filling, prints)
            case McpTool():
                from callscope.tools.mcp.calls import run_mcp

                return await run_mcp(tool, implementation, values, prints, self._environment)
            case PythonFunction():
                from .isolation import run_isolated

                return await run_isolated(tool, implementation, text, prints, self._environment)
            case _:
                assert_never(implementation)
