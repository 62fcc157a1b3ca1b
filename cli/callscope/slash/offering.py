"""Commands about how tools are offered: the choice, parallel calls, strict mode, and forms for servers unlike others.

Knows how each is shown and completed. Must not know how a protocol writes it, nor what it cannot say (`choosing` does).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from callscope.choosing import checked, choice_from, forms_from
from callscope.core.errors import UsageError
from callscope.core.values import ToolSpec
from callscope.core.visible import one_line
from callscope.dialects.choices import ALLOWED, MODES, offer
from callscope.linting.strictness import verdict
from callscope.repl import Command, Repl
from callscope.ui.completion import Candidate, choices

from .conversation import change_settings
from .hints import one_of, tool_names

CHOICES = {
    "none": "the model must call no tool",
    "auto": "the model decides",
    "required": "the model must call one",
    "-": "leave it to the server",
}
SWITCH = {"on": True, "off": False, "-": None}
FORMS: dict[str, str] = {
    "functions": "the legacy functions and function_call, for servers from before tools",
    "flat-allowed": "allowed_tools without its inner level, as ZenMux has it",
    "null-ids": "null for ids that the server did not give",
}
PREFIXES = {f"{ALLOWED}:{mode}:": f"{mode}, among these alone" for mode in MODES}


async def _tool_choice(repl: Repl, rest: str) -> None:
    tools = repl.session.conversation.tools
    if rest:
        _change(repl, tool_choice=None if rest == "-" else choice_from(rest, tools))
    now = repl.session.conversation.settings.tool_choice
    words = now if isinstance(now, str) else json.dumps(now)
    repl.say("  left to the server (auto)" if now is None else f"  {one_line(words)}")


async def _parallel(repl: Repl, rest: str) -> None:
    if rest:
        _change(repl, parallel=_switch("/parallel", rest))
    now = repl.session.conversation.settings.parallel
    words = {None: "left to the server", True: "on: several calls at once", False: "off: one call at a time"}
    repl.say(f"  {words[now]}")


async def _strict(repl: Repl, rest: str) -> None:
    if rest:
        _change(repl, strict=_switch("/strict", rest))
    settings = repl.session.conversation.settings
    words = {None: "each tool says it itself", True: "on for all tools", False: "off for all tools"}
    repl.say(f"  {words[settings.strict]}")
    for tool in offer(settings, repl.session.conversation.tools).tools:
        repl.say(f"    {_verdict(tool, settings.dialect)}", "dim")


def _verdict(tool: ToolSpec, dialect: str) -> str:
    return f"{one_line(tool.name, 64)}: {one_line(verdict(tool, dialect))}"


async def _tool_form(repl: Repl, rest: str) -> None:
    if rest:
        _change(repl, tool_forms=() if rest == "-" else forms_from(rest.split()))
    now = repl.session.conversation.settings.tool_forms
    for form in now:
        repl.say(f"  {form}: {FORMS[form]}")
    if not now:
        repl.say("  as the protocol has it")


def _switch(command: str, word: str) -> bool | None:
    if word not in SWITCH:
        raise UsageError(f"{command} {word}: write on, off, or - for what holds without a word.")
    return SWITCH[word]


def _change(repl: Repl, **changes: Any) -> None:
    """Make the next requests with other settings, unless the protocol cannot say them: then nothing changes."""
    conversation = repl.session.conversation
    for notice in checked(replace(conversation.settings, **changes), conversation.tools):
        repl.say(f"  {one_line(notice)}", "yellow")
    change_settings(repl, **changes)


async def _choices(repl: Repl, begun: str) -> Sequence[Candidate]:
    if prefix := next((prefix for prefix in PREFIXES if begun.startswith(prefix)), ""):
        *given, last = begun.removeprefix(prefix).split(",")
        return [found for found in await tool_names(repl, last) if found.text not in given]
    return [*choices(CHOICES, begun), *await tool_names(repl, begun), *choices(PREFIXES, begun)]


async def _forms(repl: Repl, begun: str) -> Sequence[Candidate]:
    *given, last = begun.split(" ")
    notes = {form: note for form, note in FORMS.items() if form not in given}
    return choices({**notes, "-": "as the protocol has it"} if not given else notes, last)


COMMANDS = (
    Command(
        "/tool-choice [WORD]",
        "none, auto, required, the name of a tool, or - for the server's default",
        _tool_choice,
        "tools",
        _choices,
        more="allowed:auto:NAME,NAME lets the model choose among these alone, allowed:required:NAME,NAME makes it. "
        "JSON goes to the server as it is.",
    ),
    Command(
        "/parallel [on|off|-]",
        "whether several calls may come at once",
        _parallel,
        "tools",
        one_of({"on": "several calls at once", "off": "one call at a time", "-": "leave it to the server"}),
    ),
    Command(
        "/strict [on|off|-]",
        "strict mode for all tools, and what it comes to for each",
        _strict,
        "tools",
        one_of({"on": "for all tools", "off": "for none", "-": "as each tool says"}),
    ),
    Command(
        "/tool-form [FORM …]",
        "how tools are written for servers that want it otherwise",
        _tool_form,
        "tools",
        _forms,
        more="Of Chat Completions alone: " + "; ".join(f"{form}: {note}" for form, note in FORMS.items()) + ".",
    ),
)
