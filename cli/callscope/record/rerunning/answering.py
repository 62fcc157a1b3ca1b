"""Calls that are answered anew in a run: by a person who decides each again, or by mocks.

Knows when a recorded decision still holds: for the call that it was made about, and for no other. Must not know how a
person is asked, nor how a tool runs.
"""

from __future__ import annotations

import asyncio

from callscope.core.events import CallDecided, ResultReviewed
from callscope.core.ports import Gate, Toolbox
from callscope.core.state import Conversation
from callscope.core.values import CallKey, Run, ToolCall, ToolResult

from .script import What
from .stage import RecordedGate, Stage


class AskingGate:
    """Asks for each decision anew, at the place where it was made when it was recorded."""

    def __init__(self, stage: Stage, gate: Gate) -> None:
        self._stage = stage
        self._gate = gate

    async def decide(self, call: ToolCall, conversation: Conversation) -> CallDecided:
        """Ask."""
        decided = await self._gate.decide(call, conversation)
        if fact := self._stage.fact("decision", call.key):
            self._stage.catch_up(fact.line)
        return decided

    async def review(self, call: ToolCall, result: ToolResult, conversation: Conversation) -> ResultReviewed:
        """Ask."""
        reviewed = await self._gate.review(call, result, conversation)
        if fact := self._stage.fact("review", call.key):
            self._stage.catch_up(fact.line)
        return reviewed


class MockingGate:
    """Decides as it was decided of the same call, and lets any other go to its mock: that has no effect."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._recorded = RecordedGate(stage)

    async def decide(self, call: ToolCall, conversation: Conversation) -> CallDecided:
        """Give the recorded decision, or let it run."""
        if self._is_new("decision", call.key):
            return CallDecided(call.key, Run(), "script")
        return await self._recorded.decide(call, conversation)

    async def review(self, call: ToolCall, result: ToolResult, conversation: Conversation) -> ResultReviewed:
        """Let go back what went back, or the result as it is."""
        if self._is_new("review", call.key):
            return ResultReviewed(call.key, None, "script")
        return await self._recorded.review(call, result, conversation)

    def _is_new(self, what: What, key: CallKey) -> bool:
        recorded = self._stage.fact(what, key) is not None or self._stage.broken_off
        return key.exchange in self._stage.comparer.strayed or not recorded


class FreeToolbox:
    """Answers any call in a toolbox, those that were recorded in the recorded order of their results."""

    def __init__(self, stage: Stage, toolbox: Toolbox) -> None:
        self._stage = stage
        self._toolbox = toolbox

    async def run(self, call: ToolCall, arguments: str) -> ToolResult:
        """Run it, and wait for those whose results came before."""
        stage, key = self._stage, call.key
        result = await self._toolbox.run(call, arguments)
        order = stage.turn.ran(key.exchange) if stage.turn else []
        fact = stage.fact("result", key)
        if key in order and fact is not None:
            await stage.all_of(order[: order.index(key)])
            stage.catch_up(fact.line)
            last = key == [one for one in order if one in stage.comparer.started][-1]
            asyncio.get_running_loop().call_soon(stage.told, key, fact.line, last)
        return result
