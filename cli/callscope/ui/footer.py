"""The line below a turn: who answers, how fast, how much, and the keys.

Knows what is worth a place and what gives way first where there is little room. Must not know a terminal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rich.cells import cell_len

from . import wording
from .blocks import ExchangeTrace
from .look import Look, Row, row
from .trace import Trace


@dataclass(frozen=True, slots=True)
class Fact:
    """Some words of the footer, and fewer of them; what has the highest `rank` gives way first."""

    words: str
    rank: int
    style: str = "dim"
    short: str = ""


def footer(trace: Trace, look: Look, now: float, typed: str = "") -> Row:
    """The line while a turn goes on; `typed` is what the person typed ahead."""
    facts = facts_of(trace, look, now)
    if trace.breaking:
        facts.append(Fact("break: the next call will be held", 0, "held", "the next call will be held"))
    else:
        facts.append(Fact("b holds the next call", 2, short="b holds"))
    facts.append(Fact("^C stops", 1))
    if typed:
        facts.append(Fact(f"typed: {typed[-20:]}", 3, "plain"))
    return fitted(facts, look)


def summary(trace: Trace, look: Look) -> Row:
    """The line that stays when the turn is over."""
    return fitted(facts_of(trace, look, trace.ended_at or 0.0), look)


def facts_of(trace: Trace, look: Look, now: float) -> list[Fact]:
    """What is known of the latest exchange."""
    exchange = trace.exchange
    model = exchange.model if exchange else trace.settings.model
    facts = [Fact(model, 6), Fact(trace.settings.dialect, 9)]
    if exchange is None:
        return [fact for fact in facts if fact.words]
    facts += _times(exchange, now)
    if pace := exchange.deltas_a_second():
        facts.append(Fact(f"{pace:,.0f} deltas/s", 8))
    facts += _end(exchange)
    if trace.thread:
        facts.append(Fact(f"thread {trace.thread}", 7))
    if len(trace.exchanges) > 1:
        facts.append(Fact(wording.counted(len(trace.exchanges), "request"), 10))
    if count := trace.diagnostics:
        facts.append(Fact(wording.counted(count, "diagnostic"), 3, "warning"))
    return [fact for fact in facts if fact.words]


def _times(exchange: ExchangeTrace, now: float) -> list[Fact]:
    since = exchange.opened_at
    if exchange.first_byte_at is None:
        return [Fact(f"no byte for {wording.clock(now - since)}", 5)] if exchange.ended_at is None else []
    first = f"byte {wording.seconds(exchange.first_byte_at - since)}"
    if exchange.first_delta_at is not None:
        first += f", delta {wording.seconds(exchange.first_delta_at - since)}"
    return [Fact(f"first {first}", 5, short=first)]


def _end(exchange: ExchangeTrace) -> list[Fact]:
    """How the response ended, in the server's own word, and what it cost."""
    if not exchange.completed:
        return []
    reason = exchange.failure.kind if exchange.failure else exchange.finish_reason or "no finish_reason"
    whole, short = (wording.tokens(exchange.usage, short=short) for short in (False, True))
    return [Fact(f"{reason}, {whole}", 4, short=f"{reason}, {short}")] if whole else [Fact(reason, 4)]


def fitted(facts: list[Fact], look: Look) -> Row:
    """As many facts as fit, the most important ones, in their own order; first some get shorter."""
    facts = [replace(fact, words=look.shown(fact.words).replace("\n", " ")) for fact in facts]
    dot = f" {look.marks.dot} "
    while len(facts) > 1 and sum(cell_len(fact.words) + len(dot) for fact in facts) - len(dot) > look.width - 1:
        place, fact = max(enumerate(facts), key=lambda pair: (bool(pair[1].short), pair[1].rank))
        facts[place : place + 1] = [replace(fact, words=fact.short, short="")] if fact.short else []
    parts: list[tuple[str, str]] = []
    for number, fact in enumerate(facts):
        parts += [(dot, "dim")] if number else []
        parts.append((fact.words, fact.style))
    return row(" ", *parts)
