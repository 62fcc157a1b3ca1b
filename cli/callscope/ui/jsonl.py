"""The JSON-lines view: one event a line, the schema of docs/json-lines.md.

Knows how each event reads as JSON. Must not know where a recording lies or what the exit code means.
"""

from __future__ import annotations

import io
from functools import partial
from json.encoder import encode_basestring as _quote
from typing import TYPE_CHECKING, Any, TextIO, assert_never

from callscope.core.events import (
    ArgumentsDelta,
    BreakRequested,
    BytesRead,
    CallAssembled,
    CallDecided,
    CallHeld,
    CallStarted,
    Continued,
    Diagnostic,
    Event,
    ExchangeEnded,
    ExchangeOpened,
    ItemsInserted,
    MessagePassed,
    RemoteResult,
    ResponseCompleted,
    ResponseFailed,
    ResponseHead,
    ResponseStarted,
    ResultHeld,
    ResultReviewed,
    Rewound,
    SettingsChanged,
    Stamped,
    TextDelta,
    ThreadNamed,
    ToolFinished,
    ToolsChanged,
    ToolStarted,
    TurnEnded,
    UserMessage,
)
from callscope.core.json_text import json_line
from callscope.core.state import Conversation
from callscope.core.values import (
    Abort,
    CallKey,
    Decision,
    Edit,
    Item,
    Message,
    Mock,
    Reasoning,
    Reject,
    Run,
    ToolCall,
    ToolResult,
)
from callscope.core.visible import visible_json
from callscope.version import VERSION

from .outcome import call_json, diagnostic_json, failure_json

if TYPE_CHECKING:
    from callscope.dialects.detecting import Told

SCHEMA_VERSION = 1

_encode = partial(json_line, default=str)


class JsonLines:
    """A sink that writes events to a stream as they happen; every line is flushed, for whoever waits at the pipe."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        if isinstance(out, io.TextIOWrapper):
            out.reconfigure(encoding="utf-8")  # whatever the locale: the schema says so

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Write the event, where it is one for a reader's eyes."""
        event = stamped.event
        if type(event) is TextDelta:
            self._write_delta(stamped.at, f'"event":"text","channel":"{event.channel}"', event.text)
        elif type(event) is ArgumentsDelta:
            members = f'"event":"arguments","call":[{event.key.exchange},{event.key.index}]'
            self._write_delta(stamped.at, members, event.text)
        elif type(event) is not BytesRead and (line := event_json(event)):
            self.write({"t": round(stamped.at, 6), **line})

    def begin(self, recording: str | None, told: Told | None = None) -> None:
        """Write the first line; `told` is the dialect of a session that begins, and how it is known."""
        dialect = {"dialect": told.dialect, "dialect_because": told.how} if told else {}
        self.write(
            {"event": "session", "version": SCHEMA_VERSION, "program": VERSION, "recording": recording} | dialect
        )

    def close(self) -> None:
        """Nothing: the last line is the command's, who alone knows the exit code."""

    def write(self, members: dict[str, Any]) -> None:
        """Write one line; what cannot stand in one is written as JSON escapes."""
        self.out.write(_encode(members) + "\n")
        self.out.flush()

    def _write_delta(self, at: float, members: str, text: str) -> None:
        """The same line as `write` makes of a delta, by hand: there are so many (measured: 2.0 µs against 4.0)."""
        self.out.write(f'{{"t":{round(at, 6)!r},{members},"text":{visible_json(_quote(text))}}}\n')
        self.out.flush()


def event_json(event: Event) -> dict[str, Any] | None:  # noqa: C901 - one flat case for each event
    """The members of an event's line; None for what only a recording holds."""
    match event:
        case TextDelta():
            return {"event": "text", "channel": event.channel, "text": event.text}
        case ArgumentsDelta():
            return {"event": "arguments", "call": _key(event.key), "text": event.text}
        case CallStarted():
            members = {"call": _key(event.key), "call_id": event.call_id, "name": event.name}
            return {"event": "call", **members, "executor": event.executor}
        case CallAssembled():
            return {"event": "assembled", **call_json(event.call)}
        case RemoteResult(result=result):
            members = {"call": _key(result.key), "status": result.status, "output": result.output}
            return {"event": "remote_result", **members}
        case ThreadNamed():
            return {"event": "thread", "thread": event.thread}
        case UserMessage():
            return {"event": "user", "text": event.text}
        case ExchangeOpened() | ResponseHead() | ExchangeEnded():
            return _exchange_json(event)
        case ResponseCompleted():
            usage = dict(event.usage.raw) if event.usage else None
            return {"event": "completed", "finish_reason": event.finish_reason, "usage": usage}
        case ResponseFailed():
            return {"event": "failed", **failure_json(event)}
        case Diagnostic():
            return {"event": "diagnostic", **diagnostic_json(event)}
        case CallHeld() | CallDecided() | ToolStarted() | ToolFinished() | ResultHeld() | ResultReviewed():
            return _running_json(event)
        case BreakRequested():
            return {"event": "break_requested"}
        case ItemsInserted():
            return {"event": "inserted", "items": [item_json(item) for item in event.items]}
        case Rewound():
            return {"event": "rewound", "to": event.to}
        case Continued():
            return {"event": "continued"}
        case TurnEnded():
            return {"event": "turn_ended", "reason": event.reason}
        case SettingsChanged(settings=settings):
            return {"event": "settings", "dialect": settings.dialect, "url": settings.url, "model": settings.model}
        case ToolsChanged():
            return {"event": "tools", "tools": [tool.name for tool in event.tools]}
        case BytesRead() | MessagePassed() | ResponseStarted():
            return None
        case _:
            assert_never(event)


def _exchange_json(event: ExchangeOpened | ResponseHead | ExchangeEnded) -> dict[str, Any]:
    """What passes over the wire, without the bytes."""
    match event:
        case ExchangeOpened(request=request):
            url = request.url.partition("?")[0]  # a query may hold a key
            return {"event": "request", "exchange": event.exchange, "method": request.method, "url": url}
        case ResponseHead():
            return {"event": "response", "exchange": event.exchange, "status": event.status}
        case ExchangeEnded():
            return {"event": "exchange_ended", "exchange": event.exchange, "how": event.how, "detail": event.detail}
        case _:
            assert_never(event)


def _running_json(
    event: CallHeld | CallDecided | ToolStarted | ToolFinished | ResultHeld | ResultReviewed,
) -> dict[str, Any]:
    """What becomes of a call on this side."""
    match event:
        case CallHeld():
            return {"event": "held", "call": _key(event.key)}
        case CallDecided():
            return {"event": "decided", "call": _key(event.key), **decision_json(event.decision), "by": event.by}
        case ToolStarted():
            return {"event": "started", "call": _key(event.key), "name": event.name, "arguments": event.arguments}
        case ToolFinished(result=result):
            line = {"event": "result", "call": _key(result.key), "status": result.status, "output": result.output}
            return {**line, "duration": round(result.duration, 6), "prints": result.prints}
        case ResultHeld():
            return {"event": "result_held", "call": _key(event.key)}
        case ResultReviewed():
            return {"event": "reviewed", "call": _key(event.key), "output": event.output, "by": event.by}
        case _:
            assert_never(event)


def decision_json(decision: Decision) -> dict[str, Any]:
    """A decision as JSON."""
    match decision:
        case Run(review=review):
            return {"action": "run", **({"review": True} if review else {})}
        case Edit():
            return {"action": "edit", "arguments": decision.arguments}
        case Mock():
            return {"action": "mock", "output": decision.output}
        case Reject():
            return {"action": "reject", "message": decision.message}
        case Abort():
            return {"action": "abort"}
        case _:
            assert_never(decision)


def item_json(item: Item) -> dict[str, Any]:
    """An item of the conversation as JSON."""
    match item:
        case Message():
            return {"item": "message", "role": item.role, "text": item.text, "refusal": item.refusal}
        case Reasoning():
            return {"item": "reasoning", "text": item.text}
        case ToolCall():
            return {"item": "call", **call_json(item)}
        case ToolResult():
            return {"item": "result", "call": _key(item.key), "status": item.status, "output": item.output}
        case _:
            assert_never(item)


def _key(key: CallKey) -> list[int]:
    return [key.exchange, key.index]
