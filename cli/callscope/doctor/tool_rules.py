"""Rules on what was asked of the model: tool choice, parallel calls, strict and custom tools, results that go back.

Knows the members of a request that speak of tools, nested as Chat Completions has them or flat as the Responses API
does. Must not know how calls are written. What a model may leave undone is `not shown`; what the protocol promises
(`required`, a named tool, `none`) is not the model's to refuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from callscope.core.visible import one_line
from callscope.dialects.demanding import demand_of
from callscope.dialects.shapes import list_of, object_of

from .http_rules import server_words
from .probe import MARK
from .rule import Rule, Verdict, broken, held, not_shown, rule
from .schemas import complaint
from .seen import Seen

TOOL_RULES: Final[list[Rule]] = []
OUTPUTS: Final = ("function_call_output", "custom_tool_call_output")


def choice_asked(seen: Seen) -> str:
    """The tool choice that was asked for: a mode, or the name of a tool."""
    choice = seen.asked.get("tool_choice")
    if isinstance(choice, dict):
        named = object_of(choice.get(str(choice.get("type")))) or choice
        return str(named.get("name", ""))
    return choice if isinstance(choice, str) else ""


def is_named(seen: Seen) -> bool:
    """Whether one tool was asked for by its name."""
    return demand_of(seen.asked).mode == "one"


def has_results(seen: Seen) -> bool:
    """Whether results of calls were sent."""
    sent = [*list_of(seen.asked.get("messages")), *list_of(seen.asked.get("input"))]
    return any(one.get("role") == "tool" or one.get("type") in OUTPUTS for one in map(object_of, sent))


def _judges(seen: Seen) -> bool:
    """Whether an exchange with tools came to any answer that can be judged."""
    return seen.is_chat and bool(seen.tools) and seen.status > 0


def _forces(seen: Seen) -> bool:
    """Whether this is a first request: after results servers and models may go on as they like."""
    return _judges(seen) and not has_results(seen) and not _is_special(seen)


def _kinds(seen: Seen) -> set[str]:
    return {str(tool["type"]) for tool in seen.tools.values()}


def _is_special(seen: Seen) -> bool:
    return "custom" in _kinds(seen) or any(tool.get("strict") for tool in seen.tools.values())


def _refused(seen: Seen) -> Verdict:
    return broken(f"status {seen.status}: {server_words(seen)}", seen.frames[0] if seen.frames else None)


def _names(seen: Seen) -> str:
    return one_line(", ".join(call.name for call in seen.calls), 80)


@rule(
    TOOL_RULES,
    "tools.accepted",
    "required",
    "A request that offers functions is answered.",
    breaks="no tool can be used at all",
    when=lambda seen: _judges(seen) and not _is_special(seen),
)
def _tools(seen: Seen) -> Iterator[Verdict]:
    if not seen.is_good:
        yield _refused(seen)


@rule(
    TOOL_RULES,
    "tools.required",
    "required",
    "With tool_choice `required` a tool is called.",
    breaks="programs that wait for a call get words",
    when=lambda seen: _forces(seen) and choice_asked(seen) == "required" and not is_named(seen),
)
def _required(seen: Seen) -> Iterator[Verdict]:
    yield from _must_call(seen)


def _must_call(seen: Seen) -> Iterator[Verdict]:
    if not seen.is_good:
        yield _refused(seen)
    elif seen.calls:
        yield held(f"called {_names(seen)}")
    elif not seen.finished:
        yield not_shown("the answer did not come whole")
    elif seen.refused:
        yield not_shown("the model refused")
    elif seen.was_cut:
        yield not_shown(f"the answer was cut off: {seen.finished.finish_reason}")
    else:
        yield broken(f"no call; words instead: {one_line(seen.words, 60) or '(none)'}", seen.frames[-1])


@rule(
    TOOL_RULES,
    "tools.named",
    "required",
    "With tool_choice naming one tool, that tool is called and no other.",
    breaks="structured output by a forced tool fails",
    when=lambda seen: _forces(seen) and is_named(seen) and choice_asked(seen) in seen.tools,
)
def _named(seen: Seen) -> Iterator[Verdict]:
    others = [call.name for call in seen.calls if call.name != choice_asked(seen)]
    if others:
        yield broken(f"{one_line(others[0], 60)} was called in place of {choice_asked(seen)}")
    else:
        yield from _must_call(seen)


@rule(
    TOOL_RULES,
    "tools.none",
    "required",
    "With tool_choice `none` no tool is called.",
    breaks="programs that want words get calls that they do not answer",
    when=lambda seen: _judges(seen) and choice_asked(seen) == "none" and not is_named(seen),
)
def _none(seen: Seen) -> Iterator[Verdict]:
    if not seen.is_good:
        yield _refused(seen)
    elif seen.calls:
        yield broken(f"called {_names(seen)}")
    elif not seen.finished:
        yield not_shown("the answer did not come whole")


@rule(
    TOOL_RULES,
    "tools.parallel",
    "recommended",
    "A model may make several calls in one answer.",
    breaks="each call costs a request of its own",
    when=lambda seen: _judges(seen) and seen.asked.get("parallel_tool_calls") is True,
)
def _parallel(seen: Seen) -> Iterator[Verdict]:
    if not seen.is_good:
        yield _refused(seen)
    elif len(seen.calls) > 1:
        yield held(f"{len(seen.calls)} calls")
    else:
        yield not_shown(f"{len(seen.calls)} call{'' if len(seen.calls) == 1 else 's'}: perhaps the model's own choice")


@rule(
    TOOL_RULES,
    "tools.not_parallel",
    "recommended",
    "With parallel_tool_calls false at most one call comes.",
    breaks="programs that take one call at a time lose the others",
    when=lambda seen: _judges(seen) and seen.asked.get("parallel_tool_calls") is False,
)
def _not_parallel(seen: Seen) -> Iterator[Verdict]:
    if not seen.is_good:
        yield _refused(seen)
    elif len(seen.calls) > 1:
        yield broken(f"{len(seen.calls)} calls: {_names(seen)}")
    elif not seen.calls:
        yield not_shown("no call came")


@rule(
    TOOL_RULES,
    "tools.strict",
    "recommended",
    "A strict tool is taken, and its arguments are exactly what its schema says.",
    breaks="what is promised to be valid has to be checked, and asked for again",
    when=lambda seen: _judges(seen) and any(tool.get("strict") is True for tool in seen.tools.values()),
)
def _strict(seen: Seen) -> Iterator[Verdict]:
    if not seen.is_good:
        yield _refused(seen)
        return
    if not seen.calls or not seen.finished or seen.was_cut:
        yield not_shown("no whole call came")
        return
    for call in seen.calls:
        wrong = (call.fault.message if call.fault else "") or complaint(call, seen.tools.get(call.name, {}))
        if wrong:
            yield broken(f"{one_line(call.name, 40)}: {one_line(wrong, 100)}")


@rule(
    TOOL_RULES,
    "tools.custom",
    "informational",
    "A custom tool is taken, and its call has the raw text as `input`.",
    breaks="tools that take free text need a JSON member around it",
    when=lambda seen: _judges(seen) and "custom" in _kinds(seen),
)
def _custom(seen: Seen) -> Iterator[Verdict]:
    if not seen.is_good:
        yield _refused(seen)
        return
    if any(call.kind == "custom" for call in seen.calls):
        yield held(f"called {_names(seen)}")
    elif seen.calls:
        yield broken(f"the call of {_names(seen)} is not of the type custom")
    else:
        yield not_shown("no call came")


# ---- results ------------------------------------------------------------------------------------------------------


@rule(
    TOOL_RULES,
    "tools.results",
    "required",
    "The results of calls are accepted, and the answer goes on.",
    breaks="a conversation ends after its first call",
    when=lambda seen: _judges(seen) and has_results(seen),
)
def _results(seen: Seen) -> Iterator[Verdict]:
    if not seen.is_good:
        yield _refused(seen)
    elif seen.finished and not seen.words.strip() and not seen.calls:
        yield broken("neither words nor a call came after the results", seen.frames[-1])


@rule(
    TOOL_RULES,
    "tools.results_used",
    "recommended",
    "The answer after a call says what its result says.",
    breaks="the server's template drops the results: the model makes something up",
    when=lambda seen: _judges(seen) and has_results(seen) and seen.finished is not None,
)
def _used(seen: Seen) -> Iterator[Verdict]:
    said = seen.words
    if MARK in said or MARK.replace(".", ",") in said:
        yield held(f"it says {MARK}")
    else:
        yield not_shown(f"it does not say {MARK}: {one_line(said, 60) or '(no words)'}")
