"""A recording as a script to be played again: the steps of the session, and what it has an answer for.

Knows which events of a session can be compared from run to run, and by what they are known again: the number of an
exchange, the place of a call. Pure; must not know how a run is driven.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from callscope.core.events import (
    BreakRequested,
    BytesRead,
    CallAssembled,
    CallDecided,
    CallHeld,
    Continued,
    Event,
    ExchangeEnded,
    ExchangeOpened,
    ItemsInserted,
    PeerEvent,
    RemoteResult,
    ResponseCompleted,
    ResponseFailed,
    ResponseHead,
    ResultHeld,
    ResultReviewed,
    Rewound,
    SettingsChanged,
    TextDelta,
    ThreadNamed,
    ToolFinished,
    ToolsChanged,
    ToolStarted,
    TurnEnded,
    UserMessage,
)
from callscope.core.values import CallKey, TurnReason
from callscope.record.deriving.deriving import DialectNamed
from callscope.record.deriving.rederiving import Difference, differences
from callscope.record.file.reading import Entry, Recorded
from callscope.record.file.said import Said
from callscope.record.file.stored import StoredBody, without_body

What = Literal["request", "response", "call", "decision", "start", "result", "review", "turn"]
Identity: TypeAlias = tuple[What, int, int]
"""What happened, in which exchange, to which call of it (0 where it is no call)."""

DERIVED: tuple[What, ...] = ("response", "call")
"""What is read from the bytes of a response: unknown where these were masked."""

MOST_DAMAGES = 1000
"""Places where a recording contradicts itself that are counted."""

Comparable: TypeAlias = (
    ExchangeOpened
    | ResponseCompleted
    | ResponseFailed
    | CallAssembled
    | CallDecided
    | ToolStarted
    | ToolFinished
    | ResultReviewed
    | TurnEnded
)


@dataclass(frozen=True, slots=True)
class Fact:
    """A recorded event that has to happen again; `masked`: some of its text is not known any more.

    `hidden` lists the places of secrets in its line, None where it is read from the bytes of a response. `body` is that
    of a request where the event is without it.
    """

    identity: Identity
    line: int
    event: Comparable
    masked: bool = False
    at: float = 0.0
    body: StoredBody | None = None
    hidden: Any = None


Unasked: TypeAlias = SettingsChanged | ToolsChanged | Rewound | ItemsInserted | BreakRequested
"""What a person does without being asked, between turns or in the middle of one."""


@dataclass(frozen=True, slots=True)
class Interjection:
    """What a person did in the middle of a turn without being asked; it follows the event of line `after`."""

    after: int
    at: float
    event: Unasked


@dataclass(slots=True)
class RecordedTurn:
    """A turn: what set it going, what happened in it, and how it ended (None: the recording does not say).

    `held` is the last line where a call or a result was held; `resumed`: its end was added when the recording was gone
    on with.
    """

    number: int
    start: UserMessage | Continued
    facts: dict[Identity, Fact] = field(default_factory=dict)
    interjections: list[Interjection] = field(default_factory=list)
    held: int = 0
    reason: TurnReason | None = None
    resumed: bool = False
    last_line: int = 0

    @property
    def broken_off(self) -> bool:
        """Whether somebody or something stopped it, so that what is missing in it was never to be expected."""
        return self.reason in (None, "interrupted")

    @property
    def cut(self) -> bool:
        """Whether the session was killed in it, at any place, and not interrupted where it waited for something."""
        return self.reason is None or self.resumed

    def is_owed(self, fact: Fact) -> bool:
        """Whether this only says that the turn was broken off, and so does not have to come by itself."""
        match fact.event:
            case ToolFinished(result=result):
                return self.broken_off and result.status == "cancelled"
            case TurnEnded():
                return self.broken_off
            case _:
                return False

    def stops_after(self, line: int) -> bool:
        """Whether the turn was broken off here, before anything else came."""
        later = (fact for fact in self.facts.values() if fact.line > line)
        return self.broken_off and self.held <= line and all(map(self.is_owed, later))

    def ran(self, exchange: int) -> list[CallKey]:
        """The calls of an exchange that ran to a result, in the order of their results."""
        return [
            CallKey(number, index)
            for (what, number, index), fact in self.facts.items()
            if what == "result"
            and number == exchange
            and ("start", number, index) in self.facts
            and not self.is_owed(fact)
        ]


Step: TypeAlias = Unasked | RecordedTurn


@dataclass(slots=True)
class Traffic:
    """Where an exchange lies in the recording: its first line, the last of what came back, and how that ended."""

    line: int
    last: int = 0
    end: ExchangeEnded | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """The steps of a session in order, and where each of its exchanges lies.

    `minted` are the threads that the server named, `said` the words of its responses and whatever else of them goes
    back with the next request; `damages` is where the recording contradicts itself.
    """

    steps: tuple[Step, ...]
    exchanges: dict[int, Traffic]
    minted: dict[int, str] = field(default_factory=dict)
    said: dict[int, Said] = field(default_factory=dict)
    damages: tuple[Difference, ...] = ()

    @property
    def turns(self) -> list[RecordedTurn]:
        """The turns among the steps."""
        return [step for step in self.steps if isinstance(step, RecordedTurn)]

    def facts(self, what: What) -> list[Fact]:
        """Everything of a kind that has to happen again, in order."""
        return [fact for turn in self.turns for fact in turn.facts.values() if fact.identity[0] == what]


def script_of(recording: Recorded, dialects: DialectNamed | None = None) -> Script:
    """Read a recording as a script; the bodies of its requests stay in the file."""
    reader = _Reader(recording.path)

    def watch(entry: Entry, decoded: Sequence[PeerEvent]) -> None:
        if entry.event is not None:
            for event in (entry.event, *decoded):
                reader.take(entry, event)
        elif entry.kind == "resumed" and reader.turn is not None:
            reader.turn.resumed |= reader.turn.reason is None

    damages: list[Difference] = []
    for damage in differences(recording, dialects, watch):
        if len(damages) < MOST_DAMAGES and not damage.later:
            damages.append(damage)
    return Script(tuple(reader.steps), reader.exchanges, reader.minted, reader.said, tuple(damages))


@dataclass(slots=True)
class _Reader:
    """A script while it is read from the file at `path`."""

    path: Path
    steps: list[Step] = field(default_factory=list)
    exchanges: dict[int, Traffic] = field(default_factory=dict)
    minted: dict[int, str] = field(default_factory=dict)
    said: dict[int, Said] = field(default_factory=dict)
    turn: RecordedTurn | None = None
    turns: int = 0
    exchange: int = 0
    masked: bool = False

    def take(self, entry: Entry, event: Event) -> None:
        turn = self.turn if self.turn is not None and self.turn.reason is None else None
        match event:
            case SettingsChanged() | ToolsChanged() | Rewound() | ItemsInserted() | BreakRequested():
                if turn is None:
                    self.steps.append(event)
                else:
                    turn.interjections.append(Interjection(turn.last_line, entry.at, event))
                return
            case UserMessage() | Continued():
                self.turns += 1
                self.turn = turn = RecordedTurn(self.turns, event)
                self.steps.append(turn)
            case ExchangeOpened():
                self._open(entry, event.exchange)
            case ResponseHead() | BytesRead() | ExchangeEnded():
                traffic = self.exchanges.setdefault(event.exchange, Traffic(entry.line))
                traffic.last, traffic.end = entry.line, event if isinstance(event, ExchangeEnded) else None
                self.masked |= isinstance(event, BytesRead) and bool(event.masked)
            case ThreadNamed(thread=thread):
                self.minted.setdefault(self.exchange, thread)
            case TextDelta() | CallAssembled() | RemoteResult() | ResponseCompleted():
                self.said.setdefault(self.exchange, Said()).hear(event)
            case _:
                pass
        if turn is not None:
            self._note(turn, entry, event)

    def _open(self, entry: Entry, exchange: int) -> None:
        self.exchange, self.masked = exchange, False
        self.exchanges[exchange] = Traffic(entry.line)

    def _note(self, turn: RecordedTurn, entry: Entry, event: Event) -> None:
        turn.last_line = entry.line
        identity = identity_of(event, self.exchange)
        if identity is not None:
            hidden = None if identity[0] in DERIVED else entry.members.get("masked")
            masked = bool(hidden) or (identity[0] in DERIVED and self.masked)
            body = None
            if isinstance(event, ExchangeOpened):
                body, event = StoredBody.of(self.path, entry, event.request.body), without_body(event)
            turn.facts[identity] = Fact(identity, entry.line, event, masked, entry.at, body, hidden)  # type: ignore[arg-type]
        if isinstance(event, CallHeld | ResultHeld):
            turn.held = entry.line
        elif isinstance(event, TurnEnded):
            turn.reason = event.reason


def identity_of(event: Event, exchange: int) -> Identity | None:
    """By what an event of this exchange is known again; None where it is not compared."""
    match event:
        case ExchangeOpened():
            return "request", event.exchange, 0
        case ResponseCompleted() | ResponseFailed():
            return "response", exchange, 0
        case CallAssembled(call=call):
            return "call", call.key.exchange, call.key.index
        case CallDecided(key=key):
            return "decision", key.exchange, key.index
        case ToolStarted(key=key):
            return "start", key.exchange, key.index
        case ToolFinished(result=result):
            return "result", result.key.exchange, result.key.index
        case ResultReviewed(key=key):
            return "review", key.exchange, key.index
        case TurnEnded():
            return "turn", 0, 0
        case _:
            return None
