"""Running a recorded session again: the driver itself, with the recording behind its ports.

Knows how to drive a session step by step through its script, and what to report. Must not know files, protocols or
screens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, assert_never

from callscope.core.events import Continued, SettingsChanged, ToolsChanged, UserMessage
from callscope.core.ports import Clock, Dialect, Endpoint, Gate, Guard, Sink, Toolbox
from callscope.core.values import Settings, ToolSpec
from callscope.record.deriving.deriving import DialectNamed, recorded_dialect
from callscope.record.file.reading import Recorded
from callscope.session import Session

from .answering import AskingGate, FreeToolbox, MockingGate
from .comparing import Comparer, Watched
from .live import LiveEndpoint, asked_once
from .report import RerunReport, report_of
from .sameness import Sameness, Terms
from .script import RecordedTurn, Script, Unasked, script_of
from .stage import RecordedClock, RecordedEndpoint, RecordedGate, RecordedToolbox, Stage
from .stopping import CutHere, Stopped
from .tape import Tape

Answers = Literal["recorded", "run", "ask", "mock"]
"""What comes of calls: as recorded; recorded decisions, tools that run; a person decides again; mocks."""


@dataclass(frozen=True, slots=True)
class Live:
    """A server that answers anew: its clock and guard, and what of the recorded settings is other there."""

    endpoint: Endpoint
    clock: Clock
    guard: Guard | None = None
    url: str | None = None
    model: str | None = None

    def settings(self, recorded: Settings) -> Settings:
        """The settings that hold there; a request that fails is not made again by itself."""
        return replace(recorded, url=self.url or recorded.url, model=self.model or recorded.model, retries=0)


async def rerun(
    recording: Recorded,
    *,
    live: Live | None = None,
    calls: Answers | None = None,
    gate: Gate | None = None,
    toolbox: Toolbox | None = None,
    sinks: Sequence[Sink] = (),
    dialects: DialectNamed | None = None,
    terms: Terms | None = None,
    script: Script | None = None,
) -> RerunReport:
    """Drive the recorded session again and compare; it goes on past a divergence as long as there is an answer.

    `calls` is `recorded` where there is no `toolbox`, else `run`; `ask` needs a `gate`, too. Give the `script` where it
    was read before.
    """
    answers: Answers = calls or ("run" if toolbox else "recorded")
    script = script or script_of(recording, dialects)
    script = asked_once(script) if live else script
    watched = Watched(live is not None, free=answers in ("ask", "mock"))
    sameness = Sameness(terms or Terms(), url=live is None or live.url is None, mocked=watched.free)
    comparer = Comparer(script, sameness, watched)
    drive = _Drive(recording.path, dialects, live, answers)
    stage = Stage(
        script,
        Tape(recording),
        comparer,
        lambda unasked: drive.do(session, sameness, unasked),
        lambda n: _count(session, n),
    )
    stage.skips = live is not None
    dialect = recorded_dialect(recording.path, _first_settings(script).dialect, dialects)
    gate, toolbox = _gate(stage, answers, gate), _toolbox(stage, answers, toolbox)
    session = _session(stage, live, dialect, gate, toolbox, [*sinks, comparer])
    comparer.look_for_damages()
    stopped = await _through(script, stage, session)
    if stopped is None:
        comparer.finish()
    return report_of(comparer.found, sameness.terms, turns=stage.turns, stopped=stopped, cut_off=_cut_off(script))


def _session(
    stage: Stage, live: Live | None, dialect: Dialect, gate: Gate, toolbox: Toolbox, sinks: Sequence[Sink]
) -> Session:
    """The driver, before a live server with its own time, or before the recording."""
    return Session(
        endpoint=LiveEndpoint(stage, live.endpoint) if live else RecordedEndpoint(stage),
        dialect=dialect,
        gate=gate,
        toolbox=toolbox,
        clock=live.clock if live else RecordedClock(stage),
        guard=live.guard if live else None,
        sinks=sinks,
    )


async def _through(script: Script, stage: Stage, session: Session) -> Stopped | None:
    """Go through all steps; gives why that ended before its time."""
    try:
        for step in script.steps:
            if isinstance(step, RecordedTurn):
                await _play(stage, session, step)
            else:
                stage.perform(step)
    except Stopped as stopped:
        if _being_cancelled():  # whoever runs this broke it off: then it is no wonder that it went another way
            raise asyncio.CancelledError from None
        return stopped
    return None


def _first_settings(script: Script) -> Settings:
    return next((step.settings for step in script.steps if isinstance(step, SettingsChanged)), Settings())


def _gate(stage: Stage, answers: Answers, gate: Gate | None) -> Gate:
    match answers:
        case "ask":
            assert gate is not None
            return AskingGate(stage, gate)
        case "mock":
            return MockingGate(stage)
        case "recorded" | "run":
            return gate or RecordedGate(stage)
        case _:
            assert_never(answers)


def _toolbox(stage: Stage, answers: Answers, toolbox: Toolbox | None) -> Toolbox:
    if answers in ("ask", "mock"):
        assert toolbox is not None
        return FreeToolbox(stage, toolbox)
    return RecordedToolbox(stage, toolbox)


def _count(session: Session, exchange: int) -> None:
    session.conversation = replace(session.conversation, exchange=exchange - 1)


@dataclass(frozen=True, slots=True)
class _Drive:
    """How what a person did unasked is done again."""

    path: Path
    dialects: DialectNamed | None
    live: Live | None
    answers: Answers

    def do(self, session: Session, sameness: Sameness, unasked: Unasked) -> None:
        """Do it; other settings can mean another protocol, and whoever is asked is asked about every call."""
        if isinstance(unasked, SettingsChanged):
            settings = self.live.settings(unasked.settings) if self.live else unasked.settings
            sameness.carry([unasked.settings.model], [settings.model])
            if self.answers == "ask" and settings.approve != "never":
                settings = replace(settings, approve="ask")
            session.dialect = recorded_dialect(self.path, settings.dialect, self.dialects)
            unasked = SettingsChanged(settings)
        elif isinstance(unasked, ToolsChanged) and self.answers == "ask":
            unasked = ToolsChanged(tuple(_asked_about(tool) for tool in unasked.tools))
        session.emit(unasked)


def _asked_about(tool: ToolSpec) -> ToolSpec:
    return tool if tool.approve == "never" else replace(tool, approve=None)


async def _play(stage: Stage, session: Session, turn: RecordedTurn) -> None:
    """Drive one turn; broken off where it was, it leaves a valid conversation for the next."""
    stage.begin(turn)
    stage.task = task = asyncio.ensure_future(_turn(session, turn.start))
    try:
        await task
    except CutHere as cut:
        session.conversation = cut.before
        for fact in stage.comparer.left():
            session.emit(fact.event)
    except asyncio.CancelledError:
        if not stage.comparer.interrupting or _being_cancelled():
            raise
    stage.comparer.miss_what_is_left()
    stage.turns += turn.reason is not None


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _turn(session: Session, start: UserMessage | Continued) -> None:
    match start:
        case UserMessage(text=text):
            await session.say(text)
        case Continued():
            session.emit(start)
            await session.drive()
        case _:
            assert_never(start)


def _cut_off(script: Script) -> str:
    """Say so where the recording ends, or goes on, without telling how a turn ended."""
    turns = [step for step in script.steps if isinstance(step, RecordedTurn) and step.reason is None]
    if not turns:
        return ""
    return f"Turn {turns[-1].number} is cut off in the recording at line {turns[-1].last_line}; it was run up to there."
