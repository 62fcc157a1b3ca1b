"""What `recordings why` does: the verdicts on a turn of a recording, or one of its calls taken apart.

Knows how a turn is found in a recording, which is read line by line: its size does not matter. Must not know Typer, nor
how a verdict is found.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from callscope.core.errors import UsageError
from callscope.core.events import Stamped, UserMessage
from callscope.core.state import Conversation, apply
from callscope.core.values import Message
from callscope.core.visible import one_line
from callscope.forensics.case import Case
from callscope.forensics.why import calls_named, why
from callscope.record.deriving.rederiving import derive
from callscope.record.file.reading import RecordingFile

from .showing import say


@dataclass(slots=True)
class RecordedTurn:
    """A turn: its number among the person's messages, as /history counts them, and its facts."""

    number: int
    words: str
    case: Case


def why_recording(file: Path, turn: int | None, call: str | None, *, as_json: bool) -> None:
    """Print why no call came in a turn, or did not run; by default in the last one."""
    recording = RecordingFile(file)
    found: RecordedTurn | None = None
    last = 0
    for each in turns(derive(recording)):
        last = max(last, each.number)
        if (turn is None or each.number == turn) and (call is None or calls_named(each.case, call)):
            found = each
    for warning in recording.warnings:
        say(f"callscope: {warning}")
    if found is None:
        raise UsageError(_missing(file, turn, call, last))
    if as_json:
        _print_json(found, call, last)
    else:
        _print_lines(found, call, last)


def turns(stream: Iterator[Stamped]) -> Iterator[RecordedTurn]:
    """Each turn once it is over; of one that was taken back and said anew the later has the same number."""
    conversation = Conversation()
    turn: RecordedTurn | None = None
    for stamped in stream:
        event = stamped.event
        conversation = apply(conversation, event)
        if isinstance(event, UserMessage):
            if turn is not None and turn.case.begun:
                yield turn
            said = sum(isinstance(item, Message) and item.role == "user" for item in conversation.items)
            before, turn = turn, RecordedTurn(said, event.text, Case())
            turn.case.by_hand = dict(before.case.by_hand) if before else {}
        elif turn is None:
            turn = RecordedTurn(0, "", Case())  # what is before the first words: a conversation that goes on
        turn.case.handle(stamped, conversation)
    if turn is not None and turn.case.begun:
        yield turn


def _missing(file: Path, turn: int | None, call: str | None, last: int) -> str:
    where = f"turn {turn} of {file}" if turn is not None else str(file)
    if turn is not None and not 0 <= turn <= last:
        return f"--turn {turn}: {file} has {last} turn{'' if last == 1 else 's'}, counted from 1."
    if call is None:
        return f"{file} has no turn that could be looked at."
    return f"--call {one_line(call, 80)}: {where} has no call of this id, place (exchange.index), number or name."


def _print_json(turn: RecordedTurn, call: str | None, last: int) -> None:
    """One JSON object: the turn, its verdicts, its calls."""
    from callscope.forensics.as_json import facts_json, verdicts_json

    calls = calls_named(turn.case, call) if call else turn.case.calls.values()
    members = {"turn": turn.number, "turns": last, "words": turn.words, "ended": turn.case.ended}
    members |= {"why": verdicts_json(why(turn.case)), "calls": [facts_json(facts) for facts in calls]}
    sys.stdout.write(json.dumps(members) + "\n")


def _print_lines(turn: RecordedTurn, call: str | None, last: int) -> None:
    from callscope.looking.why import Why
    from callscope.record.secrets.masking import Secrets
    from callscope.ui.lines import chrome_console

    console = chrome_console(sys.stdout)
    width, ascii_only = console.width, console.options.ascii_only
    say(f"turn {turn.number} of {last}: {one_line(turn.words, max(width - 20, 20))}")
    drawn = Why(turn.case, Secrets(), width=width, ascii_only=ascii_only, command="--call N")
    for line in drawn.lines(call or ""):
        console.print(line)
