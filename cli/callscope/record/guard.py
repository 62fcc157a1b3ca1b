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
from .channels import Channel, Delta, Fragment, Piece
from .locating import locate, without_framing
from .masking import Secrets
from .scanning import Span, Stream

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
        self._mark((kept + start, end) for start in self._raw.cut_short())
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
            self._mark_fragments(channel.feed(grown, read))
            if (frame := grown[-1].frame) is not None:
                self._body.framed = max(self._body.framed, frame.end)
        for index in whole:
            self._close(index)

    def _close(self, key: str | int) -> None:
        channel = self._channels.pop(key, None)
        if channel is not None:
            self._mark_fragments(channel.close())

    def _clean(self, arrival: Arrival) -> Arrival:
        """The arrival without a secret in the words of its errors: a server likes to repeat a key that it refuses."""
        for event in arrival.decoded:
            if type(event) is ResponseFailed or type(event) is Diagnostic:
                break
        else:
            return arrival
        return replace(arrival, decoded=[self._clean_event(event) for event in arrival.decoded])

    def _clean_event(self, event: Event) -> Event:
        if isinstance(event, ResponseFailed | Diagnostic):
            return replace(event, message=self._secrets.mask(event.message)[0])
        return event

    # ---- what is marked, and what passes --------------------------------------------------------------------------

    def _mark(self, spans: Iterable[Span]) -> None:
        """Mark spans of the body in the reads that still wait; what has passed told nothing when it did."""
        for start, end in spans:
            for waiting in reversed(self._waiting):
                if waiting.end <= start:
                    break
                waiting.mark(start, end)

    def _mark_fragments(self, fragments: Iterable[Fragment]) -> None:
        for fragment in fragments:
            piece = fragment.piece
            place = self._place(piece)
            if not self._waiting or place[1] <= self._waiting[0].start:
                continue
            start, raw = self._body.bytes_of(place)
            if piece.frame is not None and place == (start, piece.frame.end):
                spans = locate(raw, piece.text, fragment.part, fragment.so_far)
            else:
                spans = without_framing(raw, [(0, len(raw))])
            self._mark((start + a, start + b) for a, b in spans)

    def _place(self, piece: Piece) -> Span:
        """The bytes of the body that a piece came in: its frame, or where that tells nothing, the read."""
        if piece.frame is None or not self._body.legible:
            return piece.read
        return piece.frame.start, piece.frame.end

    def _held_from(self) -> int | None:
        """From which byte of the body on all has to wait; what was waited for in vain is marked where it tells."""
        body, held, goes_on = self._body, [], False
        kept = body.size - len(self._raw.kept)
        for suspect in self._raw.suspects:
            if suspect.held and body.size - kept - suspect.start <= PATIENCE:
                held.append(kept + suspect.start)
            elif suspect.held and suspect.telling:
                self._mark([(kept + suspect.start, body.size)])
        for channel in self._channels.values():
            for piece, suspect in channel.suspicions():
                start, _ = self._place(piece)
                if body.size - start <= PATIENCE:
                    held.append(start)
                elif suspect.telling:
                    self._mark_fragments(channel.since(suspect))
                    goes_on = True
            goes_on = goes_on or channel.growing
        if goes_on and body.in_frame and body.size - body.framed <= PATIENCE:
            held.append(body.framed)  # the frame that is only half there may go on with the same secret
        return min(held, default=None)

    def _release(self, held_from: int | None) -> list[Arrival]:
        passing: list[Arrival] = []
        while self._waiting and (held_from is None or self._waiting[0].end <= held_from):
            passing.append(self._waiting.popleft().masked())
        return passing
