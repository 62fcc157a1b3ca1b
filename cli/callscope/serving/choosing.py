"""Which recorded exchange answers a request: the first unused one that asked the same, each once.

Knows order, use and misses. Must not know what makes two requests equal (each exchange brings its own comparison), how
an answer is played, nor where exchanges come from. Pure but for what was used.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias
from urllib.parse import unquote

from callscope.core.events import BytesRead, ExchangeEnded, ResponseHead
from callscope.core.values import Ending, Request

OnMiss = Literal["fail", "next", "nearest"]
FREE: Final = ("GET", "HEAD")
"""Methods of questions that change nothing: their answers are never used up, and nobody has to ask them."""

_PATH = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?([^?#]*)")
"""Of a request target that begins with // the library would take the first word for a host; this never fails, either:
https://www.rfc-editor.org/rfc/rfc3986#appendix-B"""


class Unlike(NamedTuple):
    """Where a request first differs from the recorded one (a JSON path), and both sides there."""

    path: str
    recorded: Any
    now: Any


Timed: TypeAlias = tuple[float, ResponseHead | BytesRead | ExchangeEnded]
"""What came back, and how many seconds after the request had left."""


class Answer(Protocol):
    """What came back, as often as it is gone through: `size` bytes of body, and how it ended, if it did."""

    @property
    def size(self) -> int:
        """Bytes of the body."""

    @property
    def how(self) -> Ending | None:
        """How it ended; None where the recording does not say."""

    def __iter__(self) -> Iterator[Timed]: ...


@dataclass(frozen=True, slots=True, eq=False)
class RecordedExchange:
    """A request and what came back; `name` is for a person, `unlike` compares another request with this one.

    Two that look alike are two: each is there once. The request is without its body, which `read_body` gives. All that
    reads raises UnusableFile where the recording is gone, or is another by now.
    """

    name: str
    request: Request
    read_body: Callable[[], bytes]
    answer: Answer
    unlike: Callable[[Request], Unlike | None]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The exchange that answers, or None; `unlike` is the first difference from it, or from the most alike one.

    `expected` is that most alike exchange; None where none of this method and path is left.
    """

    exchange: RecordedExchange | None
    unlike: Unlike | None = None
    expected: RecordedExchange | None = None


class Shelf:
    """Recorded exchanges in order. With `repeat` all of them are there again once each was asked for."""

    def __init__(
        self, exchanges: Sequence[RecordedExchange], on_miss: OnMiss = "fail", *, repeat: bool = False
    ) -> None:
        self._exchanges = tuple(exchanges)
        self._on_miss = on_miss
        self._repeat = repeat
        self._left = [exchange for exchange in exchanges if exchange.request.method not in FREE]
        self._free = [exchange for exchange in exchanges if exchange.request.method in FREE]
        self._heard: set[int] = set()
        self._rounds = 0
        self.served = 0
        self.misses = 0

    @property
    def unused(self) -> tuple[RecordedExchange, ...]:
        """What was recorded and never asked for, in order."""
        return () if self._rounds else tuple(self._left)

    def choose(self, request: Request) -> Chosen:
        """The exchange that answers this request; it is used from now on."""
        if request.method in FREE:
            return self._ask_freely(request)
        alike: list[tuple[RecordedExchange, Unlike]] = []
        for exchange in self._left:
            unlike = exchange.unlike(request)
            if unlike is None:
                return self._use(Chosen(exchange))
            if _same_place(exchange.request, request):
                alike.append((exchange, unlike))
        self.misses += 1
        if not alike:
            return Chosen(None)
        expected, unlike = alike[0]
        if self._on_miss != "next":
            expected, unlike = max(alike, key=lambda pair: _likeness(pair[0].read_body(), request.body))
        if self._on_miss == "fail":
            return Chosen(None, unlike, expected)
        return self._use(Chosen(expected, unlike, expected))

    def was_used(self, request: Request) -> RecordedExchange | None:
        """The exchange that would have answered, had it not been used before."""
        return next((each for each in self._exchanges if each not in self._left and each.unlike(request) is None), None)

    def _use(self, chosen: Chosen) -> Chosen:
        assert chosen.exchange is not None
        self._left.remove(chosen.exchange)
        self.served += 1
        if not self._left and self._repeat:
            self._rounds += 1
            self._left = [exchange for exchange in self._exchanges if exchange.request.method not in FREE]
        return chosen

    def _ask_freely(self, request: Request) -> Chosen:
        """The next recorded answer to the question, in the end always the last one."""
        answers = [place for place, each in enumerate(self._free) if each.unlike(request) is None]
        if not answers:
            return Chosen(None)
        place = next((place for place in answers if place not in self._heard), answers[-1])
        self._heard.add(place)
        return Chosen(self._free[place])


def path_of(url: str) -> str:
    """The path of a URL or of a request target, its escapes undone."""
    found = _PATH.match(url)
    return unquote(found[1] if found else "") or "/"


def _same_place(recorded: Request, now: Request) -> bool:
    return recorded.method == now.method and path_of(recorded.url) == path_of(now.url)


def _likeness(recorded: bytes, now: bytes) -> float:
    """How much of two bodies is the same, from 0 to 1: members that are equal at equal places, of all there are."""
    ours, theirs = _leaves(recorded), _leaves(now)
    everything = (ours | theirs).total()
    return (ours & theirs).total() / everything if everything else 1.0


def _leaves(body: bytes) -> Counter[tuple[str, str]]:
    try:
        return Counter(_each_leaf(json.loads(body), ""))
    except (ValueError, RecursionError):
        return Counter([("", body.decode(errors="backslashreplace"))])


def _each_leaf(value: Any, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            for name, member in value.items():
                yield from _each_leaf(member, f"{path}.{name}")
        case list():
            for place, element in enumerate(value):
                yield from _each_leaf(element, f"{path}[{place}]")
        case _:
            yield path, repr(value)
