"""The tool choice that a person writes: read, and held against the tools that are offered, before anything is sent.

Knows the words of a choice and what to say about a wrong one. Must not know how a protocol writes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import get_args

from callscope.core.errors import UsageError
from callscope.core.values import Json, Settings, ToolForm, ToolSpec
from callscope.core.visible import one_line
from callscope.dialects.choices import ALLOWED, MODES, WORDS, allowed_names, offer
from callscope.dialects.documents import refuse
from callscope.tools.words import did_you_mean, either

REFUSED = ("choice_not_sent", "parallel_not_sent", "form_not_used")
"""What a person asked for by itself; a tool that has no place beside others that have one is told with the request."""


def choice_from(word: str, tools: Sequence[ToolSpec]) -> Json:
    """What a person means by a word, the name of a tool, `allowed:MODE:NAME,NAME` or JSON. Raises UsageError."""
    if word[:1] in ("{", '"'):
        return _json(word)
    names = [tool.name for tool in tools]
    if word in WORDS:
        return word
    if not word.startswith(f"{ALLOWED}:") or word in names:
        _refuse_unknown([word], names)
        return word
    mode, allowed = allowed_names(word)
    if mode is None or not allowed:
        example = f"{ALLOWED}:auto:{','.join(names[:2]) or 'NAME'}"
        raise UsageError(f"{word} lacks a mode ({either(MODES)}) or names: write it as {example}.")
    _refuse_unknown(allowed, names)
    return f"{ALLOWED}:{mode}:{','.join(dict.fromkeys(allowed))}"


def choice_from_flag(word: str | None, tools: Sequence[ToolSpec]) -> Json:
    """The same of a flag or a profile, where nothing said is no choice."""
    try:
        return None if word is None else choice_from(word, tools)
    except UsageError as error:
        raise UsageError(f"--tool-choice: {error}") from None


def forms_from(words: Iterable[str]) -> tuple[ToolForm, ...]:
    """The forms of these names, each once. Raises UsageError."""
    forms: dict[ToolForm, None] = {}
    for word in words:
        form = next((known for known in get_args(ToolForm) if known == word), None)
        if form is None:
            hint = did_you_mean(word, get_args(ToolForm))
            raise UsageError(f"There is no form {word}{hint} of tools; there are {', '.join(get_args(ToolForm))}.")
        forms[form] = None
    return tuple(forms)


def checked(settings: Settings, tools: Sequence[ToolSpec], *, refuse: bool = True) -> list[str]:
    """What a person should know of what these settings offer, as sentences; with `refuse` raises UsageError, too."""
    if refuse:
        refuse_unsayable(settings, tools)
    notices = []
    if settings.tool_choice is not None and not tools:
        notices.append("There are no tools, so the tool choice is not sent.")
    offered = offer(settings, tools).tools
    if any(tool.strict for tool in offered):
        from callscope.linting.strictness import refusals  # most sessions have no strict tool

        notices += refusals(offered)
    return notices


def gone(choice: Json, tools: Sequence[ToolSpec]) -> list[str]:
    """The tools that a choice names and that are not offered; of words that are ours alone."""
    offered = [tool.name for tool in tools]
    if not isinstance(choice, str) or choice in (*WORDS, *offered):
        return []
    names = allowed_names(choice)[1] if choice.startswith(f"{ALLOWED}:") else [choice]
    return [name for name in names if name not in offered]


def refuse_unsayable(settings: Settings, tools: Sequence[ToolSpec]) -> None:
    """Raise UsageError where the protocol has no place for what these settings ask of it."""
    for each in offer(settings, tools).left_out:
        if each.code in REFUSED:
            raise UsageError(each.message)


def _json(text: str) -> Json:
    try:
        value = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"A tool choice that begins with {text[0]} must be JSON: {error}.") from None
    if not isinstance(value, str | dict):
        raise UsageError(f"A tool choice in JSON is an object or a text, not {text[:40]}.")
    return value


def _refuse_unknown(said: Iterable[str], names: Sequence[str]) -> None:
    for name in said:
        if name not in names:
            there = f"there are {', '.join(names)}" if names else "there are none"
            raise UsageError(
                f"There is no tool {one_line(name, 80)}{did_you_mean(name, (*names, *WORDS))}; {there}. "
                f"Else write {', '.join(WORDS)}, {ALLOWED}:auto:NAME,NAME, or JSON that goes as it is."
            )
