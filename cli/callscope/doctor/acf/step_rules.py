"""Rules on what an agent tells of its work: thinking and its calls.

Knows `step_details`. Must not know the envelope around them, nor results (`result_rules`). Orchestrate draws the
agent's chain of thought from these frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from callscope.core.visible import one_line
from callscope.dialects.shapes import object_of
from callscope.doctor.rule import Rule, Verdict, broken, rule
from callscope.doctor.seen import Seen, as_sent, shown

from .envelopes import MESSAGE, STEP, calls, deltas, has, has_envelopes, steps

STEP_RULES: Final[list[Rule]] = []
TYPES: Final = ("thinking", "tool_calls", "tool_response")


@rule(
    STEP_RULES,
    "acf.step_details",
    "required",
    "A step says what it is in `step_details`, an object.",
    breaks="words of the answer that come in a step are shown as a step, or nowhere",
    when=has(deltas, STEP),
)
def _details(seen: Seen) -> Iterator[Verdict]:
    for delta in deltas(seen, STEP):
        if not isinstance(delta.members.get("step_details"), dict):
            came = "words in `content`" if delta.members.get("content") else shown(delta.members)
            yield broken(f"no `step_details`: {came}", delta.frame)


@rule(
    STEP_RULES,
    "acf.step_place",
    "required",
    f"Steps and calls stand in {STEP}, words in {MESSAGE}.",
    breaks="clients look for steps in steps alone: the call is not shown",
    when=has_envelopes,
)
def _place(seen: Seen) -> Iterator[Verdict]:
    for delta in deltas(seen, MESSAGE):
        if delta.members.get("step_details"):
            yield broken("`step_details` in a message", delta.frame)
    for delta in deltas(seen):
        if delta.members.get("tool_calls"):
            yield broken("`tool_calls` in the delta itself", delta.frame)


@rule(
    STEP_RULES,
    "acf.step_type",
    "required",
    f"`step_details.type` is one of {', '.join(TYPES)}.",
    breaks="clients skip a step of a type that they do not know",
    when=has(steps),
)
def _type(seen: Seen) -> Iterator[Verdict]:
    for step in steps(seen):
        if step.members.get("type") not in TYPES:
            yield broken(as_sent(step.members, "type", 40), step.frame)


@rule(
    STEP_RULES,
    "acf.thinking",
    "required",
    "Thinking is a step of the type thinking, its `content` a text.",
    breaks="thinking in a message is shown as the answer, or as [object Object]",
    when=has_envelopes,
)
def _thinking(seen: Seen) -> Iterator[Verdict]:
    for delta in deltas(seen, MESSAGE):
        if object_of(delta.members.get("content")).get("type") == "thinking":
            yield broken("thinking as the content of a message", delta.frame)
    for step in steps(seen, "thinking"):
        if not isinstance(step.members.get("content"), str):
            yield broken(as_sent(step.members, "content", 40), step.frame)


# ---- calls --------------------------------------------------------------------------------------------------------


def _own(entry: Any) -> dict[str, Any] | None:
    """A call of the framework's shape; None for one of Chat Completions', which has its own rule."""
    return entry if isinstance(entry, dict) and "function" not in entry else None


@rule(
    STEP_RULES,
    "acf.tool_calls",
    "required",
    "`tool_calls` is a list of at least one call, each an object.",
    breaks="clients go through a list: anything else is an error, or no call",
    when=has(steps, "tool_calls"),
)
def _tool_calls(seen: Seen) -> Iterator[Verdict]:
    for step in steps(seen, "tool_calls"):
        found = step.members.get("tool_calls")
        if not isinstance(found, list) or not found:
            yield broken(as_sent(step.members, "tool_calls"), step.frame)
        elif odd := [entry for entry in found if not isinstance(entry, dict)]:
            yield broken(f"a call is {shown(odd[0])}", step.frame)


@rule(
    STEP_RULES,
    "acf.call_shape",
    "required",
    "A call has `id`, `name` and `args`, not the `function` of Chat Completions.",
    breaks="Orchestrate shows a call without a name and without arguments; the public validator passes it",
    when=has(calls),
)
def _shape(seen: Seen) -> Iterator[Verdict]:
    for call in calls(seen):
        if isinstance(call.entry, dict) and "function" in call.entry:
            name = object_of(call.entry["function"]).get("name")
            yield broken(f"{shown(name, 40)} in the shape of Chat Completions", call.frame)


@rule(
    STEP_RULES,
    "acf.call_name",
    "required",
    "A call has a `name`.",
    breaks="nobody knows what was called",
    when=has(calls),
)
def _name(seen: Seen) -> Iterator[Verdict]:
    for call in calls(seen):
        own = _own(call.entry)
        if own is not None and not (isinstance(own.get("name"), str) and own["name"]):
            yield broken(as_sent(own, "name", 40), call.frame)


@rule(
    STEP_RULES,
    "acf.call_args",
    "required",
    "`args` is an object, and there whole.",
    breaks="clients show text in place of arguments, or fail on it",
    when=has(calls),
)
def _args(seen: Seen) -> Iterator[Verdict]:
    for call in calls(seen):
        own = _own(call.entry)
        if own is not None and not isinstance(own.get("args"), dict):
            yield broken(as_sent(own, "args"), call.frame)


@rule(
    STEP_RULES,
    "acf.call_id",
    "required",
    "A call has an `id` that no other call of the answer has.",
    breaks="its result cannot be paired with it: Orchestrate draws the chain of thought wrongly",
    when=has(calls),
)
def _id(seen: Seen) -> Iterator[Verdict]:
    known: dict[str, Any] = {}
    for call in calls(seen):
        entry = object_of(call.entry)
        name = entry.get("id")
        if not isinstance(name, str) or not name:
            yield broken(as_sent(entry, "id", 40), call.frame)
        elif name in known and known[name] != entry:
            yield broken(f"two calls have the id {one_line(name, 40)}", call.frame)
        else:
            known[name] = entry


@rule(
    STEP_RULES,
    "acf.call_id_own",
    "informational",
    "The `id` of a call is its own, not that of the run it was made in.",
    breaks="a second run of the same tool gets the same id, or the id says nothing to the model",
    when=has(calls),
)
def _id_own(seen: Seen) -> Iterator[Verdict]:
    for report in seen.reported("call_id_of_a_run"):
        yield broken(one_line(report.message, 100), report.frame)
