"""Chooses tools by the words of a prompt.

Knows how much a word says for a tool, and how a sentence falls into wishes: `and` asks for calls side by side, `then`
for one after another. Must not know how values are found in words, nor how calls are sent. The agent is no language
model: whatever it cannot find in the words, it asks for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .ask import Tool
from .values import STOP, fill, values

ENOUGH: Final = 3
"""The score from which a tool is chosen unasked: one telling word of its name, or three of its description."""

PLAIN_VERBS: Final = frozenset(("get", "list", "set", "find", "do", "run", "make", "show", "new", "current"))
"""Words of a tool's name that tell little."""

EXAMPLES: Final = {"city": "Paris", "location": "Paris", "query": "tea"}
"""Values to show by names of parameters."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A call that the prompt asks for; `missing` are required parameters that the words do not give."""

    tool: Tool
    arguments: str
    missing: tuple[str, ...] = ()
    literal: bool = False


def take_literals(prompt: str, tools: Sequence[Tool]) -> tuple[list[Wish], str]:
    """Calls written out (`get_weather {"city": "Paris"}`), and the prompt without them.

    The text in braces is taken as it stands, so that a person can also send what is no JSON.
    """
    named = {tool.name: tool for tool in tools}
    names = "|".join(re.escape(name) for name in sorted(named, key=len, reverse=True))
    wishes: list[Wish] = []
    while names and (found := re.search(rf"(?<![\w-])({names})\s*[:(]?\s*(?=\{{)", prompt)):
        end = _end_of_object(prompt, found.end())
        wishes.append(Wish(named[found[1]], prompt[found.end() : end], literal=True))
        prompt = f"{prompt[: found.start()]} {prompt[end:].removeprefix(')')}"
    return wishes, prompt


def _end_of_object(text: str, start: int) -> int:
    try:
        return json.JSONDecoder().raw_decode(text, start)[1]
    except ValueError:
        depth = 0
        for place, character in enumerate(text[start:].partition("\n")[0], start):
            depth += {"{": 1, "}": -1}.get(character, 0)
            if depth == 0:
                return place + 1
        return len(text)


def rounds(prompt: str, tools: Sequence[Tool], choice: str, last_call: str) -> list[list[Wish]]:
    """The calls the words ask for, round by round: calls of one round are made side by side."""
    if choice == "none" or not tools:
        return []
    stages = [list(_wishes(part, tools, last_call)) for part in re.split(r"[,.;]?\s+(?:and\s+)?then\s+", prompt)]
    stages = [stage for stage in stages if stage]
    if choice == "auto" or (choice == "required" and stages):
        return stages
    if choice == "required":
        return [_forced(prompt, max(tools, key=lambda tool: _score(tool, prompt)))]
    same = [wish for stage in stages for wish in stage if wish.tool.name == choice]
    return [same or _forced(prompt, next(tool for tool in tools if tool.name == choice))]


def _forced(prompt: str, tool: Tool) -> list[Wish]:
    """A call that must be made whatever the words say: what they do not give is an empty example of its type."""
    wishes = _calls(tool, prompt, prompt)
    return [_completed(wish) if wish.missing else wish for wish in wishes]


def _completed(wish: Wish) -> Wish:
    given = json.loads(wish.arguments)
    return Wish(wish.tool, _json({**{name: EXAMPLES.get(name, "example") for name in wish.missing}, **given}))


def _wishes(text: str, tools: Sequence[Tool], last_call: str) -> Iterator[Wish]:
    """Walk over the parts of a sentence; one that speaks of no tool belongs to the tool before it."""
    groups: list[tuple[Tool, str]] = []
    lead = ""
    for part in re.split(r"(?<=[.?!;\n])\s+|,?\s+(?:and|also|plus|&)\s+|,\s+", text):
        best = max(tools, key=lambda tool: _score(tool, part))
        if _score(best, part) >= ENOUGH and (not groups or groups[-1][0] is not best):
            groups.append((best, part))
        elif groups:
            groups[-1] = (groups[-1][0], f"{groups[-1][1]}, {part}")
        else:
            lead = f"{lead}, {part}" if lead else part
    if not groups and re.match(r"\s*(and|also|how about|what about)\b", text, re.IGNORECASE):
        groups = [(tool, "") for tool in tools if tool.name == last_call]
    elif not groups and (whole := max(tools, key=lambda tool: _score(tool, text))) and _score(whole, text) >= ENOUGH:
        groups = [(whole, "")]
    for place, (tool, part) in enumerate(groups):
        yield from _calls(tool, f"{lead}, {part}" if lead and place == 0 else part, text)


def _calls(tool: Tool, part: str, whole: str) -> list[Wish]:
    """The calls of one tool; where its own part of the sentence has no value, the whole sentence is looked at."""
    bare = re.sub(rf"(?<![\w-]){re.escape(tool.name)}(?![\w-])", " ", part)
    rest = _own_words(bare, tool)
    if tool.kind == "custom":
        return [Wish(tool, rest)]
    not_names = _not_names(tool)
    found = values(bare, not_names)
    fillings = fill(tool.parameters, bare, found, rest)
    tool_alone = len(part.split()) < 3 and not fillings[0].arguments  # `the time and weather in Tokyo`
    if part != whole and (fillings[0].missing or tool_alone):
        fillings = fill(tool.parameters, whole, values(whole, not_names), rest)
    return [Wish(tool, _json(each.arguments), tuple(each.missing)) for each in fillings]


def _own_words(text: str, tool: Tool) -> str:
    """The words after those that chose the tool: `search for cheap flights` leaves `cheap flights`."""
    words = text.strip(" ,.?!:").split()
    ours = _stems(tool.name) | PLAIN_VERBS
    while words and ((word := re.sub(r"['’]\w*$", "", words[0].lower().strip(",:"))) in STOP or _stem(word) in ours):
        if words.pop(0).endswith(":"):
            break
    return " ".join(words)


def _not_names(tool: Tool) -> frozenset[str]:
    return frozenset(_stems(tool.name) | {name.lower() for name in tool.parameters.get("properties", {})})


def _score(tool: Tool, text: str) -> int:
    if re.search(rf"(?<![\w-]){re.escape(tool.name)}(?![\w-])", text):
        return 100
    said = _stems(text) - STOP
    name = _stems(tool.name)
    about = _stems(tool.description) - name - STOP
    parameters = _stems(" ".join(tool.parameters.get("properties", {}))) - name - about
    points = sum(1 if word in PLAIN_VERBS else 3 for word in said & name)
    return points + len(said & (about | parameters))


def _stems(text: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return {_stem(word) for word in re.findall(r"[^\W_]+", spaced.lower())}


def _stem(word: str) -> str:
    for ending, instead in (
        ("ies", "y"),
        ("sses", "ss"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("ss", "ss"),
        ("us", "us"),
        ("s", ""),
    ):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word.removesuffix(ending) + instead
    return word


def _json(arguments: dict[str, Any]) -> str:
    return json.dumps(arguments, ensure_ascii=False)
