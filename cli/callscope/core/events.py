"""What happened, in the past tense: the one stream that state, screen and recording are made from.

Knows the closed union of events. Must not know time (it sits in `Stamped` alone) nor who listens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from .passing import passing
from .values import (
    CallKey,
    CallKind,
    Channel,
    DecidedBy,
    Decision,
    Ending,
    Executor,
    FailureKind,
    Frame,
    Headers,
    Item,
    Request,
    Settings,
    Severity,
    ToolCall,
    ToolResult,
    ToolSpec,
    TurnReason,
    Usage,
)

# ---- from the wire ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExchangeOpened:
    """A request leaves, with exactly these headers and bytes."""

    exchange: int
    request: Request


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """The status line and headers came."""

    exchange: int
    status: int
    headers: Headers


@passing
class BytesRead:
    """One read of the response body, as it came.

    `masked` are the (start, end) spans of it that hold a secret; `cuts` are the offsets in it where transfer chunks
    end that arrived together.
    """

    exchange: int
    data: bytes
    masked: tuple[tuple[int, int], ...] = ()
    cuts: tuple[int, ...] = ()

    @property
    def shown(self) -> bytes:
        """The bytes as anybody may see them and as they are recorded: with a `*` for each of a secret."""
        if not self.masked:
            return self.data
        shown = bytearray(self.data)
        for start, end in self.masked:
            shown[start:end] = b"*" * (min(end, len(shown)) - start)
        return bytes(shown)


@dataclass(frozen=True, slots=True)
class MessagePassed:
    """One WebSocket message (reserved)."""

    exchange: int
    direction: Literal["sent", "received"]
    data: bytes


@dataclass(frozen=True, slots=True)
class ExchangeEnded:
    """No more bytes will come; `detail` is the transport's own word on it."""

    exchange: int
    how: Ending
    detail: str = ""


WireEvent: TypeAlias = ExchangeOpened | ResponseHead | BytesRead | MessagePassed | ExchangeEnded

# ---- from the peer, decoded ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    """The first sign of a response; everything until its completion or failure belongs to it."""

    exchange: int
    model: str = ""


@passing
class TextDelta:
    """Text grew; never empty."""

    channel: Channel
    text: str
    frame: Frame | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class CallStarted:
    """A call came into sight; its name may still be growing, `CallAssembled` has the last word."""

    key: CallKey
    call_id: str
    name: str
    kind: CallKind = "function"
    executor: Executor = "local"
    frame: Frame | None = field(default=None, compare=False, repr=False)


@passing
class ArgumentsDelta:
    """The arguments of a call grew by this raw text."""

    key: CallKey
    text: str
    frame: Frame | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class CallAssembled:
    """A call is whole, or as whole as it will ever be (then it has a fault)."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class RemoteResult:
    """The peer ran a call of its own and told the result."""

    result: ToolResult
    frame: Frame | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ThreadNamed:
    """The peer named the thread that it keeps this conversation in."""

    thread: str
    frame: Frame | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ResponseCompleted:
    """The response ended as a response; `finish_reason` is the server's word (None: it gave none).

    `echo` are members of the assistant message that the server wants back word for word.
    """

    finish_reason: str | None = None
    usage: Usage | None = None
    echo: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResponseFailed:
    """The response is broken; what came before stays. `message` has the server's own words where it gave any."""

    kind: FailureKind
    message: str
    status: int | None = None
    request_id: str | None = None
    retry_after: float | None = None
    finish_reason: str | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something a peer did wrong, or that a decoder repaired; `code` is stable and listed in docs/diagnostics.md."""

    severity: Severity
    code: str
    message: str
    key: CallKey | None = None
    frame: Frame | None = field(default=None, compare=False, repr=False)


PeerEvent: TypeAlias = (
    ResponseStarted
    | TextDelta
    | CallStarted
    | ArgumentsDelta
    | CallAssembled
    | RemoteResult
    | ThreadNamed
    | ResponseCompleted
    | ResponseFailed
    | Diagnostic
)

# ---- from us ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """From here on requests are made with these settings."""

    settings: Settings


@dataclass(frozen=True, slots=True)
class ToolsChanged:
    """From here on these tools are offered."""

    tools: tuple[ToolSpec, ...]


@dataclass(frozen=True, slots=True)
class UserMessage:
    """The person spoke: a turn begins."""

    text: str


@dataclass(frozen=True, slots=True)
class CallHeld:
    """A call waits for a decision."""

    key: CallKey


@dataclass(frozen=True, slots=True)
class CallDecided:
    """Somebody decided on a call."""

    key: CallKey
    decision: Decision
    by: DecidedBy = "person"


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A call runs, with these effective arguments."""

    key: CallKey
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A local call has its one result."""

    result: ToolResult


@dataclass(frozen=True, slots=True)
class BreakRequested:
    """The person wants the next call held, whatever the policy says."""


@dataclass(frozen=True, slots=True)
class ResultHeld:
    """A result waits for the person before it goes back to the model."""

    key: CallKey


@dataclass(frozen=True, slots=True)
class ResultReviewed:
    """Somebody let a result go back: as it is (`output` None), or with other words."""

    key: CallKey
    output: str | None = None
    by: DecidedBy = "person"


@dataclass(frozen=True, slots=True)
class ItemsInserted:
    """The person put items into the conversation by hand; a call comes with its result.

    `exchange`: where a recording begins in mid-conversation, the number of the last exchange before it.
    """

    items: tuple[Item, ...]
    exchange: int = 0


@dataclass(frozen=True, slots=True)
class Rewound:
    """The conversation was cut back to its first `to` items."""

    to: int


@dataclass(frozen=True, slots=True)
class Continued:
    """The turn goes on without new words: past the round limit, or once more after a failure."""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The turn is over and the conversation is valid for the next request."""

    reason: TurnReason


OurEvent: TypeAlias = (
    SettingsChanged
    | ToolsChanged
    | UserMessage
    | CallHeld
    | CallDecided
    | ToolStarted
    | ToolFinished
    | BreakRequested
    | ResultHeld
    | ResultReviewed
    | ItemsInserted
    | Rewound
    | Continued
    | TurnEnded
)

Event: TypeAlias = WireEvent | PeerEvent | OurEvent


@passing
class Stamped:
    """An event with its place in the session and the clock's seconds when it happened."""

    seq: int
    at: float
    event: Event
