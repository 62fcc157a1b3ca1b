"""The turns from before a session went on, brought back from its recording when somebody wants to look at them.

Knows that the recorder writes everything before anybody sees it, so that the recording has the turns of now as well.
Must not know what is looked at, nor how it is shown.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from callscope.core.errors import UnusableFile
from callscope.core.visible import visible
from callscope.looking.witness import Witness
from callscope.record.deriving.rederiving import derive_conversation
from callscope.record.file.reading import RecordingFile
from callscope.repl import Repl

SLICE = 500
"""Events that are taken before Ctrl-C is heard again."""


async def recalled(repl: Repl) -> Witness:
    """What there is to look at; the turns before the session went on are read now, where nobody asked before.

    Where they cannot be read this is told, and what was heard since is all there is.
    """
    path = repl.behind
    if path is None or (repl.witness.case.begun and not _has_the_turns_of_now(repl, path)):
        return repl.witness
    try:
        witness = await repl.interruptible(_read(path))
    except UnusableFile as error:
        repl.say(f"  the turns from before cannot be read: {visible(str(error))}", "yellow")
        return repl.witness
    if witness is None:
        repl.say("  interrupted: the turns from before were not read", "yellow")
        return repl.witness
    take_over(repl, witness, None)
    return witness


def take_over(repl: Repl, witness: Witness, behind: Path | None) -> None:
    """From now on it is this one that hears what happens; `behind` has the turns that it has not heard."""
    repl.session.sinks[repl.session.sinks.index(repl.witness)] = witness
    repl.witness, repl.behind = witness, behind


def _has_the_turns_of_now(repl: Repl, path: Path) -> bool:
    return repl.recorder is not None and repl.recorder.path == path


async def _read(path: Path) -> Witness:
    witness = Witness()
    for number, (stamped, conversation) in enumerate(derive_conversation(RecordingFile(path), [])):
        witness.handle(stamped, conversation)
        if number % SLICE == 0:
            await asyncio.sleep(0)
    return witness
