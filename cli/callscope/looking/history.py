"""The conversation as a list: a line for each item, or one item whole.

Knows how items are numbered: all of them from 1, and the person's messages from 1 once more, for `/edit`. Must not know
how the conversation came about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from rich.text import Text

from callscope.core.naming import call_named
from callscope.core.values import CallKey, Item, Message, Mock, Reasoning, Reject, ToolCall, ToolResult
from callscope.core.visible import one_line, visible
from callscope.panels.fitting import fitted
from callscope.panels.wording import exactly
from callscope.ui.lines import STYLES

from .ledger import CallEntry, Ledger
from .pretty import pretty
from .raw import Secrets

WHO = 10
"""Columns for who or what an item is."""
INDENT = "  "
LONGEST_LOOK = 20_000
"""Characters: an item may be megabytes, and a line of it, any secret in it included, needs only its beginning."""
MESSAGE = "an item of the conversation, by its number"


def history(
    words: str, items: Sequence[Item], ledger: Ledger, secrets: Secrets, *, width: int, ascii_only: bool
) -> Iterator[Text]:
    """What `/history` and these words show."""
    if not items:
        yield Text("  nothing was said yet")
    elif not words:
        yield from _Lines(items, ledger, secrets, width, ascii_only).all()
    elif words.isdecimal() and len(words) < 10 and 1 <= int(words) <= len(items):
        yield from _whole(int(words), items, ledger, secrets)
    else:
        yield Text(f"  /history [N]: N is {MESSAGE}, 1 to {len(items)}.")


class _Lines:
    """A line for each item, cut to the width."""

    def __init__(self, items: Sequence[Item], ledger: Ledger, secrets: Secrets, width: int, ascii_only: bool) -> None:
        self.items = items
        self.ledger = ledger
        self.secrets = secrets
        self.width = width
        self.ascii_only = ascii_only
        self.digits = len(str(len(items)))
        self.calls = {item.key: place for place, item in enumerate(items, start=1) if isinstance(item, ToolCall)}

    def all(self) -> Iterator[Text]:
        """The lines, and how to go on from them."""
        said = 0
        for place, item in enumerate(self.items, start=1):
            said += isinstance(item, Message) and item.role == "user"
            yield self._line(place, item, said)
        if said:
            hint = "/history N shows item N whole; /edit N changes your message #N"
            yield from (Text(INDENT + line, "dim") for line in wrap(hint, self.width - len(INDENT)))

    def _line(self, place: int, item: Item, said: int) -> Text:
        who, style = _who(item, said)
        line = Text.assemble(
            (f"{INDENT}{place:>{self.digits}}  ", "dim"), (f"{who:<{WHO}}", style), (self._note(item), "magenta")
        )
        room = max(self.width - line.cell_len, 12)
        words = self.secrets.mask(self._words(item)[:LONGEST_LOOK])[0]
        line.append(fitted(one_line(words[: 4 * room]), room, ascii_only=self.ascii_only))
        return line

    def _words(self, item: Item) -> str:
        match item:
            case Reasoning(text="", extra=extra) if extra:
                return "(no words: it holds what goes back to the server as it came)"
            case Message(text=text) | Reasoning(text=text):
                return text
            case ToolCall():
                return f"{item.name} {item.arguments}"
            case ToolResult():
                called = self.calls.get(item.key)
                return f"{f'of {called}: ' if called else ''}{item.output}"

    def _note(self, item: Item) -> str:
        """What was done to it, before its words."""
        if isinstance(item, Message | Reasoning):
            return ""
        entry = self.ledger.calls.get(item.key)
        if isinstance(item, ToolCall):
            return _call_note(item, entry)
        status = "" if item.status == "ok" else f"{item.status} "
        return f"{status}{'changed ' if entry and entry.returned else ''}"


def _who(item: Item, said: int) -> tuple[str, str]:
    match item:
        case Message(role="user"):
            return f"you #{said}", "bold"
        case Message(refusal=True):
            return "refusal", "yellow"
        case Message():
            return "assistant", "green"
        case Reasoning():
            return "reasoning", "dim"
        case ToolCall():
            return "call", "bold cyan"
        case ToolResult():
            return "result", STYLES[item.status]


def _call_note(call: ToolCall, entry: CallEntry | None) -> str:
    if call.executor == "remote":
        return "remote "
    if entry is None:
        return ""
    if entry.by_hand:
        return "by hand "
    return "edited " if entry.edited else ""


# ---- one item -----------------------------------------------------------------------------------------------------


def _whole(place: int, items: Sequence[Item], ledger: Ledger, secrets: Secrets) -> Iterator[Text]:
    item = items[place - 1]
    said = sum(isinstance(other, Message) and other.role == "user" for other in items[:place])
    who, style = _who(item, said)
    yield Text.assemble((f"{INDENT}{place}  ", "dim"), (who, style), (_heading(item), "bold"))
    if isinstance(item, Message | Reasoning):
        yield _body(item.text, secrets)
        return
    entry = ledger.calls.get(item.key)
    if isinstance(item, ToolCall):
        yield from _whole_call(item, entry, items, secrets)
    else:
        yield from _whole_result(item, entry, secrets)


def _heading(item: Item) -> str:
    match item:
        case ToolCall():
            return f"  {call_named(item.name, item.call_id)}"
        case ToolResult():
            ran = f"  after {exactly(item.duration)}" if item.duration else ""
            return f"  {item.status}{ran}"
        case Message() | Reasoning():
            return f"  exchange {item.response}" if isinstance(item, Reasoning) or item.response else ""


def _whole_call(call: ToolCall, entry: CallEntry | None, items: Sequence[Item], secrets: Secrets) -> Iterator[Text]:
    if entry and entry.edited:
        yield Text(f"{INDENT}proposed", "dim")
        yield _body(pretty(entry.proposed), secrets)
        yield Text(f"{INDENT}edited to", "magenta")
    yield _body(pretty(call.arguments), secrets)
    if call.fault:
        yield Text(f"{INDENT}not run: {one_line(call.fault.message)}", "bold red")
    for said in _decided(entry):
        yield Text(f"{INDENT}{one_line(secrets.mask(said)[0])}", "magenta")
    if result := _result_place(call.key, items):
        yield Text(f"{INDENT}its result is item {result}", "dim")


def _decided(entry: CallEntry | None) -> Iterator[str]:
    if entry is None or entry.decision is None:
        return
    match entry.decision:
        case Reject(message=message):
            yield f"refused by {entry.by}{f': {message}' if message else ''}"
        case Mock():
            yield f"answered in its place by {entry.by}"
        case _:
            yield f"decided by {entry.by}"


def _result_place(key: CallKey, items: Sequence[Item]) -> int | None:
    places = (place for place, item in enumerate(items, start=1) if isinstance(item, ToolResult) and item.key == key)
    return next(places, None)


def _whole_result(result: ToolResult, entry: CallEntry | None, secrets: Secrets) -> Iterator[Text]:
    if entry and entry.returned:
        yield Text(f"{INDENT}the tool returned", "dim")
        yield _body(pretty(entry.returned.output), secrets)
        yield Text(f"{INDENT}changed to", "magenta")
    yield _body(pretty(result.output), secrets)
    if result.prints:
        yield Text(f"{INDENT}printed", "dim")
        yield _body(result.prints, secrets)


def _body(text: str, secrets: Secrets) -> Text:
    lines = visible(secrets.mask(text)[0]).split("\n")
    return Text("\n".join(f"{INDENT}{INDENT}{line}" for line in lines))
