"""Commands that look at what happened.

Knows which view shows what. Must not know how it is drawn.
"""

from __future__ import annotations

from callscope.repl import Command, Repl
from callscope.ui.raw import USAGE as RAW

from .hints import one_of


async def _raw(repl: Repl, rest: str) -> None:
    repl.exchange.show(repl.console, repl.secrets, rest)


COMMANDS = (
    Command(RAW, "the last exchange, or exchange N, as it was on the wire", _raw, "looking", one_of(["reads", "hex"])),
)
