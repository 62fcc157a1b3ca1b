"""The same bytes cut otherwise must give the same events: a check of the decoders against a recording.

Knows ways to cut a body, and how to decode one twice. Must not know what an event means, nor print. Only bodies are
cut: requests, heads and endings stay what they were.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, pairwise, zip_longest
from random import Random
from typing import Final, TypeAlias

from callscope.core.errors import UsageError
from callscope.core.events import (
    BytesRead,
    ExchangeEnded,
    ExchangeOpened,
    PeerEvent,
    ResponseHead,
    SettingsChanged,
    ToolsChanged,
)
from callscope.core.values import Settings
from callscope.record.file.reading import Recorded

from .deriving import Deriving, DialectNamed

Cut = Callable[[bytes | bytearray], Iterable[int]]
"""Where to cut a body: offsets in it, ascending, each between 0 and its length."""

_Wire: TypeAlias = ResponseHead | BytesRead | ExchangeEnded

LONGEST_PIECE: Final = 64
"""Bytes of a random piece: short enough to fall into names, escapes and characters, long enough to hold frames."""

_BLANK_LINE = re.compile(rb"(?:\r\n|\r(?!\n)|\n){2}")
_CONTINUATION = re.compile(rb"[\x80-\xbf]")
_RANDOM = re.compile(r"random:(-?[0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Difference:
    """The first event that came otherwise: its exchange and its place in it (from 0); None where there is none."""

    exchange: int
    place: int
    recorded: PeerEvent | None
    recut: PeerEvent | None

    def __str__(self) -> str:
        sides = (_shown(self.recorded), _shown(self.recut))
        return f"exchange {self.exchange}, event {self.place}: as recorded {sides[0]}, cut otherwise {sides[1]}"


@dataclass(slots=True)
class Rechunked:
    """What came of it: how much was compared, in how many pieces it was cut, and the first difference."""

    exchanges: int = 0
    events: int = 0
    reads: int = 0
    pieces: int = 0
    difference: Difference | None = None


def cut_named(word: str) -> Cut:
    """A way to cut, by its name. Raises UsageError.

    `1` after every byte, `random:SEED` into pieces of up to 64 bytes (the same ones for the same seed), `frames` after
    each blank line, which ends an event of a stream, `utf8` inside every character of more than one byte.
    """
    if found := _RANDOM.fullmatch(word):
        return _randomly(int(found[1]))
    ways: dict[str, Cut] = {"1": lambda body: range(len(body)), "frames": _after_frames, "utf8": _inside_characters}
    if word not in ways:
        raise UsageError(f"--rechunk {word}: write 1, random:SEED (a whole number), frames or utf8.")
    return ways[word]


def rechunk(recording: Recorded, cut: Cut, dialects: DialectNamed | None = None) -> Rechunked:
    """Decode every exchange as it was recorded and cut otherwise, until the first difference.

    One exchange at a time is in memory, as its body.
    """
    done = Rechunked()
    for exchange in _exchanges(recording):
        ours = _Side(exchange, exchange.as_recorded(), Deriving(recording.path, dialects))
        theirs = _Side(exchange, exchange.recut(cut), Deriving(recording.path, dialects))
        done.exchanges += 1
        done.difference = _difference(exchange.opened.exchange, ours, theirs)
        done.events += ours.events
        done.reads += ours.reads
        done.pieces += theirs.reads
        if done.difference:
            break
    return done


@dataclass(slots=True)
class _Exchange:
    """One exchange: the settings and tools of it, its request, and what came back, of a read its length in the body."""

    before: tuple[SettingsChanged, ToolsChanged]
    opened: ExchangeOpened
    body: bytearray = field(default_factory=bytearray)
    arrived: list[ResponseHead | ExchangeEnded | int] = field(default_factory=list)

    def take(self, wire: _Wire) -> None:
        """Take what came next."""
        if isinstance(wire, BytesRead):
            self.body += wire.data
            self.arrived.append(len(wire.data))
        else:
            self.arrived.append(wire)

    def as_recorded(self) -> Iterator[_Wire]:
        """What came back, in the recorded reads."""
        at = 0
        for wire in self.arrived:
            if isinstance(wire, int):
                yield self._read(at, at + wire)
                at += wire
            else:
                yield wire

    def recut(self, cut: Cut) -> Iterator[_Wire]:
        """The same with the body in other pieces; the rest stays before and after it as it was."""
        is_cut = False
        for wire in self.arrived:
            if not isinstance(wire, int):
                yield wire
            elif not is_cut:
                is_cut = True
                yield from (self._read(*borders) for borders in pairwise(self._borders(cut)))

    def _borders(self, cut: Cut) -> Iterator[int]:
        at = 0
        yield at
        for border in cut(self.body):
            if at < border < len(self.body):
                yield (at := border)
        if self.body:
            yield len(self.body)

    def _read(self, start: int, end: int) -> BytesRead:
        return BytesRead(self.opened.exchange, bytes(self.body[start:end]))


class _Side:
    """What a decoder makes of an exchange, event by event; counts what it was fed and what it gave."""

    def __init__(self, exchange: _Exchange, wires: Iterator[_Wire], deriving: Deriving) -> None:
        self.reads = 0
        self.events = 0
        self._exchange = exchange
        self._wires = wires
        self._deriving = deriving

    def __iter__(self) -> Iterator[PeerEvent]:
        for wire in chain(self._exchange.before, (self._exchange.opened,), self._wires):
            self.reads += isinstance(wire, BytesRead)
            for event in self._deriving.decode(wire):
                self.events += 1
                yield event


def _exchanges(recording: Recorded) -> Iterator[_Exchange]:
    """Each exchange that something is derived from, ended or not."""
    settings, tools = SettingsChanged(Settings()), ToolsChanged(())
    taken: _Exchange | None = None
    for entry in recording.entries:
        match entry.event:
            case SettingsChanged():
                settings = entry.event
            case ToolsChanged():
                tools = entry.event
            case ExchangeOpened():
                if taken:
                    yield taken
                taken = _Exchange((settings, tools), entry.event) if entry.event.exchange else None
            case (ResponseHead() | BytesRead() | ExchangeEnded()) as wire if taken:
                taken.take(wire)
            case _:
                pass
    if taken:
        yield taken


def _difference(exchange: int, ours: Iterable[PeerEvent], theirs: Iterable[PeerEvent]) -> Difference | None:
    for place, (recorded, recut) in enumerate(zip_longest(ours, theirs)):
        if recorded != recut:
            return Difference(exchange, place, recorded, recut)
    return None


# ---- ways to cut --------------------------------------------------------------------------------------------------


def _randomly(seed: int) -> Cut:
    chance = Random(seed)  # noqa: S311  # nobody must be unable to guess it

    def cut(body: bytes | bytearray) -> Iterator[int]:
        at = 0
        while (at := at + chance.randint(1, LONGEST_PIECE)) < len(body):
            yield at

    return cut


def _after_frames(body: bytes | bytearray) -> Iterator[int]:
    return (blank.end() for blank in _BLANK_LINE.finditer(body))


def _inside_characters(body: bytes | bytearray) -> Iterator[int]:
    return (byte.start() for byte in _CONTINUATION.finditer(body))


def _shown(event: PeerEvent | None) -> str:
    return "nothing" if event is None else repr(event)
