"""Finding secrets in bytes: all at once, or as they arrive.

Knows how a known value or a vendor's token is found in every reading of a text, and what the end of a text may still
become. Must not know reads, frames or events.

The common case is that nothing is there, and it has to be cheap: 20,000 deltas are four megabytes of frames. So a
window is first asked for signs (a token's prefix, an escape that could hide a letter of a secret, a known value), and
only a window with a sign is read in all its readings.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from .patterns import (
    GROWING,
    PARTIAL,
    PARTIAL_REACH,
    PREFIX,
    PREFIXED,
    PREFIXES,
    UNDECIDED,
    UNDECIDED_REACH,
    WHOLE,
)
from .views import View, incomplete, views

Span = tuple[int, int]

REPETITIVE = 512
"""Bytes: from here on it pays to drop the repeated pieces of a window before looking for signs."""

_END_OF_VALUE = re.compile(rb'"\s*(?:[,}\]]|\Z)')
_BREAK = re.compile(rb"(?:\\(?:u[0-9A-Fa-f]{4}|[nrtbf])|%[0-9A-Fa-f]{2})\Z")
_IN_TOKENS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.\\"
_SHORT_ESCAPES = {"\b": b"b", "\f": b"f", "\n": b"n", "\r": b"r", "\t": b"t", '"': b'"', "\\": b"\\\\", "/": b"/"}


@dataclass(frozen=True, slots=True)
class Suspect:
    """The end of a text may still become a secret, or a part of one, from `start` on.

    kind: the beginning of a `known` value, a vendor's `token` that is not long enough yet, a part of a vendor's public
    `prefix` (which tells nothing, and does not wait), an `escape` that is cut off. `telling`: so much of a secret is
    there that it must not be shown, even if the rest never comes.
    """

    start: int
    kind: Literal["known", "token", "prefix", "escape"]
    telling: bool = False


@dataclass(frozen=True, slots=True)
class Scan:
    """What is in a window: the spans of secrets (sorted, disjoint), and what its end leaves open.

    Everything before `cut` is settled. `growing` names the pattern that a token at the very end goes on with.
    """

    spans: tuple[Span, ...] = ()
    cut: int = 0
    suspects: tuple[Suspect, ...] = ()
    growing: str | None = None


class Scanner:
    """Looks for these known values, for what base64 makes of them, and for the vendors' tokens."""

    def __init__(self, values: Iterable[str]) -> None:
        values = set(values)
        known = {value.encode("utf-8", "surrogatepass") for value in values}
        self._needles = sorted(known.union(*map(_in_base64, known)))
        beginnings = [*self._needles, *PREFIXES]
        self._firsts = {beginning[:1] for beginning in beginnings}
        self._pairs = {pair for beginning in beginnings for pair in _pairs(beginning)}
        self._listed = [needle for needle in self._needles if b"," in needle]
        self._single = [needle for needle in self._needles if b"," not in needle]
        self._hiding = re.compile(_hiding_escapes({*_IN_TOKENS, *"".join(values)}, {*"".join(values)}))
        self._sign = re.compile(PREFIX + b"|" + self._hiding.pattern)

    def find(self, text: bytes) -> tuple[Span, ...]:
        """The spans of a whole text that hold secrets."""
        return self.scan(text, final=True).spans

    def scan(self, window: bytes, *, inside: bool = False, growing: str | None = None, final: bool = False) -> Scan:
        """Look through a window of a text.

        `inside`: a letter or digit stands before it. `growing`: a token of this pattern was still going on there.
        `final`: nothing comes after it.
        """
        end = len(window) if final else incomplete(window)
        open_escape = () if end == len(window) else (Suspect(end, "escape"),)
        if growing is None and not self._has_sign(window):
            suspects = () if final else tuple(self._endings(window[:end], inside=inside, tokens=False))
            if not suspects:
                return Scan((), end, open_escape)
            cut = min([suspect.start for suspect in suspects])
            if b"\\" not in window[max(0, cut - 12) :]:
                return Scan((), cut, suspects + open_escape)
        return self._scan_readings(window[:end], inside, growing, final, open_escape)

    def closes_on_secret(self, data: bytes) -> bool:
        """Whether a JSON string that ends in the data ends in so much of a secret that it tells."""
        for quote in _END_OF_VALUE.finditer(data):
            at = quote.start()
            if data[at - 2 : at] in self._pairs or b"\\u" in data[max(0, at - 12) : at]:
                window = data[max(0, at - UNDECIDED_REACH) : at]
                if any(suspect.telling for suspect in self.scan(window).suspects):
                    return True
        return False

    def _scan_readings(
        self, window: bytes, inside: bool, growing: str | None, final: bool, open_escape: tuple[Suspect, ...]
    ) -> Scan:
        """The thorough way: every reading, and every span led back to whole escapes of the window."""
        readings = views(window)
        spans: list[Span] = []
        suspects: list[Suspect] = []
        goes_on: str | None = None
        for view in readings:
            for start, stop, name in self._matches(view.data, inside, growing):
                spans.append(_snapped((view.source(start), view.source(stop)), readings))
                if name and stop == len(view.data):
                    goes_on = name
            for suspect in () if final else self._endings_at_any_depth(view.data, inside=inside):
                start, _ = _snapped((view.source(suspect.start), len(window)), readings)
                suspects.append(replace(suspect, start=start))
        cut = min((suspect.start for suspect in suspects), default=len(window))
        return Scan(merged(spans), cut, (*suspects, *open_escape), goes_on)

    def _has_sign(self, window: bytes) -> bool:
        """Whether the window needs a closer look. Most of a stream is the same frame over and over: look at it once.

        No token and no escape has a comma in it, so the pieces between commas can be looked at by themselves.
        """
        for needle in self._listed:
            if needle in window:
                return True
        if len(window) > REPETITIVE:
            window = b",".join(set(window.split(b",")))
        for needle in self._single:
            if needle in window:
                return True
        return bool(self._sign.search(window) and (self._hiding.search(window) or PREFIXED.search(window)))

    def _matches(self, data: bytes, inside: bool, growing: str | None) -> Iterator[tuple[int, int, str | None]]:
        """(start, end, name of the pattern) of everything secret in a reading."""
        if growing is not None and (more := GROWING[growing].match(data)):
            yield 0, more.end(), growing
        for needle in self._needles:
            at = data.find(needle)
            while at >= 0:
                yield at, at + len(needle), None
                at = data.find(needle, at + 1)
        for found in WHOLE.finditer(data, int(inside)):
            name = found.lastgroup or ""
            start, stop = found.span("body" if name == "pem" else name)
            yield start, stop, name

    def _endings_at_any_depth(self, data: bytes, *, inside: bool) -> Iterator[Suspect]:
        """As below, where the end may be an escape that is itself written in escapes."""
        end = incomplete(data)
        if end < len(data):
            yield Suspect(end, "escape")
        yield from self._endings(data[:end], inside=inside, tokens=True)

    def _endings(self, data: bytes, *, inside: bool, tokens: bool) -> Iterator[Suspect]:
        """What the end of a reading may become; `tokens`: a vendor's prefix may be in it."""
        size = len(data)
        if not tokens and data[-1:] not in self._firsts and data[-2:] not in self._pairs:
            return
        for needle in self._needles:
            at = _beginning(data, needle)
            if at >= 0:
                yield Suspect(at, "known", telling=size - at > min(8, len(needle) // 2))
        if partial := PARTIAL.search(data, max(int(inside), size - PARTIAL_REACH)):
            yield Suspect(partial.start(), "prefix")
        at = max(int(inside), size - UNDECIDED_REACH)
        while tokens and (undecided := UNDECIDED.search(data, at)):
            start = undecided.start()
            whole = WHOLE.match(data, start)
            if not (whole and whole.end() == size):
                # the first line of a private key tells nothing
                yield Suspect(start, "token", telling=size - start > 12 and not data.startswith(b"-", start))
            at = start + 1


class Stream:
    """A text that arrives in pieces; only its undecided end is looked at again."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._inside = False
        self.growing: str | None = None  # the name of a pattern
        self.kept = b""
        self.suspects: tuple[Suspect, ...] = ()

    def feed(self, data: bytes, *, final: bool = False) -> Scan:
        """Take the next piece; the offsets of the answer count from the start of what was `kept` before the call.

        Those of `suspects` count from the start of what is kept now.
        """
        window = self.kept + data
        scan = self._scanner.scan(window, inside=self._inside, growing=self.growing, final=final)
        if scan.cut:
            self._inside = window[scan.cut - 1 : scan.cut].isalnum() and not _BREAK.search(window, 0, scan.cut)
        self.kept = window[scan.cut :]
        self.suspects = tuple([replace(suspect, start=suspect.start - scan.cut) for suspect in scan.suspects])
        self.growing = scan.growing
        return scan

    def cut_short(self) -> list[Span]:
        """Where known values stand of which the end of the text holds so much that it tells."""
        return [self.since(suspect) for suspect in self.suspects if suspect.kind == "known" and suspect.telling]

    def since(self, suspect: Suspect) -> Span:
        """What is there of a suspect, without an escape that is cut off."""
        escapes = [other.start for other in self.suspects if other.kind == "escape"]
        return suspect.start, min(escapes, default=len(self.kept))


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same bytes in sorted, disjoint spans."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        elif start < end:
            result.append((start, end))
    return tuple(result)


def _snapped(span: Span, readings: list[View]) -> Span:
    """The span, grown until it cuts no escape of any reading in two: what is left has to stay valid JSON."""
    while True:
        grown = span
        for view in readings:
            grown = view.snap(*grown)
        if grown == span:
            return span
        span = grown


def _beginning(data: bytes, needle: bytes) -> int:
    """Where the longest end of the data starts that is a proper beginning of the needle; -1 where none is."""
    at = data.find(needle[:1], max(0, len(data) - len(needle) + 1))
    while at >= 0 and not needle.startswith(data[at:]):
        at = data.find(needle[:1], at + 1)
    return at


def _pairs(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 2] for at in range(len(data) - 1))


def _in_base64(value: bytes) -> Iterator[bytes]:
    """What every base64 text has in it that was made from bytes with this value in them ("user:value")."""
    for shift in range(3):
        encoded = b64encode(bytes(shift) + value)
        core = encoded[-(-8 * shift // 6) : 8 * (shift + len(value)) // 6]
        yield core
        yield core.replace(b"+", b"-").replace(b"/", b"_")
        yield core.replace(b"/", b"\\/")


def _hiding_escapes(characters: set[str], known: set[str]) -> bytes:
    """A regular expression for the escapes that could stand for a part of a secret."""
    units = {character.encode("utf-16-be", "surrogatepass")[:2].hex().encode() for character in characters}
    octets = {b"%02x" % octet for character in characters for octet in character.encode("utf-8", "surrogatepass")}
    short = {_SHORT_ESCAPES[character] for character in known & _SHORT_ESCAPES.keys()}
    either = [b"u(?:" + b"|".join(sorted(units)) + b")", *sorted(short)]
    return rb"\\(?i:" + b"|".join(either) + rb")|%(?i:" + b"|".join(sorted(octets)) + b")"
