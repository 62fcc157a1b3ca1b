"""The command that writes what there is to see into a file.

Knows the forms. Must not know how any of them is made, nor how a file is named. Nothing leaves that
the recording masks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from callscope.core.errors import UnusableFile, UsageError
from callscope.core.visible import visible
from callscope.exporting.files import STDOUT, write_beside, write_new
from callscope.exporting.messages import next_messages
from callscope.repl import Command, Repl

from .hints import one_of
from .recalling import recalled


def _markdown(repl: Repl) -> str:
    from callscope.looking.markdown import markdown

    return markdown(repl.session.conversation, repl.witness.ledger, lambda text: repl.secrets.mask(text)[0])


def _json(repl: Repl) -> str:
    return repl.secrets.mask(next_messages(repl.session.dialect, repl.session.conversation))[0]


def _curl(repl: Repl) -> str:
    latest = repl.witness.exchanges.latest()
    if latest is None:
        raise UsageError("No request was sent yet.")
    return repl.secrets.mask(repl.curl(latest.request))[0] + "\n"


def _svg(repl: Repl) -> str:
    from callscope.panels.look import MOST_COLUMNS, Look
    from callscope.panels.masked_blocks import masked_block
    from callscope.panels.panels import screen
    from callscope.panels.svg import svg

    trace = repl.witness.trace
    if not trace.blocks:
        raise UsageError("There is no turn on the screen yet.")
    blocks = [masked_block(block, lambda text: repl.secrets.mask(text)[0]) for block in trace.blocks]
    look = Look(columns=min(repl.console.width, MOST_COLUMNS))
    picture = screen(blocks, look, repl.session.clock.now(), repl.toolbox.check)
    return svg(picture, columns=look.width, title=visible(repl.session.conversation.settings.model))


def _of_recording(form: str) -> Callable[[Repl], str]:
    """A form that is made from the recording, as far as it goes."""

    def make(repl: Repl) -> str:
        from callscope.exporting.forms import FORMS as OF_RECORDINGS
        from callscope.record.file.reading import RecordingFile

        if repl.recorder is None:
            raise UsageError(
                f"{form} is made from the recording, and this session is not recorded: /record on begins one."
            )
        return "".join(OF_RECORDINGS[form].make(RecordingFile(repl.recorder.path)))

    return make


FORMS: dict[str, tuple[str, str, Callable[[Repl], str]]] = {
    "markdown": ("md", "the conversation, with calls, results and diagnostics", _markdown),
    "json": ("json", "the messages of the next request", _json),
    "curl": ("sh", "the last request, its key as a variable", _curl),
    "svg": ("svg", "the last turn's panels as a picture, with decisions", _svg),
    "html": ("html", "the session as one page for a bug report", _of_recording("html")),
    "har": ("har", "the session as an HTTP Archive", _of_recording("har")),
}
"""By its name the suffix of a form, what it is, and the making of it."""


async def _export(repl: Repl, rest: str) -> None:
    name, _, place = rest.partition(" ")
    if name not in FORMS:
        raise UsageError(f"/export {'|'.join(FORMS)} [FILE]: a file of your own name, or {STDOUT} to print it.")
    await recalled(repl)
    try:
        _write(repl, name, place.strip())
    except UnusableFile as error:  # the session goes on: it is not its recording that could not be written
        raise UsageError(str(error)) from None


def _write(repl: Repl, name: str, place: str) -> None:
    suffix, _, make = FORMS[name]
    text = make(repl)
    if place == STDOUT:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    base = repl.recorder.path.stem if repl.recorder else "callscope"
    path = write_new([text], place) if place else write_beside([text], base, suffix)
    repl.say(f"  exported to {visible(str(path))}")


COMMANDS = (
    Command(
        f"/export {'|'.join(FORMS)} [FILE]",
        "write the conversation, a request, the screen or the session to a file",
        _export,
        "looking",
        one_of({name: what for name, (_, what, _) in FORMS.items()}),
        "\n".join(f"{name:<8}  {what}" for name, (_, what, _) in FORMS.items())
        + "\nWithout FILE it goes into this folder under the name of the recording; - prints it. A file that is there "
        "is never overwritten, and what the recording masks is masked.",
    ),
)
