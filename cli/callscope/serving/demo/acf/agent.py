"""The demo agent in the Agent Connect Framework: `/v1/chat` and `/v1/agents`.

Knows what the agent does on a request and how that leaves, with the faults applied at their stages. It has tools of its
own and runs them itself; a call of a tool that the request offers is left to the client. Must not import
`callscope.dialects` or `callscope.session`: what is tested against it would otherwise be tested against itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, Final
from zlib import crc32

from callscope.core.values import Headers
from callscope.serving.connection import Head
from callscope.serving.data.demo_tools import convert_units, get_weather
from callscope.serving.demo import speech
from callscope.serving.demo.answer import MODEL, Call
from callscope.serving.demo.ask import Ask, PastCall, Refused, Tool
from callscope.serving.demo.faults.events import DONE
from callscope.serving.demo.faults.fault import EventFault, Fault, LineFault, Reply, as_a_whole
from callscope.serving.demo.faults.table import FAULTS, FaultTable
from callscope.serving.demo.words import Wish, rounds, take_literals

from .faults import AGENT_FAULTS, FrameFault
from .frames import Deeds, Frame, Step, answer, frames, named_event

TABLE: Final = FaultTable((*FAULTS, *AGENT_FAULTS))
NOT_FOR_AGENTS: Final = frozenset(("early end after the calls",))
"""Faults that go by members which an agent's frames do not have."""

_TEXT = {"type": "string"}
OWN_TOOLS: Final = (
    Tool(
        "get_weather",
        "Current weather for a city.",
        {
            "type": "object",
            "properties": {"city": _TEXT, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
            "required": ["city"],
        },
    ),
    Tool(
        "convert_units",
        "Convert a length, a mass or a time to another unit.",
        {
            "type": "object",
            "properties": {"value": {"type": "number"}, "from_unit": _TEXT, "to_unit": _TEXT},
            "required": ["value", "from_unit", "to_unit"],
        },
    ),
)
RUN: Final[dict[str, Callable[..., Any]]] = {"get_weather": get_weather, "convert_units": convert_units}

AGENTS: Final = {
    "agents": [
        {
            "name": MODEL,
            "description": "A scripted agent that tells made-up weather, converts units and misbehaves when asked to.",
            "provider": {"organization": "Callscope", "url": "https://pypi.org/project/callscope/"},
            "version": "1.0.0",
            "documentation_url": "https://pypi.org/project/callscope/",
            "capabilities": {"streaming": True},
            "metadata": {"tools": [tool.name for tool in OWN_TOOLS]},
        }
    ]
}


def standing_faults(ask: Ask, headers: Headers) -> list[Fault]:
    """Those of the model's name (`callscope-demo:no-event-lines`) and of the header `x-fault`."""
    _, _, suffix = ask.model.partition(":")
    names = [suffix, *(name for header, value in headers if header.lower() == "x-fault" for name in value.split(","))]
    found: list[Fault] = []
    for name in filter(None, names):
        fault = TABLE.named(name)
        if fault is None:
            raise Refused(400, TABLE.nearest(name.strip()), "x-fault", "unknown_fault")
        found.append(fault)
    return found


def thread_of(headers: Headers, body: bytes, ask: Ask) -> str:
    """The thread that the client names, else one made from the beginning of the conversation."""
    for header, value in headers:
        if header.lower() in ("x-thread-id", "x-ibm-thread-id") and value:
            return value
    data = json.loads(body)
    extra = data.get("extra_body")
    thread = extra.get("thread_id") if isinstance(extra, dict) else None
    first = json.dumps(data["messages"][:2])
    return thread if isinstance(thread, str) and thread else f"thread-demo-{crc32(first.encode()):08x}"


# ---- what the agent does ------------------------------------------------------------------------------------------


def deeds(ask: Ask, prompt: str, thread: str) -> Deeds:
    """What the agent does about a prompt, of which the wishes for faults were taken out."""
    offered = {tool.name for tool in ask.tools}
    tools = (*ask.tools, *(tool for tool in OWN_TOOLS if tool.name not in offered))
    literals, rest = take_literals(prompt, tools)
    stages = [literals] if literals else rounds(rest, tools, ask.choice, ask.last_call)
    done = list(ask.results)
    steps: list[Step] = []
    lacking = [wish for stage in stages for wish in stage if wish.missing]
    for stage in stages:
        mine, theirs = _split(stage, offered, done)
        for wish in mine:
            steps.append(_run(wish, len(steps) + ask.calls_before))
            done.append(PastCall(wish.tool.name, wish.arguments, steps[-1].result or ""))
        if theirs:
            left = [_step(wish, len(steps) + ask.calls_before + n) for n, wish in enumerate(theirs)]
            return Deeds(thread, speech.thoughts([*mine, *theirs], done), (*steps, *left), "")
    wishes = [wish for stage in stages for wish in stage if not wish.missing]
    thinking = speech.thoughts([] if ask.results else wishes, done)
    return Deeds(thread, thinking, tuple(steps), _words(replace(ask, results=tuple(done), tools=tools), rest, lacking))


def _split(stage: Sequence[Wish], offered: set[str], done: Sequence[PastCall]) -> tuple[list[Wish], list[Wish]]:
    """The calls of a stage that are still to be made: the agent's own, and those left to the client."""
    made = {(call.name, _plain(call.arguments)) for call in done}
    wanted = [wish for wish in stage if not wish.missing and (wish.tool.name, _plain(wish.arguments)) not in made]
    return [w for w in wanted if w.tool.name not in offered], [w for w in wanted if w.tool.name in offered]


def _step(wish: Wish, number: int) -> Step:
    return Step(Call(f"call_{number + 1}", wish.tool.name, wish.arguments, wish.tool.kind))


def _run(wish: Wish, number: int) -> Step:
    """Run one of the agent's own tools; whatever goes wrong is its result."""
    try:
        arguments = json.loads(wish.arguments)
        result = RUN[wish.tool.name](**arguments)
    except (ValueError, TypeError) as error:
        result = {"error": {"type": type(error).__name__, "message": str(error)}}
        if not _is_object(wish.arguments):
            wish = replace(wish, arguments="{}")
    return replace(_step(wish, number), result=json.dumps(result, ensure_ascii=False))


def _plain(arguments: str) -> str:
    """Arguments in one spelling: a client writes an object as it likes."""
    try:
        return json.dumps(json.loads(arguments), sort_keys=True)
    except ValueError:
        return arguments


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _words(ask: Ask, prompt: str, lacking: Sequence[Wish]) -> str:
    if ask.results:
        return speech.told(ask)
    if lacking:
        return speech.missing(lacking)
    if speech.ASKS_FAULTS.search(prompt):
        return f"Ask for a fault by its name, as in `Weather in Paris, with no event lines`.\n\n{as_markdown()}"
    if count := speech.COUNT.search(prompt):
        return " ".join(str(number) for number in range(1, min(int(count[1]), 20_000) + 1))
    return speech.greeting(ask.tools) if speech.ASKS_WHO.search(prompt) else speech.nothing_found(ask.tools)


def as_markdown() -> str:
    """The faults that only agents have."""
    return "\n".join(f"- `{fault.name}`: {fault.sentence}" for fault in AGENT_FAULTS)


# ---- how it leaves ------------------------------------------------------------------------------------------------


def reply(done: Deeds, faults: Sequence[Fault], *, stream: bool) -> Reply:
    """The deeds on their way through the stages; a header says which faults had an effect."""
    effects: set[str] = set()
    honest = frames(done) if stream else [answer(done)]
    spoilt = honest
    for fault in faults:
        if isinstance(fault, FrameFault) and stream:
            changed = fault.change(deepcopy(spoilt))
            effects |= {fault.name} if changed != spoilt else set()
            spoilt = changed
    if stream:
        head = Head(200, (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-store")))
        sent = Reply(head, list(_events(spoilt, faults, effects)))
    else:
        sent = Reply(Head(200, (("content-type", "application/json"),)), [_json(spoilt[0])])
    return as_a_whole(sent, faults, effects)


def _events(spoilt: Sequence[Frame], faults: Sequence[Fault], effects: set[str]) -> Iterator[bytes]:
    """The frames as events. Where a fault of the bytes is at work, the `event:` lines are missing."""
    end = [] if any("event" in frame for frame in spoilt) else [DONE]
    events = [*(_event(frame) for frame in spoilt), *end]
    wrong = False
    in_bytes = [each for each in faults if isinstance(each, EventFault) and each.name not in NOT_FOR_AGENTS]
    for spoiling in sorted(in_bytes, key=FAULTS.index):
        changed = spoiling.change(list(events))
        if changed != events:
            effects.add(spoiling.name)
            wrong = True
        events = changed
    for number, event in enumerate(events):
        named = event if wrong else named_event(event)
        for fault in faults:
            if isinstance(fault, LineFault) and (changed_line := fault.change(named, number)) != named:
                effects.add(fault.name)
                named = changed_line
        yield named


def _event(frame: Frame) -> bytes:
    """A frame as an event; one of the second dialect has its name in a line."""
    if "event" not in frame:
        return b"data: %b\n\n" % _json(frame)
    data = {name: value for name, value in frame.items() if name != "event"}
    return b"event: %b\ndata: %b\n\n" % (str(frame["event"]).encode(), _json(data))


def _json(data: Frame) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")
