"""Commands about the recording: where it is, an end of it, a new one, and a note in it.

Knows that the recorder hears first. Must not know what it writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from callscope.core.errors import UnusableFile, UsageError
from callscope.core.visible import visible
from callscope.record.recorder import Recorder
from callscope.repl import Command, Repl

from .hints import one_of

WORDS = {
    "on": "begin a recording here, with the conversation so far",
    "off": "end the recording",
    "mark": "write a note into it",
}


async def _record(repl: Repl, rest: str) -> None:
    word, _, text = rest.partition(" ")
    match word:
        case "":
            _tell(repl)
        case "on" if not text:
            _begin(repl)
        case "off" if not text:
            _end(repl)
        case "mark" if text:
            _mark(repl, text.strip())
        case _:
            raise UsageError("/record: write on, off, or mark and the words of a note.")


def _tell(repl: Repl) -> None:
    if repl.recorder is None:
        repl.say("  not recorded; /record on begins a recording here")
        return
    path = repl.recorder.path
    try:
        size = f"{path.stat().st_size:,} bytes"
    except OSError as error:
        size = f"but {(error.strerror or str(error)).lower()}: somebody took it away"
    repl.say(f"  {visible(str(path))}, {size}")


def _begin(repl: Repl) -> None:
    if repl.recorder is not None:
        raise UsageError("It is recorded already.")
    conversation = repl.session.conversation
    try:
        recorder = repl.record()
        with _gone_if_unfinished(recorder):
            recorder.begin(conversation, repl.session.clock.now())
    except UnusableFile as error:  # nothing is lost by that: it was not recorded before either
        raise UsageError(str(error)) from None
    repl.session.sinks.insert(0, recorder)
    repl.recorder = recorder
    count = len(conversation.items)
    before = f", beginning with the {count} item{'' if count == 1 else 's'} so far" if count else ""
    repl.say(f"  recording to {visible(str(recorder.path))}{before}")


@contextmanager
def _gone_if_unfinished(recorder: Recorder) -> Iterator[None]:
    """Leave no recording behind that lacks the conversation so far."""
    try:
        yield
    except UnusableFile:
        recorder.close()
        with suppress(OSError):
            recorder.path.unlink()
        raise UnusableFile(
            f"No recording can be made at {recorder.path}: the conversation so far does not fit."
        ) from None


def _end(repl: Repl) -> None:
    recorder = repl.recorder
    if recorder is None:
        raise UsageError("It is not recorded.")
    repl.session.sinks.remove(recorder)
    recorder.close()
    repl.recorder = None
    repl.say(f"  ended; {visible(str(recorder.path))} has what happened until here")


def _mark(repl: Repl, text: str) -> None:
    if repl.recorder is None:
        raise UsageError("There is no recording to mark; /record on begins one.")
    repl.recorder.mark(text, repl.session.clock.now())
    repl.say("  marked")


COMMANDS = (
    Command(
        "/record [on|off|mark TEXT]",
        "where the recording is; begin or end one; a note in it",
        _record,
        "session",
        one_of(WORDS),
        "A recording that begins in mid-conversation has the settings, the tools and the conversation so far, but not "
        "the bytes of the exchanges before.\n`mark` writes a line that changes nothing.",
    ),
)
