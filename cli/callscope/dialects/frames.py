"""The shell of every decoder: frames go to whoever reads them, and what is no document is read here.

Knows the order of an exchange (head, reads, end), where a response starts, half an event, the words of a refusal, text
that is no JSON. Must not know how frames come from bytes (`body`), what a document says, nor how a response came out:
the dialect's `FrameReader` does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final, Protocol

from callscope.core.events import Diagnostic, ExchangeOpened, PeerEvent, ResponseHead, ResponseStarted
from callscope.core.values import Ending, Frame, JsonObject

from .body import BodyReader
from .diagnostics import diagnostic, excerpt
from .documents import Done, documents
from .ending import Exchange
from .failures import LONGEST, by_name, error_in, is_page, page_words, words
from .limits import LARGE, Allowance, Share

SLICE: Final = 256 * 1024
"""Bytes of the body that are framed at once: a read of a few may inflate to megabytes, of frames without a word."""


def slices(data: bytes) -> Iterator[bytes]:
    """The parts of a body that are framed one after another."""
    return (data[at : at + SLICE] for at in range(0, len(data), SLICE))


class FrameReader(Protocol):
    """What a dialect makes of the frames of one exchange."""

    state: Exchange

    @property
    def model(self) -> str:
        """The model that answers, as far as the server said so."""
        ...

    def read(self, frame: Frame, out: list[PeerEvent]) -> None:
        """Take a frame of an answer, whatever is in it."""
        ...

    def read_document(self, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """Take one JSON object of a frame."""
        ...

    def read_text(self, text: str, frame: Frame, out: list[PeerEvent]) -> None:
        """Take what of a frame is no JSON."""
        ...

    def report(self, out: list[PeerEvent], code: str, frame: Frame | None, **facts: str) -> None:
        """Say it once."""
        ...

    def end(self, how: Ending, detail: str, out: list[PeerEvent]) -> None:
        """Say how the response came out."""
        ...

    def kept(self) -> Iterator[Share]:
        """What of the answer is kept so far."""
        ...


class FrameDecoder:
    """One exchange. Feed the head and the reads, then close: a ResponseCompleted or a ResponseFailed comes last."""

    def __init__(self, reader: FrameReader, watch: Callable[[bytes], None] | None = None) -> None:
        """Take who reads the frames, and who hears the bytes of the body before."""
        self._reader = reader
        self._state = reader.state
        self._watch = watch
        self._body = BodyReader({}, watch)
        self._allowance = Allowance(reader.kept)
        self._refused = self._state.refused
        self._started = False
        self._closed = False

    @property
    def excess(self) -> str:
        """Why the answer is too large to be read on; "" while it is not."""
        return self._allowance.excess

    @property
    def in_one_piece(self) -> bool:
        """Whether the answer was one document and no stream; False as long as nobody can tell."""
        return self._body.is_document and not self._state.unframed

    def feed(self, wire: ExchangeOpened | ResponseHead | bytes) -> list[PeerEvent]:
        """Take the request, the head or a read of the body; of an answer that is too large nothing more."""
        out: list[PeerEvent] = []
        if not isinstance(wire, bytes):
            self._open(wire)
            return out
        data = self._body.inflated(wire)
        for part in (data,) if 0 < len(data) <= SLICE else slices(data):
            if self._allowance.excess:
                break
            frames = self._body.frames(part)
            if frames and frames[-1].end > self._allowance.due:
                self._take_weighing(frames, out)
            else:
                for frame in frames:
                    self._take(frame, out)
        if self._body.excess:
            self._allowance.exceed(self._body.excess)
        return out

    def _open(self, wire: ExchangeOpened | ResponseHead) -> None:
        if isinstance(wire, ExchangeOpened):
            self._state.asked = wire.request.body
            return
        self._state.status = wire.status
        self._refused = self._state.refused
        self._state.headers = by_name(wire.headers)
        self._body = BodyReader(self._state.headers, self._watch)

    def close(self, how: Ending, detail: str = "") -> list[PeerEvent]:
        """Take the ending: the calls as they are now, and how the response came out."""
        out: list[PeerEvent] = []
        if self._closed:
            return out
        self._closed = True
        self._close_body(how, out)
        self._state.excess = self._allowance.excess
        self._state.compressed = self._body.inflater.active
        self._state.undecodable = self._body.inflater.failure
        self._state.empty = not self._body.size
        self._reader.end(how, detail, out)
        if not self._started and len(out) > 1:
            out.insert(0, ResponseStarted(self._state.number, self._reader.model))
        return out

    def _take_weighing(self, frames: list[Frame], out: list[PeerEvent]) -> None:
        """Take frames of which one is large, or far behind those after which all that is kept was weighed."""
        allowance = self._allowance
        for frame in frames:
            if frame.end > allowance.due:
                allowance.look_at(frame.data)
                if not allowance.excess:
                    self._take(frame, out)
                    allowance.weigh(frame.end)
                if allowance.excess:
                    return
            else:
                self._take(frame, out)

    def _close_body(self, how: Ending, out: list[PeerEvent]) -> None:
        """Take what the end of the body left open: the whole of it, where it is no stream."""
        if self._allowance.excess:
            return
        for frame in self._body.close():
            self._allowance.look_at(frame.data)
            if not self._allowance.excess:
                self._take_last(frame, how, out)
        if not self._allowance.excess:
            self._allowance.weigh(self._body.size)

    def _take(self, frame: Frame, out: list[PeerEvent]) -> None:
        mark = len(out)
        if self._body.defects:
            self._report_defects(frame, out)
        if self._refused:
            read_refusal(self._state, frame)
        else:
            self._reader.read(frame, out)
        if len(frame.data) > LARGE and any(type(event) is Diagnostic for event in islice(out, mark, None)):
            self._state.held.append(frame)
        if not self._started and (self._state.chunks or len(out) > mark):
            self._started = True
            out.insert(mark, ResponseStarted(self._state.number, self._reader.model))
            self._judge_label(frame, out)

    def _judge_label(self, frame: Frame, out: list[PeerEvent]) -> None:
        """Say where a stream of events has the label of something else."""
        label = self._state.headers.get("content-type", "")
        if frame.channel != "sse" or self._state.status is None or self._state.refused:
            return
        if not label.lower().startswith("text/event-stream"):
            self._reader.report(out, "content_type_odd", frame, text=excerpt(label) or "nothing")

    def _take_last(self, frame: Frame, how: Ending, out: list[PeerEvent]) -> None:
        """A frame that the end of the body flushed: after anything but a clean end, half an event is none."""
        unterminated = any(defect == (frame, "unterminated_event") for defect in self._body.defects)
        if unterminated and (how != "complete" or not frame.data or _is_half(frame.data)):
            self._body.defects.clear()
            out.append(diagnostic("event_cut_off", None, frame, text=excerpt(frame.data)))
            self._state.event_cut_off = True
            self._state.damaged_by(frame.data, half=True)
        else:
            self._take(frame, out)

    def _report_defects(self, frame: Frame, out: list[PeerEvent]) -> None:
        defects = self._body.defects
        while defects and defects[0].frame is frame:
            self._reader.report(out, defects.pop(0).code, frame)


# ---- what is in a frame ---------------------------------------------------------------------------------------------


def read_documents(reader: FrameReader, frame: Frame, out: list[PeerEvent]) -> None:
    """Take a frame as it may be: several documents, the end marker, text, or nothing of sense."""
    found = documents(frame.data)
    if found.too_deep:
        out.append(diagnostic("event_too_deep", None, frame, text=excerpt(frame.data)))
        reader.state.told += 1
        reader.state.damaged_by(frame.data, half=True)
        reader.state.remark = excerpt(frame.data)
        return
    for code in found.overlooked:
        reader.report(out, code, frame)
    if len(found.values) > 1 and frame.channel == "sse":
        reader.report(out, "events_run_together", frame)
    among_others = bool(reader.state.chunks or reader.state.done)
    for value in found.values:
        _read_value(reader, value, frame, out)
    if frame.channel == "body" and found.values and not reader.state.error:
        label = reader.state.headers.get("content-type", "").lower()
        if among_others or len(found.values) > 1 or label.startswith("text/event-stream"):
            reader.state.unframed = True
            reader.report(out, "events_unframed", frame)
    if found.rest:
        reader.read_text(found.rest, frame, out)


def _read_value(reader: FrameReader, value: Any, frame: Frame, out: list[PeerEvent]) -> None:
    match value:
        case Done():
            if reader.state.done:
                reader.report(out, "done_repeated", frame)
            reader.state.done = True
        case dict():
            reader.read_document(value, frame, out)
        case list() if any(isinstance(item, dict) for item in value):
            reader.report(out, "chunks_listed", frame)
            for item in value:
                _read_value(reader, item, frame, out)
        case str() if frame.event == "error":
            reader.state.fail(value)
        case _ if frame.channel == "sse":
            reader.report(out, "event_unknown", frame, text=excerpt(frame.data))
        case _:
            pass  # a body that says nothing is no answer, and is told as that


def read_text(state: Exchange, text: str, frame: Frame, out: list[PeerEvent]) -> None:
    """Text that is no JSON: half a document, a page, or words."""
    state.told += 1
    if frame.channel == "sse":
        out.append(diagnostic("event_not_json", None, frame, text=excerpt(text)))
    elif state.chunks or state.done:
        out.append(diagnostic("text_between_events", None, frame, text=excerpt(text)))
    half = _begins_like_json(text)
    if not is_page(text):
        state.damaged_by(text, half=half or _ends_like_json(text))
    if half:
        state.cut_off = frame.channel == "body"
    elif is_page(text):
        state.page = page_words(text)
    else:
        state.remark = words(text) if frame.channel == "sse" else f"{state.remark} {text}".strip()[:LONGEST]


def read_refusal(state: Exchange, frame: Frame) -> None:
    """The body of an HTTP error: only its words count."""
    if frame.channel == "comment" or state.error:
        return
    found = documents(frame.data)
    if found.too_deep:
        state.fail(excerpt(frame.data))
    elif found.rest:
        text = frame.data.strip()
        state.fail(page_words(text) if is_page(text) else text)
    for value in found.values:
        if isinstance(value, Done):
            continue
        document = value[0] if isinstance(value, list) and value else value
        error = error_in(document) if isinstance(document, dict) else None
        state.fail(error or words(document))


def _is_half(data: str) -> bool:
    return _begins_like_json(data) and bool(documents(data).rest)


def _begins_like_json(text: str) -> bool:
    return re.match(r"\s*(?:\{|\[\s*[{\[\"])", text) is not None


def _ends_like_json(text: str) -> bool:
    """Whether a text may be a document without its beginning."""
    return text.rstrip()[-1:] in ("}", "]") and '"' in text
