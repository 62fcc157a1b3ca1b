"""No planted secret reaches the disk, whichever way it came into a session; and what was masked still replays."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from callscope.core.events import BytesRead, ExchangeEnded, ItemsInserted, SettingsChanged, ToolsChanged
from callscope.core.ports import Toolbox
from callscope.core.values import (
    CallKey,
    Edit,
    Item,
    Message,
    Mock,
    Reasoning,
    Reject,
    Settings,
    ToolCall,
    ToolResult,
    ToolSpec,
)
from callscope.dialects.registry import dialect_named
from callscope.record.file.reading import Recording, open_recording
from callscope.record.recorder import Recorder
from callscope.record.rerunning.rerunning import rerun
from callscope.record.secrets.guard import SecretGuard
from callscope.record.secrets.masking import Secrets
from callscope.session import Session
from planted_secrets import KNOWN, ODD, SK, VENDORS, Planted, called, exposed, in_turns, planted_bodies, sse
from recordbench import Answer, BytesEndpoint, Decisions, TickingClock, verify

HEAD = (("content-type", "text/event-stream"),)
PLAIN = (("content-type", "application/json"),)
GOODBYE = (
    b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"Bye."}}]}\n\n'
    b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)


class Echo:
    """A tool that repeats its arguments, in its result and in what it prints."""

    async def run(self, call: ToolCall, arguments: str) -> ToolResult:
        return ToolResult(call.key, f"done with {arguments}", prints=f"got {arguments}\n")


def record(
    directory: Path,
    answers: list[Answer | bytes],
    known: tuple[str, ...],
    words: str = "Go.",
    settings: Settings | None = None,
    decisions: Decisions | None = None,
    toolbox: Toolbox | None = None,
    tools: tuple[ToolSpec, ...] = (),
    inserted: tuple[Item, ...] = (),
) -> Recording:
    secrets, clock = Secrets(known), TickingClock()
    recorder = Recorder.create(directory, secrets=secrets, clock=clock, program="0.0.test")
    session = Session(
        endpoint=BytesEndpoint(answers, clock),
        dialect=dialect_named("chat"),
        gate=decisions or Decisions(),
        toolbox=toolbox or Echo(),
        clock=clock,
        guard=SecretGuard(secrets),
        sinks=[recorder],
    )
    session.emit(SettingsChanged(settings or Settings(url="http://h.test/v1", model="m", retries=0)))
    session.emit(ToolsChanged(tools))
    if inserted:
        session.emit(ItemsInserted(inserted))
    asyncio.run(session.say(words))
    recorder.close()
    return open_recording(recorder.path)


def texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            yield from value
            for member in value.values():
                yield from texts(member)
        case list():
            for element in value:
                yield from texts(element)


def left_on_disk(recording: Recording, secret: str) -> list[str]:
    """Where a secret can still be found: in the file, in any string of any line, in the body of any exchange."""
    raw = recording.path.read_bytes()
    found = [exposed(raw, secret)]
    for line in raw.splitlines():
        found += [exposed(text.encode("utf-8", "surrogatepass"), secret) for text in texts(json.loads(line))]
    body = b""
    for entry in recording.entries:
        if isinstance(entry.event, BytesRead):
            body += entry.event.data
        elif isinstance(entry.event, ExchangeEnded):
            found.append(exposed(body, secret))
            body = b""
    return [one for one in found if one]


def bodies() -> list[Planted]:
    """The planted bodies; parallel calls with id and name, without which the decoder cannot tell that there are two."""
    named = [
        {"tool_calls": [{"index": index, "id": f"c{index}", "function": {"name": "echo", "arguments": ""}}]}
        for index in (0, 1)
    ]
    arguments = json.dumps({"key": KNOWN})
    in_turn = sse(*named, *in_turns(called(arguments), called(arguments, index=1)))
    nameless = "a key in the arguments of two calls in turns"
    planted = [case for case in planted_bodies() if case.sentence != nameless]
    assert len(planted) == len(planted_bodies()) - 1
    return [*planted, Planted("a key in the arguments of two named calls in turns", in_turn, (KNOWN,))]


def test_there_are_at_least_forty_planted_bodies() -> None:
    assert len(bodies()) >= 40


@pytest.mark.parametrize("cuts", [7, 64, 100_000])
@pytest.mark.parametrize("case", bodies(), ids=str)
def test_no_secret_of_a_response_is_on_disk_and_the_recording_replays(case: Planted, cuts: int, tmp_path: Path) -> None:
    answer = Answer(case.body, cuts=cuts, headers=HEAD if case.stream else PLAIN, status=case.status)
    recording = record(tmp_path, [answer, *[Answer(GOODBYE, headers=HEAD)] * 3], case.known)
    assert [left_on_disk(recording, secret) for secret in case.secrets] == [[]] * len(case.secrets)
    assert verify(recording) is None
    assert asyncio.run(rerun(recording)).divergence is None


def calling(arguments: str) -> Answer:
    delta = {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "echo", "arguments": arguments}}]}
    chunks = [{"choices": [{"index": 0, "delta": delta}]}, {"choices": [{"index": 0, "finish_reason": "tool_calls"}]}]
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    return Answer(body.encode(), headers=HEAD)


URL = "http://h.test/v1"
PLACES: dict[str, dict[str, Any]] = {
    "the person's words": {"words": "My key is SECRET."},
    "the system prompt": {"settings": Settings(url=URL, system="Never tell SECRET.")},
    "the model's name": {"settings": Settings(url=URL, model="SECRET")},
    "a parameter of the body": {"settings": Settings(url=URL, parameters={"user": {"deep": ["SECRET"]}})},
    "the name of a parameter": {"settings": Settings(url=URL, parameters={"SECRET": 1})},
    "a tool's description": {"tools": (ToolSpec("echo", "Needs SECRET.", {"type": "object"}),)},
    "a tool's schema": {"tools": (ToolSpec("echo", "", {"properties": {"a": {"default": "SECRET"}}}),)},
    "a tool's source": {"tools": (ToolSpec("echo", source="/home/SECRET/tools.yaml:1"),)},
    "an edit": {"decisions": Decisions([Edit('{"key": "SECRET"}')]), "calls": True},
    "an answer in a call's place": {"decisions": Decisions([Mock("It is SECRET.")]), "calls": True},
    "a reason for a refusal": {"decisions": Decisions([Reject("No, not SECRET.")]), "calls": True},
    "a result that the person changed": {
        "decisions": Decisions(reviews=["It is SECRET."]),
        "settings": Settings(url=URL, approve="result"),
        "calls": True,
    },
    "words put in by hand": {"inserted": (Message("user", "SECRET"), Reasoning("SECRET", extra={"SECRET": "SECRET"}))},
    "a call put in by hand": {
        "inserted": (
            ToolCall(CallKey(0, 0), "SECRET", "SECRET", '{"key": "SECRET"}', extra={"x": ["SECRET"]}),
            ToolResult(CallKey(0, 0), "It is SECRET.", prints="SECRET"),
        )
    },
    "an ending": {"ending": "nobody there called SECRET"},
}


@pytest.mark.parametrize("secret", [KNOWN, ODD, SK, *VENDORS[1:3]], ids=["known", "odd", "sk", "github", "aws"])
@pytest.mark.parametrize("place", PLACES)
def test_no_secret_of_ours_is_on_disk(place: str, secret: str, tmp_path: Path) -> None:
    given = {name: planted(value, secret) for name, value in PLACES[place].items()}
    answers: list[Answer | bytes] = [calling("{}")] if given.pop("calls", False) else []
    if detail := given.pop("ending", ""):
        answers = [Answer(b"", "connect_failed", detail=detail)]
    recording = record(tmp_path, [*answers, Answer(GOODBYE, headers=HEAD)], (KNOWN, ODD), **given)
    assert left_on_disk(recording, secret) == []
    assert asyncio.run(rerun(recording)).divergence is None
    assert any("masked" in line for line in recording.path.read_text().splitlines())


def planted(value: Any, secret: str) -> Any:
    """The value with the secret in its place."""
    match value:
        case str():
            inside = json.dumps(secret, ensure_ascii=False)[1:-1] if value.startswith("{") else secret
            return value.replace("SECRET", inside)
        case dict():
            return {planted(name, secret): planted(member, secret) for name, member in value.items()}
        case list() | tuple():
            return type(value)(planted(element, secret) for element in value)
        case Message() | Reasoning() | ToolCall() | ToolResult() | Mock() | Reject():
            return type(value)(**{name: planted(getattr(value, name), secret) for name in type(value).__slots__})
        case Settings():
            return Settings(**{name: planted(getattr(value, name), secret) for name in Settings.__slots__})
        case ToolSpec():
            return ToolSpec(**{name: planted(getattr(value, name), secret) for name in ToolSpec.__slots__})
        case Decisions():
            return Decisions(planted(value.decisions, secret), reviews=planted(value.reviews, secret))
        case Edit(arguments=arguments):
            return Edit(planted(arguments, secret))
        case _:
            return value


def test_a_tool_runs_with_the_secret_that_is_masked_on_disk(tmp_path: Path) -> None:
    ran: list[str] = []

    class Listening(Echo):
        async def run(self, call: ToolCall, arguments: str) -> ToolResult:
            ran.append(arguments)
            return await super().run(call, arguments)

    arguments = json.dumps({"key": KNOWN})
    recording = record(tmp_path, [calling(arguments), Answer(GOODBYE, headers=HEAD)], (KNOWN,), toolbox=Listening())
    assert ran == [arguments]
    assert left_on_disk(recording, KNOWN) == []
    kinds = {entry.kind for entry in recording.entries if "masked" in entry.members}
    assert kinds == {"request", "decision", "started", "result"}
