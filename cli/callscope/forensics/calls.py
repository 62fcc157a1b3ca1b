"""Why a call that came did not run, or failed.

Knows faults, decisions and results. Must not know why there was none (`absence`). Pure. A call that
ran and whose result is good has no verdict.
"""

from __future__ import annotations

import json
import re
from typing import assert_never

from callscope.core.values import Abort, DecidedBy, Edit, Mock, Reject, Run, ToolResult

from .case import Case
from .entries import Evidence, Verdict
from .evidence import of_request
from .facts import CallFacts
from .verdicts import verdict

WHO: dict[DecidedBy, str] = {
    "person": "by you",
    "policy": "by the policy",
    "script": "by --decide",
    "absent": "because nobody was there to ask",
    "recording": "as recorded",
}
_OF_RESULT = {
    "unknown_tool": "tool_unknown",
    "invalid_arguments": "arguments_not_by_schema",
    "no_implementation": "no_implementation",
    "timeout": "tool_timed_out",
}


def call_verdict(case: Case, facts: CallFacts) -> Verdict | None:
    """Why this call did not run, or failed; None where all is well."""
    if facts.call is None:
        return None  # it is still coming, or it was an earlier one said again
    if facts.remote:
        return None if facts.result is not None else _of(facts, "agent_told_no_result", _last(facts))
    if facts.call.fault is not None:
        return _faulty(facts)
    if any(isinstance(other.decision, Abort) for other in case.calls.values() if _together(other, facts)):
        who = next(WHO[other.by] for other in case.calls.values() if isinstance(other.decision, Abort) and other.by)
        return _of(facts, "turn_aborted", _decided(facts), who=who)
    return _decision(facts) or _result(case, facts)


def call_not_allowed(case: Case, facts: CallFacts) -> Verdict | None:
    """That the request did not allow this call, whatever became of it."""
    exchange = next((each for each in case.exchanges if each.number == facts.key.exchange), None)
    if facts.call is None or facts.remote or exchange is None:
        return None
    reason = exchange.asked.forbids(facts.name)
    evidence = of_request(exchange, exchange.asked.choice_member)
    return _of(facts, "call_not_allowed", evidence, _named(facts), reason=reason) if reason else None


def _together(one: CallFacts, other: CallFacts) -> bool:
    return one.key.exchange == other.key.exchange


def _decision(facts: CallFacts) -> Verdict | None:
    match facts.decision:
        case Reject(message=message):
            if facts.by == "absent":
                return _of(facts, "nobody_to_ask", _decided(facts))
            words = f": {message.strip().rstrip('.')}" if message.strip() else ""
            return _of(facts, "rejected", _decided(facts), who=_who(facts), words=words)
        case Mock():
            return _of(facts, "answered_in_its_place", _decided(facts), who=_who(facts))
        case Run() | Edit() | Abort() | None:
            return None
        case _:
            assert_never(facts.decision)


def _result(case: Case, facts: CallFacts) -> Verdict | None:
    result = facts.result
    if result is None:
        return _without_result(case, facts)
    if result.status == "cancelled":
        return _cancelled(case, facts, result)
    if result.status == "timeout":
        return _of(facts, "tool_timed_out", _said(facts, result.output))
    if result.status != "error":
        return None
    kind, words = _error(result.output)
    if kind == "unknown_tool":
        return _of(facts, "tool_unknown", _named(facts), offered=words.rstrip(".") or "none")
    return _of(facts, _OF_RESULT.get(kind, "tool_failed"), _said(facts, result.output), words=words or result.output)


def _cancelled(case: Case, facts: CallFacts, result: ToolResult) -> Verdict:
    """A result that the end of the turn gave: a call that was not to be run gets one, too."""
    if facts.ran_with is not None:
        return _of(facts, "interrupted_while_running", _said(facts, result.output))
    if case.ended == "not_run":
        return _of(facts, "not_run_as_asked", _named(facts))
    return _of(facts, "never_started", _said(facts, result.output))


def _without_result(case: Case, facts: CallFacts) -> Verdict | None:
    if facts.held:
        return _of(facts, "waiting", None)
    if case.ended == "not_run":
        return _of(facts, "not_run_as_asked", _named(facts))
    if case.ended is not None:
        return _of(facts, "never_started", _named(facts))
    return None


def _error(output: str) -> tuple[str, str]:
    """The type and the words of an error result."""
    try:
        error = json.loads(output)["error"]
        return str(error["type"]), str(error["message"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return "", ""


# ---- faults ---------------------------------------------------------------------------------------------------------


def _faulty(facts: CallFacts) -> Verdict:
    call = facts.call
    assert call is not None
    assert call.fault is not None
    fault = call.fault
    reason = f" {fault.message[start:].rstrip('.')}" if (start := fault.message.find("(finish_reason")) > 0 else ""
    if not reason and (start := fault.message.find("although finish_reason")) > 0:
        reason = f", {fault.message[start:].rstrip('.')}"
    return _of(
        facts,
        fault.code,
        *broken_at(facts),
        place=_place(facts),
        open=facts.following.open or "nothing was",
        problem=_problem(fault.message),
        reason=reason,
        words=fault.message,
    )


def _problem(message: str) -> str:
    """What is wrong, without what the verdict says itself."""
    said = message.partition(": ")[2].rstrip(".") or message.rstrip(".")
    inner = re.fullmatch(r"they are not JSON \((.*)\)", said)
    return inner.group(1) if inner else said


def _place(facts: CallFacts) -> str:
    """` at byte 1,234 of exchange 2, in delta 3 of 9`, as far as it is known."""
    following, exchange = facts.following, facts.key.exchange
    if broken := following.broken:
        where = f" at byte {broken.byte:,} of exchange {exchange}" if broken.byte is not None else ""
        return f"{where}{',' if where else ''} in delta {broken.fragment.number:,} of {following.count:,}"
    last = following.last
    if last is None or last.end is None or following.state != "incomplete":
        return ""
    where = f"at byte {following.ends_at:,}" if following.ends_at is not None else f"before byte {last.end:,}"
    return f" {where} of exchange {exchange}, after delta {last.number:,}"


def broken_at(facts: CallFacts) -> tuple[Evidence, ...]:
    """The bytes from which on the arguments are no JSON, else those of the last delta."""
    exchange = facts.key.exchange
    if broken := facts.following.broken:
        fragment = broken.fragment
        start = fragment.start if broken.byte is None else broken.byte
        words = fragment.text[broken.character :][:200]
        return (Evidence(exchange, "response", words, start, fragment.end),)
    return tuple(filter(None, (_last(facts),)))


def _last(facts: CallFacts) -> Evidence | None:
    last = facts.following.last
    if last is not None:
        return Evidence(facts.key.exchange, "response", last.text[-200:], last.start, last.end)
    return _named(facts)


# ---- evidence -------------------------------------------------------------------------------------------------------


def _of(facts: CallFacts, code: str, *evidence: Evidence | None, **words: object) -> Verdict:
    return verdict(code, *evidence, call=facts.key, name=facts.name or "a call without a name", **words)


def _named(facts: CallFacts) -> Evidence | None:
    """Where the call came into sight."""
    frame = facts.frame
    return Evidence(facts.key.exchange, "response", facts.name, frame.start, frame.end) if frame else None


def _said(facts: CallFacts, words: str) -> Evidence:
    return Evidence(facts.key.exchange, "session", words[:400])


def _decided(facts: CallFacts) -> Evidence:
    decision = type(facts.decision).__name__.lower() if facts.decision else "nothing"
    return Evidence(facts.key.exchange, "session", f"decided: {decision} {_who(facts)}".rstrip())


def _who(facts: CallFacts) -> str:
    return WHO[facts.by] if facts.by else ""
