"""What hints at a reason why a model spoke and did not call, where nothing on the wire is certain.

Knows what such a hint looks like in the facts of an exchange. Must not know what is certain (`absence`), beside which
a hint says nothing. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .case import Case
from .entries import Evidence, Verdict
from .evidence import count_in, excerpt_of, of_frame, said_last
from .facts import ExchangeFacts
from .verdicts import verdict

UNREADABLE = ("event_not_json", "event_cut_off", "event_too_deep", "event_too_long", "text_between_events")
"""What is said of an event of which nobody knows what was in it."""
MOST_BYTES_A_TOKEN = 12
"""Of long English text; a common token has four or five."""

_DENIES = re.compile(
    r"\b(?:do(?:es)? not|don['’]t|doesn['’]t|cannot|can['’]t|unable to)\s+(?:\w+ly\s+)?"
    r"(?:have|access|call|use|browse|retrieve)\b[^.?!\n]{0,60}\b(?:tools?|functions?|real[- ]time|live|internet)\b"
    r"|\bhave no\b[^.?!\n]{0,30}\b(?:tools?|functions?|access)\b",
    re.IGNORECASE,
)


def hints(case: Case, exchange: ExchangeFacts, tool: str) -> Iterator[Verdict]:
    """What may be the reason that there is no call; of the tool, where one is named."""
    asked, said = exchange.asked, exchange.said.get("output")
    if not asked.tools or asked.mode == "none" or exchange.leaks:
        return
    yield from _unseen(exchange)
    if unread := next((each for each in exchange.diagnostics if each.code in UNREADABLE), None):
        yield verdict("event_lost", of_frame(exchange, unread), code=unread.code)
    if said is None:
        return
    if denied := _DENIES.search(said.begin):
        yield verdict("model_knows_no_tools", excerpt_of(exchange, denied.group()))
    named = next(
        (name for name in ((tool,) if tool else asked.tools) if len(name) > 3 and _names_tool(name, said.begin)), None
    )
    if named:
        yield verdict("call_told_in_words", excerpt_of(exchange, named), name=named)
    if said.end.rstrip().endswith(("?", "？")):
        yield verdict("asked_for_more", excerpt_of(exchange, said.end.rstrip()[-120:]))
    if what := ", ".join(case.by_hand):
        yield verdict("history_changed_by_hand", Evidence(exchange.number, "session", what), what=what)


def _unseen(exchange: ExchangeFacts) -> Iterator[Verdict]:
    """Too few tokens of input: names and descriptions stand in every template word for word."""
    usage, asked = exchange.usage, exchange.asked
    if usage is None or not usage.input_tokens:
        return
    # servers that speak Anthropic's way count what was in a cache beside the input
    cached = sum(count_in(usage.raw, name) for name in ("cache_read_input_tokens", "cache_creation_input_tokens"))
    if asked.described > MOST_BYTES_A_TOKEN * (usage.input_tokens + cached):
        evidence = said_last(exchange, rb'"(?:prompt|input)_tokens"\s*:\s*\d+')
        tokens, size = f"{usage.input_tokens:,}", f"{asked.described:,} bytes"
        yield verdict("tools_not_in_prompt", evidence, tokens=tokens, bytes=size)


def _names_tool(name: str, text: str) -> bool:
    """Whether a text has the name of a tool; a plain word (`search`) only where it is written as code."""
    pattern = rf"(?<![\w.-]){re.escape(name)}(?![\w-])"
    if not re.search(r"[_\d]|[a-z][A-Z]", name):
        pattern = rf"`{pattern}`|{pattern}\("
    return re.search(pattern, text) is not None
