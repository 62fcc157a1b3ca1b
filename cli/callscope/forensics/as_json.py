"""Verdicts and calls as JSON, for scripts: the members are told in docs/forensics.md.

Knows the shape. Must not know what a verdict means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from callscope.core.events import Diagnostic

from .entries import Evidence, Verdict
from .facts import CallFacts
from .following import Fragment


def verdicts_json(found: Sequence[Verdict]) -> list[Mapping[str, Any]]:
    """Verdicts, the surest first."""
    return [
        {
            "code": each.code,
            "certainty": each.certainty,
            "call": [each.call.exchange, each.call.index] if each.call else None,
            "sentence": each.sentence,
            "advice": each.advice,
            "evidence": [_evidence(evidence) for evidence in each.evidence],
        }
        for each in found
    ]


def facts_json(facts: CallFacts) -> Mapping[str, Any]:
    """A call from its first delta to what the next request carried of it."""
    following, call, carried = facts.following, facts.call, facts.carried
    broken = following.broken
    return {
        "call": [facts.key.exchange, facts.key.index],
        "call_id": call.call_id if call else None,
        "name": facts.name,
        "executor": call.executor if call else None,
        "deltas": following.count,
        "fragments": [_fragment(fragment) for fragment in following.fragments()],
        "json": following.state,
        "open": following.open or None,
        "ends_at": following.ends_at,
        "broken": broken
        and {"delta": broken.fragment.number, "at": broken.at, "byte": broken.byte, "character": broken.character},
        "diagnostics": [_diagnostic(diagnostic) for diagnostic in facts.diagnostics],
        "proposed": call.arguments if call else None,
        "ran_with": facts.ran_with,
        "result": facts.result and {"status": facts.result.status, "output": facts.result.output},
        "sent_back": facts.sent_back,
        "carried": carried and {"exchange": carried.exchange, "arguments": carried.arguments, "output": carried.output},
    }


def _evidence(evidence: Evidence) -> Mapping[str, Any]:
    span = None if evidence.start is None else [evidence.start, evidence.end]
    return {"exchange": evidence.exchange, "side": evidence.side, "bytes": span, "excerpt": evidence.excerpt}


def _fragment(fragment: Fragment) -> Mapping[str, Any]:
    span = None if fragment.start is None else [fragment.start, fragment.end]
    members = {"delta": fragment.number, "t": round(fragment.at, 6), "read": fragment.read, "bytes": span}
    return {**members, "text": fragment.text}


def _diagnostic(found: Diagnostic) -> Mapping[str, Any]:
    frame = found.frame
    span = [frame.start, frame.end] if frame else None
    return {"severity": found.severity, "code": found.code, "message": found.message, "bytes": span}
