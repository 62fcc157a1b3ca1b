"""Where in an exchange the evidence for a verdict stands, and how it is written.

Knows how a member, a word or a frame is found again in the bytes. Must not know what it is evidence for.
"""

from __future__ import annotations

import json
import re

from callscope.core.events import Diagnostic
from callscope.core.values import Channel, Frame, JsonObject

from .asking import member_at
from .entries import Evidence
from .facts import ExchangeFacts

_NAMES = re.compile(r" \((?:type|code) [^()]*\)\Z")
"""What a decoder adds to the server's words."""


def words_at(exchange: ExchangeFacts, words: str) -> Evidence:
    """The server's words where they stand in the body; else how the exchange ended."""
    begin, raw = exchange.tail.rest()
    said = _NAMES.sub("", words)
    written = [said, json.dumps(said)[1:-1], json.dumps(said, ensure_ascii=False)[1:-1], said[:40]]
    for form in written if said and not exchange.encoded else ():
        sought = form.encode("utf-8", "replace")
        if (at := raw.find(sought)) >= 0:
            return Evidence(exchange.number, "response", form, begin + at, begin + at + len(sought))
    ended = exchange.ended
    how = f"{ended.how}{f': {ended.detail}' if ended.detail else ''}" if ended else ""
    return Evidence(exchange.number, "response", words if how in ("", "complete") else how)


def of_request(exchange: ExchangeFacts, member: str) -> Evidence:
    """A member of the request, or that it is not there."""
    raw = exchange.request.body
    span = member_at(raw, member)
    if span is None:
        return Evidence(exchange.number, "request", f"no {member} in {len(raw):,} bytes")
    return Evidence(exchange.number, "request", raw[span[0] : span[1]][:400].decode("utf-8", "replace"), *span)


def of_frame(exchange: ExchangeFacts, found: Diagnostic) -> Evidence | None:
    """The frame in which something was found."""
    frame = found.frame
    return (
        Evidence(exchange.number, "response", _data(exchange, frame)[:400], frame.start, frame.end) if frame else None
    )


def finish(exchange: ExchangeFacts) -> Evidence | None:
    """The server's word on how the answer ended, where it stands."""
    if exchange.finish_reason is None:
        return None
    reason = re.escape(json.dumps(exchange.finish_reason, ensure_ascii=False).encode("utf-8", "replace"))
    found = said_last(exchange, rb'"(?:(?:finish_|stop_)?reason|status)"\s*:\s*' + reason)
    return found or Evidence(exchange.number, "response", f"finish_reason {exchange.finish_reason}")


def said_last(exchange: ExchangeFacts, pattern: bytes) -> Evidence | None:
    """The last place in the body, as far as it is here, that a pattern matches."""
    begin, raw = exchange.tail.rest()
    places = list(re.finditer(pattern, raw)) if not exchange.encoded else []
    if not places:
        return None
    start, end = places[-1].span()
    return Evidence(exchange.number, "response", raw[start:end].decode("utf-8", "replace"), begin + start, begin + end)


def words_of(exchange: ExchangeFacts, channel: Channel = "output") -> Evidence | None:
    """The beginning of the words of a channel."""
    said = exchange.said.get(channel)
    return Evidence(exchange.number, "response", said.begin[:200], *said.span) if said else None


def excerpt_of(exchange: ExchangeFacts, words: str) -> Evidence:
    """These words of the answer."""
    said = exchange.said["output"]
    return Evidence(exchange.number, "response", words[:200], *said.span)


def count_in(raw: object, name: str) -> int:
    """A count in a usage object, on whatever level it stands."""
    level: list[JsonObject] = [dict(raw)] if isinstance(raw, dict) else []
    for _ in range(2):
        for counts in level:
            if isinstance(value := counts.get(name), int):
                return value
        level = [each for counts in level for each in counts.values() if isinstance(each, dict)]
    return 0


def listed(names: tuple[str, ...]) -> str:
    """Some names, of many the first ones."""
    shown = ", ".join(names[:8])
    return f"{shown} and {len(names) - 8:,} more" if len(names) > 8 else shown or "none"


def tools_counted(count: int, verb: str) -> str:
    """`1 tool is`, `3 tools were`."""
    plural = {"is": "are", "was": "were"}[verb]
    return f"{count:,} tool{'' if count == 1 else 's'} {verb if count == 1 else plural}"


def _data(exchange: ExchangeFacts, frame: Frame) -> str:
    """What stands in a frame, as it came where the bytes are still here."""
    raw = None if exchange.encoded else exchange.tail.cut(frame.start, frame.end)
    return frame.data if raw is None else raw.decode("utf-8", "replace")
