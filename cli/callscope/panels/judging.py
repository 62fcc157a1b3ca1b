"""How the arguments of a call stand: incomplete, invalid at a byte, valid JSON, valid by the schema.

Knows the order in which the questions are asked. Must not know how the answer is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from callscope.core.values import ToolCall
from callscope.dialects.json_progress import JsonProgress

from .blocks import CallTrace

Check: TypeAlias = Callable[[ToolCall, str], "str | None"]
"""What is wrong with these arguments of this call, as a sentence; None where nothing is."""

NO_TOOL = "there is no tool "
"""What the check says of a call for which there is no schema."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """How arguments stand: `bad` means that they cannot be used, `open` that more may come."""

    words: str
    verdict: Literal["open", "good", "bad"]


class Judge:
    """Judges the arguments of one call; what is whole is judged once."""

    def __init__(self, block: CallTrace, check: Check | None) -> None:
        self.block = block
        self._check = check
        self._judged: tuple[ToolCall, Judgement] | None = None
        self._repaired: tuple[ToolCall, bool] | None = None

    def judgement(self) -> Judgement:
        """How the arguments stand now."""
        call = self.block.call
        if call is None:
            return self._of_pieces()
        if self._judged is None or self._judged[0] is not call:
            self._judged = (call, self._of_call(call))
        return self._judged[1]

    def repaired(self) -> bool:
        """Whether what was assembled is not what the deltas say when they are joined."""
        call = self.block.call
        if call is None or not self.block.deltas:
            return False
        if self._repaired is None or self._repaired[0] is not call:
            self._repaired = (call, call.arguments != "".join(text for _, text in self.block.deltas))
        return self._repaired[1]

    def as_it_came(self) -> Judgement:
        """How the deltas stand when they are joined, whatever they were taken as."""
        return self._of_pieces()

    def _of_pieces(self) -> Judgement:
        if self.block.kind == "custom":
            return Judgement("free text", "open")
        match self.block.progress.state:
            case "empty":
                return Judgement("no arguments yet", "open")
            case "incomplete":
                return Judgement("incomplete", "open")
            case "whole":
                return Judgement("valid JSON", "open")
            case "invalid":
                return Judgement(f"invalid at byte {self.block.progress.invalid_at:,}", "bad")

    def _of_call(self, call: ToolCall) -> Judgement:
        if call.kind == "custom":
            return Judgement("free text", "good")
        progress = follow(call.arguments)
        if progress.state == "invalid":
            return Judgement(f"invalid at byte {progress.invalid_at:,}", "bad")
        if progress.state == "incomplete":
            return Judgement("incomplete", "bad")
        words = "no arguments" if progress.state == "empty" else "valid JSON"
        if self._check is None or self.block.by_hand or call.executor == "remote":
            return Judgement(words, "good")
        if problem := self._check(call, call.arguments):
            if problem.startswith(NO_TOOL):
                return Judgement(f"unknown tool {problem.removeprefix(NO_TOOL)}", "bad")
            return Judgement(f"{words}, not by the schema: {problem}", "bad")
        return Judgement(
            "no arguments, valid by the schema" if progress.state == "empty" else "valid by the schema", "good"
        )


def follow(text: str) -> JsonProgress:
    """How a whole text stands."""
    progress = JsonProgress()
    progress.feed(text)
    return progress
