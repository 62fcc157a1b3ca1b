"""The nouns every other file speaks in: frozen values, compared by content.

Knows what a tool, a call, a result, a request and a decision are. Must not know how any of them is written on a
wire, drawn on a screen or stored in a file; imports the standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from .passing import passing

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, Any]
"""A JSON object as a peer sent it: nothing about its members is known until it was looked at."""

Headers: TypeAlias = tuple[tuple[str, str], ...]

CallKind = Literal["function", "custom"]
Executor = Literal["local", "remote"]
Approval = Literal["always", "result", "ask", "never"]
ToolForm = Literal["functions", "flat-allowed", "null-ids"]
"""How Chat Completions is written for servers that want it otherwise.

functions: the legacy `functions` and `function_call`; flat-allowed: `allowed_tools` without the level of that name;
null-ids: a call whose id we made up goes back with null.
"""
ResultStatus = Literal["ok", "error", "rejected", "mocked", "cancelled", "timeout"]
Severity = Literal["info", "warning", "error"]
Channel = Literal["output", "reasoning", "refusal"]
DecidedBy = Literal["person", "policy", "script", "absent", "recording"]
"""Who decided on a call; `absent` means that a person was to be asked and none was there."""

History = Literal["full", "last", "server"]
"""What of the conversation a request carries: all, what came since the person's last words, or what is new since the
last response, where the server keeps the rest."""

Ending = Literal["complete", "truncated", "reset", "timeout", "cancelled", "connect_failed", "dns_failed", "tls_failed"]
"""How the bytes of an exchange ended, as the transport saw it."""

FailureKind = Literal[
    "http",
    "error",
    "truncated",
    "reset",
    "timeout",
    "cancelled",
    "connect_failed",
    "dns_failed",
    "tls_failed",
    "foreign",
    "too_large",
]
"""Why a response failed: an HTTP status, the server's own error, the ending of the bytes, no known form, or no end."""

TurnReason = Literal[
    "completed",
    "length",
    "content_filter",
    "incomplete",
    "not_run",
    "round_limit",
    "aborted",
    "interrupted",
    "failed",
]


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as it is offered to a model.

    `parameters` is a JSON Schema (for `kind="custom"`: the tool's `format`, which may be empty); `source` says where
    a person finds the definition; `approve` is the tool's own policy, None meaning the session's.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    kind: CallKind = "function"
    strict: bool | None = None
    source: str = ""
    approve: Approval | None = None


@dataclass(frozen=True, slots=True, order=True)
class CallKey:
    """Our identity of a call: the exchange it came in and its place there. The wire's id is data, not identity."""

    exchange: int
    index: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a call must not run, as a stable code of `docs/diagnostics.md` and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call as the peer made it; `arguments` is the raw text of the wire, never a parsed value.

    `extra` is opaque vendor data that must go back with the call (a thought signature, an item id).
    """

    key: CallKey
    call_id: str
    name: str
    arguments: str
    kind: CallKind = "function"
    executor: Executor = "local"
    extra: Mapping[str, Any] = field(default_factory=dict)
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of a call: `output` goes to the model, `prints` (captured stdout and stderr) only to the person."""

    key: CallKey
    output: str
    status: ResultStatus = "ok"
    duration: float = field(default=0.0, compare=False)
    prints: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """Words of one side; a refusal is a message of its own."""

    role: Literal["user", "assistant"]
    text: str
    response: int = 0
    refusal: bool = False


@dataclass(frozen=True, slots=True)
class Reasoning:
    """The model's reasoning; `extra` holds the wire's own fields, opaque, for servers that want them back."""

    text: str
    response: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)


Item: TypeAlias = Message | Reasoning | ToolCall | ToolResult


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of a response; `raw` is the server's object word for word, the rest is read from it."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a request depends on but the secrets; a change of any of it is an event and is recorded.

    `url` is the base URL or the full one, as given; `parameters` are extra members of the request body; `thread` is the
    one that the person asked for (a server may name another, see `Conversation.thread`). `tool_choice` is what a
    person writes (`none`, `auto`, `required`, a tool's name, `allowed:auto:NAME,NAME`), or an object that goes as it
    is; `strict` is for all function tools, whatever each says.
    """

    dialect: str = "chat"
    url: str = ""
    model: str = ""
    system: str | None = None
    tool_choice: Json = None
    parallel: bool | None = None
    strict: bool | None = None
    tool_forms: tuple[ToolForm, ...] = ()
    stream: bool = True
    history: History = "full"
    approve: Approval = "ask"
    run_calls: bool = True
    max_rounds: int = 20
    retries: int = 2
    parameters: Mapping[str, Any] = field(default_factory=dict)
    thread: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request; `body` is exact."""

    method: str
    url: str
    headers: Headers
    body: bytes


@passing
class Frame:
    """One unit of a response body: `data` of the bytes `start` to `end` (offsets into the decoded body).

    channel: `sse` an event, `comment` an SSE comment, `body` a body that is no stream.
    """

    channel: Literal["sse", "comment", "body"]
    event: str
    data: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Run:
    """Run the call as proposed; with `review` the person sees the result before it goes back."""

    review: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """Run the call with other arguments (raw text)."""

    arguments: str


@dataclass(frozen=True, slots=True)
class Mock:
    """Do not run the call; answer in its place."""

    output: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Do not run the call; tell the model why."""

    message: str = ""


@dataclass(frozen=True, slots=True)
class Abort:
    """Run no call of this response and end the turn."""


Decision: TypeAlias = Run | Edit | Mock | Reject | Abort
