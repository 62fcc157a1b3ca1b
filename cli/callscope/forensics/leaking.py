"""Calls that leaked into the words of a response, found again to the byte.

Knows which words are a call and where they stand. Must not know what a verdict makes of it.
"""

from __future__ import annotations

from callscope.core.events import Diagnostic
from callscope.core.state import Conversation
from callscope.core.values import Channel
from callscope.dialects.leaks import find_leak

from .entries import Evidence
from .facts import ExchangeFacts, Leak
from .placing import byte_within

EXCERPT = 200


def take_leak(exchange: ExchangeFacts, event: Diagnostic, conversation: Conversation) -> None:
    """Find the leak again in the words, to say at which byte it begins."""
    channels: tuple[tuple[Channel, str], ...] = (("output", "text"), ("reasoning", "reasoning"))
    offered = frozenset(tool.name for tool in conversation.tools)
    for channel, where in channels:
        if conversation.response is None or event.key is not None or f"The {where} " not in event.message:
            continue
        text = conversation.response.text(channel)
        if leak := find_leak(text, offered):
            span = _span(exchange, event, text, leak.start)
            evidence = Evidence(exchange.number, "response", text[leak.start :][:EXCERPT], *span)
            exchange.leaks.append(Leak(leak.marker, where, leak.cause, evidence))
            return
    frame, where = event.frame, "the name of a call" if event.key else "text"
    evidence = Evidence(exchange.number, "response", event.message, *((frame.start, frame.end) if frame else ()))
    exchange.leaks.append(Leak("markup of a call", where, "", evidence))


def _span(exchange: ExchangeFacts, event: Diagnostic, text: str, place: int) -> tuple[int | None, int | None]:
    """From the first byte of the leak, where it can be found, to the end of its frame."""
    frame = event.frame
    if frame is None:
        return None, None
    raw = None if exchange.encoded else exchange.tail.cut(frame.start, frame.end)
    byte = byte_within(raw, text, place) if raw is not None else None
    return frame.start + (byte or 0), frame.end
