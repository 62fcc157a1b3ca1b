"""The command that writes what there is to see into a file.

Knows the forms, and how a file is named and never overwritten. Must not know how any form is made. Nothing leaves that
the recording masks.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

from callscope.core.errors import UsageError
from callscope.core.ports import Dialect
from callscope.core.state import Conversation
from callscope.repl import Command, Repl
from callscope.ui.pretty import pretty
from callscope.ui.visible import visible

from .hints import one_of

STDOUT = "-"
_COMMANDS = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal or a reader of lines would obey, and JSON allows in a string."""


def _markdown(repl: Repl) -> str:
    from callscope.ui.markdown import markdown

    return markdown(repl.session.conversation, repl.witness.ledger, lambda text: repl.secrets.mask(text)[0])


def _json(repl: Repl) -> str:
    return repl.secrets.mask(next_messages(repl.session.dialect, repl.session.conversation))[0]


def next_messages(dialect: Dialect, conversation: Conversation) -> str:
    """The messages of the next request as JSON, or its whole body in a dialect that has none."""
    text = dialect.request(conversation).request.body.decode()
    try:
        body = json.loads(text)
    except ValueError:  # no JSON is made, it is only sent: what leaves is what is exported
        return text
    messages = body.get("messages") if isinstance(body, dict) else None
    said = json.dumps(body if messages is None else messages, ensure_ascii=False)
    return _COMMANDS.sub(lambda match: f"\\u{ord(match.group()):04x}", pretty(said)) + "\n"


def _curl(repl: Repl) -> str:
    latest = repl.witness.exchanges.latest()
    if latest is None:
        raise UsageError("No request was sent yet.")
    return repl.secrets.mask(repl.curl(latest.request))[0] + "\n"


def _svg(repl: Repl) -> str:
    from callscope.ui.look import MOST_COLUMNS, Look
    from callscope.ui.masked_blocks import masked_block
    from callscope.ui.panels import screen
    from callscope.ui.svg import svg

    trace = repl.witness.trace
    if not trace.blocks:
        raise UsageError("There is no turn on the screen yet.")
    blocks = [masked_block(block, lambda text: repl.secrets.mask(text)[0]) for block in trace.blocks]
    look = Look(columns=min(repl.console.width, MOST_COLUMNS))
    picture = screen(blocks, look, repl.session.clock.now(), repl.toolbox.check)
    return svg(picture, columns=look.width, title=visible(repl.session.conversation.settings.model))


FORMS: dict[str, tuple[str, str, Callable[[Repl], str]]] = {
    "markdown": ("md", "the conversation, with calls, results and diagnostics", _markdown),
    "json": ("json", "the messages of the next request", _json),
    "curl": ("sh", "the last request, its key as a variable", _curl),
    "svg": ("svg", "the last turn, as the screen shows it", _svg),
}
"""By its name the suffix of a form, what it is, and the making of it."""


async def _export(repl: Repl, rest: str) -> None:
    name, _, place = rest.partition(" ")
    if name not in FORMS:
        raise UsageError(f"/export {'|'.join(FORMS)} [FILE]: a file of your own name, or {STDOUT} to print it.")
    suffix, _, make = FORMS[name]
    text = make(repl)
    if place.strip() == STDOUT:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    base = repl.recorder.path.stem if repl.recorder else "callscope"
    path = write_new(text, place.strip()) if place else write_beside(text, base, suffix)
    repl.say(f"  exported to {visible(str(path))}")


def write_new(text: str, place: str) -> Path:
    """Write a file that is not there yet; raises UsageError where it is, or cannot be written."""
    path = Path(place).expanduser()
    try:
        with path.open("x", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} is there already and is not overwritten: name another file.") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{path} cannot be written: {why}.") from None
    return path


def write_beside(text: str, base: str, suffix: str) -> Path:
    """Write `BASE.SUFFIX` in the working directory, or with the first number behind it that is free."""
    path, number = Path(f"{base}.{suffix}"), 1
    while path.exists() or path.is_symlink():
        number += 1
        path = Path(f"{base}-{number}.{suffix}")
    return write_new(text, str(path))


COMMANDS = (
    Command(
        f"/export {'|'.join(FORMS)} [FILE]",
        "write the conversation, the next request, the last one or the screen to a file",
        _export,
        "looking",
        one_of({name: what for name, (_, what, _) in FORMS.items()}),
        "Without FILE it goes into this folder under the name of the recording; - prints it. A file that is there is "
        "never overwritten, and what the recording masks is masked.",
    ),
)
