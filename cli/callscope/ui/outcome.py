"""What came of a turn, gathered as it happens: the last JSON line, and the exit code.

Knows which events matter to a script. Must not know how they are printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from callscope.core.events import (
    CallAssembled,
    CallDecided,
    Diagnostic,
    ResponseCompleted,
    ResponseFailed,
    ResponseStarted,
    Stamped,
    ThreadNamed,
    TurnEnded,
)
from callscope.core.state import Conversation
from callscope.core.values import ToolCall, TurnReason, Usage
from callscope.forensics.case import PASSING, Case

EXIT_CODES: dict[TurnReason, int] = {
    "completed": 0,
    "not_run": 0,
    "length": 5,
    "content_filter": 5,
    "incomplete": 5,
    "round_limit": 5,
    "aborted": 5,
    "failed": 4,
    "interrupted": 130,
}
NOT_AS_ASKED = 5


@dataclass(slots=True)
class Outcome:
    """A sink that remembers what the turn amounts to."""

    reason: TurnReason = "completed"
    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    finish_reason: str | None = None
    usage: Usage | None = None
    failure: ResponseFailed | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    refused_for_absence: bool = False
    empty: bool = False
    thread: str | None = None
    case: Case = field(default_factory=Case)

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Take note."""
        self.case.handle(stamped, conversation)
        if type(stamped.event) in PASSING:
            return
        match stamped.event:
            case CallAssembled(call=call):
                self.calls.append(call)
            case CallDecided(by="absent"):
                self.refused_for_absence = True
            case ResponseStarted():
                self.empty = False
            case Diagnostic() as diagnostic:
                self.diagnostics.append(diagnostic)
                self.empty = self.empty or diagnostic.code == "response_empty"
            case ThreadNamed(thread=thread):
                self.thread = thread
            case ResponseCompleted() | ResponseFailed() as end:
                self._response_ended(end, conversation)
            case TurnEnded(reason=reason):
                self.reason = reason
            case _:
                pass

    def _response_ended(self, end: ResponseCompleted | ResponseFailed, conversation: Conversation) -> None:
        if response := conversation.response:
            self.text, self.reasoning = response.text("output"), response.text("reasoning")
            self.refusal = response.text("refusal")
        self.finish_reason, self.usage = end.finish_reason, end.usage
        self.failure = end if isinstance(end, ResponseFailed) else None

    @property
    def exit_code(self) -> int:
        """The code of the turn; no answer, a call refused for want of a person or unfit to run are not as asked."""
        code = EXIT_CODES[self.reason]
        unusable = self.reason == "not_run" and any(call.fault for call in self.calls)
        return NOT_AS_ASKED if code == 0 and (self.refused_for_absence or unusable or self.empty) else code

    def as_json(self, *, exit_code: int, recording: str | None, error: str | None = None) -> dict[str, Any]:
        """The members of the last JSON line (docs/json-lines.md)."""
        return {
            "event": "ended",
            "reason": self.reason,
            "exit_code": exit_code,
            "text": self.text,
            "reasoning": self.reasoning,
            "refusal": self.refusal,
            "tool_calls": [call_json(call) for call in self.calls],
            "finish_reason": self.finish_reason,
            "thread": self.thread,
            "usage": dict(self.usage.raw) if self.usage else None,
            "error": self._error(error),
            "diagnostics": [diagnostic_json(diagnostic) for diagnostic in self.diagnostics],
            "why": self._why(),
            "recording": recording,
        }

    def _error(self, error: str | None) -> Mapping[str, Any] | None:
        """What went wrong; why we hung up says more than that we did."""
        if self.failure and not (error and self.failure.kind == "cancelled"):
            return failure_json(self.failure)
        return {"kind": "callscope", "message": error} if error else None

    def _why(self) -> list[Mapping[str, Any]]:
        """Why no call came, or one did not run."""
        from callscope.forensics.as_json import verdicts_json
        from callscope.forensics.why import why

        return verdicts_json(why(self.case))


def call_json(call: ToolCall) -> dict[str, Any]:
    """A call as JSON: `valid` means that its arguments can be run, `error` says why not."""
    return {
        "call": [call.key.exchange, call.key.index],
        "call_id": call.call_id,
        "kind": call.kind,
        "executor": call.executor,
        "name": call.name,
        "arguments": call.arguments,
        "valid": call.fault is None,
        "error": call.fault.message if call.fault else None,
    }


def diagnostic_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic as JSON; `bytes` are the offsets of its frame in the response body."""
    key, frame = diagnostic.key, diagnostic.frame
    return {
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "call": [key.exchange, key.index] if key else None,
        "bytes": [frame.start, frame.end] if frame else None,
    }


def failure_json(failure: ResponseFailed) -> dict[str, Any]:
    """A broken response as JSON."""
    return {
        "kind": failure.kind,
        "message": failure.message,
        "status": failure.status,
        "request_id": failure.request_id,
        "retry_after": failure.retry_after,
    }
