"""The Responses API, decoded: the bytes of one exchange in, events out.

Knows what else than documents a body has: errors of HTTP, end markers, pages, halves. Must not know how frames come
from bytes (`body`), what a document says (`events`), nor how a response came out (`finishing`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from callscope.core.events import PeerEvent, ResponseHead, ResponseStarted
from callscope.core.values import Ending, Frame, ToolSpec
from callscope.dialects.body import BodyReader
from callscope.dialects.diagnostics import diagnostic, excerpt
from callscope.dialects.documents import Done, documents
from callscope.dialects.ending import Exchange
from callscope.dialects.failures import by_name, error_in, is_page, page_words, words

from .events import EventReader
from .finishing import finish
from .output import Output


class ResponsesDecoder:
    """One exchange. Feed the head and the reads, then close: a ResponseCompleted or a ResponseFailed comes last."""

    def __init__(self, exchange: int, tools: Sequence[ToolSpec]) -> None:
        offered = frozenset(tool.name for tool in tools)
        self.output = Output(exchange, {tool.name: tool.kind for tool in tools})
        self.state = Exchange(exchange, offered, self.output, protocol="Responses")
        self.state.early = "The stream ended early: response.completed never came."
        self.events = EventReader(self.state, self.output)
        self._body = BodyReader({})
        self._started = False
        self._closed = False

    def feed(self, wire: ResponseHead | bytes) -> list[PeerEvent]:
        """Take the head or a read of the body."""
        out: list[PeerEvent] = []
        if isinstance(wire, ResponseHead):
            self.state.status = wire.status
            self.state.headers = by_name(wire.headers)
            self._body = BodyReader(self.state.headers)
            return out
        for frame in self._body.feed(wire):
            self._take(frame, out)
        return out

    def close(self, how: Ending, detail: str = "") -> list[PeerEvent]:
        """Take the ending: the calls as they are now, and how the response came out."""
        out: list[PeerEvent] = []
        if self._closed:
            return out
        self._closed = True
        for frame in self._body.close():
            self._take_last(frame, how, out)
        self.state.compressed = self._body.inflater.active
        self.state.undecodable = self._body.inflater.failure
        self.state.empty = not self._body.size
        finish(self.state, self.output, self.events.response, how, detail, out)
        if not self._started and len(out) > 1:
            out.insert(0, ResponseStarted(self.state.number, self.events.model))
        return out

    # ---- frames -----------------------------------------------------------------------------------------------------

    def _take(self, frame: Frame, out: list[PeerEvent]) -> None:
        mark = len(out)
        defects = self._body.defects
        while defects and defects[0].frame is frame:
            self.output.report(out, defects.pop(0).code, frame)
        self._read(frame, out)
        if not self._started and (self.state.chunks or len(out) > mark):
            self._started = True
            out.insert(mark, ResponseStarted(self.state.number, self.events.model))

    def _take_last(self, frame: Frame, how: Ending, out: list[PeerEvent]) -> None:
        """A frame that the end of the body flushed: after anything but a clean end, half an event is none."""
        unterminated = any(defect == (frame, "unterminated_event") for defect in self._body.defects)
        if unterminated and (how != "complete" or not frame.data or documents(frame.data).rest):
            self._body.defects.clear()
            out.append(diagnostic("event_cut_off", None, frame, text=excerpt(frame.data)))
            self.state.damaged_by(frame.data)
        else:
            self._take(frame, out)

    def _read(self, frame: Frame, out: list[PeerEvent]) -> None:
        """The documents of a frame: usually one."""
        if frame.channel == "comment":
            return
        found = documents(frame.data)
        if found.too_deep:
            out.append(diagnostic("event_too_deep", None, frame, text=excerpt(frame.data)))
            self.state.damaged_by(frame.data)
            self.state.remark = excerpt(frame.data)
            return
        if self.state.refused:
            self._read_refusal(found.values, found.rest, frame)
            return
        for code in found.overlooked:
            self.output.report(out, code, frame)
        if len(found.values) > 1 and frame.channel == "sse":
            self.output.report(out, "events_run_together", frame)
        for value in found.values:
            self._read_value(value, frame, out)
        if found.rest:
            self._read_text(found.rest, frame, out)

    def _read_value(self, value: Any, frame: Frame, out: list[PeerEvent]) -> None:
        match value:
            case Done():
                if self.state.done:
                    self.output.report(out, "done_repeated", frame)
                self.state.done = True
            case dict():
                self.events.read(value, frame, out)
            case list():
                for item in value:
                    if isinstance(item, dict):
                        self.events.read(item, frame, out)
            case str() if frame.event == "error":
                self.state.fail(value)
            case _:
                pass  # null and the like: nothing is said

    def _read_text(self, text: str, frame: Frame, out: list[PeerEvent]) -> None:
        """Text that is no JSON: half a document, a page, or words."""
        state = self.state
        if frame.event == "error":
            state.fail(words(text) or "The server reported an error.")
            return
        if frame.channel == "sse":
            out.append(diagnostic("event_not_json", None, frame, text=excerpt(text)))
        elif state.chunks or state.done:
            out.append(diagnostic("text_between_events", None, frame, text=excerpt(text)))
        if text.lstrip()[:1] in ("{", "["):
            state.cut_off = frame.channel == "body"
            state.damaged_by(text)
        elif is_page(text):
            state.page = page_words(text)
        else:
            state.remark = words(text) if frame.channel == "sse" else f"{state.remark} {text}".strip()

    def _read_refusal(self, values: list[Any], rest: str, frame: Frame) -> None:
        """The body of an HTTP error: only its words count."""
        if self.state.error:
            return
        if rest:
            text = frame.data.strip()
            self.state.fail(page_words(text) if is_page(text) else text)
        for value in values:
            document = value[0] if isinstance(value, list) and value else value
            if not isinstance(document, Done):
                error = error_in(document) if isinstance(document, dict) else None
                self.state.fail(error or words(document))
