"""The same bytes cut otherwise must give the same events: a check of the decoders against a recording.

Knows ways to cut a body, and how to decode one twice. Must not know what an event means, nor print. Only bodies are
cut: requests, heads and endings stay what they were.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
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

from .deriving import Deriving, DialectNamed
from .reading import Recording

Cut = Callable[[bytes], Iterable[int]]
"""Where to cut a body: offsets in it, each between 0 and its length."""

_Before: TypeAlias = SettingsChanged | ToolsChanged
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


def rechunk(recording: Recording, cut: Cut, dialects: DialectNamed | None = None) -> Rechunked:
    """Decode every exchange as it was recorded and cut otherwise, until the first difference."""
    done = Rechunked()
    for before, opened, wires in _exchanges(recording):
        pieces = _recut(wires, cut)
        ours, theirs = (
            [event for each in (*before, opened, *arrived) for event in deriving.decode(each)]
            for deriving, arrived in ((Deriving(recording.path, dialects), each) for each in (wires, pieces))
        )
        done.exchanges += 1
        done.events += len(ours)
        done.reads += _count_of_reads(wires)
        done.pieces += _count_of_reads(pieces)
        if difference := _difference(opened.exchange, ours, theirs):
            done.difference = difference
            break
    return done


def _exchanges(recording: Recording) -> Iterator[tuple[Sequence[_Before], ExchangeOpened, list[_Wire]]]:
    """Each exchange that something is derived from, ended or not: the settings and tools of it, and what came back."""
    settings, tools = SettingsChanged(Settings()), ToolsChanged(())
    taken: tuple[Sequence[_Before], ExchangeOpened, list[_Wire]] | None = None
    for entry in recording.entries:
        match entry.event:
            case SettingsChanged():
                settings = entry.event
            case ToolsChanged():
                tools = entry.event
            case ExchangeOpened():
                if taken:
                    yield taken
                taken = ((settings, tools), entry.event, []) if entry.event.exchange else None
            case (ResponseHead() | BytesRead() | ExchangeEnded()) as wire if taken:
                taken[2].append(wire)
            case _:
                pass
    if taken:
        yield taken


def _recut(wires: Sequence[_Wire], cut: Cut) -> list[_Wire]:
    """The same with the body in other pieces; the rest stays before and after it as it was."""
    reads = [place for place, wire in enumerate(wires) if isinstance(wire, BytesRead)]
    if not reads:
        return list(wires)
    first = reads[0]
    body = b"".join(wire.data for wire in wires if isinstance(wire, BytesRead))
    borders = sorted({0, len(body), *cut(body)})
    pieces = [BytesRead(wires[first].exchange, body[start:end]) for start, end in pairwise(borders)]
    return [*wires[:first], *pieces, *(wire for wire in wires[first:] if not isinstance(wire, BytesRead))]


def _count_of_reads(wires: Iterable[_Wire]) -> int:
    return sum(isinstance(wire, BytesRead) for wire in wires)


def _difference(exchange: int, ours: Sequence[PeerEvent], theirs: Sequence[PeerEvent]) -> Difference | None:
    for place, (recorded, recut) in enumerate(zip_longest(ours, theirs)):
        if recorded != recut:
            return Difference(exchange, place, recorded, recut)
    return None


# ---- ways to cut --------------------------------------------------------------------------------------------------


def _randomly(seed: int) -> Cut:
    chance = Random(seed)  # noqa: S311  # nobody must be unable to guess it

    def cut(body: bytes) -> Iterator[int]:
        at = 0
        while (at := at + chance.randint(1, LONGEST_PIECE)) < len(body):
            yield at

    return cut


def _after_frames(body: bytes) -> Iterator[int]:
    return (blank.end() for blank in _BLANK_LINE.finditer(body))


def _inside_characters(body: bytes) -> Iterator[int]:
    return (byte.start() for byte in _CONTINUATION.finditer(body))


def _shown(event: PeerEvent | None) -> str:
    return "nothing" if event is None else repr(event)
