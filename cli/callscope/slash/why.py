"""The command that says why there was no call, or why one did not run.

Knows how a person asks. Must not know how the answer is found (`forensics`), nor how it is drawn (`looking/why`).
"""

from __future__ import annotations

from collections.abc import Sequence

from callscope.core.visible import visible
from callscope.looking.why import Why
from callscope.repl import Command, Repl
from callscope.ui.completion import Candidate, choices

from .recalling import recalled


async def _why(repl: Repl, rest: str) -> None:
    case = (await recalled(repl)).case
    if repl.recorder and repl.session.conversation.items and not case.begun:
        path = visible(str(repl.recorder.path))
        repl.say(
            f"  no turn to look at since the session was gone on with; of those before: callscope recordings why {path}"
        )
        return
    ascii_only = repl.console.options.ascii_only
    drawn = Why(case, repl.secrets, width=repl.console.width, ascii_only=ascii_only)
    for line in drawn.lines(rest.strip()):
        repl.console.print(line)


async def _calls(repl: Repl, before: str) -> Sequence[Candidate]:
    calls = {str(number): facts.name for number, facts in enumerate(repl.witness.case.calls.values(), start=1)}
    return choices(calls, before)


COMMANDS = (
    Command(
        "/why [CALL]",
        "why there was no call, or why one did not run",
        _why,
        "looking",
        _calls,
        "Without CALL: the verdicts on the last turn, the surest first, each with what it stands on, and what to do. "
        "CALL is the number of a call of the last turn, its id or its tool's name: the call from its raw deltas to "
        "what the next request carried, with the delta that broke it. "
        "The name of a tool that was not called: why there was no call of it.",
    ),
)
