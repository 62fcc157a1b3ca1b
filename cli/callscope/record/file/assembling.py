"""The `assembled` line: what a response came to, in one readable object for people and grep.

Knows the shape of the line alone. Derived, never truth: the same bytes must give the same line again. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from callscope.core.events import (
    ArgumentsDelta,
    Diagnostic,
    ExchangeOpened,
    PeerEvent,
    ResponseCompleted,
    ResponseFailed,
    TextDelta,
)
from callscope.core.state import Conversation, Response, apply
from callscope.core.values import Request, ToolCall, Usage

from .format import Line, encode_line, fault_line, key_line, result_line


def assembled(response: Response, last: ResponseCompleted | ResponseFailed, diagnostics: Sequence[Diagnostic]) -> Line:
    """The line of a response that ended with this event; diagnostics are all that its decoder gave."""
    chunks = response.chunks
    return {
        "kind": "assembled",
        "exchange": response.exchange,
        "model": response.model,
        **({"thread": response.thread} if response.thread is not None else {}),
        "message": {
            "role": "assistant",
            "content": response.text("output") or None,
            "reasoning": response.text("reasoning") or None,
            "refusal": response.text("refusal") or None,
        },
        "calls": [_call_line(call) for call in chunks.calls],
        "results": [result_line(result) for result in chunks.remote_results],
        "finish_reason": last.finish_reason,
        "usage": _usage_line(last.usage),
        "failure": _failure_line(last) if isinstance(last, ResponseFailed) else None,
        "echo": dict(last.echo) if isinstance(last, ResponseCompleted) else {},
        "diagnostics": [_diagnostic_line(diagnostic) for diagnostic in diagnostics],
    }


GROWING = (TextDelta, ArgumentsDelta)
"""Events that only add to what is there."""


class Assembling:
    """The line of one exchange, made while what its decoder gives passes by: nothing of it is kept but what it says."""

    def __init__(self, exchange: int) -> None:
        self._conversation = apply(Conversation(), ExchangeOpened(exchange, Request("", "", (), b"")))
        self._diagnostics: list[Diagnostic] = []
        self.line: Line | None = None

    def feed(self, events: Iterable[PeerEvent]) -> None:
        """Take what the decoder gave; `line` is there once the response ended."""
        for event in events:
            if self.line is not None:
                return
            if type(event) is not ArgumentsDelta:  # of a call's arguments the whole counts, and not its many pieces
                self._conversation = apply(self._conversation, event)
                self._take(event, self._conversation)

    def hear(self, events: Iterable[PeerEvent], conversation: Conversation) -> None:
        """Take what the decoder gave, and what it came to: a conversation that somebody else keeps.

        The same as `feed`, without a second copy of the answer's text.
        """
        for event in events:
            if type(event) not in GROWING and self.line is None:
                self._take(event, conversation)

    def part(self, conversation: Conversation) -> None:
        """Go on by itself from here: what is heard of from now on is `feed`."""
        self._conversation = conversation

    def _take(self, event: PeerEvent, conversation: Conversation) -> None:
        if isinstance(event, Diagnostic):
            self._diagnostics.append(event)
        elif isinstance(event, ResponseCompleted | ResponseFailed) and conversation.response is not None:
            self.line = assembled(conversation.response, event, self._diagnostics)


def assembled_from(exchange: int, events: Iterable[PeerEvent]) -> Line | None:
    """The line of an exchange from all that its decoder gave; None where no response ended in it."""
    assembling = Assembling(exchange)
    assembling.feed(events)
    return assembling.line


def as_written(line: Line) -> Line:
    """A line as it reads once it was in a file; JSON joins the halves of a split surrogate pair."""
    read: Line = json.loads(encode_line(line))
    return read


def _call_line(call: ToolCall) -> Line:
    line: Line = {"call": key_line(call.key), "id": call.call_id, "name": call.name, "arguments": call.arguments}
    line |= {"kind": call.kind, "executor": call.executor, "extra": dict(call.extra)}
    return line | {"fault": fault_line(call.fault)}


def _usage_line(usage: Usage | None) -> Line | None:
    if usage is None:
        return None
    counts = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    return {**counts, "total_tokens": usage.total_tokens, "raw": dict(usage.raw)}


def _failure_line(failed: ResponseFailed) -> Line:
    return {
        "kind": failed.kind,
        "message": failed.message,
        "status": failed.status,
        "request_id": failed.request_id,
        "retry_after": failed.retry_after,
    }


def _diagnostic_line(diagnostic: Diagnostic) -> Line:
    line: Line = {"severity": diagnostic.severity, "code": diagnostic.code, "message": diagnostic.message}
    if diagnostic.key is not None:
        line["call"] = key_line(diagnostic.key)
    if diagnostic.frame is not None:
        line["bytes"] = [diagnostic.frame.start, diagnostic.frame.end]
    return line
