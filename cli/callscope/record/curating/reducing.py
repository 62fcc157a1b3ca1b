"""How a recording can become smaller: each way is a list of parts, and what is left without some of them.

Knows which lines, elements, words and bytes can go together. Must not know whether what is left still shows anything,
nor how parts are chosen (shrinking.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, ResponseHead, TurnEnded, UserMessage
from callscope.record.file.format import Line
from callscope.record.file.parsing import event_of
from callscope.record.file.reading import Entry

from .bodies import Part, body_of, frames, in_one_read, reads_of, simpler
from .trimming import is_of_turn, keep_elements

Entries = list[Entry]

FINEST = 64
"""Parts of a text or a body that are tried one by one; what is left is cut again in the next round."""

LOOSE = frozenset(("mark", "settings", "tools", "held", "result_held", "diagnostic", "resumed", "break", "rewind"))
"""Lines that say something by themselves."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to make a recording smaller: parts (by their number), and the entries that some of them leave."""

    name: str
    size: int
    keeping: Callable[[Sequence[int]], Entries]


# ---- whole lines ---------------------------------------------------------------------------------------------------


def _grouped(name: str, entries: Entries, groups: Sequence[int | None]) -> Iterator[Way]:
    """A way in which lines of one group go together; those of no group stay."""
    numbers = list(dict.fromkeys(group for group in groups if group is not None))

    def keeping(kept: Sequence[int]) -> Entries:
        left = {None, *(numbers[place] for place in kept)}
        return [entry for entry, group in zip(entries, groups, strict=True) if group in left]

    if numbers:
        yield Way(name, len(numbers), keeping)


def _turns(entries: Entries) -> Iterator[Way]:
    groups: list[int | None] = []
    turn, is_open = 0, False
    for entry in entries:
        if isinstance(entry.event, UserMessage):
            turn, is_open = entry.line, True
        groups.append(turn if turn and is_of_turn(entry, is_open) else None)
        is_open = is_open and not isinstance(entry.event, TurnEnded)
    return _grouped("turns", entries, groups)


def _rounds(entries: Entries) -> Iterator[Way]:
    groups: list[int | None] = []
    request: int | None = None
    for entry in entries:
        match entry.event:
            case ExchangeOpened():
                request = entry.line
            case UserMessage() | TurnEnded():
                request = None
            case _:
                pass
        groups.append(request if is_of_turn(entry, True) or _of_question(entry) else None)
    return _grouped("requests", entries, groups)


def _of_question(entry: Entry) -> bool:
    event = entry.event
    return isinstance(event, ExchangeOpened | ResponseHead | BytesRead | ExchangeEnded) and event.exchange == 0


def _lines(entries: Entries) -> Iterator[Way]:
    loose = [entry.line if entry.kind in LOOSE or entry.event is None else None for entry in entries]
    kept = [None if entry.kind == "assembled" else group for entry, group in zip(entries, loose, strict=True)]
    return _grouped("lines", entries, kept)


# ---- elements and members ------------------------------------------------------------------------------------------


def _elements(entries: Entries, name: str) -> Iterator[Way]:
    """The elements of the lists of this name, in all lines together."""
    atoms = [
        (at, place)
        for at, entry in enumerate(entries)
        if isinstance(elements := entry.members.get(name), list)
        for place in range(len(elements))
    ]

    def keeping(kept: Sequence[int]) -> Entries:
        places: dict[int, list[int]] = {at: [] for at, _ in atoms}
        for number in kept:
            places[atoms[number][0]].append(atoms[number][1])
        made = list(entries)
        for at, left in places.items():
            if len(left) < len(entries[at].members[name]):
                made[at] = _with(entries[at], _kept_elements(entries[at].members, name, left))
        return made

    if atoms:
        yield Way(name, len(atoms), keeping)


def _kept_elements(line: Line, name: str, places: Sequence[int]) -> Line:
    if name != "headers":
        return keep_elements(line, name, places)
    kept = line | {name: [line[name][place] for place in places]}
    masked = line.get("masked")
    if isinstance(masked, dict) and isinstance(spans := masked.get(name), list):
        new = {old: place for place, old in enumerate(places)}
        moved = [[new[span[0]], *span[1:]] for span in spans if _is_span(span) and span[0] in new]
        kept["masked"] = masked | {name: moved}
    return kept


def _is_span(span: Any) -> bool:
    return isinstance(span, list) and len(span) == 3 and all(type(part) is int for part in span)


def _with(entry: Entry, members: Line) -> Entry:
    return entry._replace(members=members, event=event_of(members))


def _members(entries: Entries) -> Iterator[Way]:
    """Members that can be as if nobody had said anything; each by itself."""
    for at, entry in enumerate(entries):
        for members in _plainer(entry):
            yield _instead("members", entries, at, members)


def _instead(name: str, entries: Entries, at: int, members: Line) -> Way:
    def keeping(kept: Sequence[int]) -> Entries:
        return entries if kept else [*entries[:at], _with(entries[at], members), *entries[at + 1 :]]

    return Way(name, 1, keeping)


def _plainer(entry: Entry) -> Iterator[Line]:
    line = entry.members
    if "masked" in line:
        return
    match entry.kind:
        case "settings":
            yield from _plainer_settings(line)
        case "tools":
            yield from _plainer_tools(line)
        case "result" if line.get("prints"):
            yield {**line, "prints": ""}
        case _:
            return


def _plainer_settings(line: Line) -> Iterator[Line]:
    for name in ("system", "tool_choice", "parallel", "strict", "thread"):
        if line.get(name) is not None:
            yield {**line, name: None}
    for name in line.get("parameters", {}):
        left = {one: value for one, value in line["parameters"].items() if one != name}
        yield {**line, "parameters": left}


def _plainer_tools(line: Line) -> Iterator[Line]:
    tools = line["tools"]
    for place, tool in enumerate(tools):
        for name, empty in (("description", ""), ("parameters", {}), ("source", ""), ("strict", None)):
            if tool.get(name):
                yield {**line, "tools": [*tools[:place], {**tool, name: empty}, *tools[place + 1 :]]}


# ---- words ---------------------------------------------------------------------------------------------------------

TEXTS = {"user": "text", "settings": "system", "result": "output", "review": "output", "mark": "text"}


def _words(entries: Entries) -> Iterator[Way]:
    for at, entry in enumerate(entries):
        name = TEXTS.get(entry.kind, "")
        text = entry.members.get(name)
        if isinstance(text, str) and text and "masked" not in entry.members:
            yield _shorter(entries, at, name, _pieces(text))


def _shorter(entries: Entries, at: int, name: str, pieces: Sequence[str]) -> Way:
    def keeping(kept: Sequence[int]) -> Entries:
        text = "".join(pieces[place] for place in kept)
        return [*entries[:at], _with(entries[at], entries[at].members | {name: text}), *entries[at + 1 :]]

    return Way("words", len(pieces), keeping)


def _pieces(whole: Any) -> list[Any]:
    """A text or a body in so many pieces that each can be tried."""
    size = max(1, -(-len(whole) // FINEST))
    return [whole[at : at + size] for at in range(0, len(whole), size)]


# ---- bodies of responses -------------------------------------------------------------------------------------------


def _responses(entries: Entries) -> Iterator[tuple[list[int], list[Entry]]]:
    """The reads of each response, with their places; later responses first, for the bug is there as a rule."""
    places: dict[int, list[int]] = {}
    latest = -1
    for at, entry in enumerate(entries):
        if isinstance(entry.event, ExchangeOpened):
            latest = at
        elif isinstance(entry.event, BytesRead):
            places.setdefault(latest, []).append(at)
    for found in reversed(list(places.values())):
        yield found, [entries[at] for at in found]


def _rebuilt(entries: Entries, places: Sequence[int], reads: Sequence[Entry], parts: Sequence[Part]) -> Entries:
    """The entries with these parts as the body; a length in the response's head follows."""
    made = {entry.line: entry for entry in reads_of(parts, reads)}
    head = max((at for at in range(places[0]) if isinstance(entries[at].event, ResponseHead)), default=-1)
    size = sum(len(part.data) for part in parts)
    gone = set(places)
    left: Entries = []
    for at, entry in enumerate(entries):
        if at not in gone:
            left.append(_with_length(entry, size) if at == head else entry)
        elif entry.line in made:
            left.append(made[entry.line])
    return left


def _with_length(entry: Entry, size: int) -> Entry:
    recorded = entry.members["headers"]
    headers = [[name, str(size) if name.lower() == "content-length" else value] for name, value in recorded]
    return _with(entry, entry.members | {"headers": headers}) if headers != recorded else entry


def _frames(entries: Entries) -> Iterator[Way]:
    for places, reads in _responses(entries):
        yield _of_parts("events", entries, places, reads, frames(body_of(reads)))


def _bytes(entries: Entries) -> Iterator[Way]:
    for places, reads in _responses(entries):
        found = frames(body_of(reads))
        for number, frame in enumerate(found):
            for smaller in simpler(frame):
                yield _replaced(entries, places, reads, [*found[:number], smaller, *found[number + 1 :]])
        yield _of_parts("bytes", entries, places, reads, _pieces(body_of(reads)))


def _merged(entries: Entries) -> Iterator[Way]:
    for places, reads in _responses(entries):
        if len(reads) > 1 and any(isinstance(entry.event, BytesRead) and entry.event.data for entry in reads):
            yield _replaced(entries, places, reads, [in_one_read(body_of(reads))])


def _of_parts(name: str, entries: Entries, places: Sequence[int], reads: Sequence[Entry], parts: Sequence[Part]) -> Way:
    return Way(name, len(parts), lambda kept: _rebuilt(entries, places, reads, [parts[place] for place in kept]))


def _replaced(entries: Entries, places: Sequence[int], reads: Sequence[Entry], parts: Sequence[Part]) -> Way:
    """All or nothing: these parts instead of the body as it is."""
    return Way("bytes", 1, lambda kept: entries if kept else _rebuilt(entries, places, reads, parts))


PASSES: tuple[tuple[str, Callable[[Entries], Iterator[Way]]], ...] = (
    ("turns", _turns),
    ("requests", _rounds),
    ("lines", _lines),
    ("messages", lambda entries: _elements(entries, "items")),
    ("tools", lambda entries: _elements(entries, "tools")),
    ("headers", lambda entries: _elements(entries, "headers")),
    ("events", _frames),
    ("reads", _merged),
    ("members", _members),
    ("words", _words),
    ("bytes", _bytes),
)
"""All ways by name, the coarsest first; each is asked for its parts when its time comes."""
