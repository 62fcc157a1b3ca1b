"""The guard between an endpoint and everything else: no byte of a secret passes unmarked.

Knows when a read has to wait, and marks in it what is secret. Must not know what a secret looks like (scanning.py) nor
how a frame is written (locating.py).

A secret is looked for twice, in the bytes and in the words: a key in a tool's arguments comes four letters at a time,
each in a frame of its own, and no search through the bytes would ever see it. A read waits, and all after it, only
while the bytes or the words end in the beginning of a secret, and only for the next 4 KiB; then what is there of it is
marked if it tells anything, and everything passes.

The guard marks and does not change: a tool has to get its real arguments. So live deltas, calls, requests and response
heads pass as they are, and who writes them down masks them with `Secrets`. Only the words of errors are masked here.

Not found: a secret that is split over frames in a member that no event is made from.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import assert_never

from callscope.core.events import (
    ArgumentsDelta,
    BytesRead,
    CallAssembled,
    Diagnostic,
    Event,
    ExchangeEnded,
    ExchangeOpened,
    MessagePassed,
    ResponseFailed,
    ResponseHead,
    TextDelta,
)
from callscope.core.ports import Arrival

from .body import Body, Waiting
from .channels import Channel, Delta, Match, Piece
from .locating import locate, without_framing
from .masking import Secrets
from .scanning import Span, Stream
from .views import incomplete, whole_from

PATIENCE = 4096
"""Bytes of the body that come after the beginning of a possible secret before it is no longer waited for."""


class SecretGuard:
    """Holds back, marks and lets go; one exchange at a time. Implements `callscope.core.ports.Guard`."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._waiting: deque[Waiting] = deque()
        self._start(Body())

    def feed(self, arrival: Arrival) -> list[Arrival]:
        """Give the arrivals that may pass now, in order; after an ExchangeEnded none is left."""
        wire = arrival.wire
        match wire:
            case BytesRead():
                return self._read(arrival, wire.data)
            case ExchangeEnded():
                return self._end(arrival, wire)
            case ExchangeOpened():
                passing = self._release(None)
                self._start(Body())
                return [*passing, self._clean(arrival)]
            case ResponseHead():
                self._start(Body(wire.headers))
            case MessagePassed():
                pass
            case _:
                assert_never(wire)
        self._wait(self._clean(arrival))
        return self._release(self._held_from())

    def _start(self, body: Body) -> None:
        self._body = body
        self._raw = Stream(self._secrets.scanner)
        self._channels: dict[str | int, Channel] = {}

    def _wait(self, arrival: Arrival, size: int = 0) -> None:
        end = self._body.size
        self._waiting.append(Waiting(arrival, end - size, end, self._body.exact))

    # ---- what comes in --------------------------------------------------------------------------------------------

    def _read(self, arrival: Arrival, data: bytes) -> list[Arrival]:
        start = self._body.size
        grown = self._body.read(data)
        self._wait(self._clean(arrival), len(grown))
        self._look_at_bytes(grown, start)
        self._look_at_words(arrival.decoded, (start, self._body.size))
        passing = self._release(self._held_from())
        self._body.forget(self._waiting[0].start if self._waiting else self._body.size)
        return passing

    def _end(self, arrival: Arrival, wire: ExchangeEnded) -> list[Arrival]:
        """Nothing more comes: what is there of a known value is marked, a token that never became one is none."""
        end = self._body.size
        self._wait(self._clean(replace(arrival, wire=replace(wire, detail=self._secrets.mask(wire.detail)[0]))))
        self._look_at_words(arrival.decoded, (end, end))
        for key in list(self._channels):
            self._close(key)
        kept = end - len(self._raw.kept)
        self._mark((kept + start, kept + end) for start, end in self._raw.cut_short())
        self._look_at_bytes(b"", end, final=True)
        return self._release(None)

    def _look_at_bytes(self, data: bytes, start: int, *, final: bool = False) -> None:
        window = self._raw.kept + data
        start -= len(self._raw.kept)
        scan = self._raw.feed(data, final=final)
        if scan.spans:
            self._mark((start + a, start + b) for a, b in without_framing(window, scan.spans))

    def _look_at_words(self, decoded: Sequence[Event], read: Span) -> None:
        deltas: dict[str | int, list[Delta]] = {}
        whole: list[int] = []
        for event in decoded:
            if type(event) is TextDelta:
                deltas.setdefault(event.channel, []).append(event)
            elif type(event) is ArgumentsDelta:
                deltas.setdefault(event.key.index, []).append(event)
            elif type(event) is CallAssembled:
                whole.append(event.call.key.index)
        for key, grown in deltas.items():
            channel = self._channels.get(key)
            if channel is None:
                channel = self._channels[key] = Channel(self._secrets.scanner)
            for match in channel.feed(grown, read):
                self._mark_match(match)
            if (frame := grown[-1].frame) is not None:
                self._body.framed = max(self._body.framed, frame.end)
        for index in whole:
            self._close(index)

    def _close(self, key: str | int) -> None:
        channel = self._channels.pop(key, None)
        if channel is not None:
            for match in channel.close():
                self._mark_match(match)

    def _clean(self, arrival: Arrival) -> Arrival:
        """The arrival without a secret in the words of its errors: a server likes to repeat a key that it refuses."""
        for event in arrival.decoded:
            if type(event) is ResponseFailed or type(event) is Diagnostic:
                break
        else:
            return arrival
        return replace(arrival, decoded=[self._clean_event(event) for event in arrival.decoded])

    def _clean_event(self, event: Event) -> Event:
        if isinstance(event, ResponseFailed):
            request_id = event.request_id and self._secrets.mask(event.request_id)[0]
            return replace(event, message=self._secrets.mask(event.message)[0], request_id=request_id)
        if isinstance(event, Diagnostic):
            return replace(event, message=self._secrets.mask(event.message)[0])
        return event

    # ---- what is marked, and what passes --------------------------------------------------------------------------

    def _mark(self, spans: Iterable[Span]) -> None:
        """Mark spans of the body in the reads that still wait; what has passed told nothing when it did."""
        if not self._waiting:
            return
        first = self._waiting[0].start
        for start, end in spans:
            if start < first < end:
                start = self._body.whole_from(first)  # an escape of which a half has passed stays as it is
            for waiting in reversed(self._waiting):
                if waiting.end <= start:
                    break
                waiting.mark(start, end)

    def _mark_match(self, match: Match) -> None:
        """Mark a secret of the words in the frames that still wait.

        Where a delta has passed, or a part of its frame, the marks go on with the first whole escape of the next one:
        what is left must decode to the same words, and arguments are JSON themselves.
        """
        start, lost = match.start, False
        for piece in match.pieces:
            if not self._waiting or piece.place[1] <= self._waiting[0].start:
                start, lost = piece.end, True
                continue
            if lost:
                start, lost = whole_from(match.text, start), False
            begin, end = max(start, piece.start), min(match.end, piece.end)
            if begin < end:
                so_far = match.text[match.start : end]
                spans = self._locate(piece, (begin - piece.start, end - piece.start), so_far)
                if any(at < self._waiting[0].start for at, _ in spans):
                    start, lost = piece.end, True
                    end = min(end, piece.start + incomplete(piece.text))
                    spans = self._locate(piece, (begin - piece.start, end - piece.start), so_far)
                self._mark(spans)

    def _locate(self, piece: Piece, part: Span, so_far: bytes) -> list[Span]:
        """The bytes of the body that a part of a delta stands in."""
        start, raw = self._body.bytes_of(piece.place)
        if piece.frame is not None and start == piece.frame.start:
            spans = locate(raw, piece.text, part, so_far)
        else:
            spans = without_framing(raw, [(0, len(raw))])
        return [(start + a, start + b) for a, b in spans]

    def _held_from(self) -> int | None:
        """From which byte of the body on all has to wait; what was waited for in vain is marked where it tells."""
        body, held, goes_on = self._body, [], False
        kept = body.size - len(self._raw.kept)
        for suspect in self._raw.suspects:
            start, end = self._raw.since(suspect)
            if suspect.kind != "prefix" and body.size - kept - start <= PATIENCE:
                held.append(kept + start)
            elif suspect.telling:
                self._mark([(kept + start, kept + end)])
        for channel in self._channels.values():
            for piece, suspect in channel.suspicions():
                if body.size - piece.place[0] <= PATIENCE:
                    held.append(piece.place[0])
                elif suspect.telling:
                    self._mark_match(channel.since(suspect))
                    goes_on = True
            goes_on = goes_on or channel.open
        # the frame that is only half there may begin a secret, or go on with one
        if body.in_frame and body.size - body.framed <= PATIENCE and (goes_on or self._in_doubt(body)):
            held.append(body.framed)
        return min(held, default=None)

    def _in_doubt(self, body: Body) -> bool:
        """Whether a string in the frame that is only half there ends in so much of a secret that it tells."""
        return self._secrets.scanner.closes_on_secret(body.bytes_of((body.framed, body.size))[1])

    def _release(self, held_from: int | None) -> list[Arrival]:
        passing: list[Arrival] = []
        while self._waiting and (held_from is None or self._waiting[0].end <= held_from):
            passing.append(self._waiting.popleft().masked())
        return passing
