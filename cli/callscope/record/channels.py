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


@dataclass(frozen=True, slots=True)
class Fragment:
    """The bytes `part` of a piece belong to a secret; `so_far` is the secret from its beginning to there."""

    piece: Piece
    part: Span
    so_far: bytes


class Channel:
    """A channel's text as it grows. Pieces are kept only as long as its end may still become a secret."""

    def __init__(self, scanner: Scanner) -> None:
        self._stream = Stream(scanner)
        self._pieces: list[Piece] = []

    @property
    def growing(self) -> bool:
        """Whether the text ends in a token that may go on."""
        return self._stream.growing is not None

    def feed(self, deltas: Sequence[Delta], read: Span) -> list[Fragment]:
        """Take the deltas of one read; gives the fragments of the secrets that are whole now."""
        text = "".join([delta.text for delta in deltas]).encode("utf-8", "surrogatepass")
        window = self._stream.kept + text
        scan = self._stream.feed(text)
        if not scan.spans and scan.cut == len(window):
            self._pieces = []
            return []
        pieces = [*self._pieces, *_pieces(deltas, len(window) - len(text), read)]
        self._pieces = [
            replace(piece, start=piece.start - scan.cut) for piece in pieces if piece.start + len(piece.text) > scan.cut
        ]
        return [fragment for span in scan.spans for fragment in _fragments(pieces, span, window)]

    def close(self) -> list[Fragment]:
        """The text is over: what looks like a known value cut short is taken for one."""
        window = self._stream.kept
        spans = [(start, len(window)) for start in self._stream.cut_short()]
        spans += self._stream.feed(b"", final=True).spans
        return [fragment for span in merged(spans) for fragment in _fragments(self._pieces, span, window)]

    def suspicions(self) -> Iterator[tuple[Piece, Suspect]]:
        """What has to wait, each with the piece that it begins in."""
        for suspect in self._stream.suspects:
            if suspect.held:
                yield next(piece for piece in self._pieces if piece.start + len(piece.text) > suspect.start), suspect

    def since(self, suspect: Suspect) -> list[Fragment]:
        """The fragments from a suspect's start to the end."""
        window = self._stream.kept
        return list(_fragments(self._pieces, (suspect.start, len(window)), window))


def _pieces(deltas: Sequence[Delta], start: int, read: Span) -> Iterator[Piece]:
    for delta in deltas:
        piece = Piece(delta.text.encode("utf-8", "surrogatepass"), start, delta.frame, read)
        start += len(piece.text)
        yield piece


def _fragments(pieces: list[Piece], span: Span, window: bytes) -> Iterator[Fragment]:
    for piece in pieces:
        start, end = max(span[0], piece.start), min(span[1], piece.start + len(piece.text))
        if start < end:
            part = (start - piece.start, end - piece.start)
            yield Fragment(piece, part, window[span[0] : end])
