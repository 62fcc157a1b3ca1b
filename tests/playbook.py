"""Scripted ports and a readable transcript: what a turn is made of, without bytes, time or a network.

A peer's answer is written as the events it decodes to; the scripted dialect hands them out as its endpoint's reads
come in. A transcript is a list of arrows, so that a failing comparison reads as a diff of what happened.
"""

from __future__ import annotations

import asyncio
import difflib
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field

from callscope.core.events import (
    ArgumentsDelta,
    BytesRead,
    CallAssembled,
    CallDecided,
    CallHeld,
    CallStarted,
    Continued,
    Diagnostic,
    Event,
    ExchangeEnded,
    ExchangeOpened,
    PeerEvent,
    RemoteResult,
    ResponseCompleted,
    ResponseFailed,
    ResponseHead,
    ResponseStarted,
    ResultHeld,
    ResultReviewed,
    Stamped,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    UserMessage,
    WireEvent,
)
from callscope.core.ports import Decoder, Prepared
from callscope.core.state import Conversation
from callscope.core.values import (
    Abort,
    CallKey,
    Decision,
    Edit,
    Ending,
    Fault,
    Message,
    Mock,
    Reasoning,
    Reject,
    Request,
    Run,
    Settings,
    ToolCall,
    ToolResult,
    ToolSpec,
)
from callscope.session import Session

WEATHER = ToolSpec("get_weather", "The weather of a city.", {"type": "object"})
TIME = ToolSpec("get_time", "The time in a zone.", {"type": "object"})


@dataclass(frozen=True)
class Answer:
    """One scripted response: the events of each read, and how the bytes end."""

    reads: tuple[tuple[PeerEvent, ...], ...]
    last: tuple[PeerEvent, ...]
    how: Ending = "complete"
    status: int = 200


def text(words: str, finish_reason: str = "stop") -> Answer:
    """An answer in words."""
    reads = ((ResponseStarted(0), TextDelta("output", words)),)
    return Answer(reads, (ResponseCompleted(finish_reason),))


def calls(
    *wanted: tuple[str, str], finish_reason: str = "tool_calls", faults: Mapping[int, Fault] | None = None
) -> Answer:
    """An answer that makes calls, each a name and raw arguments; `faults` by their place."""
    reads: list[tuple[PeerEvent, ...]] = [(ResponseStarted(0),)]
    last: list[PeerEvent] = []
    for index, (name, arguments) in enumerate(wanted):
        key = CallKey(0, index)
        half = len(arguments) // 2
        reads.append((CallStarted(key, f"c{index}", name), ArgumentsDelta(key, arguments[:half])))
        reads.append((ArgumentsDelta(key, arguments[half:]),))
        fault = (faults or {}).get(index)
        last.append(CallAssembled(ToolCall(key, f"c{index}", name, arguments, fault=fault)))
    return Answer(tuple(reads), (*last, ResponseCompleted(finish_reason)))


def failure(
    kind: str, message: str = "broken", *, status: int = 200, how: Ending = "complete", retry_after: float | None = None
) -> Answer:
    """An answer that fails before a word of it came."""
    failed = ResponseFailed(kind, message, status, retry_after=retry_after)  # type: ignore[arg-type]
    return Answer((), (ResponseStarted(0), failed), how, status)


class ScriptedEndpoint:
    """Answers in the order of the script; every await is a place to be interrupted at."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []
        self.closed = 0

    async def stream(self, exchange: int, request: Request) -> AsyncGenerator[WireEvent, None]:
        assert len(self.requests) < len(self.answers), "the script has no further answer"
        answer = self.answers[len(self.requests)]
        self.requests.append(request)
        try:
            yield ExchangeOpened(exchange, request)
            await asyncio.sleep(0)
            if answer.how not in ("connect_failed", "dns_failed", "tls_failed"):
                yield ResponseHead(exchange, answer.status, ())
            for number in range(len(answer.reads)):
                await asyncio.sleep(0)
                yield BytesRead(exchange, str(number).encode())
            await asyncio.sleep(0)
            yield ExchangeEnded(exchange, answer.how)
        finally:
            self.closed += 1


class ScriptedDecoder:
    """Gives the scripted events of each read, moved into the exchange at hand; broken endings break the calls."""

    excess = ""
    in_one_piece = False

    def __init__(self, exchange: int, answer: Answer) -> None:
        self.exchange = exchange
        self.answer = answer
        self.seen: list[PeerEvent] = []

    def feed(self, wire: ExchangeOpened | ResponseHead | bytes) -> list[PeerEvent]:
        if isinstance(wire, ExchangeOpened | ResponseHead):
            return []
        events = [self._here(event) for event in self.answer.reads[int(wire)]]
        self.seen += events
        return events

    def close(self, how: Ending, detail: str = "") -> list[PeerEvent]:
        if how == self.answer.how:
            return [self._here(event) for event in self.answer.last]
        started = [event for event in self.seen if isinstance(event, CallStarted)]
        fault = Fault("response_broken", "the response was cut")
        whole = [CallAssembled(ToolCall(e.key, e.call_id, e.name, "", fault=fault)) for e in started]
        return [*whole, ResponseFailed("cancelled" if how == "cancelled" else "truncated", how)]

    def _here(self, event: PeerEvent) -> PeerEvent:
        match event:
            case ResponseStarted():
                return ResponseStarted(self.exchange)
            case CallStarted(key=key):
                return CallStarted(self._key(key), self._id(event.call_id), event.name)
            case ArgumentsDelta(key=key):
                return ArgumentsDelta(self._key(key), event.text)
            case CallAssembled(call=call):
                moved = ToolCall(
                    self._key(call.key), self._id(call.call_id), call.name, call.arguments, call.kind, fault=call.fault
                )
                return CallAssembled(moved)
            case _:
                return event

    def _key(self, key: CallKey) -> CallKey:
        return CallKey(self.exchange, key.index)

    def _id(self, call_id: str) -> str:
        return f"{call_id}-{self.exchange}"


class ScriptedDialect:
    """Writes the conversation as plain JSON, and refuses to write one that a server would refuse."""

    name = "scripted"

    def __init__(self, answers: Sequence[Answer]) -> None:
        self.answers = list(answers)
        self.made = 0

    def request(self, conversation: Conversation) -> Prepared:
        check_history(conversation)
        lines = [_line(item) for item in conversation.items]
        return Prepared(Request("POST", "http://scripted/", (), json.dumps(lines).encode()))

    def decoder(self, exchange: int, tools: Sequence[ToolSpec]) -> Decoder:
        self.made += 1
        return ScriptedDecoder(exchange, self.answers[self.made - 1])


class ScriptedGate:
    """Decides and reviews in the order of the script, after a pause in which it can be interrupted."""

    def __init__(self, decisions: Sequence[Decision] = (), reviews: Sequence[str | None] = ()) -> None:
        self.decisions = list(decisions)
        self.reviews = list(reviews)

    async def review(self, call: ToolCall, result: ToolResult, conversation: Conversation) -> ResultReviewed:
        await asyncio.sleep(0)
        return ResultReviewed(call.key, self.reviews.pop(0) if self.reviews else None, "script")

    async def decide(self, call: ToolCall, conversation: Conversation) -> CallDecided:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return CallDecided(call.key, self.decisions.pop(0) if self.decisions else Run(), "script")


class ScriptedToolbox:
    """Returns what the script has for a tool, after as many pauses as the script says."""

    def __init__(self, outputs: Mapping[str, str] | None = None, pauses: Mapping[str, int] | None = None) -> None:
        self.outputs = dict(outputs or {})
        self.pauses = dict(pauses or {})
        self.ran: list[tuple[str, str]] = []

    async def run(self, call: ToolCall, arguments: str) -> ToolResult:
        self.ran.append((call.name, arguments))
        for _ in range(self.pauses.get(call.name, 1)):
            await asyncio.sleep(0)
        return ToolResult(call.key, self.outputs.get(call.name, "done"))


class FakeClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


@dataclass
class Listener:
    """A sink that remembers."""

    stamped: list[Stamped] = field(default_factory=list)

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        self.stamped.append(stamped)

    @property
    def events(self) -> list[Event]:
        return [stamped.event for stamped in self.stamped]


class Playbook:
    """A session on scripted ports."""

    def __init__(
        self,
        *answers: Answer,
        decisions: Sequence[Decision] = (),
        reviews: Sequence[str | None] = (),
        outputs: Mapping[str, str] | None = None,
        pauses: Mapping[str, int] | None = None,
        settings: Settings | None = None,
        tools: tuple[ToolSpec, ...] = (WEATHER, TIME),
    ) -> None:
        self.listener = Listener()
        self.endpoint = ScriptedEndpoint(answers)
        self.toolbox = ScriptedToolbox(outputs, pauses)
        self.clock = FakeClock()
        self.session = Session(
            endpoint=self.endpoint,
            dialect=ScriptedDialect(answers),
            gate=ScriptedGate(decisions, reviews),
            toolbox=self.toolbox,
            clock=self.clock,
            sinks=[self.listener],
        )
        from callscope.core.events import SettingsChanged, ToolsChanged

        self.session.emit(SettingsChanged(settings or Settings(dialect="scripted")))
        self.session.emit(ToolsChanged(tools))

    def play(self, *words: str) -> list[str]:
        """Say the words, a turn each, and give the transcript."""

        async def turns() -> None:
            for word in words:
                await self.session.say(word)

        asyncio.run(turns())
        return self.transcript

    @property
    def transcript(self) -> list[str]:
        """What happened, an arrow a line; deltas and bytes are left out."""
        return [arrow for event in self.listener.events if (arrow := _arrow(event))]

    def expect(self, *arrows: str) -> None:
        """Fail with a diff unless the transcript is exactly this."""
        if self.transcript != list(arrows):
            raise AssertionError("\n" + "\n".join(difflib.ndiff(list(arrows), self.transcript)))


def check_history(conversation: Conversation) -> None:
    """Raise unless a strict server would take this history: after each call exactly one result, none without a call."""
    owed: set[CallKey] = set()
    for item in conversation.items:
        match item:
            case ToolCall():
                assert item.key not in owed, f"two calls {item.key}"
                owed.add(item.key)
            case ToolResult():
                assert item.key in owed, f"a result without a call, or a second one: {item.key}"
                owed.remove(item.key)
            case Message(role="user"):
                assert not owed, f"calls without a result: {owed}"
            case Message() | Reasoning():
                pass
    assert not owed, f"calls without a result: {owed}"


def _line(item: object) -> str:
    match item:
        case Message():
            return f"{item.role}: {item.text}"
        case Reasoning():
            return f"reasoning: {item.text}"
        case ToolCall():
            return f"call {item.name} {item.arguments}"
        case ToolResult():
            return f"{item.status}: {item.output}"
        case _:
            raise AssertionError(item)


def _arrow(event: Event) -> str | None:  # noqa: C901 - one flat case for each event
    match event:
        case UserMessage():
            return f"<< {event.text}"
        case ExchangeOpened():
            return f"-> request {event.exchange}"
        case ExchangeEnded():
            return f"<- {event.how}"
        case CallAssembled(call=call):
            return f"<- call {call.name} {call.arguments}" + (f" ({call.fault.code})" if call.fault else "")
        case ResponseCompleted():
            return f"<- {event.finish_reason}"
        case ResponseFailed():
            return f"<- failed: {event.kind}"
        case CallHeld():
            return f"held {event.key.index}"
        case CallDecided():
            return f"decided {event.key.index}: {_decision(event.decision)} by {event.by}"
        case ToolStarted():
            return f"started {event.name} {event.arguments}"
        case ToolFinished(result=result):
            return f"finished {result.key.index}: {result.status} {_short(result.output)}"
        case ResultHeld():
            return f"result held {event.key.index}"
        case ResultReviewed():
            return f"reviewed {event.key.index}: {event.output}"
        case Continued():
            return ">> on"
        case TurnEnded():
            return f"== {event.reason}"
        case Diagnostic() | RemoteResult():
            return f"!! {event}"
        case _:
            return None


def _decision(decision: Decision) -> str:
    match decision:
        case Run():
            return "run"
        case Edit():
            return f"edit {decision.arguments}"
        case Mock():
            return f"mock {decision.output}"
        case Reject():
            return "reject"
        case Abort():
            return "abort"


def _short(output: str) -> str:
    try:
        return str(json.loads(output)["error"]["type"])
    except (ValueError, TypeError, KeyError):
        return output
