"""A fork of the recording: the session goes on in a new file, and the old one stays as it is.

Knows that the new file and the conversation must come to the same. Must not know how a fork is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from callscope.core.errors import UnusableFile, UsageError
from callscope.core.events import Rewound, SettingsChanged, ToolsChanged
from callscope.core.state import apply
from callscope.core.visible import one_line, visible
from callscope.looking.witness import Witness
from callscope.record.curating.forking import fork
from callscope.record.deriving.restoring import Left, left_by
from callscope.record.file.reading import RecordingFile
from callscope.record.recorder import Recorder
from callscope.repl import Command, Repl
from callscope.ui.completion import Candidate, choices
from callscope.version import VERSION

from .recalling import take_over


async def _fork(repl: Repl, rest: str) -> None:
    recorder = repl.recorder
    if recorder is None:
        raise UsageError("There is no recording to fork; /record on begins one.")
    at = _number(repl, rest)
    try:
        path = fork(recorder.path, at)
        left = left_by(RecordingFile(path))
        forked = recorder.go_on_in(path, clock=repl.session.clock, program=VERSION)
    except UnusableFile as error:  # the session goes on as it was
        raise UsageError(str(error)) from None
    _swap(repl, recorder, forked)
    _go_back(repl, left)
    take_over(repl, Witness(), path)  # the exchanges are counted anew from there
    where = "here" if at is None else f"after message {at}" if at else "before the first message"
    repl.say(f"  forked {where}: from now on recorded in {visible(str(path))}")
    repl.say(f"  {visible(str(recorder.path))} has what happened until now", "dim")


def _number(repl: Repl, written: str) -> int | None:
    count = len(repl.said())
    if written and not (written.isdecimal() and len(written) < 10 and int(written) <= count):
        raise UsageError(f"There is no message {one_line(written, 40)}: you have said {count}; /history numbers them.")
    return int(written) if written else None


def _swap(repl: Repl, old: Recorder, new: Recorder) -> None:
    repl.session.sinks[repl.session.sinks.index(old)] = new
    repl.recorder = new
    old.close()


def _go_back(repl: Repl, left: Left) -> None:
    """Bring the conversation to where the new file is; settings and tools stay those of now, and it hears of them."""
    session, now, there = repl.session, repl.session.conversation, left.conversation
    if len(there.items) < len(now.items):
        now = apply(now, Rewound(len(there.items)))
    session.conversation = replace(now, exchange=there.exchange)
    if now.settings != there.settings:
        session.emit(SettingsChanged(now.settings))
    if now.tools != there.tools:
        session.emit(ToolsChanged(now.tools))


async def _messages(repl: Repl, begun: str) -> Sequence[Candidate]:
    said = enumerate((message for _, message in repl.said()), start=1)
    return choices({str(number): one_line(message.text, 60) for number, message in said}, begun)


COMMANDS = (
    Command(
        "/fork [N]",
        "go on in a new recording, from here or from after your message N",
        _fork,
        "conversation",
        _messages,
        "What came after message N is forgotten here, and stays in the old recording, which is closed and whole.\n"
        "The model, the system prompt and the tools stay those of now. 0 goes back to before your first message.",
    ),
)
