"""What is known of an exchange and of a call: plain records that a turn's events are gathered into.

Knows which facts there are. Must not know events, nor what follows from the facts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from callscope.core.events import Diagnostic, ExchangeEnded, ResponseFailed
from callscope.core.values import (
    CallKey,
    Channel,
    DecidedBy,
    Decision,
    Frame,
    Request,
    Settings,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
)

from .asking import Asked, Carried, asked
from .following import Following
from .tail import Tail
from .verdicts import Evidence


@dataclass(frozen=True, slots=True)
class Leak:
    """A call that leaked into text: what it looks like, where it begins (`byte` None where that is not known)."""

    marker: str
    where: str
    cause: str
    evidence: Evidence


@dataclass(slots=True)
class Said:
    """Words of one channel: the ends of them, their size in bytes, and the frames that they came in."""

    begin: str = ""
    end: str = ""
    size: int = 0
    first: int | None = None
    last: int | None = None


@dataclass(slots=True)
class CallFacts:
    """A call from its first delta to what the next request carried of it."""

    key: CallKey
    name: str
    frame: Frame | None = None
    following: Following = field(default_factory=Following)
    call: ToolCall | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    held: bool = False
    decision: Decision | None = None
    by: DecidedBy | None = None
    ran_with: str | None = None
    result: ToolResult | None = None
    sent_back: str | None = None
    carried: Carried | None = None

    @property
    def remote(self) -> bool:
        """Whether the peer runs it itself."""
        return self.call is not None and self.call.executor == "remote"


@dataclass(slots=True)
class ExchangeFacts:
    """A request and what came of it."""

    number: int
    opened_at: float
    request: Request
    settings: Settings
    loaded: tuple[ToolSpec, ...]
    tail: Tail = field(default_factory=Tail)
    status: int | None = None
    encoded: bool = False
    ended: ExchangeEnded | None = None
    said: dict[Channel, Said] = field(default_factory=dict)
    leaks: list[Leak] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    calls: int = 0
    completed: bool = False
    failure: ResponseFailed | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    _asked: Asked | None = None

    @property
    def asked(self) -> Asked:
        """What the request asked for."""
        if self._asked is None:
            self._asked = asked(self.request.body)
        return self._asked
