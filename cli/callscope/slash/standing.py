"""What a person said once for every call of a tool: which answers hold, and how to be asked again.

Knows the gate where a person is asked. Must not know how a question is asked there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from callscope.core.errors import UsageError
from callscope.core.values import Decision, Run
from callscope.core.visible import one_line
from callscope.repl import Command, Repl
from callscope.ui.completion import Candidate, choices
from callscope.ui.prompt_gate import gate_of_person


def standing_note(repl: Repl, name: str) -> str:
    """What was said for every call of this tool, in brackets; empty where nothing was."""
    decision = _standing(repl).get(name)
    return f" [{_word(decision)}]" if decision else ""


def _standing(repl: Repl) -> Mapping[str, Decision]:
    gate = gate_of_person(repl.session.gate)
    return gate.standing() if gate else {}


def ask_again(repl: Repl, names: Iterable[str]) -> None:
    """Forget what was said for every call of these tools: they are other tools now."""
    if gate := gate_of_person(repl.session.gate):
        for name in names:
            gate.forget(name)


def _word(decision: Decision) -> str:
    return "you said: always" if isinstance(decision, Run) else "you said: never"


async def _ask_again(repl: Repl, rest: str) -> None:
    standing = _standing(repl)
    if rest and rest not in standing:
        raise UsageError(f"You said neither always nor never to {rest}.")
    gate = gate_of_person(repl.session.gate)
    if gate is None or not standing:
        repl.say("  you said neither always nor never to any tool")
        return
    gate.forget(rest or None)
    repl.say(
        f"  you will be asked again about {', '.join(one_line(name, 64) for name in ([rest] if rest else standing))}"
    )


async def _tools_said(repl: Repl, begun: str) -> Sequence[Candidate]:
    return choices({name: _word(decision) for name, decision in _standing(repl).items()}, begun)


COMMANDS = (
    Command(
        "/ask-again [TOOL]",
        "forget where you said always (Y) or never (N)",
        _ask_again,
        "tools",
        _tools_said,
        more="/tools shows to which tools you said it.",
    ),
)
