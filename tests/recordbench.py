"""A protocol small enough to read at a glance, and whole sessions recorded with it.

A body is lines of JSON: {"text": …}, {"call": 0, "id": …, "name": …, "arguments": …}, {"finish": …, "usage": …}. Its
decoder is a real one: bytes in, events out, however they are cut; it has nothing to do with the program's own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callscope.core.events import (
    ArgumentsDelta,
    BytesRead,
    CallAssembled,
    CallDecided,
    CallStarted,
    Diagnostic,
    ExchangeEnded,
    ExchangeOpened,
    PeerEvent,
    ResponseCompleted,
    ResponseFailed,
    ResponseHead,
    ResponseStarted,
    ResultReviewed,
    SettingsChanged,
    TextDelta,
    ToolsChanged,
    WireEvent,
)
from callscope.core.ports import Decoder, Guard, Prepared, Sink
from callscope.core.state import Conversation
from callscope.core.values import (
    CallKey,
    Decision,
    Ending,
    Fault,
    Frame,
    Message,
    Request,
    Run,
    Settings,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
)
from callscope.record.deriving.deriving import DialectNamed
from callscope.record.deriving.rederiving import Difference, differences
from callscope.record.file.appending import LineFile
from callscope.record.file.reading import Recorded, open_recording
from callscope.record.recorder import Recorder
from callscope.record.secrets.masking import Secrets
from callscope.session import Session

WEATHER = ToolSpec("get_weather", "The weather of a city.", {"type": "object"})
SETTINGS = Settings(dialect="plain", url="http://plain.test/v1", model="tiny")


class PlainDialect:
    """The protocol; `accent` is put before every text, as a decoder would that was changed since."""

    name = "plain"

    def __init__(self, accent: str = "") -> None:
        self.accent = accent

    def request(self, conversation: Conversation) -> Prepared:
        settings = conversation.settings
        body = {"model": settings.model, "system": settings.system, "messages": [*map(_said, conversation.items)]}
        headers = (("content-type", "application/json"),)
        complaint = Diagnostic("info", "history_long", "The history is long.")
        request = Request("POST", f"{settings.url}/chat", headers, json.dumps(body).encode())
        return Prepared(request, (complaint,) if len(conversation.items) > 3 else ())

    def decoder(self, exchange: int, tools: Sequence[ToolSpec]) -> Decoder:
        return PlainDecoder(exchange, self.accent)


class PlainDecoder:
    """Its decoder."""

    excess = ""
    in_one_piece = False

    def __init__(self, exchange: int, accent: str) -> None:
        self.exchange = exchange
        self.accent = accent
        self.rest = b""
        self.offset = 0
        self.calls: dict[int, list[str]] = {}
        self.finish: str | None = None
        self.usage: Usage | None = None

    def feed(self, wire: ExchangeOpened | ResponseHead | bytes) -> list[PeerEvent]:
        if isinstance(wire, ExchangeOpened):
            return []
        if isinstance(wire, ResponseHead):
            return [ResponseStarted(self.exchange, "tiny")]
        *lines, self.rest = (self.rest + wire).split(b"\n")
        return [event for line in lines for event in self._line(line)]

    def close(self, how: Ending, detail: str = "") -> list[PeerEvent]:
        whole = how == "complete" and self.finish is not None
        fault = None if whole else Fault("cut_off", "The response is broken.")
        events: list[PeerEvent] = []
        for index, (call_id, name, *pieces) in self.calls.items():
            call = ToolCall(CallKey(self.exchange, index), call_id, name, "".join(pieces), fault=fault)
            events.append(CallAssembled(call))
        if self.rest:
            events.append(Diagnostic("warning", "half_line", f"{len(self.rest)} bytes are no line."))
        if whole:
            return [*events, ResponseCompleted(self.finish, self.usage)]
        kind = "cancelled" if how == "cancelled" else "truncated"
        return [*events, ResponseFailed(kind, f"The response is broken: {detail or how}.")]

    def _line(self, line: bytes) -> list[PeerEvent]:
        start, self.offset = self.offset, self.offset + len(line) + 1
        frame = Frame("body", "", line.decode(errors="replace"), start, self.offset)
        try:
            return self._told(json.loads(line), frame)
        except (ValueError, LookupError, TypeError):
            return [Diagnostic("error", "no_json", "A line is not of the protocol.", frame=frame)]

    def _told(self, one: dict[str, Any], frame: Frame) -> list[PeerEvent]:
        if "text" in one:
            return [TextDelta("output", self.accent + one["text"], frame)]
        if "call" in one:
            return self._call(one, frame)
        self.finish, usage = one["finish"], one.get("usage")
        self.usage = Usage(usage["in"], usage["out"], raw=usage) if usage else None
        return []

    def _call(self, one: dict[str, Any], frame: Frame) -> list[PeerEvent]:
        key = CallKey(self.exchange, one["call"])
        started: list[PeerEvent] = []
        if one["call"] not in self.calls:
            self.calls[one["call"]] = [one["id"], one["name"]]
            started = [CallStarted(key, one["id"], one["name"], frame=frame)]
        self.calls[one["call"]].append(one["arguments"])
        return [*started, ArgumentsDelta(key, one["arguments"], frame)]


def plain(name: str) -> PlainDialect:
    """The protocol by its name, as a registry gives it."""
    if name != "plain":
        raise LookupError(f"there is no dialect {name}")
    return PlainDialect()


def _said(item: object) -> dict[str, Any]:
    match item:
        case Message():
            return {"role": item.role, "content": item.text}
        case ToolCall():
            return {"call_id": item.call_id, "name": item.name, "arguments": item.arguments}
        case ToolResult():
            return {"result": item.output, "of": [item.key.exchange, item.key.index]}
        case _:
            return {}


def says(text: str) -> bytes:
    """A body that says something and is done."""
    return lines({"text": text}, {"finish": "stop", "usage": {"in": 7, "out": 2}})


def wants(*calls: tuple[str, str]) -> bytes:
    """A body with calls, each a name and raw arguments, in two pieces each."""
    pieces: list[dict[str, Any]] = []
    for index, (name, arguments) in enumerate(calls):
        half = len(arguments) // 2
        call = {"call": index, "id": f"c{index}", "name": name}
        pieces += [call | {"arguments": piece} for piece in (arguments[:half], arguments[half:])]
    return lines(*pieces, {"finish": "tool_calls"})


def lines(*objects: dict[str, Any]) -> bytes:
    """A body of these lines."""
    return b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in objects)


@dataclass
class Answer:
    """What an endpoint does with a request; `pieces` cut the body, and `hang` waits forever in the end."""

    body: bytes
    how: Ending = "complete"
    status: int = 200
    cuts: int = 11
    hang: bool = False
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/jsonl"),)
    detail: str = "nobody there"


class BytesEndpoint:
    """Answers in order with bytes, cut into small reads."""

    def __init__(self, answers: Sequence[Answer | bytes], clock: TickingClock) -> None:
        self.answers = [Answer(answer) if isinstance(answer, bytes) else answer for answer in answers]
        self.clock = clock

    async def stream(self, exchange: int, request: Request) -> AsyncGenerator[WireEvent, None]:
        answer = self.answers.pop(0)
        headers = (*request.headers, ("authorization", "Bearer abcdefghijklmnop"))
        yield ExchangeOpened(exchange, Request(request.method, request.url, headers, request.body))
        if answer.how in ("connect_failed", "dns_failed"):
            yield ExchangeEnded(exchange, answer.how, answer.detail)
            return
        yield ResponseHead(exchange, answer.status, answer.headers)
        for start in range(0, len(answer.body), answer.cuts):
            await asyncio.sleep(0)
            self.clock.time += 0.001
            yield BytesRead(exchange, answer.body[start : start + answer.cuts])
        if answer.hang:
            await asyncio.get_running_loop().create_future()
        yield ExchangeEnded(exchange, answer.how)


class TickingClock:
    """Time that passes when something happens."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        self.time += 0.0005
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        await asyncio.sleep(0)


@dataclass
class Decisions:
    """A gate with a list of decisions; at the end of it a person never answers."""

    decisions: list[Decision] = field(default_factory=list)
    forever: bool = False
    reviews: list[str | None] = field(default_factory=list)

    async def decide(self, call: ToolCall, conversation: Conversation) -> CallDecided:
        if self.decisions:
            return CallDecided(call.key, self.decisions.pop(0), "person")
        if self.forever:
            await asyncio.get_running_loop().create_future()
        return CallDecided(call.key, Run(), "person")

    async def review(self, call: ToolCall, result: ToolResult, conversation: Conversation) -> ResultReviewed:
        return ResultReviewed(call.key, self.reviews.pop(0) if self.reviews else None)


class Tools:
    """A toolbox of plain functions; one that is None never comes back, and the later ones finish first."""

    def __init__(self, outputs: Mapping[str, Callable[[str], str] | None]) -> None:
        self.outputs = outputs
        self.ran: list[tuple[str, str]] = []

    async def run(self, call: ToolCall, arguments: str) -> ToolResult:
        self.ran.append((call.name, arguments))
        for _ in range(20 - 5 * call.key.index):
            await asyncio.sleep(0)
        function = self.outputs[call.name]
        if function is None:
            await asyncio.get_running_loop().create_future()
            raise AssertionError
        return ToolResult(call.key, function(arguments), duration=0.25)


def sunny(arguments: str) -> str:
    """A tool that always works."""
    return '{"sky": "clear", "for": ' + arguments + "}"


@dataclass
class Scene:
    """A session that records, on ports that the test chooses."""

    directory: Path
    answers: Sequence[Answer | bytes]
    decisions: Sequence[Decision] = ()
    forever: bool = False
    reviews: Sequence[str | None] = ()
    tools: Mapping[str, Callable[[str], str] | None] = field(default_factory=lambda: {"get_weather": sunny})
    secrets: Secrets = field(default_factory=Secrets)
    guard: Guard | None = None
    settings: Settings = SETTINGS
    sinks: Sequence[Sink] = ()

    def __post_init__(self) -> None:
        self.clock = TickingClock()
        self.recorder = Recorder.create(
            self.directory, secrets=self.secrets, clock=self.clock, program="0.0.test", dialects=plain
        )
        self.session = Session(
            endpoint=BytesEndpoint(self.answers, self.clock),
            dialect=PlainDialect(),
            gate=Decisions(list(self.decisions), self.forever, list(self.reviews)),
            toolbox=Tools(self.tools),
            clock=self.clock,
            guard=self.guard,
            sinks=[self.recorder, *self.sinks],
        )
        self.session.emit(SettingsChanged(self.settings))
        self.session.emit(ToolsChanged((WEATHER,)))

    @property
    def path(self) -> Path:
        return self.recorder.path

    def play(self, *words: str) -> Path:
        """Say the words, a turn each, and close the recording."""

        async def turns() -> None:
            for word in words:
                await self.session.say(word)

        asyncio.run(turns())
        self.recorder.close()
        return self.path

    async def interrupted(self, words: str, until: Callable[[Conversation], bool]) -> None:
        """Say the words and interrupt the turn as soon as the conversation looks so."""
        turn = asyncio.ensure_future(self.session.say(words))
        while not until(self.session.conversation):
            await asyncio.sleep(0)
        for _ in range(60):
            await asyncio.sleep(0)
        turn.cancel()
        await asyncio.wait([turn])


def resume(path: Path, clock: TickingClock | None = None) -> Recorder:
    """Go on with a recording, as the program does."""
    file = LineFile.open(path)
    try:
        recording = open_recording(path)
        clock = clock or TickingClock()
        return Recorder.resume(file, recording, secrets=Secrets(), clock=clock, program="0.0.test", dialects=plain)
    except BaseException:
        file.close()
        raise


def verify(recording: Recorded, dialects: DialectNamed | None = None) -> Difference | None:
    """The first difference; None where every derived line is what the bytes give."""
    return next(differences(recording, dialects), None)
