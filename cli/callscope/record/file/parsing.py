"""From a line of a recording back to the event it was made from: the other half of `format`.

Knows every kind of line and what its members must be. Pure, and the line is not trusted: `WrongMember` says what is
wrong with it. Must not know files. Kinds it does not know give None: a later version may have written them.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from json.decoder import scanstring  # type: ignore[attr-defined]  # what json.loads itself reads a string with
from typing import Literal, get_args

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
)
from callscope.core.values import (
    Abort,
    Approval,
    CallKey,
    CallKind,
    DecidedBy,
    Decision,
    Edit,
    Ending,
    Executor,
    Fault,
    History,
    Item,
    Message,
    Mock,
    Reasoning,
    Reject,
    Request,
    ResultStatus,
    Run,
    Settings,
    Severity,
    ToolCall,
    ToolForm,
    ToolResult,
    ToolSpec,
    TurnReason,
)

from .format import Line, RecordedEvent
from .members import Members, WrongMember

_PLAIN_CUTS = re.compile(r',"cuts":\[([0-9]{1,9}(?:,[0-9]{1,9})*)\]\}\n')
_PLAIN_READ = re.compile(r'\{"t":([0-9]{1,10}\.[0-9]{1,9}),"kind":"read","exchange":([0-9]{1,9}),"text":"')

_DIRECTIONS: tuple[Literal["sent", "received"], ...] = ("sent", "received")
_ITEMS = ("message", "reasoning", "call", "result")
_ROLES: tuple[Literal["user", "assistant"], ...] = ("user", "assistant")
_ACTIONS = ("run", "edit", "mock", "reject", "abort")


def event_of(line: Line) -> RecordedEvent | None:
    """The event of a line; None for a kind that holds no event. Raises WrongMember."""
    members = Members(line)
    reader = _READERS.get(members.text("kind"))
    return reader(members) if reader else None


def plain_read(raw: bytes) -> tuple[float, BytesRead] | None:
    """The time and event of a read exactly as `encode_read` writes an unmasked text; None for any other line.

    Most lines are such reads, and this takes a third of the time.
    """
    if b',"kind":"read",' not in raw[:48]:
        return None
    try:
        line = raw.decode()
        if not (head := _PLAIN_READ.match(line)):
            return None
        text, end = scanstring(line, head.end(), True)
        offsets: tuple[int, ...] = ()
        if line[end:] != "}\n":
            if (cuts := _PLAIN_CUTS.fullmatch(line, end)) is None:
                return None
            offsets = tuple(map(int, cuts[1].split(",")))
        return float(head[1]), BytesRead(int(head[2]), text.encode(), cuts=offsets)
    except ValueError:  # no UTF-8, no JSON string, half a surrogate pair: the thorough way says which
        return None


def _request(line: Members) -> ExchangeOpened:
    body = _bytes(line, "body", "body_base64")
    request = Request(line.text("method"), line.text("url"), line.pairs("headers", str), body)
    return ExchangeOpened(line.integer("exchange"), request)


def _response(line: Members) -> ResponseHead:
    return ResponseHead(line.integer("exchange"), line.integer("status"), line.pairs("headers", str))


def _read(line: Members) -> BytesRead:
    spans = line.pairs("masked", int) if "masked" in line else ()
    masked = tuple((start, start + length) for start, length in spans)
    cuts = line.integers("cuts") if "cuts" in line else ()
    return BytesRead(line.integer("exchange"), _bytes(line, "text", "base64"), masked, cuts)


def _message(line: Members) -> MessagePassed:
    data = _bytes(line, "text", "base64")
    return MessagePassed(line.integer("exchange"), line.choice("direction", _DIRECTIONS), data)


def _end(line: Members) -> ExchangeEnded:
    how: Ending = line.choice("how", get_args(Ending))
    return ExchangeEnded(line.integer("exchange"), how, line.text("detail", ""))


def _diagnostic(line: Members) -> Diagnostic:
    severity: Severity = line.choice("severity", get_args(Severity))
    return Diagnostic(severity, line.text("code"), line.text("message"), _key(line) if "call" in line else None)


def _settings(line: Members) -> SettingsChanged:
    policy = Members(line.object("policy", {}))
    plain = Settings()
    approve: Approval = policy.choice("approve", get_args(Approval), plain.approve)
    return SettingsChanged(
        Settings(
            dialect=line.text("dialect"),
            url=line.text("url"),
            model=line.text("model"),
            system=line.text_or_null("system"),
            tool_choice=line.any("tool_choice"),
            parallel=line.flag_or_null("parallel"),
            strict=line.flag_or_null("strict"),
            tool_forms=line.choices("tool_forms", get_args(ToolForm)),
            stream=line.flag("stream", plain.stream),
            history=line.choice("history", get_args(History), plain.history),
            thread=line.text_or_null("thread"),
            parameters=line.object("parameters", {}),
            approve=approve,
            run_calls=policy.flag("run_calls", plain.run_calls),
            max_rounds=policy.integer("max_rounds", plain.max_rounds),
            retries=policy.integer("retries", plain.retries),
        )
    )


def _tools(line: Members) -> ToolsChanged:
    return ToolsChanged(tuple(_tool(tool) for tool in line.objects("tools")))


def _tool(tool: Members) -> ToolSpec:
    kind: CallKind = tool.choice("kind", get_args(CallKind), "function")
    approve: Approval | None = tool.choice("approve", (None, *get_args(Approval)))
    return ToolSpec(
        name=tool.text("name"),
        description=tool.text("description", ""),
        parameters=tool.object("parameters", {}),
        kind=kind,
        strict=tool.flag_or_null("strict"),
        source=tool.text("source", ""),
        approve=approve,
    )


def _decided(line: Members) -> CallDecided:
    by: DecidedBy = line.choice("by", get_args(DecidedBy), "person")
    return CallDecided(_key(line), _decision(line), by)


def _decision(line: Members) -> Decision:
    match line.choice("action", _ACTIONS):
        case "run":
            return Run(line.flag("review", False))
        case "edit":
            return Edit(line.text("arguments"))
        case "mock":
            return Mock(line.text("output"))
        case "reject":
            return Reject(line.text("message", ""))
        case _:
            return Abort()


def _started(line: Members) -> ToolStarted:
    return ToolStarted(_key(line), line.text("name"), line.text("arguments"))


def _result(line: Members) -> ToolResult:
    status: ResultStatus = line.choice("status", get_args(ResultStatus))
    duration, prints = line.seconds("duration", 0.0), line.text("prints", "")
    return ToolResult(_key(line), line.text("output"), status, duration, prints)


def _reviewed(line: Members) -> ResultReviewed:
    by: DecidedBy = line.choice("by", get_args(DecidedBy), "person")
    return ResultReviewed(_key(line), line.text_or_null("output"), by)


def _inserted(line: Members) -> ItemsInserted:
    return ItemsInserted(tuple(_item(item) for item in line.objects("items")), line.integer("exchange", 0))


def _item(line: Members) -> Item:
    match line.choice("item", _ITEMS):
        case "message":
            role, refusal = line.choice("role", _ROLES), line.flag("refusal", False)
            return Message(role, line.text("text"), line.integer("response", 0), refusal)
        case "reasoning":
            return Reasoning(line.text("text"), line.integer("response", 0), line.object("extra", {}))
        case "call":
            return _call(line)
        case _:
            return _result(line)


def _call(line: Members) -> ToolCall:
    kind: CallKind = line.choice("type", get_args(CallKind), "function")
    executor: Executor = line.choice("executor", get_args(Executor), "local")
    fault = Members(line.object("fault")) if line.any("fault") is not None else None
    return ToolCall(
        key=_key(line),
        call_id=line.text("call_id"),
        name=line.text("name"),
        arguments=line.text("arguments"),
        kind=kind,
        executor=executor,
        extra=line.object("extra", {}),
        fault=Fault(fault.text("code"), fault.text("message")) if fault else None,
    )


def _turn(line: Members) -> TurnEnded:
    reason: TurnReason = line.choice("reason", get_args(TurnReason))
    return TurnEnded(reason)


def _key(line: Members) -> CallKey:
    exchange, index = line.integers("call", 2)
    return CallKey(exchange, index)


def _bytes(line: Members, text: str, encoded: str) -> bytes:
    if encoded in line:
        try:
            return base64.b64decode(line.text(encoded), validate=True)
        except (binascii.Error, ValueError):
            raise WrongMember(f"`{encoded}` is not base64") from None
    try:
        return line.text(text).encode()
    except UnicodeEncodeError:
        raise WrongMember(f"`{text}` holds half a surrogate pair, which no UTF-8 byte can stand for") from None


_READERS: dict[str, Callable[[Members], RecordedEvent]] = {
    "request": _request,
    "response": _response,
    "read": _read,
    "message": _message,
    "end": _end,
    "diagnostic": _diagnostic,
    "settings": _settings,
    "tools": _tools,
    "user": lambda line: UserMessage(line.text("text")),
    "held": lambda line: CallHeld(_key(line)),
    "decision": _decided,
    "started": _started,
    "result": lambda line: ToolFinished(_result(line)),
    "break": lambda line: BreakRequested(),
    "result_held": lambda line: ResultHeld(_key(line)),
    "review": _reviewed,
    "insert": _inserted,
    "rewind": lambda line: Rewound(line.integer("to")),
    "continue": lambda line: Continued(),
    "turn": _turn,
}
