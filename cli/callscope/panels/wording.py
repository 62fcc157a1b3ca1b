"""The words for states, decisions, results and failures, the same wherever they are shown.

Knows how each is said in a few words. Must not know where.
"""

from __future__ import annotations

from callscope.core.events import Diagnostic, ResponseFailed
from callscope.core.values import Abort, DecidedBy, Edit, FailureKind, Mock, Reject, Run, TurnReason, Usage
from callscope.core.visible import one_line

from .blocks import CallTrace

LONGEST_FAILURE = 2_400

ENDINGS: dict[TurnReason, str] = {
    "completed": "done",
    "length": "the answer was cut by the token limit",
    "content_filter": "the server's content filter ended the answer",
    "incomplete": "the server says that the answer is incomplete",
    "not_run": "the calls were not run, as asked",
    "round_limit": "stopped at the round limit",
    "aborted": "stopped: none of these calls ran",
    "interrupted": "the turn was interrupted",
    "failed": "the turn failed",
}
WHO: dict[DecidedBy, str] = {
    "person": "by you",
    "policy": "by policy",
    "script": "by --decide",
    "absent": "nobody was there to ask",
    "recording": "as recorded",
}

_FAILED: dict[FailureKind, str] = {
    "connect_failed": "no connection",
    "dns_failed": "no such host",
    "tls_failed": "no TLS",
    "foreign": "not an answer",
    "too_large": "too large",
}
"""The kinds of failures that are no words by themselves."""


def ending(reason: TurnReason, unsent: int) -> str:
    """How a turn ended; `unsent` results of tools came after the last request."""
    if not unsent or reason in ("completed", "round_limit"):
        return ENDINGS[reason]
    were = "was" if unsent == 1 else "were"
    return f"{ENDINGS[reason]}; {counted(unsent, 'result')} {were} not sent on"


def seconds(time: float) -> str:
    """A stretch of time: `0 ms`, `95 ms`, `1.24 s`, `2:05 min`."""
    if time < 0.9995:
        return f"{max(0.0, time) * 1000:.0f} ms"
    return f"{time:.2f} s" if time < 99.995 else clock(time)


def exactly(time: float) -> str:
    """A stretch of time where short ones are compared: `0.4 ms`, `38 ms`, `1.24 s`, `2:05 min`."""
    return f"{max(0.0, time) * 1000:.1f} ms" if time < 0.001 else seconds(time)


def clock(time: float) -> str:
    """A stretch of time that is still growing: tenths, then minutes."""
    if time < 59.95:
        return f"{max(0.0, time):.1f} s"
    return f"{int(time) // 60}:{int(time) % 60:02d} min"


def counted(number: int, noun: str) -> str:
    """A number and its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def decision(call: CallTrace) -> str:
    """What was decided on a call, and by whom; empty where nothing was."""
    who = WHO[call.decided_by] if call.decided_by else ""
    match call.decision:
        case None:
            return ""
        case Run(review=review):
            return f"approved {who}" + (", its result to be looked at" if review else "")
        case Edit():
            return f"arguments edited {who}"
        case Mock():
            return f"answered {who}" if call.decided_by == "person" else f"mocked {who}"
        case Reject(message=message):
            return f"rejected: {who}" if call.decided_by == "absent" else _because(f"rejected {who}", message)
        case Abort():
            return f"turn stopped {who}"


def _because(what: str, reason: str) -> str:
    return f"{what}: {reason.strip()}" if reason.strip() else what


def span(start: int, end: int, dash: str = "–") -> str:
    """Some bytes of a body by their offsets, `end` excluded."""
    return f"bytes {start:,}{dash}{end:,}"


def place(diagnostic: Diagnostic, exchange: int, dash: str = "–") -> str:
    """Where a diagnostic was seen, in the words that /raw uses."""
    frame = diagnostic.frame
    return f" (exchange {exchange}, {span(frame.start, frame.end, dash)})" if frame else ""


def failed(kind: FailureKind) -> str:
    """How a response failed, as a person calls it."""
    return _FAILED.get(kind, kind)


def failure(event: ResponseFailed) -> str:
    """What went wrong with a response, in the server's own words where it gave any, and what HTTP had said."""
    kind = failed(event.kind)
    if event.status is not None:
        kind = f"HTTP {event.status}" if event.kind == "http" else f"{kind} after HTTP {event.status}"
    request_id = f" (request id {event.request_id[:120]})" if event.request_id else ""
    return f"{kind}: {event.message}{request_id}"


def failure_sentence(event: ResponseFailed) -> str:
    """What went wrong with a response, on one line."""
    return one_line(failure(event), LONGEST_FAILURE)


def finished(finish_reason: str | None, dialect: str) -> str:
    """How a whole response ended, in the server's own words; frames of agents need none (docs/acf.md)."""
    return finish_reason or ("complete" if dialect == "acf" else "no finish_reason")


def tokens(usage: Usage | None) -> str:
    """The token counts of a response; empty where the server gave none."""
    if usage is None or (usage.input_tokens is None and usage.output_tokens is None):
        return ""
    came, went = ("?" if count is None else f"{count:,}" for count in (usage.input_tokens, usage.output_tokens))
    return f"{came} tokens in, {went} out"
