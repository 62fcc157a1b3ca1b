"""Commands that look at what happened.

Knows which view shows what. Must not know how it is drawn.
"""

from __future__ import annotations

from callscope.repl import Command, Repl


async def _raw(repl: Repl, rest: str) -> None:
    repl.exchange.show(repl.console, repl.secrets)


COMMANDS = (Command("/raw", "the last exchange as it was on the wire", _raw, "looking"),)
