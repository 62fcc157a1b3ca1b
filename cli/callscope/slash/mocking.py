"""Answers in the place of tools: `/mock TOOL=ANSWER` until `/mock off`.

Knows which rules hold. Must not know how a rule is read, nor how a mock answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from callscope.core.errors import UsageError
from callscope.core.visible import one_line
from callscope.repl import Command, Repl
from callscope.tools.definitions import LoadedTools
from callscope.tools.reading.mock_rules import mocked
from callscope.ui.completion import Candidate, choices

OFF = "off"


async def _mock(repl: Repl, rest: str) -> None:
    word, _, name = rest.partition(" ")
    if word == OFF:
        _use(repl, _without(repl.mocks, name.strip()) if name.strip() else ())
    elif rest:
        _use(repl, (*_without(repl.mocks, _name(rest), must=False), rest))
    for rule in repl.mocks:
        repl.say(f"  {one_line(rule)}", "magenta")
    if not repl.mocks:
        repl.say("  every tool answers for itself")


def _use(repl: Repl, rules: tuple[str, ...]) -> None:
    repl.toolbox.use(with_mocks(repl.tools, rules).tools)
    repl.mocks = rules


def with_mocks(tools: LoadedTools, rules: Sequence[str]) -> LoadedTools:
    """The tools with these answers in their place. Raises UsageError."""
    for rule in rules:
        tools = mocked(tools, rule)
    return tools


def _without(rules: Sequence[str], name: str, *, must: bool = True) -> tuple[str, ...]:
    kept = tuple(rule for rule in rules if _name(rule) != name)
    if must and len(kept) == len(rules):
        raise UsageError(f"{name} is not mocked here.")
    return kept


def _name(rule: str) -> str:
    return rule.partition("=")[0].strip()


async def _complete(repl: Repl, begun: str) -> Sequence[Candidate]:
    word, space, name = begun.partition(" ")
    if word == OFF and space:
        return choices([_name(rule) for rule in repl.mocks], name)
    names = [f"{tool.spec.name}=" for tool in repl.tools.tools]
    return [] if space or "=" in word else choices([*names, OFF], word)


COMMANDS = (
    Command(
        "/mock [TOOL=ANSWER | off [TOOL]]",
        "answer in a tool's place",
        _mock,
        "tools",
        _complete,
        more="The answer is text, @FILE, or what stands behind `mock` in a tools file, such as {error: no such city, "
        "delay: 2}; * in a name fits any letters. The arguments are validated first.",
    ),
)
