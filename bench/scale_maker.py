"""Makes a recording of so many events: a real session with a real recorder, before a server that is not there.

    scale_maker.py SHAPE EVENTS FILE

SHAPE: `text`, all of it in one response; `call`, all of it the arguments of one call; `turns`, a thousand to a turn
with a call in each, the conversation cleared after every ten. Each event is a read of its own, and four characters.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

from callscope.core.events import (
    BytesRead,
    CallDecided,
    ExchangeEnded,
    ExchangeOpened,
    ResponseHead,
    ResultReviewed,
    Rewound,
    SettingsChanged,
    ToolsChanged,
    WireEvent,
)
from callscope.core.state import Conversation
from callscope.core.values import Request, Run, Settings, ToolCall, ToolResult, ToolSpec
from callscope.dialects.registry import dialect_named
from callscope.record.recorder import Recorder
from callscope.record.secrets.masking import Secrets
from callscope.session import Session

A_TURN = 1_000
A_CALL = 10
CLEARED = 10
"""Turns after which the conversation begins anew: each request holds all that came before it."""

TOOL = ToolSpec("save_note", "Save a note.", {"type": "object", "properties": {"text": {"type": "string"}}})
SETTINGS = Settings(dialect="chat", url="http://127.0.0.1:9/v1", model="scale", approve="always")
WORDS = ("the ", "sea ", "was ", "calm", " and", " far", " off", "\n")


def main(shape: str, events: int, path: Path) -> None:
    """Make it."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        clock = Clock()
        recorder = Recorder.create(Path(folder), secrets=Secrets(), clock=clock, program="bench")
        endpoint = Endpoint(list(_answers(shape, events)), clock)
        session = Session(
            endpoint=endpoint,
            dialect=dialect_named("chat"),
            gate=Nobody(),
            toolbox=Saved(),
            clock=clock,
            sinks=[recorder],
        )
        session.emit(SettingsChanged(SETTINGS))
        session.emit(ToolsChanged((TOOL,)))
        asyncio.run(_talk(session, endpoint))
        recorder.close()
        recorder.path.rename(path)


async def _talk(session: Session, endpoint: Endpoint) -> None:
    turns = 0
    while endpoint.answers:
        if turns and turns % CLEARED == 0:
            session.emit(Rewound(0))
        turns += 1
        await session.say(f"Tell me about the sea, part {turns}.")


def _answers(shape: str, events: int) -> Iterator[tuple[str, int]]:
    """What the server streams to each request, and in how many deltas."""
    if shape == "text":
        yield "text", events
    elif shape == "call":
        yield from (("call", events - A_CALL), ("text", A_CALL))
    else:
        for _ in range(events // A_TURN):
            yield from (("call", A_CALL), ("text", A_TURN - A_CALL))


class Endpoint:
    """Answers in order; an event every 10 ms."""

    def __init__(self, answers: list[tuple[str, int]], clock: Clock) -> None:
        self.answers = answers
        self._clock = clock

    async def stream(self, exchange: int, request: Request) -> AsyncGenerator[WireEvent, None]:
        """Stream one answer."""
        kind, deltas = self.answers.pop(0)
        yield ExchangeOpened(exchange, request)
        yield ResponseHead(exchange, 200, (("content-type", "text/event-stream"),))
        for event in _stream(kind, exchange, deltas):
            self._clock.time += 0.01
            yield BytesRead(exchange, event)
        yield ExchangeEnded(exchange, "complete")


def _stream(kind: str, exchange: int, deltas: int) -> Iterator[bytes]:
    if kind == "text":
        for number in range(deltas):
            yield _chunk({"content": WORDS[number % len(WORDS)]})
        yield _chunk({}, "stop")
    else:
        yield _chunk(_call({"name": TOOL.name, "arguments": '{"text": "'}, id=f"call_{exchange}", type="function"))
        for number in range(deltas - 2):
            yield _chunk(_call({"arguments": WORDS[number % len(WORDS)].strip() or "..."}))
        yield _chunk(_call({"arguments": '"}'}))
        yield _chunk({}, "tool_calls")
    yield b"data: [DONE]\n\n"


def _call(function: dict[str, str], **more: str) -> dict[str, object]:
    return {"tool_calls": [{"index": 0, **more, "function": function}]}


def _chunk(delta: dict[str, object], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "c1", "object": "chat.completion.chunk", "model": "scale", "choices": [choice]}
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


class Clock:
    """Time that passes with the deltas."""

    time = 0.0

    def now(self) -> float:
        """Seconds."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds


class Nobody:
    """A gate that is never asked: every call may run."""

    async def decide(self, call: ToolCall, conversation: Conversation) -> CallDecided:
        """Let it run."""
        return CallDecided(call.key, Run())

    async def review(self, call: ToolCall, result: ToolResult, conversation: Conversation) -> ResultReviewed:
        """Let it go."""
        return ResultReviewed(call.key)


class Saved:
    """A toolbox with one tool, which does nothing."""

    async def run(self, call: ToolCall, arguments: str) -> ToolResult:
        """Say so."""
        return ToolResult(call.key, '{"saved": true}')


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
