"""An answer in one piece where a stream was asked for: told, in every protocol, and nothing else is told so."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncGenerator

import pytest

from callscope.core.events import (
    BytesRead,
    Diagnostic,
    ExchangeEnded,
    ExchangeOpened,
    ResponseHead,
    SettingsChanged,
    WireEvent,
)
from callscope.core.values import Headers, Request, Settings
from callscope.dialects.registry import dialect_named
from callscope.session import Session
from chatbodies import DONE, answer, chunk
from playbook import FakeClock, Listener, ScriptedGate, ScriptedToolbox

JSON = (("content-type", "application/json"),)
STREAM = (("content-type", "text/event-stream"),)
CHAT = answer({"content": "Hello."})
RESPONSE = json.dumps(
    {
        "id": "r",
        "object": "response",
        "status": "completed",
        "output": [
            {
                "id": "m",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "Hello."}],
            }
        ],
    }
).encode()
BODIES = {"chat": CHAT, "acf": CHAT, "responses": RESPONSE}


class Canned:
    """Answers every request with these bytes."""

    def __init__(self, body: bytes, headers: Headers, status: int) -> None:
        self.body, self.headers, self.status = body, headers, status

    async def stream(self, exchange: int, request: Request) -> AsyncGenerator[WireEvent, None]:
        yield ExchangeOpened(exchange, request)
        await asyncio.sleep(0)
        yield ResponseHead(exchange, self.status, self.headers)
        yield BytesRead(exchange, self.body)
        yield ExchangeEnded(exchange, "complete")


def said(
    body: bytes, headers: Headers = JSON, *, dialect: str = "chat", stream: bool = True, status: int = 200
) -> list[str]:
    """The codes of what a session says of this answer."""
    listener = Listener()
    session = Session(
        endpoint=Canned(body, headers, status),
        dialect=dialect_named(dialect),
        gate=ScriptedGate(),
        toolbox=ScriptedToolbox(),
        clock=FakeClock(),
        sinks=[listener],
    )
    session.emit(SettingsChanged(Settings(dialect, "http://here/v1", "m", stream=stream)))
    asyncio.run(session.say("Hello?"))
    return [event.code for event in listener.events if isinstance(event, Diagnostic)]


@pytest.mark.parametrize("dialect", BODIES)
def test_one_document_is_told_where_a_stream_was_asked_for(dialect: str) -> None:
    assert said(BODIES[dialect], dialect=dialect) == ["answer_in_one_piece"]


@pytest.mark.parametrize("dialect", BODIES)
def test_one_document_is_nothing_to_speak_of_where_it_was_asked_for(dialect: str) -> None:
    assert said(BODIES[dialect], dialect=dialect, stream=False) == []


def test_a_stream_is_nothing_to_speak_of_where_it_was_asked_for() -> None:
    assert said(chunk({"content": "Hello."}, "stop") + DONE, STREAM) == []


def test_a_compressed_document_is_one_document() -> None:
    headers = (*JSON, ("content-encoding", "gzip"))
    assert said(gzip.compress(CHAT), headers) == ["body_compressed", "answer_in_one_piece"]


def test_events_without_data_are_told_as_that_and_not_as_one_piece() -> None:
    events = b"".join(part.removeprefix(b"data: ") for part in (chunk({"content": "Hel"}), chunk({"content": "lo"})))
    assert "answer_in_one_piece" not in said(events + b"[DONE]", JSON)


def test_a_refusal_in_one_piece_is_told_as_the_failure_that_it_is() -> None:
    assert said(b'{"error": {"message": "no"}}', status=400) == []
    assert said(b'{"error": {"message": "no"}}') == []
