"""Secrets that stand in a recording all the same: in lines, in the bytes of responses, in words over many deltas.

Knows where to look. Must not know what a secret looks like, and keeps none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from callscope.core.events import (
    ArgumentsDelta,
    BytesRead,
    CallStarted,
    ExchangeEnded,
    ExchangeOpened,
    PeerEvent,
    ResponseHead,
    TextDelta,
)
from callscope.core.naming import call_named
from callscope.core.values import CallKey
from callscope.record.file.format import Line
from callscope.record.file.reading import Entry, Header

from .body import Body
from .concealing import concealed
from .ruling import CUT_SHORT, Rules
from .scanning import Stream

A_CREDENTIAL = "a credential"


@dataclass(frozen=True, slots=True)
class Leak:
    """A secret: the line in which it is whole, by which rule it is one, and where it stands there."""

    line: int
    rule: str
    where: str

    def __str__(self) -> str:
        return f"{self.rule} stands in {self.where}"


@dataclass(slots=True)
class _Response:
    """What of a response is still open at its end."""

    body: Body
    raw: Stream
    words: dict[str | CallKey, Stream] = field(default_factory=dict)
    calls: dict[CallKey, str] = field(default_factory=dict)

    def where(self, grown: str | CallKey) -> str:
        """In which words, by their channel or by the call of which they are the arguments."""
        if isinstance(grown, str):
            return f"the {grown} over deltas"
        return f"the arguments of {self.calls.get(grown) or f'call {grown.exchange}.{grown.index}'} over deltas"


class Leaks:
    """Lines in, leaks out; of a response only the end that may still become a secret is kept."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._response: _Response | None = None
        self._line = 0
        self._found: dict[Leak, None] = {}  # in the order of finding, each once

    def in_header(self, header: Header) -> str | None:
        """What is to be said of the first line."""
        line = {name: value for name, value in asdict(header).items() if value is not None}
        leaks = list(self._in_line(1, line))
        return str(leaks[0]) if leaks else None

    def take(self, entry: Entry, decoded: Sequence[PeerEvent]) -> None:
        """Look at one line, and at what a decoder made of it."""
        self._line = entry.line
        match entry.event:
            case BytesRead():
                self._read(entry.event)
            case ExchangeOpened():
                self._finish()
            case ResponseHead():
                self._response = _Response(Body(entry.event.headers), self._rules.stream())
            case _:
                pass
        self._hear(decoded)
        if isinstance(entry.event, ExchangeEnded):
            self._finish()
        if entry.members:
            for leak in self._in_line(entry.line, entry.members):
                self._found[leak] = None

    def close(self) -> list[Leak]:
        """All that was found."""
        self._finish()
        return list(self._found)

    def _read(self, read: BytesRead) -> None:
        if any(read.data[start:end].strip(b"*") for start, end in read.masked):
            self._note("a masked secret", "the bytes: its place is listed, and it is not masked")
        if self._response is None:
            self._response = _Response(Body(), self._rules.stream())
        response = self._response
        data = response.body.read(read.data)
        response.body.framed = response.body.size
        response.body.forget(response.body.size)
        self._feed(response.raw, data, "the bytes of the response")

    def _hear(self, decoded: Sequence[PeerEvent]) -> None:
        if self._response is None:
            return
        said: dict[str | CallKey, list[str]] = {}
        for event in decoded:
            if type(event) is TextDelta:
                said.setdefault(event.channel, []).append(event.text)
            elif type(event) is CallStarted:
                self._response.calls.setdefault(event.key, self._named(event))
            elif type(event) is ArgumentsDelta:
                said.setdefault(event.key, []).append(event.text)
        for grown, texts in said.items():
            stream = self._response.words.get(grown)
            if stream is None:
                stream = self._response.words[grown] = self._rules.stream()
            self._feed(stream, "".join(texts).encode("utf-8", "surrogatepass"), self._response.where(grown))

    def _named(self, call: CallStarted) -> str:
        mask = self._rules.secrets.mask
        return call_named(mask(call.name)[0], mask(call.call_id)[0])

    def _finish(self) -> None:
        """Nothing more comes: what was waited for is looked at as it is."""
        response, self._response = self._response, None
        if response is None:
            return
        words = ((response.where(grown), stream) for grown, stream in response.words.items())
        for where, stream in (("the bytes of the response", response.raw), *words):
            if stream.cut_short():
                self._note(CUT_SHORT, where)
            self._feed(stream, b"", where, final=True)

    def _feed(self, stream: Stream, data: bytes, where: str, *, final: bool = False) -> None:
        window, growing = stream.kept + data, stream.growing
        for start, end in stream.feed(data, final=final).spans:
            if start or growing is None:  # else a token goes on that was told already
                self._note(self._rules.name(window[start:end]), where)

    def _note(self, rule: str, where: str) -> None:
        self._found[Leak(self._line, rule, where)] = None

    def _in_line(self, number: int, line: Line) -> Iterator[Leak]:
        """What masking would change in a line today."""
        before = {name: value for name, value in line.items() if name != "masked"}
        after = concealed(before, self._rules.secrets)
        if "masked" not in after:
            return
        for path, text in _changed(before, after, "$"):
            by_place = path.startswith(("$.headers", "$.url"))
            yield Leak(number, A_CREDENTIAL if by_place else self._rules.name(text.encode("utf-8", "replace")), path)


def _changed(before: Any, after: Any, path: str) -> Iterator[tuple[str, str]]:
    """The strings that are other ones: (JSON path, as it was)."""
    match before:
        case str():
            if before != after:
                yield path, before
        case dict():
            for (name, value), (masked_name, masked) in zip(before.items(), after.items(), strict=False):
                if name != masked_name:
                    yield f"{path}.{masked_name}", name
                yield from _changed(value, masked, f"{path}.{masked_name}")
        case list():
            for place, (value, masked) in enumerate(zip(before, after, strict=True)):
                yield from _changed(value, masked, f"{path}[{place}]")
        case _:
            pass
