"""Rules on calls that hold for every protocol: what is called, and whether it can be run.

Knows calls as a decoder assembled them. Must not know how they are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from callscope.core.visible import one_line
from callscope.dialects.shapes import object_of

from .rule import Rule, Verdict, broken, not_shown, rule
from .schemas import complaint
from .seen import Seen

CALL_RULES: Final[list[Rule]] = []


def has_calls(seen: Seen) -> bool:
    """Whether a call came in an answer."""
    return seen.is_chat and seen.is_good and bool(seen.calls)


@rule(
    CALL_RULES,
    "calls.offered",
    "recommended",
    "Only tools are called that were offered.",
    breaks="there is nothing to run; strict servers refuse the history",
    when=has_calls,
)
def _offered(seen: Seen) -> Iterator[Verdict]:
    for call in seen.calls:
        if call.name and call.name not in seen.tools:
            yield broken(f"{one_line(call.name, 60)} was not offered", seen.last_frame(call))


@rule(
    CALL_RULES,
    "calls.json",
    "required",
    "The arguments of a function are one whole JSON object when the answer is over.",
    breaks="the call cannot be run",
    when=lambda seen: has_calls(seen) and seen.finished is not None,
)
def _json(seen: Seen) -> Iterator[Verdict]:
    if seen.was_cut:
        yield not_shown("a limit cut the answer off")
        return
    for call in seen.calls:
        if call.kind == "custom":
            continue
        if call.fault is not None:
            yield broken(f"{one_line(call.name, 40)}: {one_line(call.fault.message, 100)}", seen.last_frame(call))
        elif not call.arguments.strip() and object_of(seen.tools.get(call.name, {}).get("parameters")).get("required"):
            yield broken(f"{one_line(call.name, 40)}: no arguments at all", seen.last_frame(call))
    for report in seen.reported("arguments_encoded_twice", "arguments_null"):
        yield broken(one_line(report.message, 100), report.frame)


@rule(
    CALL_RULES,
    "calls.fit",
    "recommended",
    "The arguments are what the tool's schema asks for.",
    breaks="the tool answers with an error, and the model tries again",
    when=has_calls,
)
def _fit(seen: Seen) -> Iterator[Verdict]:
    for call in seen.calls:
        wrong = complaint(call, seen.tools.get(call.name, {}))
        if wrong:
            yield broken(f"{one_line(call.name, 40)}: {one_line(wrong, 100)}", seen.last_frame(call))
