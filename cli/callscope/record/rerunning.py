"""Running a recorded session again: the driver itself, with the recording behind its ports.

Knows how to drive a session step by step through its script, and what to report. Must not know files, protocols or
screens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from callscope.core.events import Continued, SettingsChanged, UserMessage
from callscope.core.ports import Clock, Endpoint, Gate, Guard, Sink, Toolbox
from callscope.core.values import Settings
from callscope.session import Session

from .comparing import Comparer, CutHere, Diverged, Divergence
from .deriving import DialectNamed, recorded_dialect
from .reading import Recording
from .script import RecordedTurn, Script, Unasked, script_of
from .stage import LiveEndpoint, RecordedClock, RecordedEndpoint, RecordedGate, RecordedToolbox, Stage, Stopped


@dataclass(frozen=True, slots=True)
class RerunReport:
    """What came of a run: the first divergence, how much was the same before it, and why it ended before its time."""

    divergence: Divergence | None = None
    turns: int = 0
    exchanges: int = 0
    calls: int = 0
    stopped: str = ""

    def __str__(self) -> str:
        same = f"the same again: turns {self.turns}, exchanges {self.exchanges}, calls {self.calls}"
        if self.divergence is not None:
            return f"{self.divergence} ({same} before that)"
        return f"{same}. {self.stopped}" if self.stopped else same


async def rerun(
    recording: Recording,
    *,
    endpoint: Endpoint | None = None,
    gate: Gate | None = None,
    toolbox: Toolbox | None = None,
    clock: Clock | None = None,
    guard: Guard | None = None,
    sinks: Sequence[Sink] = (),
    dialects: DialectNamed | None = None,
) -> RerunReport:
    """Drive the recorded session again and compare, until the first divergence. What is None is recorded.

    With a live endpoint give its clock and its guard, too.
    """
    script = script_of(recording, dialects)
    comparer = Comparer(live=endpoint is not None)
    stage = Stage(script, comparer, lambda unasked: _do(session, recording.path, dialects, unasked))
    settings = next((step.settings for step in script.steps if isinstance(step, SettingsChanged)), Settings())
    session = Session(
        endpoint=RecordedEndpoint(stage) if endpoint is None else LiveEndpoint(stage, endpoint),
        dialect=recorded_dialect(recording.path, settings.dialect, dialects),
        gate=gate or RecordedGate(stage),
        toolbox=RecordedToolbox(stage, toolbox),
        clock=clock or RecordedClock(stage),
        guard=guard,
        sinks=[*sinks, comparer],
    )
    divergence, stopped = None, ""
    try:
        for step in script.steps:
            if isinstance(step, RecordedTurn):
                await _play(stage, session, step)
            else:
                stage.perform(step)
    except Diverged as diverged:
        if _being_cancelled():  # whoever runs this broke it off: then it is no wonder that it went another way
            raise asyncio.CancelledError from None
        divergence = diverged.divergence
    except Stopped as reason:
        stopped = str(reason)
    same = comparer.same
    stopped = stopped or _cut_off(script)
    return RerunReport(divergence, stage.turns, same.get("request", 0), same.get("call", 0), stopped)


def _do(session: Session, path: Path, dialects: DialectNamed | None, unasked: Unasked) -> None:
    """Do what the person did without being asked; other settings can mean another protocol."""
    if isinstance(unasked, SettingsChanged):
        session.dialect = recorded_dialect(path, unasked.settings.dialect, dialects)
    session.emit(unasked)


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
