"""Sessions of all shapes, recorded: for what must hold of any recording."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hypothesis import strategies as st

from callscope.core.events import ItemsInserted, Rewound, SettingsChanged, ToolsChanged
from callscope.core.values import CallKey, Edit, Message, Mock, Reject, Run, ToolCall, ToolResult
from callscope.record.deriving.rederiving import differences
from callscope.record.file.reading import open_recording
from callscope.record.rerunning.rerunning import rerun
from recordbench import SETTINGS, WEATHER, Answer, Scene, plain, says, wants

PARIS = ("get_weather", '{"city": "Paris"}')
ROME = ("get_weather", '{"city": "北京"}')

TURNS: dict[str, list[Answer | bytes]] = {
    "says": [says("Hello.")],
    "calls": [wants(PARIS), says("Sunny.")],
    "calls twice": [wants(PARIS, ROME), wants(ROME), says("Sunny in both.")],
    "breaks": [Answer(wants(PARIS)[:70], "reset")],
    "tries again": [Answer(b"", "connect_failed"), says("There you are.")],
    "garbage": [b'{"text": "a"}\nnonsense\n{"finish": "stop"}\n'],
}
ASIDES = ("undo", "clear", "model", "no tools", "tools", "by hand", "mark")

steps = st.lists(st.sampled_from([*TURNS, *ASIDES]), min_size=1, max_size=7)
"""What happens in a session, in order."""


def recorded(folder: Path, happens: Sequence[str], begun_before: bool = False) -> Path:
    """A recording of a session in which these things happen; `begun_before`: it begins in mid-conversation."""
    answers = [answer for step in happens for answer in TURNS.get(step, ())]
    decisions = [Run(), Edit('{"city":"Oslo"}'), Mock("rain"), Reject("no")]
    scene = Scene(folder, answers, decisions)
    if begun_before:
        before = (Message("user", "Before."), Message("assistant", "Yes?", 3), Message("user", "More."))
        scene.session.emit(ItemsInserted(before, 4))
    asyncio.run(_happen(scene, happens))
    scene.recorder.close()
    return scene.path


async def _happen(scene: Scene, happens: Sequence[str]) -> None:
    for number, step in enumerate(happens):
        if step in TURNS:
            await scene.session.say(f"{step} {number}")
        else:
            _aside(scene, step, number)


def _aside(scene: Scene, step: str, number: int) -> None:
    session = scene.session
    said = [
        place
        for place, item in enumerate(session.conversation.items)
        if isinstance(item, Message) and item.role == "user"
    ]
    match step:
        case "undo":
            session.emit(Rewound(said[-1] if said else 0))
        case "clear":
            session.emit(Rewound(0))
        case "model":
            session.emit(SettingsChanged(replace(SETTINGS, model=f"model {number}", system="Be brief.")))
        case "no tools":
            session.emit(ToolsChanged(()))
        case "tools":
            session.emit(ToolsChanged((WEATHER,)))
        case "by hand":
            key = CallKey(-1, number)
            call = ToolCall(key, f"by_hand_{number}", "get_weather", "{}")
            session.emit(ItemsInserted((call, ToolResult(key, "fog"))))
        case _:
            scene.recorder.mark("here", scene.clock.now())


def messages(path: Path) -> int:
    """How many messages of the person the conversation has in the end."""
    from callscope.record.deriving.restoring import left_by

    items = left_by(open_recording(path), plain).conversation.items
    return sum(isinstance(item, Message) and item.role == "user" for item in items)


def assert_whole(path: Path) -> None:
    """It opens, says what its bytes say, and runs again."""
    recording = open_recording(path)
    assert list(recording.warnings) == []
    assert list(differences(recording, plain)) == []
    report = asyncio.run(rerun(recording, dialects=plain))
    assert report.divergence is None, report


def fresh_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder of its own for each example."""
    return tempfile.TemporaryDirectory()
