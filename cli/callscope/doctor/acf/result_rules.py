"""Rules on the results that an agent tells of its own calls.

Knows `tool_response`. Must not know how calls are written (`step_rules`). Orchestrate pairs a result with its call by
the id alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from callscope.core.visible import one_line
from callscope.dialects.shapes import object_of
from callscope.doctor.rule import Rule, Verdict, broken, rule
from callscope.doctor.seen import Seen, as_sent, shown

from .envelopes import calls, has, steps

RESULT_RULES: Final[list[Rule]] = []
_PYTHON: Final = re.compile(r"'\s*[:,\]})]|[\[{(,:]\s*'|\b(?:None|True|False)\b")


@rule(
    RESULT_RULES,
    "acf.result_id",
    "required",
    "A result names the call that it answers, which came before it, in `tool_call_id`.",
    breaks="Orchestrate draws the chain of thought wrongly: the call waits for ever, the result hangs in the air",
    when=has(steps, "tool_response"),
)
def _result_id(seen: Seen) -> Iterator[Verdict]:
    known: set[str] = set()
    for step in steps(seen, "tool_calls", "tool_response"):
        if step.members["type"] == "tool_calls":
            listed = step.members.get("tool_calls")
            entries = listed if isinstance(listed, list) else [listed]
            known |= {entry["id"] for entry in map(object_of, entries) if isinstance(entry.get("id"), str)}
            continue
        named = step.members.get("tool_call_id")
        if not isinstance(named, str) or not named:
            yield broken(as_sent(step.members, "tool_call_id", 40), step.frame)
        elif named not in known:
            yield broken(f"{one_line(named, 40)} names no call that came", step.frame)


@rule(
    RESULT_RULES,
    "acf.result_name",
    "recommended",
    "A result has the `name` of its tool.",
    breaks="clients that show results by their tool show one without a name",
    when=has(steps, "tool_response"),
)
def _result_name(seen: Seen) -> Iterator[Verdict]:
    for step in steps(seen, "tool_response"):
        if not isinstance(step.members.get("name"), str) or not step.members["name"]:
            yield broken(as_sent(step.members, "name", 40), step.frame)


@rule(
    RESULT_RULES,
    "acf.result_content",
    "required",
    "The `content` of a result is a text.",
    breaks="clients show [object Object], or fail on it",
    when=has(steps, "tool_response"),
)
def _result_content(seen: Seen) -> Iterator[Verdict]:
    for step in steps(seen, "tool_response"):
        if not isinstance(step.members.get("content"), str):
            yield broken(as_sent(step.members, "content"), step.frame)


@rule(
    RESULT_RULES,
    "acf.result_json",
    "recommended",
    "A result with a structure is written as JSON, not as Python's repr.",
    breaks="neither a client nor the next model can read it as data",
    when=has(steps, "tool_response"),
)
def _result_json(seen: Seen) -> Iterator[Verdict]:
    for step in steps(seen, "tool_response"):
        content = step.members.get("content")
        if isinstance(content, str) and _is_python(content):
            yield broken(f"Python's repr: {one_line(content, 60)}", step.frame)


@rule(
    RESULT_RULES,
    "acf.result_once",
    "recommended",
    "A call gets one result.",
    breaks="clients show either of them, or both",
    when=has(steps, "tool_response"),
)
def _result_once(seen: Seen) -> Iterator[Verdict]:
    known: set[str] = set()
    for step in steps(seen, "tool_response"):
        named = step.members.get("tool_call_id")
        if isinstance(named, str) and named in known:
            yield broken(f"a second result of {one_line(named, 40)}", step.frame)
        elif isinstance(named, str):
            known.add(named)


@rule(
    RESULT_RULES,
    "acf.result_comes",
    "recommended",
    "Each call that the agent makes gets a result before the answer ends.",
    breaks="Orchestrate shows the call as running for ever",
    when=lambda seen: has(calls)(seen) and seen.exchange.how == "complete",
)
def _result_comes(seen: Seen) -> Iterator[Verdict]:
    told = {step.members.get("tool_call_id") for step in steps(seen, "tool_response") if _hashable(step.members)}
    for call in calls(seen):
        entry = object_of(call.entry)
        name = object_of(entry.get("function")).get("name", entry.get("name"))
        if "function" in entry and isinstance(name, str) and name in seen.tools:
            continue  # it is left to the client, which answers it with the next request
        if not isinstance(entry.get("id"), str) or entry["id"] not in told:
            yield broken(f"no result of {shown(name, 40)}", call.frame)


def _hashable(details: dict[str, Any]) -> bool:
    return isinstance(details.get("tool_call_id"), str)


def _is_python(content: str) -> bool:
    """Whether a text is a Python value written with repr(), and no JSON."""
    if content.lstrip()[:1] not in ("[", "{", "(") or not _PYTHON.search(content):
        return False
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return True
    return False
