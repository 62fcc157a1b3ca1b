"""Which lines of a recording belong to which turn, and a recording of some of its turns.

Knows what stays whatever is left out: settings, tools and marks between turns, questions about the server, resumptions.
Pure; must not know files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace

from callscope.core.errors import UsageError
from callscope.core.events import (
    BreakRequested,
    BytesRead,
    Continued,
    ExchangeEnded,
    ExchangeOpened,
    ItemsInserted,
    ResponseHead,
    Rewound,
    SettingsChanged,
    ToolsChanged,
    TurnEnded,
    UserMessage,
)
from callscope.core.values import Message
from callscope.record.file.format import Line
from callscope.record.file.reading import Entry

from .editing import Origin, recast
from .walking import Owner


def trimmed(origin: Origin, turns: Set[int]) -> Iterator[bytes]:
    """The lines behind the header of a recording of these turns alone, counted as `/history` counts. UsageError."""
    said = spoken(origin, turns)
    return recast(origin, _kept(origin, {origin.said[number - 1] for number in said}))


def spoken(origin: Origin, turns: Set[int]) -> list[int]:
    """The numbers in order; raises UsageError where the conversation has no such message."""
    missing = sorted(number for number in turns if not 1 <= number <= len(origin.said))
    if missing:
        count = len(origin.said)
        raise UsageError(
            f"There is no turn {missing[0]} in {origin.path}: its conversation has {count} "
            f"message{'' if count == 1 else 's'} of the person in the end; what was taken back has no number."
        )
    return sorted(turns)


def _kept(origin: Origin, wanted: Set[Owner]) -> Iterator[Entry]:
    """The entries without the turns that nobody wants; before the first message everything is wanted."""
    kept, open_turn = True, False
    for entry in origin.entries:
        event = entry.event
        match event:
            case UserMessage():
                kept, open_turn = (entry.line, 0) in wanted, True
            case ItemsInserted():
                owners = list(_owners(entry.line, event))
                yield _with_items(entry, [owner in wanted if owner else kept for owner in owners])
                kept = (owners[-1] in wanted if owners[-1] else kept) if owners else kept
                continue
            case Continued():
                open_turn = True
            case _ if not open_turn and isinstance(event, BreakRequested):
                if origin.meant.get(entry.line) in (None, *wanted):
                    yield entry
                continue
            case _:
                pass
        if kept or not is_of_turn(entry, open_turn):
            yield entry
        if isinstance(event, TurnEnded):
            open_turn = False


def _owners(line: int, event: ItemsInserted) -> Iterator[Owner | None]:
    """For each item the message of the person that it follows, or is; None before the first of the line."""
    latest: Owner | None = None
    for place, item in enumerate(event.items):
        if isinstance(item, Message) and item.role == "user":
            latest = (line, place)
        yield latest


def _with_items(entry: Entry, wanted: Sequence[bool]) -> Entry:
    if all(wanted):
        return entry
    return keep_items(entry, [place for place, keep in enumerate(wanted) if keep])


def keep_items(entry: Entry, places: Sequence[int]) -> Entry:
    """An `insert` with these of its items alone."""
    event = entry.event
    assert isinstance(event, ItemsInserted)
    members = keep_elements(entry.members, "items", places)
    return entry._replace(members=members, event=replace(event, items=tuple(event.items[place] for place in places)))


def keep_elements(line: Line, name: str, places: Sequence[int]) -> Line:
    """A line with these elements of a list in it, and their masks under their new places: `items[1].output`."""
    kept = line | {name: [line[name][place] for place in places]}
    if isinstance(masked := line.get("masked"), dict):
        kept["masked"] = _moved(masked, f"{name}[", {old: new for new, old in enumerate(places)})
    return kept


def _moved(masked: Line, begin: str, places: dict[int, int]) -> Line:
    moved: Line = {}
    for path, spans in masked.items():
        head, _, rest = path.removeprefix(begin).partition("]")
        if not path.startswith(begin) or not head.isdecimal():
            moved[path] = spans
        elif int(head) in places:
            moved[f"{begin}{places[int(head)]}]{rest}"] = spans
    return moved


def is_of_turn(entry: Entry, open_turn: bool) -> bool:
    """Whether a line goes with its turn; what holds for later ones stays."""
    match entry.event:
        case SettingsChanged() | ToolsChanged() | Rewound():
            return False
        case ExchangeOpened() | ResponseHead() | BytesRead() | ExchangeEnded() if entry.event.exchange == 0:
            return False
        case None if entry.kind == "resumed":
            return False
        case _:
            return open_turn
