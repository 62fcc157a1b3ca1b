"""The faults of rules 11 to 13 that lie in the stream's bytes: errors among the events, and framing.

Knows server-sent events as the honest demo writes them: `data: {…}` and a blank line each, then `data: [DONE]`.
See https://html.spec.whatwg.org/multipage/server-sent-events.html. Must not know HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from .fault import EventFault, Fault

FAULTS: list[Fault] = []
DONE: Final = b"data: [DONE]\n\n"
MIDDLES: Final = (
    b'_arguments.delta"',
    b'_input.delta"',
    b'_text.delta"',
    b'"arguments":',
    b'"input":',
    b'"content":',
)
"""What the pieces of an answer hold, in the Responses API and in Chat Completions: the innermost first."""


def _fault(
    rule: int, name: str, sentence: str, *aliases: str
) -> Callable[[Callable[[list[bytes]], list[bytes]]], None]:
    def register(change: Callable[[list[bytes]], list[bytes]]) -> None:
        FAULTS.append(EventFault(name=name, rule=rule, sentence=sentence, aliases=aliases, change=change))

    return register


def in_the_middle(events: list[bytes]) -> list[bytes]:
    """The events before the last piece of arguments, or else of text: whatever ends here ends in mid-word."""
    for word in MIDDLES:
        places = [place for place, event in enumerate(events) if word in event]
        if places:
            return events[: places[-1]]
    return events[: len(events) // 2]


# ---- rule 11: errors among the events -----------------------------------------------------------------------------


@_fault(11, "error in mid-stream", "In the middle of the answer an error object comes (OpenRouter, vLLM).", "error")
def _(events: list[bytes]) -> list[bytes]:
    error = {"error": {"message": "The demo was asked to fail here.", "type": "server_error", "code": 502}}
    return [*in_the_middle(events), f"data: {json.dumps(error)}\n\n".encode(), DONE]


@_fault(11, "error as string", "In the middle of the answer comes an error that is a bare string (TGI, Ollama).")
def _(events: list[bytes]) -> list[bytes]:
    return [*in_the_middle(events), b'data: {"error": "The demo was asked to fail here."}\n\n']


@_fault(11, "error event", "In the middle of the answer comes an event of the type `error`.", "event: error")
def _(events: list[bytes]) -> list[bytes]:
    error = {"type": "error", "message": "The demo was asked to fail here."}
    return [*in_the_middle(events), f"event: error\ndata: {json.dumps(error)}\n\n".encode()]


@_fault(11, "error field", "In the middle of the answer comes a line `error: {…}` in place of `data:` (llama.cpp).")
def _(events: list[bytes]) -> list[bytes]:
    error = {"code": 500, "message": "The demo was asked to fail here.", "type": "server_error"}
    return [*in_the_middle(events), f"error: {json.dumps(error)}\n\n".encode()]


@_fault(
    11, "error as finish reason", "The last chunk has the finish reason `error` and an error beside it (OpenRouter)."
)
def _(events: list[bytes]) -> list[bytes]:
    choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
    chunk = {**json.loads(events[0].removeprefix(b"data: ")), "choices": [choice]}
    chunk["error"] = {"code": 502, "message": "The demo was asked to fail here."}
    return [*in_the_middle(events), f"data: {json.dumps(chunk)}\n\n".encode()]


# ---- rule 12: ends that the framing still allows ------------------------------------------------------------------


@_fault(12, "early end", "The body ends in the middle, in good order: no finish reason, no [DONE].", "ends early")
def _(events: list[bytes]) -> list[bytes]:
    return in_the_middle(events)


@_fault(12, "early end after the calls", "The body ends when the calls are whole: no finish reason, no [DONE].")
def _(events: list[bytes]) -> list[bytes]:
    return [event for event in events if event != DONE and b'"finish_reason":null' in event]


@_fault(12, "no DONE", "The answer is whole, but [DONE] never comes.", "done missing")
def _(events: list[bytes]) -> list[bytes]:
    return [event for event in events if event != DONE]


@_fault(12, "DONE alone", "The stream is [DONE] and nothing else.", "[done] alone")
def _(events: list[bytes]) -> list[bytes]:
    return [DONE]


@_fault(12, "more after DONE", "After [DONE] the last chunk comes again.")
def _(events: list[bytes]) -> list[bytes]:
    return [*events, *events[-2:-1]]


# ---- rule 13: framing ---------------------------------------------------------------------------------------------


@_fault(13, "multi-line data", "Each chunk is spread over many `data:` lines.", "several data lines")
def _(events: list[bytes]) -> list[bytes]:
    return [_spread(event) if event.startswith(b"data: {") else event for event in events]


def _spread(event: bytes) -> bytes:
    text = json.dumps(json.loads(event.removeprefix(b"data: ")), indent=1, ensure_ascii=False)
    return "".join(f"data: {line}\n" for line in text.split("\n")).encode(errors="backslashreplace") + b"\n"


@_fault(13, "ping comments", "Comments keep the connection awake (`: ping`).", "pings", "comments")
def _(events: list[bytes]) -> list[bytes]:
    return [part for event in events for part in (b": ping\n\n", event)]


@_fault(13, "meta events", "Events of other types, empty ones, `id:` and `retry:` lines come between.", "other events")
def _(events: list[bytes]) -> list[bytes]:
    meta = b'event: ping\ndata: {"type": "ping"}\n\n', b"id: 7\nretry: 3000\n\n", b"data:\n\n"
    return [*meta, *(part for place, event in enumerate(events) for part in (meta[place % 3], event))]


@_fault(13, "BOM", "The stream begins with a byte order mark.", "byte order mark")
def _(events: list[bytes]) -> list[bytes]:
    return [b"\xef\xbb\xbf", *events]


@_fault(13, "CRLF", "Lines end with CR LF, and the two may come apart.")
def _(events: list[bytes]) -> list[bytes]:
    text = b"".join(events).replace(b"\n", b"\r\n")
    return [piece for line in text.split(b"\n")[:-1] for piece in (line, b"\n")]


@_fault(13, "CR", "Lines end with CR alone.")
def _(events: list[bytes]) -> list[bytes]:
    return [event.replace(b"\n", b"\r") for event in events]


@_fault(13, "U+2028", "Line separators stand as they are inside strings; only CR and LF end a line.", "line separators")
def _(events: list[bytes]) -> list[bytes]:
    separated = "\u2028\u2029\u0085".encode()
    return [
        event.replace(b'"content":"', b'"content":"' + separated) if b'"content":"I' in event else event
        for event in events
    ]


@_fault(13, "no blank lines", "Events are parted by one line end only.", "blank lines missing")
def _(events: list[bytes]) -> list[bytes]:
    return [event.replace(b"\n\n", b"\n") for event in events]


@_fault(13, "glued events", "Two events stand on one line, without any line end between.", "events glued together")
def _(events: list[bytes]) -> list[bytes]:
    even = events[: len(events) // 2 * 2]
    pairs = zip(even[::2], even[1::2], strict=True)
    return [*(first.rstrip(b"\n") + second for first, second in pairs), *events[len(even) :]]


@_fault(13, "unterminated last event", "The last chunk's line is never ended, and [DONE] never comes.")
def _(events: list[bytes]) -> list[bytes]:
    whole = [event for event in events if event != DONE]
    return [*whole[:-1], *(event.rstrip(b"\n") for event in whole[-1:])]


@_fault(13, "no space after the colon", "It is `data:{…}`.", "no space")
def _(events: list[bytes]) -> list[bytes]:
    return [event.replace(b"data: ", b"data:", 1) for event in events]


@_fault(13, "split UTF-8", "Characters of several bytes are cut between two writes.", "utf-8 split")
def _(events: list[bytes]) -> list[bytes]:
    sent: list[bytes] = []
    for event in events:
        cuts = [place for place in range(1, len(event)) if event[place] & 0xC0 == 0x80]
        sent += [event[start:end] for start, end in zip([0, *cuts], [*cuts, len(event)], strict=True)]
    return sent


@_fault(13, "one byte at a time", "Every byte is a write of its own.", "single bytes")
def _(events: list[bytes]) -> list[bytes]:
    return [bytes([byte]) for event in events for byte in event]


@_fault(13, "all at once", "The whole stream is one write.")
def _(events: list[bytes]) -> list[bytes]:
    return [b"".join(events)]
