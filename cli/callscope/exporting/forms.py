"""What `recordings export` does: the forms that a recording can be exported in, and where the files go.

Must not know Typer, nor how any form is made. Nothing is unmasked: what the recording hides stays hidden.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from callscope.core.errors import UsageError
from callscope.core.state import Conversation, apply
from callscope.core.visible import visible
from callscope.looking.ledger import Ledger
from callscope.panels.wording import counted
from callscope.record.file.reading import RecordingFile

from .files import STDOUT, write_beside, write_new


@dataclass(frozen=True, slots=True)
class Form:
    """A form of one file: how its name ends, and how its text is made, part by part."""

    suffix: str
    make: Callable[[RecordingFile], Iterable[str]]
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options of `recordings export` ask for."""

    form: str
    place: str | None = None
    expectations: tuple[str, ...] = ()
    tools: tuple[Path, ...] = ()


def export(file: Path, asked: Asked) -> None:
    """Write a recording in another form, and say where it is. Raises UsageError or UnusableFile."""
    if asked.form not in NAMES:
        raise UsageError(f"--as {asked.form}: write one of {', '.join(NAMES)}.")
    if asked.form == PYTEST:
        _export_test(file, asked)
        return
    if asked.expectations or asked.tools:
        raise UsageError(f"--expect and --tools are for a test: --as {PYTEST}.")
    recording, form = RecordingFile(file), FORMS[asked.form]
    parts = form.make(recording)
    path: Path | None = None
    if asked.place == STDOUT:
        sys.stdout.writelines(parts)
        sys.stdout.flush()
    else:
        path = write_new(parts, asked.place) if asked.place else write_beside(parts, file.stem, form.suffix)
    for warning in recording.warnings:
        _say(f"callscope: {warning}")
    if path and form.executable:
        path.chmod(path.stat().st_mode | 0o100)
    if path:
        _say(f"exported to {path}")


def _export_test(file: Path, asked: Asked) -> None:
    from .expecting import expected, problems
    from .pytest_file import write_test

    if asked.place == STDOUT:
        raise UsageError(f"--as {PYTEST} writes a test and the recording beside it: name a file for the test.")
    expectations = expected(asked.expectations, asked.tools)
    found = problems(file, expectations, asked.tools)
    written = write_test(file, asked.place, expectations, asked.tools)
    _say(f"exported to {written.test}, which reads {written.recording}")
    if found:
        _say(f"it fails today with {counted(len(found), 'problem')}, first: {found[0]}")
    else:
        _say(f"it passes today: all is as expected ({', '.join(expectations)}); --expect names what is wrong")


def conversation_of(recording: RecordingFile) -> tuple[Conversation, Ledger]:
    """The conversation that a recording comes to, and what is known of it beside."""
    from callscope.record.deriving.rederiving import derive

    conversation, ledger = Conversation(), Ledger()
    for stamped in derive(recording):
        conversation = apply(conversation, stamped.event)
        ledger.handle(stamped, conversation)
    return conversation, ledger


def _markdown(recording: RecordingFile) -> Iterator[str]:
    from callscope.looking.markdown import markdown

    conversation, ledger = conversation_of(recording)
    yield markdown(conversation, ledger, lambda text: text)


def _messages(recording: RecordingFile) -> Iterator[str]:
    from callscope.record.deriving.deriving import recorded_dialect

    from .messages import next_messages

    conversation, _ = conversation_of(recording)
    yield next_messages(recorded_dialect(recording.path, conversation.settings.dialect), conversation)


def _har(recording: RecordingFile) -> Iterator[str]:
    from .har import har

    return har(recording)


def _shell(recording: RecordingFile) -> Iterator[str]:
    from .shell import shell

    return shell(recording)


def _html(recording: RecordingFile) -> Iterator[str]:
    from .page import html

    return html(recording)


FORMS: dict[str, Form] = {
    "shell": Form("sh", _shell, executable=True),
    "markdown": Form("md", _markdown),
    "html": Form("html", _html),
    "messages": Form("json", _messages),
    "har": Form("har", _har),
}
PYTEST = "pytest"
NAMES = (PYTEST, *FORMS)


def _say(text: str) -> None:
    sys.stderr.write(visible(text) + "\n")
