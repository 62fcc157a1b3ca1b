"""What is known of an exchange and of a call: plain records that a turn's events are gathered into.

Knows which facts there are. Must not know events, nor what follows from the facts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from callscope.core.events import Diagnostic, ExchangeEnded, ResponseFailed, TextDelta
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
from callscope.dialects.json_progress import utf8_size

from .asking import Asked, Carried, asked
from .entries import Evidence
from .following import Following
from .tail import Tail

LONGEST_TEXT = 4_000
"""Characters of the beginning and of the end of a text that are kept."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A call that leaked into text: what it looks like, where it begins (`byte` None where that is not known)."""

    marker: str
    where: str
    cause: str
    evidence: Evidence


class Said:
    """Words of one channel: the ends of them, their size in bytes, and the frames that they came in."""

    __slots__ = ("_first", "_last", "begin", "end", "size")

    def __init__(self) -> None:
        self.begin = ""
        """The first characters of the text."""
        self.end = ""
        """The last ones."""
        self.size = 0
        """Bytes of UTF-8 in all."""
        self._first: Frame | None = None
        self._last: Frame | None = None

    def take(self, deltas: Sequence[TextDelta]) -> None:
        """Take what was said next: at once what can be, since there are so many deltas."""
        text = "".join([delta.text for delta in deltas])
        if len(self.begin) < LONGEST_TEXT:
            self.begin = (self.begin + text[:LONGEST_TEXT])[:LONGEST_TEXT]
        self.end = (self.end + text[-LONGEST_TEXT:])[-LONGEST_TEXT:]
        self.size += utf8_size(text)
        self._first = self._first or next((delta.frame for delta in deltas if delta.frame), None)
        self._last = next((delta.frame for delta in reversed(deltas) if delta.frame), self._last)

    @property
    def span(self) -> tuple[int | None, int | None]:
        """The offsets in the body from the first frame of it to the last."""
        return self._first.start if self._first else None, self._last.end if self._last else None


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
    said: defaultdict[Channel, Said] = field(default_factory=lambda: defaultdict(Said))
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
