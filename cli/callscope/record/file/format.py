"""The recording format: one JSON object a line, from a recorded event and back to an equal one.

Knows every kind of line and its members; `docs/recording-format.md` is the same for people. Pure: must not know
files, time, secrets or decoding. What a decoder makes of the bytes is no truth and has no line here, except that a
`diagnostic` on our own request, which no byte can tell again, has one.
"""

from __future__ import annotations

import base64
import json
from typing import Any, TypeAlias, assert_never

from callscope.core.events import (
    BreakRequested,
    BytesRead,
    CallDecided,
    CallHeld,
    Continued,
    Diagnostic,
    ExchangeEnded,
    ExchangeOpened,
    ItemsInserted,
    MessagePassed,
    OurEvent,
    ResponseHead,
    ResultHeld,
    ResultReviewed,
    Rewound,
    SettingsChanged,
    ToolFinished,
    ToolsChanged,
    ToolStarted,
    TurnEnded,
    UserMessage,
    WireEvent,
)
from callscope.core.json_text import json_text
from callscope.core.values import (
    Abort,
    CallKey,
    Decision,
    Edit,
    Fault,
    Headers,
    Item,
    Message,
    Mock,
    Reasoning,
    Reject,
    Run,
    Settings,
    ToolCall,
    ToolResult,
    ToolSpec,
)

FORMAT = "callscope"
VERSION = 1
RESUMING = b'{"t":0.0,"kind":"resumed",'
"""How the line begins that resumes a recording; it may be torn itself, where somebody tried and was killed, too."""

RecordedEvent: TypeAlias = WireEvent | OurEvent | Diagnostic
Line: TypeAlias = dict[str, Any]

_quote = json.encoder.encode_basestring


def encode_line(line: Line) -> bytes:
    """One line of a recording, with its newline; readable text, escaped only where UTF-8 cannot hold it."""
    try:
        return (json_text(line) + "\n").encode()
    except UnicodeEncodeError:  # a lone surrogate, which a peer can send as a JSON escape
        return (json_text(line, ascii_only=True) + "\n").encode()


def encode_read(t: float, read: BytesRead) -> bytes:
    """The line of one read: the same as `encode_line`, made by hand because there is one for every read."""
    name, value = _payload(read.data)
    masked = f',"masked":{json.dumps(_spans(read.masked), separators=(",", ":"))}' if read.masked else ""
    cuts = f',"cuts":{json.dumps(read.cuts, separators=(",", ":"))}' if read.cuts else ""
    body = f'"kind":"read","exchange":{read.exchange},"{name}":{_quote(value)}{masked}{cuts}'
    return f'{{"t":{t!r},{body}}}\n'.encode()


# ---- event to line ------------------------------------------------------------------------------------------------


def line_of(event: RecordedEvent) -> Line:
    """The line of a recorded event, without its time."""
    match event:
        case ExchangeOpened() | ResponseHead() | BytesRead() | MessagePassed() | ExchangeEnded():
            return _wire_line(event)
        case Diagnostic(severity=severity, code=code, message=message, key=key):
            line = {"kind": "diagnostic", "severity": severity, "code": code, "message": message}
            return line | ({"call": key_line(key)} if key else {})
        case _:
            return _our_line(event)


def _wire_line(event: WireEvent) -> Line:
    line: Line = {"kind": "", "exchange": event.exchange}
    match event:
        case ExchangeOpened(request=request):
            name, body = _payload(request.body)
            line |= {"kind": "request", "method": request.method, "url": request.url}
            line |= {"headers": _header_lines(request.headers), "body" if name == "text" else "body_base64": body}
        case ResponseHead():
            line |= {"kind": "response", "status": event.status, "headers": _header_lines(event.headers)}
        case BytesRead():
            line |= {"kind": "read"} | dict([_payload(event.data)])
            line |= {"masked": _spans(event.masked)} if event.masked else {}
            line |= {"cuts": list(event.cuts)} if event.cuts else {}
        case MessagePassed():
            line |= {"kind": "message", "direction": event.direction} | dict([_payload(event.data)])
        case ExchangeEnded():
            line |= {"kind": "end", "how": event.how, "detail": event.detail}
        case _:
            assert_never(event)
    return line


def _our_line(event: OurEvent) -> Line:  # noqa: C901 - one flat case for each event
    match event:
        case SettingsChanged():
            return {"kind": "settings"} | _settings_line(event.settings)
        case ToolsChanged():
            return {"kind": "tools", "tools": [_tool_line(tool) for tool in event.tools]}
        case UserMessage():
            return {"kind": "user", "text": event.text}
        case CallHeld():
            return {"kind": "held", "call": key_line(event.key)}
        case CallDecided():
            return {"kind": "decision", "call": key_line(event.key)} | _decision_line(event.decision) | {"by": event.by}
        case ToolStarted():
            name, arguments = event.name, event.arguments
            return {"kind": "started", "call": key_line(event.key), "name": name, "arguments": arguments}
        case ToolFinished():
            return {"kind": "result"} | result_line(event.result)
        case BreakRequested():
            return {"kind": "break"}
        case ResultHeld():
            return {"kind": "result_held", "call": key_line(event.key)}
        case ResultReviewed():
            return {"kind": "review", "call": key_line(event.key), "output": event.output, "by": event.by}
        case ItemsInserted():
            before = {"exchange": event.exchange} if event.exchange else {}
            return {"kind": "insert", "items": [_item_line(item) for item in event.items], **before}
        case Rewound():
            return {"kind": "rewind", "to": event.to}
        case Continued():
            return {"kind": "continue"}
        case TurnEnded():
            return {"kind": "turn", "reason": event.reason}
        case _:
            assert_never(event)


def key_line(key: CallKey) -> list[int]:
    """A call's identity: its exchange and its place there."""
    return [key.exchange, key.index]


def result_line(result: ToolResult) -> Line:
    """The members of a result."""
    line = {"call": key_line(result.key), "status": result.status, "output": result.output}
    return line | {"duration": result.duration, "prints": result.prints}


def fault_line(fault: Fault | None) -> Line | None:
    """Why a call must not run."""
    return {"code": fault.code, "message": fault.message} if fault else None


def _item_line(item: Item) -> Line:
    match item:
        case Message():
            line: Line = {"item": "message", "role": item.role, "text": item.text}
            return line | {"refusal": item.refusal, "response": item.response}
        case Reasoning():
            return {"item": "reasoning", "text": item.text, "extra": dict(item.extra), "response": item.response}
        case ToolCall(key=key, call_id=call_id, name=name, arguments=arguments):
            line = {"item": "call", "call": key_line(key), "call_id": call_id, "name": name, "arguments": arguments}
            line |= {"type": item.kind, "executor": item.executor, "extra": dict(item.extra)}
            return line | {"fault": fault_line(item.fault)}
        case ToolResult():
            return {"item": "result"} | result_line(item)
        case _:
            assert_never(item)


def _settings_line(settings: Settings) -> Line:
    return {
        "dialect": settings.dialect,
        "url": settings.url,
        "model": settings.model,
        "system": settings.system,
        "tool_choice": settings.tool_choice,
        "parallel": settings.parallel,
        **({"strict": settings.strict} if settings.strict is not None else {}),
        **({"tool_forms": list(settings.tool_forms)} if settings.tool_forms else {}),
        "stream": settings.stream,
        "history": settings.history,
        **({"thread": settings.thread} if settings.thread is not None else {}),
        "parameters": dict(settings.parameters),
        "policy": {
            "approve": settings.approve,
            "run_calls": settings.run_calls,
            "max_rounds": settings.max_rounds,
            "retries": settings.retries,
        },
    }


def _tool_line(tool: ToolSpec) -> Line:
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
        "kind": tool.kind,
        "strict": tool.strict,
        "source": tool.source,
        "approve": tool.approve,
    }


def _decision_line(decision: Decision) -> Line:
    match decision:
        case Run():
            return {"action": "run"} | ({"review": True} if decision.review else {})
        case Edit(arguments=arguments):
            return {"action": "edit", "arguments": arguments}
        case Mock(output=output):
            return {"action": "mock", "output": output}
        case Reject(message=message):
            return {"action": "reject", "message": message}
        case Abort():
            return {"action": "abort"}
        case _:
            assert_never(decision)


def _payload(data: bytes) -> tuple[str, str]:
    """Bytes as `text` where strict UTF-8 round-trips, else as `base64`."""
    try:
        return "text", data.decode()
    except UnicodeDecodeError:
        return "base64", base64.b64encode(data).decode("ascii")


def _header_lines(headers: Headers) -> list[list[str]]:
    return [[name, value] for name, value in headers]


def _spans(masked: tuple[tuple[int, int], ...]) -> list[list[int]]:
    return [[start, end - start] for start, end in masked]
