"""The command that has other programs read what came over the wire.

Knows which exchange is meant. Must not know how anybody reads, nor how it is drawn.
"""

from __future__ import annotations

from callscope.core.errors import UsageError
from callscope.core.events import ExchangeOpened
from callscope.core.visible import one_line
from callscope.looking.exchanges import Exchange, Exchanges
from callscope.looking.second_readers import Look, shown_comparison
from callscope.readers.comparing import Compared
from callscope.readers.gathering import recorded
from callscope.readers.processes import compared, reading_with
from callscope.repl import Command, Repl

from .recalling import recalled


async def _readers(repl: Repl, rest: str) -> None:
    exchange = _named((await recalled(repl)).exchanges, rest)
    found = await repl.interruptible(_compared(exchange))
    if found is None:
        repl.say("  interrupted", "yellow")
        return
    look = Look(width=repl.console.width, ascii_only=repl.console.options.ascii_only)
    for line in shown_comparison(found, look):
        repl.console.print(line)


def _named(exchanges: Exchanges, rest: str) -> Exchange:
    if rest and not (rest.isdecimal() and len(rest) < 10):
        raise UsageError(f"/readers {one_line(rest, 40)}: N is the number of an exchange of this session.")
    exchange = exchanges.numbered(int(rest)) if rest else exchanges.worst()
    if exchange is None:
        raise UsageError(f"Exchange {rest} is not kept here." if rest else "No request was sent yet.")
    if exchange.kept < exchange.size:
        raise UsageError(
            f"Exchange {exchange.number} is not kept whole here: callscope recordings compare-readers reads the "
            "recording."
        )
    return exchange


async def _compared(exchange: Exchange) -> Compared:
    response = recorded(
        ExchangeOpened(exchange.number, exchange.request),
        exchange.head,
        [read.data for read in exchange.reads],
        exchange.ended,
        exchange.dialect,
        exchange.tools,
    )
    async with reading_with() as processes:
        return await compared(response, processes)


COMMANDS = (
    Command(
        "/readers [N]",
        "what the openai SDK, its stream helper and httpx-sse see in the same bytes",
        _readers,
        "looking",
        None,
        "Without N it is the exchange of this turn in which the worst was found, else the last. Nothing goes over the "
        "network: the bytes are read again here. Ctrl-C stops it.",
    ),
)
