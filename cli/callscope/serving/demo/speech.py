"""Says in words what the agent is, what it lacks and what came of its calls.

Knows sentences. Must not know how calls are chosen. It says nothing that the request does not hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from .ask import Ask, PastCall, Tool
from .words import EXAMPLES, Wish

LONGEST_QUOTE: Final = 400
"""Characters of a result that are repeated in an answer."""

COUNT: Final = re.compile(r"\bcount (?:up )?to (\d{1,5})\b", re.IGNORECASE)
ASKS_WHO: Final = re.compile(
    r"\b(help|who are you|what are you|what can you do)\b|^\W*(hi|hello|hey)\W*$", re.IGNORECASE
)
ASKS_TO_THINK: Final = re.compile(r"\bthink\b|\bstep by step\b", re.IGNORECASE)
ASKS_FAULTS: Final = re.compile(r"^\W*(list |show )?(your |the )?faults\W*$", re.IGNORECASE)


def greeting(tools: Sequence[Tool]) -> str:
    """Who it is and what it can do."""
    if tools:
        names = _several([tool.name for tool in tools])
        can = f"I can call {names}: name one in plain words, or write a call out, as in "
        can += f"`{_example(tools[0])}`."
    else:
        can = "The request offers no tools, so I can only talk."
    return (
        "I am callscope-demo, a scripted agent and no language model: I choose tools by the words you use. "
        f"{can} I also misbehave when asked to: end a prompt `with cut arguments`, or say `faults` for all I know."
    )


FORBIDDEN = "The request forbids calls (tool_choice is none), so I can only talk. Say `help` for what I can do."


def nothing_found(tools: Sequence[Tool]) -> str:
    """No tool fits."""
    if not tools:
        return "I am a scripted agent, and the request offers no tools. Say `help` for what I can do."
    offered = _several([tool.name for tool in tools])
    return f"I found no tool for these words. I was offered {offered}; try `{_example(tools[0])}`, or say `help`."


def missing(wishes: Sequence[Wish]) -> str:
    """A tool fits, but not everything it needs was said."""
    wish = wishes[0]
    needed = _several([f"`{name}`" for name in wish.missing])
    return f"I would call {wish.tool.name}, but your words do not give me {needed}. Try `{_example(wish.tool)}`."


def announcement(wishes: Sequence[Wish]) -> str:
    """What is about to be called."""
    names = _several(list(dict.fromkeys(wish.tool.name for wish in wishes)))
    as_written = " as you wrote it" if all(wish.literal for wish in wishes) else ""
    times = f", {len(wishes)} calls side by side" if len(wishes) > 1 else ""
    return f"I call {names}{as_written}{times}."


def thoughts(wishes: Sequence[Wish], results: Sequence[PastCall]) -> str:
    """The true reason of what follows, for those who ask for reasoning."""
    if wishes:
        return f"The words point to {_several([f'{wish.tool.name} {wish.arguments}' for wish in wishes])}."
    if results:
        here = "The result is" if len(results) == 1 else f"All {len(results)} results are"
        return f"{here} here, nothing is left to call."
    return "No tool fits these words, or none may be called."


def told(ask: Ask) -> str:
    """The results, in words."""
    if len(ask.results) == 1:
        return _result(ask.results[0])
    return "\n".join(["Here is what came back:", *(f"- {_result(call)}" for call in ask.results)])


def _result(call: PastCall) -> str:
    what = f"{call.name} {call.arguments}" if len(call.arguments) < LONGEST_QUOTE else call.name
    try:
        value = json.loads(call.result)
    except ValueError:
        return f"{what} says: {_cut(call.result)}"
    error = value.get("error") if isinstance(value, dict) else None
    if isinstance(error, dict):
        kind, message = str(error.get("type", "error")), str(error.get("message", ""))
        return f"{what} {'was refused' if kind == 'rejected' else f'failed ({kind})'}: {_cut(message)}"
    return f"{what} says: {_cut(_plain(value))}"


def _plain(value: Any) -> str:
    match value:
        case dict():
            return ", ".join(f"{name} {_plain(each)}" for name, each in value.items())
        case list():
            return "; ".join(_plain(each) for each in value) or "nothing"
        case str():
            return value
        case _:
            return json.dumps(value)


def _cut(text: str) -> str:
    text = text or "nothing"
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]} … ({len(text)} characters in all)"


def _example(tool: Tool) -> str:
    required = tool.parameters.get("required", [])
    return f"{tool.name} {json.dumps({name: EXAMPLES.get(name, '…') for name in required}, ensure_ascii=False)}"


def _several(words: Sequence[str]) -> str:
    shown = [*words[:8], f"{len(words) - 8} more"] if len(words) > 9 else list(words)
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
