"""The exchanges of this session that can still be looked at: what left, and what came back when.

Knows how much of them is kept. Must not know how they are shown. The bytes kept are those of the recording: what the
guard marked as secret is overwritten before it is kept. Memory stays flat however long a session runs, because an
exchange keeps the beginning of its body only up to a limit, and the oldest exchanges are let go.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from callscope.core.events import (
    BytesRead,
    Diagnostic,
    ExchangeEnded,
    ExchangeOpened,
    ResponseFailed,
    ResponseHead,
    Stamped,
    UserMessage,
)
from callscope.core.state import Conversation
from callscope.core.values import Request, Severity, ToolSpec

MOST_EXCHANGES = 20
MOST_BYTES = 8 * 1024 * 1024
"""Of all bodies together; the latest exchange stays whatever its size."""
MOST_BYTES_OF_ONE = 4 * 1024 * 1024
READ_COSTS = 256
"""Bytes that a read takes beside its data: a server may send ten thousand reads of one byte each."""
MOST_FINDINGS = 1_000
BADNESS: Mapping[Severity, int] = {"info": 1, "warning": 2, "error": 3}


@dataclass(frozen=True, slots=True)
class Read:
    """One read of a response body: the seconds since the request left, its offset in the body, its bytes.

    `cuts` are the offsets in `data` where transfer chunks end that came together.
    """

    at: float
    start: int
    data: bytes
    cuts: tuple[int, ...] = ()

    @property
    def end(self) -> int:
        """The offset of the first byte after it."""
        return self.start + len(self.data)


@dataclass(slots=True)
class Exchange:
    """A request and as much of its response as is kept; times are seconds since the request left.

    `findings` are the diagnostics of the response; those of a request speak of an earlier one. `dialect` and `tools`
    are those of the request: a session may go on with others.
    """

    number: int
    request: Request
    opened_at: float
    head: ResponseHead | None = None
    head_at: float = 0.0
    reads: list[Read] = field(default_factory=list)
    size: int = 0
    ended: ExchangeEnded | None = None
    ended_at: float = 0.0
    findings: list[Diagnostic] = field(default_factory=list)
    failure: ResponseFailed | None = None
    cost: int = 0
    dialect: str = ""
    tools: tuple[ToolSpec, ...] = ()

    @property
    def kept(self) -> int:
        """How many bytes of the body are here; `size` is how many came."""
        return self.reads[-1].end if self.reads else 0

    @property
    def badness(self) -> int:
        """How bad it is: 0 where nothing was found, 3 for an error."""
        if self.failure:
            return BADNESS["error"]
        return max((BADNESS[finding.severity] for finding in self.findings), default=0)

    def find(self, finding: Diagnostic) -> None:
        """Something was found in the response."""
        of_it = finding.key is None or finding.key.exchange == self.number
        if of_it and len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)

    def add(self, read: BytesRead, at: float) -> None:
        """Keep a read, while there is room for it and for all before it."""
        cost = len(read.data) + READ_COSTS
        if self.kept == self.size and self.cost + cost <= MOST_BYTES_OF_ONE:
            self.reads.append(Read(at, self.size, read.shown, read.cuts))
            self.cost += cost
        self.size += len(read.data)


class Exchanges:
    """A sink that keeps the latest exchanges."""

    def __init__(self) -> None:
        self._kept: deque[Exchange] = deque()
        self._turn = 0  # the exchanges of this turn have numbers above it

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Keep what belongs to an exchange."""
        event = stamped.event
        if isinstance(event, ExchangeOpened):
            opened = Exchange(event.exchange, event.request, stamped.at, cost=len(event.request.body))
            opened.dialect, opened.tools = conversation.settings.dialect, conversation.tools
            self._kept.append(opened)
            self._let_go()
            return
        if not self._kept:
            return
        if isinstance(event, UserMessage):
            self._turn = self._kept[-1].number
            return
        latest = self._kept[-1]
        since = stamped.at - latest.opened_at
        match event:
            case ResponseHead():
                latest.head, latest.head_at = event, since
            case BytesRead():
                latest.add(event, since)
                self._let_go()
            case ExchangeEnded():
                latest.ended, latest.ended_at = event, since
            case Diagnostic():
                latest.find(event)
            case ResponseFailed():
                latest.failure = event
            case _:
                pass

    def latest(self) -> Exchange | None:
        """The exchange that left last."""
        return self._kept[-1] if self._kept else None

    def worst(self) -> Exchange | None:
        """The exchange of this turn in which the worst was found, the last one of these; else the latest."""
        found = [exchange for exchange in self._kept if exchange.number > self._turn and exchange.badness]
        return max(found, key=lambda exchange: (exchange.badness, exchange.number), default=self.latest())

    def numbered(self, number: int) -> Exchange | None:
        """The exchange of this number, if it is still kept."""
        return next((exchange for exchange in self._kept if exchange.number == number), None)

    def numbers(self) -> Sequence[int]:
        """The numbers of those that are kept, oldest first."""
        return [exchange.number for exchange in self._kept]

    def _let_go(self) -> None:
        total = sum(exchange.cost for exchange in self._kept)
        while len(self._kept) > 1 and (len(self._kept) > MOST_EXCHANGES or total > MOST_BYTES):
            total -= self._kept.popleft().cost
