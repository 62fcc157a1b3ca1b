"""The parts that a session is told in: turns, exchanges, voices, calls, and how much of each is kept.

Must not know events. Times are seconds since the recording began, in an exchange since its request left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from callscope.core.events import Diagnostic, ResponseFailed
from callscope.core.values import (
    CallKey,
    Channel,
    DecidedBy,
    Decision,
    Frame,
    Settings,
    ToolCall,
    ToolResult,
    ToolSpec,
    TurnReason,
    Usage,
)
from callscope.dialects.json_progress import utf8_size
from callscope.looking.exchanges import Exchange
from callscope.record.file.reading import Header

MOST_PIECES = 2000
MOST_BYTES = 100_000
"""Of one growing text: what comes later is only counted."""
MOST_DIAGNOSTICS = 200
MOST_EXCHANGES = 300
MOST_COST = 12_000_000
"""Of all bodies, as `Exchange.cost` counts them: what comes later is only counted, too."""


class Piece(NamedTuple):
    """A delta: when it came, where its frame begins in the body (None: nobody knows), what it brought."""

    at: float
    frame: int | None
    text: str


@dataclass(slots=True)
class Growth:
    """A text that grew delta by delta."""

    pieces: list[Piece] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)
    count: int = 0
    bytes: int = 0

    def add(self, at: float, frame: Frame | None, text: str) -> None:
        """One more delta."""
        self.count += 1
        if len(self.pieces) < MOST_PIECES and self.bytes < MOST_BYTES:
            self.pieces.append(Piece(at, frame.start if frame else None, text))
            self.moments.append(at)
        self.bytes += utf8_size(text)

    @property
    def text(self) -> str:
        """What is kept of it."""
        return "".join(piece.text for piece in self.pieces)


@dataclass(slots=True)
class Voice:
    """Words of a response, in one channel."""

    channel: Channel
    growth: Growth = field(default_factory=Growth)


@dataclass(slots=True)
class CallStory:
    """A call from its first sign to its result. `complaint` is what is wrong with its arguments by their schema."""

    key: CallKey
    name: str
    call_id: str
    remote: bool
    first_at: float
    growth: Growth = field(default_factory=Growth)
    call: ToolCall | None = None
    complaint: str | None = None
    assembled_at: float | None = None
    held_at: float | None = None
    decided_at: float | None = None
    decision: Decision | None = None
    by: DecidedBy | None = None
    started_at: float | None = None
    ran_with: str | None = None
    finished_at: float | None = None
    result: ToolResult | None = None
    sent_back: str | None = None


@dataclass(slots=True)
class ExchangeStory:
    """A request and all that came of it; `came` has the bytes, as far as they are kept.

    `place` counts from 1: the numbers of exchanges need not differ in a recording that nobody vouches for.
    """

    place: int
    came: Exchange
    parts: list[Voice | CallStory] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    more_diagnostics: int = 0
    model: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    failure: ResponseFailed | None = None

    @property
    def calls(self) -> list[CallStory]:
        """Its calls, in order."""
        return [part for part in self.parts if isinstance(part, CallStory)]

    @property
    def over_at(self) -> float:
        """When the last of it came."""
        came = self.came
        return came.opened_at + max(came.ended_at, came.head_at, came.reads[-1].at if came.reads else 0.0)


@dataclass(slots=True)
class Note:
    """A sentence about what happened between exchanges."""

    at: float
    text: str
    mark: bool = False


@dataclass(slots=True)
class TurnStory:
    """A turn, or what went before the first one (number 0)."""

    number: int
    began_at: float
    words: str | None = None
    parts: list[ExchangeStory | Note] = field(default_factory=list)
    ended: TurnReason | None = None
    ended_at: float | None = None

    @property
    def exchanges(self) -> list[ExchangeStory]:
        """Its exchanges, in order."""
        return [part for part in self.parts if isinstance(part, ExchangeStory)]


@dataclass(slots=True)
class Story:
    """All of it; of its `exchanges` the first are `shown`."""

    path: Path
    header: Header
    turns: list[TurnStory]
    settings: Settings = field(default_factory=Settings)
    tools: tuple[ToolSpec, ...] = ()
    exchanges: int = 0
    shown: int = 0
    warnings: tuple[str, ...] = ()
