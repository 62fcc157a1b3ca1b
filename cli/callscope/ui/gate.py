"""Gates that need no terminal: nobody is there, or a script decides.

Knows how a scripted decision is written. Must not know how a call runs, nor how a person is asked (prompt_gate.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from callscope.core.errors import UsageError
from callscope.core.events import CallDecided, ResultReviewed
from callscope.core.ports import Gate
from callscope.core.state import Conversation
from callscope.core.values import Abort, Decision, Edit, Mock, Reject, Run, ToolCall, ToolResult


class AbsentGate:
    """Nobody is there: refuses, and says so to the model."""

    async def decide(self, call: ToolCall, conversation: Conversation) -> CallDecided:
        """Refuse."""
        reason = "This call needs a person's approval and nobody is there to give it."
        return CallDecided(call.key, Reject(reason), "absent")

    async def review(self, call: ToolCall, result: ToolResult, conversation: Conversation) -> ResultReviewed:
        """Let it go back as it is: the call ran because a script said so."""
        return ResultReviewed(call.key, None, "absent")


class ScriptedGate:
    """Decides by the tool's name; asks `otherwise` for a tool that the script does not name, and at a break."""

    def __init__(self, script: Mapping[str, Decision], otherwise: Gate) -> None:
        self.script = script
        self.otherwise = otherwise

    async def decide(self, call: ToolCall, conversation: Conversation) -> CallDecided:
        """Decide as the script says."""
        record = conversation.calls.get(call.key)
        at_break = record is not None and record.at_break
        if not at_break and (decision := self.script.get(call.name)):
            return CallDecided(call.key, decision, "script")
        return await self.otherwise.decide(call, conversation)

    async def review(self, call: ToolCall, result: ToolResult, conversation: Conversation) -> ResultReviewed:
        """Let the result of a scripted call go back as it is."""
        if call.name in self.script:
            return ResultReviewed(call.key, None, "script")
        return await self.otherwise.review(call, result, conversation)


def scripted_decision(rule: str) -> tuple[str, Decision]:
    """Read `TOOL=run`, `TOOL=reject:reason`, `TOOL=edit:{json}`, `TOOL=mock:text` or `TOOL=abort`."""
    name, _, action = rule.partition("=")
    verb, _, rest = action.partition(":")
    decisions: dict[str, Decision] = {
        "run": Run(),
        "reject": Reject(rest),
        "edit": Edit(rest),
        "mock": Mock(rest),
        "abort": Abort(),
    }
    if not name or verb not in decisions:
        raise UsageError(
            f"--decide {rule!r}: write TOOL=run, TOOL=reject:REASON, TOOL=edit:JSON, TOOL=mock:TEXT or TOOL=abort."
        )
    return name, decisions[verb]
