"""The five places where the driver meets the world, and the guard before them.

Knows the shapes only. Live, replay, scripted and fake are ordinary implementations in other files.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .events import (
    CallDecided,
    Diagnostic,
    Event,
    ExchangeOpened,
    PeerEvent,
    ResponseHead,
    ResultReviewed,
    Stamped,
    WireEvent,
)
from .state import Conversation
from .values import Ending, Request, ToolCall, ToolResult, ToolSpec


class Endpoint(Protocol):
    """Where requests go."""

    def stream(self, exchange: int, request: Request) -> AsyncGenerator[WireEvent, None]:
        """Yield ExchangeOpened with the request as it leaves, then what comes back; last is always ExchangeEnded.

        Raises nothing for what a network or a peer can do. Closing the generator closes the connection.
        """
        ...


class Gate(Protocol):
    """Where a call waits for a decision."""

    async def decide(self, call: ToolCall, conversation: Conversation) -> CallDecided:
        """Decide on one held call."""
        ...

    async def review(self, call: ToolCall, result: ToolResult, conversation: Conversation) -> ResultReviewed:
        """Look at one held result and say what goes back."""
        ...


class Toolbox(Protocol):
    """Where calls run."""

    async def run(self, call: ToolCall, arguments: str) -> ToolResult:
        """Validate and run a call with these effective arguments; whatever goes wrong is in the result."""
        ...


class Sink(Protocol):
    """Where events go: the recorder first, then whoever shows them."""

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Take one event; `conversation` already contains it."""
        ...


class Clock(Protocol):
    """Where time comes from, in seconds from any fixed start."""

    def now(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """A wire event, when it came, and what was decoded from it."""

    at: float
    wire: WireEvent
    decoded: Sequence[Event]


class Guard(Protocol):
    """Keeps secrets from being recorded or shown: may hold an arrival back, mark spans of it, let it go later."""

    def feed(self, arrival: Arrival) -> Iterable[Arrival]:
        """Give the arrivals that may pass now, in order; an ExchangeEnded always lets everything pass."""
        ...


class Decoder(Protocol):
    """Bytes in, events out, for one exchange; however the bytes are cut, the events are the same."""

    @property
    def excess(self) -> str:
        """Why the answer is too large to be read on; "" while it is not."""
        ...

    @property
    def in_one_piece(self) -> bool:
        """Whether the answer was one document and no stream; False as long as nobody can tell."""
        ...

    def feed(self, wire: ExchangeOpened | ResponseHead | bytes) -> list[PeerEvent]:
        """Take the request that is answered, the head or a read of the body. Never raises for what a peer can send.

        The request may be left out: then nothing is known of what it asked for.
        """
        ...

    def close(self, how: Ending, detail: str = "") -> list[PeerEvent]:
        """Take the ending: gives what was still open, and always a ResponseCompleted or a ResponseFailed."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request ready to leave, and what had to be changed in the history to make it valid."""

    request: Request
    diagnostics: tuple[Diagnostic, ...] = field(default=())


class Dialect(Protocol):
    """One protocol: how a conversation becomes a request and how bytes become events. Pure."""

    name: str

    def request(self, conversation: Conversation) -> Prepared:
        """The next request of this conversation, without any secret in it."""
        ...

    def decoder(self, exchange: int, tools: Sequence[ToolSpec]) -> Decoder:
        """A fresh decoder for one exchange in which these tools were offered."""
        ...
