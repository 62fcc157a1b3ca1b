"""Commands that look at what happened.

Knows which view shows what. Must not know how it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from callscope.looking.history import history
from callscope.looking.raw import raw
from callscope.looking.timeline import timeline
from callscope.looking.tokens import tokens
from callscope.repl import Command, Repl

from .hints import one_of
from .recalling import recalled

NARROWEST = 20
"""Columns that are drawn for at least: a terminal may tell that it has none."""


async def _raw(repl: Repl, rest: str) -> None:
    _show(repl, raw(rest, (await recalled(repl)).exchanges, repl.secrets, width=_width(repl), ascii_only=_ascii(repl)))


async def _timeline(repl: Repl, rest: str) -> None:
    _show(repl, timeline((await recalled(repl)).timing, width=_width(repl), ascii_only=_ascii(repl)))


async def _tokens(repl: Repl, rest: str) -> None:
    witness = await recalled(repl)
    _show(repl, tokens(witness.tokens, witness.exchanges.latest(), width=_width(repl), ascii_only=_ascii(repl)))


async def _history(repl: Repl, rest: str) -> None:
    items, ledger = repl.session.conversation.items, (await recalled(repl)).ledger
    _show(repl, history(rest, items, ledger, repl.secrets, width=_width(repl), ascii_only=_ascii(repl)))


def _show(repl: Repl, lines: Iterable[Text]) -> None:
    for line in lines:
        repl.console.print(line)


def _width(repl: Repl) -> int:
    return max(repl.console.width, NARROWEST)


def _ascii(repl: Repl) -> bool:
    return repl.console.options.ascii_only


COMMANDS = (
    Command(
        "/raw [N] [reads|hex] [all]",
        "an exchange as it was on the wire: the last with findings, or number N",
        _raw,
        "looking",
        one_of({"reads": "each read by itself", "hex": "every byte", "all": "nothing left out"}),
        "Without N it is the exchange of this turn in which the worst was found, else the last; what was found stands "
        "at its frame. "
        "Frames with their offsets in the body, when their bytes came since the request left, and where reads cut "
        "them; `reads` shows each read by itself, `hex` every byte, `all` leaves nothing out.",
    ),
    Command("/timeline", "the last turn to scale: waits, deltas, calls", _timeline, "looking"),
    Command("/tokens", "what the requests cost, as the servers reported it", _tokens, "looking"),
    Command(
        "/history [N]",
        "the conversation, a line an item, or item N whole",
        _history,
        "looking",
        None,
        "Items are counted from 1; your own messages have a second number, which /edit takes.",
    ),
)
