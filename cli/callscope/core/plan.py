"""What comes next: `plan` looks at the conversation and names one step. Pure; performing it is the driver's.

Knows the rules of a turn: decide all calls first, then run together, then send; when to try again; when it is over.
Must not know how any step is done, nor the time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from .events import ToolFinished
from .state import CallRecord, Conversation, Response
from .values import Abort, Approval, CallKey, Edit, Mock, Reject, Run, ToolResult, TurnReason

LONGEST_WAIT = 60.0
"""Seconds: a server that asks for more patience than this is reported instead of waited for."""


@dataclass(frozen=True, slots=True)
class SendRequest:
    """Send the conversation, after waiting `delay` seconds."""

    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class HoldCalls:
    """Have these calls decided, in this order."""

    keys: tuple[CallKey, ...]


@dataclass(frozen=True, slots=True)
class RunCalls:
    """Give each of these calls its result: run what was approved, answer the rest."""

    keys: tuple[CallKey, ...]


@dataclass(frozen=True, slots=True)
class ReviewResults:
    """Have these results looked at before they go back, in this order."""

    keys: tuple[CallKey, ...]


@dataclass(frozen=True, slots=True)
class EndTurn:
    """Nothing is left to do."""

    reason: TurnReason


Step: TypeAlias = SendRequest | HoldCalls | RunCalls | ReviewResults | EndTurn


def plan(conversation: Conversation) -> Step:
    """The next step of the open turn."""
    response = conversation.response
    if conversation.turn is None or conversation.turn.ended:
        return EndTurn("completed")
    if response is None:
        return SendRequest()
    if response.status != "completed":
        return _after_failure(conversation)
    records = conversation.calls.values()
    open_calls = tuple(record.call.key for record in records if record.result is None)
    if open_calls:
        return _with_open_calls(conversation, open_calls)
    return _after_calls(conversation, response)


def _with_open_calls(conversation: Conversation, open_calls: tuple[CallKey, ...]) -> Step:
    records = conversation.calls
    if not conversation.settings.run_calls:
        return EndTurn("not_run")
    if _aborted(conversation):
        return RunCalls(open_calls)
    undecided = tuple(key for key in open_calls if not records[key].decision and not records[key].call.fault)
    return HoldCalls(undecided) if undecided else RunCalls(open_calls)


def _after_calls(conversation: Conversation, response: Response) -> Step:
    records = conversation.calls.values()
    if _aborted(conversation):
        return EndTurn("aborted")
    if not records:
        return EndTurn(_reason(response.finish_reason))
    if unreviewed := tuple(record.call.key for record in records if _wants_review(conversation, record)):
        return ReviewResults(unreviewed)
    cut = _reason(response.finish_reason)
    if cut != "completed" and any(record.call.fault for record in records):
        return EndTurn(cut)  # asked again, the model would be cut off, or filtered, again
    if conversation.turn and conversation.turn.rounds >= conversation.settings.max_rounds:
        return EndTurn("round_limit")
    return SendRequest()


def _wants_review(conversation: Conversation, record: CallRecord) -> bool:
    """Whether a result waits for the person: one that a tool gave, where the policy or the decision says so."""
    if not record.started or record.reviewed:
        return False
    asked_for = isinstance(record.decision, Run) and record.decision.review
    return asked_for or "result" in approvals(conversation, record.call.name)


def approvals(conversation: Conversation, name: str) -> tuple[Approval, ...]:
    """What is said about the approval of a tool: by the session, then by the tool itself."""
    tool = conversation.tool(name)
    own = (tool.approve,) if tool is not None and tool.approve is not None else ()
    return (conversation.settings.approve, *own)


def _reason(finish_reason: str | None) -> TurnReason:
    match finish_reason:
        case "length":
            return "length"
        case "content_filter":
            return "content_filter"
        case "incomplete" | "max_messages":  # https://github.com/CopilotKit/aimock says so of a limit on tokens, too
            return "incomplete"
        case _:
            return "completed"


def _after_failure(conversation: Conversation) -> Step:
    """Try again only what cannot have had an effect, and never silently: each attempt is an exchange of its own."""
    response, turn, settings = conversation.response, conversation.turn, conversation.settings
    failure = response.failure if response else None
    if failure is None or turn is None:
        return EndTurn("failed")
    unheard = failure.kind in ("connect_failed", "dns_failed") or failure.status in (429, 503)
    delay = failure.retry_after if failure.retry_after is not None else 0.5 * 2.0 ** (turn.attempts - 1)
    if not unheard or settings.dialect == "acf" or turn.attempts > settings.retries or delay > LONGEST_WAIT:
        return EndTurn("interrupted" if failure.kind == "cancelled" else "failed")
    return SendRequest(delay)


def _aborted(conversation: Conversation) -> bool:
    return any(isinstance(record.decision, Abort) for record in conversation.calls.values())


def answers(conversation: Conversation, keys: Iterable[CallKey]) -> Iterator[tuple[CallRecord, ToolResult | None]]:
    """Each of these calls with its result where it needs no run; None where it has to be run."""
    aborted = _aborted(conversation)  # once for all: a hostile answer has thousands of calls
    for key in keys:
        record = conversation.calls[key]
        yield record, _aborted_result(key) if aborted else _answer(record)


def _aborted_result(key: CallKey) -> ToolResult:
    return ToolResult(key, error("cancelled", "The person stopped the turn; this call was not run."), "cancelled")


def _answer(record: CallRecord) -> ToolResult | None:
    key = record.call.key
    if fault := record.call.fault:
        return ToolResult(key, error(fault.code, f"The call was not run: {fault.message}", retryable=True), "error")
    match record.decision:
        case Mock(output=output):
            return ToolResult(key, output, "mocked")
        case Reject(message=message):
            return ToolResult(key, error("rejected", message or "The person refused this call."), "rejected")
        case Run() | Edit() | Abort() | None:
            return None
        case _:
            assert_never(record.decision)


def settle(conversation: Conversation) -> list[ToolFinished]:
    """The results still owed, so that the conversation is valid for the next request whatever was interrupted."""
    owed: list[ToolFinished] = []
    for record in conversation.calls.values():
        if record.result is None:
            message = (
                "The call was interrupted; it may have had an effect." if record.started else _not_run(conversation)
            )
            owed.append(ToolFinished(ToolResult(record.call.key, error("cancelled", message), "cancelled")))
    return owed


def _not_run(conversation: Conversation) -> str:
    if conversation.response is not None and conversation.response.status == "failed":
        return "The call was not run: the response it came in is broken."
    return "The call was not run."


def error(kind: str, message: str, *, path: str | None = None, retryable: bool = False) -> str:
    """The JSON text that tells a model of an error: {"error": {"type", "message", "path"?, "retryable"}}."""
    members: dict[str, str | bool] = {"type": kind, "message": message}
    if path is not None:
        members["path"] = path
    members["retryable"] = retryable
    return json.dumps({"error": members}, ensure_ascii=False)
