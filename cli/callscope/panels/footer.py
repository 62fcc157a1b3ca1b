"""The line below a turn: who answers, how fast, how much, and the keys.

Knows what is worth a place and what gives way first where there is little room. Must not know a terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

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
        facts.append(Fact("the next call will be held", 0, "held"))
    else:
        facts.append(Fact("b holds the next call", 3, short="b holds"))
    facts.append(Fact("^C stops", 0))
    if typed:
        facts.append(Fact(f"typed: {typed[-20:]}", 3, "plain"))
    return fitted(facts, look)


def summary(trace: Trace, look: Look) -> Row:
    """The line that stays when the turn is over."""
    return fitted(facts_of(trace, look, trace.ended_at or 0.0), look)


def facts_of(trace: Trace, look: Look, now: float) -> list[Fact]:
    """What is known of the turn, and of the latest exchange."""
    exchange = trace.exchange
    # shown before it is cropped: the half of an escape would be another one
    model = _shown((exchange.model if exchange else "") or trace.settings.model, look)
    facts = [Fact(model, 2, short=_cropped(model, look)), Fact(trace.settings.dialect, 10)]
    if exchange is None:
        return [fact for fact in facts if fact.words]
    facts += _times(exchange, now)
    if pace := exchange.deltas_a_second():
        facts.append(Fact(f"{pace:,.0f} deltas/s", 9))
    facts += _ends(trace.exchanges, trace.settings.dialect)
    if trace.thread:
        facts.append(Fact(f"thread {trace.thread}", 8))
    if len(trace.exchanges) > 1:
        facts.append(Fact(wording.counted(len(trace.exchanges), "request"), 11))
    if count := trace.findings.count:
        facts.append(Fact(wording.counted(count, "finding"), 1, "bad" if trace.findings.severe else "warning"))
    return [fact for fact in facts if fact.words]


def _cropped(model: str, look: Look) -> str:
    """Enough of the model's name to know it by, where there is little room; empty where that is all of it."""
    room = max(8, look.width // 3)
    return f"{model[: room - 1]}{look.marks.more}" if len(model) > room else ""


def _times(exchange: ExchangeTrace, now: float) -> list[Fact]:
    since = exchange.opened_at
    if exchange.first_byte_at is None:
        return (
            [Fact(f"no byte for {wording.clock(now - since)}", 6)]
            if exchange.ended_at is None and not exchange.completed
            else []
        )
    facts = [Fact(f"first byte {wording.seconds(exchange.first_byte_at - since)}", 7)]
    if exchange.first_delta_at is not None:
        facts.append(Fact(f"first delta {wording.seconds(exchange.first_delta_at - since)}", 6))
    return facts


def _ends(exchanges: Sequence[ExchangeTrace], dialect: str) -> list[Fact]:
    """How the responses ended, in the server's own words, and what the last one cost."""
    reasons = [_reason(exchange, dialect) for exchange in exchanges if exchange.completed]
    if not reasons:
        return []
    told = [reason for reason, _ in groupby(reasons)]  # how many there were the number of requests says
    short = told[-1] if len(told) > 1 else ""
    return [Fact(", ".join(told), 4, short=short), Fact(wording.tokens(exchanges[-1].usage), 5)]


def _reason(exchange: ExchangeTrace, dialect: str) -> str:
    if failure := exchange.failure:
        return f"HTTP {failure.status}" if failure.kind == "http" else wording.failed(failure.kind)
    return wording.finished(exchange.finish_reason, dialect)


def fitted(facts: list[Fact], look: Look) -> Row:
    """As many facts as fit, the most important ones, in their own order; first some get shorter."""
    facts = [replace(fact, words=_shown(fact.words, look), short=_shown(fact.short, look)) for fact in facts]
    dot = f" {look.marks.dot} "
    while len(facts) > 1 and sum(cell_len(fact.words) + len(dot) for fact in facts) - len(dot) > look.width - 1:
        place, fact = max(enumerate(facts), key=lambda pair: (bool(pair[1].short), pair[1].rank))
        facts[place : place + 1] = [replace(fact, words=fact.short, short="")] if fact.short else []
    parts: list[tuple[str, str]] = []
    for number, fact in enumerate(facts):
        parts += [(dot, "dim")] if number else []
        parts.append((fact.words, fact.style))
    return row(" ", *parts)


def _shown(words: str, look: Look) -> str:
    return look.shown(words).replace("\n", " ")
