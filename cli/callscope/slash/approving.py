"""When calls run: the session's policy, and the next break.

Knows how a policy reads. Must not know how a person is asked about a call, nor what they answered (standing.py does).
"""

from __future__ import annotations

from typing import get_args

from callscope.core.errors import UsageError
from callscope.core.events import BreakRequested
from callscope.core.values import Approval
from callscope.repl import Command, Repl

from .conversation import change_settings
from .hints import one_of

POLICIES: dict[str, str] = {
    "ask": "ask before each call",
    "always": "run without asking",
    "result": "run, and show each result before it goes back",
    "never": "run none",
}
assert set(POLICIES) == set(get_args(Approval))


async def _approve(repl: Repl, rest: str) -> None:
    if rest:
        if rest not in POLICIES:
            raise UsageError(f"/approve {rest}: write {', '.join(POLICIES)}.")
        change_settings(repl, approve=rest)
    policy = repl.session.conversation.settings.approve
    repl.say(f"  {policy}: {POLICIES[policy]}; a tool's own stricter policy wins")


async def _break(repl: Repl, rest: str) -> None:
    repl.session.emit(BreakRequested())
    repl.say("  the next call is held, whatever the policy says")


COMMANDS = (
    Command("/approve [POLICY]", "show or change when calls run", _approve, "tools", one_of(POLICIES)),
    Command("/break", "hold the next call, whatever the policy says", _break, "tools"),
)
