"""The words of one channel or call, joined over deltas, and the frames that they came in.

Knows which part of which delta belongs to a secret. Must not know where the frames' bytes are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from callscope.core.events import ArgumentsDelta, TextDelta
from callscope.core.values import Frame

from .scanning import Scanner, Span, Stream, Suspect, merged

Delta = TextDelta | ArgumentsDelta


@dataclass(frozen=True, slots=True)
class Piece:
    """A delta's text, its place in the window, its frame, and the bytes of the body that were read when it came."""

    text: bytes
    start: int
    frame: Frame | None
    read: Span

    @property
    def end(self) -> int:
        """Where the text ends in the window."""
        return self.start + len(self.text)

    @property
    def place(self) -> Span:
        """The bytes of the body that it came in: its frame, or where there is none, the read."""
        return self.read if self.frame is None else (self.frame.start, self.frame.end)


@dataclass(frozen=True, slots=True)
class Match:
    """A secret in the words: `text[start:end]`, and the pieces that it is spread over."""

    text: bytes
    start: int
    end: int
    pieces: tuple[Piece, ...]


class Channel:
    """A channel's text as it grows. Pieces are kept only as long as its end may still become a secret."""

    def __init__(self, scanner: Scanner) -> None:
        self._stream = Stream(scanner)
        self._pieces: list[Piece] = []

    @property
    def open(self) -> bool:
        """Whether the next words may belong to a token that has begun."""
        return self._stream.growing is not None or any(suspect.kind == "prefix" for suspect in self._stream.suspects)

    def feed(self, deltas: Sequence[Delta], read: Span) -> list[Match]:
        """Take the deltas of one read; gives the secrets that are whole now."""
        text = "".join([delta.text for delta in deltas]).encode("utf-8", "surrogatepass")
        window = self._stream.kept + text
        scan = self._stream.feed(text)
        if not scan.spans and scan.cut == len(window):
            self._pieces = []
            return []
        pieces = [*self._pieces, *_pieces(deltas, len(window) - len(text), read)]
        self._pieces = [replace(piece, start=piece.start - scan.cut) for piece in pieces if piece.end > scan.cut]
        return [_match(pieces, span, window) for span in scan.spans]

    def close(self) -> list[Match]:
        """The text is over: what looks like a known value cut short is taken for one."""
        window = self._stream.kept
        spans = [*self._stream.cut_short(), *self._stream.feed(b"", final=True).spans]
        return [_match(self._pieces, span, window) for span in merged(spans)]

    def suspicions(self) -> Iterator[tuple[Piece, Suspect]]:
        """What has to wait, each with the piece that it begins in."""
        for suspect in self._stream.suspects:
            if suspect.kind != "prefix":
                yield next(piece for piece in self._pieces if piece.end > suspect.start), suspect

    def since(self, suspect: Suspect) -> Match:
        """What is there of a suspect, taken for a secret."""
        return _match(self._pieces, self._stream.since(suspect), self._stream.kept)


def _pieces(deltas: Sequence[Delta], start: int, read: Span) -> Iterator[Piece]:
    for delta in deltas:
        piece = Piece(delta.text.encode("utf-8", "surrogatepass"), start, delta.frame, read)
        start = piece.end
        yield piece


def _match(pieces: Sequence[Piece], span: Span, window: bytes) -> Match:
    start, end = span
    return Match(window, start, end, tuple(piece for piece in pieces if piece.start < end and start < piece.end))
