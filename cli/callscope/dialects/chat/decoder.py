"""Chat Completions, decoded: the bytes of one exchange in, events out.

Knows what the documents of a body are: chunks, errors, remarks, the end marker. Must not know how frames come from
bytes (`body`), what a choice adds (`answer`), nor when an answer is a failure (`ending`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from json import JSONDecoder
from typing import Any

from callscope.core.events import PeerEvent, ResponseHead, ResponseStarted
from callscope.core.values import Ending, Frame, JsonObject, ToolSpec
from callscope.dialects.answer import Answer
from callscope.dialects.body import BodyReader
from callscope.dialects.diagnostics import diagnostic, excerpt
from callscope.dialects.documents import Done, documents, has_halves, is_too_deep, refuse
from callscope.dialects.ending import Exchange, end
from callscope.dialects.failures import by_name, error_in, is_page, page_words, remark_in, words, words_and_names

_parse = JSONDecoder(parse_constant=refuse).raw_decode


class ChatDecoder:
    """One exchange. Feed the head and the reads, then close: a ResponseCompleted or a ResponseFailed comes last."""

    def __init__(self, exchange: int, tools: Sequence[ToolSpec]) -> None:
        offered = frozenset(tool.name for tool in tools)
        self._answer = Answer(exchange, offered)
        self._state = Exchange(exchange, offered, self._answer)
        self._body = BodyReader({})
        self._started = False
        self._model = ""
        self._closed = False

    def feed(self, wire: ResponseHead | bytes) -> list[PeerEvent]:
        """Take the head or a read of the body."""
        out: list[PeerEvent] = []
        if isinstance(wire, ResponseHead):
            self._state.status = wire.status
            self._state.headers = by_name(wire.headers)
            self._body = BodyReader(self._state.headers)
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
        self._state.compressed = self._body.inflater.active
        self._state.undecodable = self._body.inflater.failure
        self._state.empty = not self._body.size
        self._end(how, detail, out)
        if not self._started and len(out) > 1:
            out.insert(0, ResponseStarted(self._state.number, self._model))
        return out

    def _end(self, how: Ending, detail: str, out: list[PeerEvent]) -> None:
        """Say how the response came out."""
        end(self._state, self._answer, how, detail, out)

    # ---- frames -----------------------------------------------------------------------------------------------------

    def _take(self, frame: Frame, out: list[PeerEvent]) -> None:
        mark = len(out)
        if self._body.defects:
            self._report_defects(frame, out)
        self._read(frame, out)
        if not self._started and (self._state.chunks or len(out) > mark):
            self._started = True
            out.insert(mark, ResponseStarted(self._state.number, self._model))

    def _take_last(self, frame: Frame, how: Ending, out: list[PeerEvent]) -> None:
        """A frame that the end of the body flushed: after anything but a clean end, half an event is none."""
        unterminated = any(defect == (frame, "unterminated_event") for defect in self._body.defects)
        if unterminated and (how != "complete" or not frame.data or _is_half(frame.data)):
            self._body.defects.clear()
            out.append(diagnostic("event_cut_off", None, frame, text=excerpt(frame.data)))
            self._state.damaged_by(frame.data)
        else:
            self._take(frame, out)

    def _report_defects(self, frame: Frame, out: list[PeerEvent]) -> None:
        defects = self._body.defects
        while defects and defects[0].frame is frame:
            self._answer.report(out, defects.pop(0).code, frame)

    def _read(self, frame: Frame, out: list[PeerEvent]) -> None:
        if self._state.refused:
            self._read_refusal(frame)
        elif not (frame.channel == "sse" and frame.event != "error" and self._read_chunk(frame, out)):
            self._read_oddity(frame, out)

    def _give_up(self, frame: Frame, out: list[PeerEvent]) -> None:
        """A document nested deeper than anybody means: its beginning is all that is said of it."""
        out.append(diagnostic("event_too_deep", None, frame, text=excerpt(frame.data)))
        self._state.damaged_by(frame.data)
        if self._state.refused:
            self._state.fail(excerpt(frame.data))
        else:
            self._state.remark = excerpt(frame.data)

    def _read_chunk(self, frame: Frame, out: list[PeerEvent]) -> bool:
        """The ordinary way: one JSON object with choices. False where anything is out of the ordinary."""
        data = frame.data
        if self._state.done or has_halves(data) or is_too_deep(data):
            return False
        try:
            document, length = _parse(data)
        except ValueError:
            return False
        if length != len(data) or type(document) is not dict:
            return False
        self._read_document(document, frame, out)
        return True

    def _read_oddity(self, frame: Frame, out: list[PeerEvent]) -> None:
        """Everything else: several documents in one frame, the end marker, errors, text."""
        if frame.channel == "comment":
            return
        if frame.event == "error":
            self._state.fail(words(frame.data) or "The server reported an error.")
            return
        found = documents(frame.data)
        if found.too_deep:
            self._give_up(frame, out)
            return
        if has_halves(frame.data):
            self._answer.expect_halves()
        for code in found.overlooked:
            self._answer.report(out, code, frame)
        if len(found.values) > 1 and frame.channel == "sse":
            self._answer.report(out, "events_run_together", frame)
        for value in found.values:
            self._read_value(value, frame, out)
        if found.rest:
            self._read_text(found.rest, frame, out)

    def _read_value(self, value: Any, frame: Frame, out: list[PeerEvent]) -> None:
        match value:
            case Done():
                if self._state.done:
                    self._answer.report(out, "done_repeated", frame)
                self._state.done = True
            case dict():
                self._read_document(value, frame, out)
            case list():
                for item in value:
                    if isinstance(item, dict):
                        self._read_document(item, frame, out)
            case _:
                pass  # null and the like: nothing is said

    def _read_text(self, text: str, frame: Frame, out: list[PeerEvent]) -> None:
        """Text that is no JSON: half a document, a page, or words."""
        state = self._state
        half = _begins_like_json(text)
        if frame.channel == "sse":
            out.append(diagnostic("event_not_json", None, frame, text=excerpt(text)))
        elif state.chunks or state.done:
            out.append(diagnostic("text_between_events", None, frame, text=excerpt(text)))
        if half:
            state.cut_off = frame.channel == "body"
            state.damaged_by(text)
        elif is_page(text):
            state.page = page_words(text)
        else:
            state.remark = words(text) if frame.channel == "sse" else f"{state.remark} {text}".strip()

    def _read_refusal(self, frame: Frame) -> None:
        """The body of an HTTP error: only its words count."""
        if frame.channel == "comment" or self._state.error:
            return
        found = documents(frame.data)
        if found.too_deep:
            self._state.fail(excerpt(frame.data))
        elif found.rest:
            text = frame.data.strip()
            self._state.fail(page_words(text) if is_page(text) else text)
        for value in found.values:
            if isinstance(value, Done):
                continue
            document = value[0] if isinstance(value, list) and value else value
            error = error_in(document) if isinstance(document, dict) else None
            self._state.fail(error or words(document))

    # ---- documents --------------------------------------------------------------------------------------------------

    def _read_document(self, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        state, answer = self._state, self._answer
        choices = document.get("choices")
        if state.done:
            self._read_late(document, frame, out)
            return
        if not choices or "error" in document or "base_resp" in document:
            self._read_unusual(document, frame, out)
        if usage := document.get("usage"):
            answer.take_usage(usage)
        elif "x_groq" in document and isinstance(document["x_groq"], dict):
            answer.take_usage(document["x_groq"].get("usage"))
        if not choices:
            return
        state.chunks += 1
        state.remark = ""
        self._note_envelope(document, frame, out)
        if frame.channel == "body" or document.get("object") == "chat.completion":
            answer.whole = answer.whole or _has_message(choices)
        for choice in choices if type(choices) is list else [choices]:
            answer.add(choice, frame, out)
        if answer.error is not None:
            state.fail(words_and_names(answer.error) or "The server reported an error.")

    def _note_envelope(self, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        if not self._model and isinstance(document.get("model"), str):
            self._model = document["model"]
        kind = document.get("object")
        if type(kind) is str and kind.startswith("thread."):
            self._answer.report(out, "acf_answer", frame)

    def _read_unusual(self, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """A document without choices, or with an error."""
        state = self._state
        error = error_in(document)
        if error is not None:
            state.fail(error)
        elif "choices" not in document and document and not document.get("usage"):
            state.remark = remark_in(document)
            state.foreign = state.foreign or excerpt(frame.data)
            if document.get("object") == "response" or str(document.get("type")).startswith("response."):
                state.mistaken = (
                    "This is an answer of the Responses API, not of Chat Completions: try --dialect responses."
                )
            if frame.channel == "sse":
                self._answer.report(out, "event_unknown", frame, text=excerpt(frame.data))
        else:
            state.choiceless = "choices" in document

    def _read_late(self, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """After the end marker only usage counts; anything else is told."""
        self._answer.take_usage(document.get("usage"))
        if _says_something(document.get("choices")) or error_in(document) is not None:
            self._answer.report(out, "data_after_done", frame, text=excerpt(frame.data))


def _is_half(data: str) -> bool:
    return _begins_like_json(data) and bool(documents(data).rest)


def _begins_like_json(text: str) -> bool:
    return re.match(r"\s*(?:\{|\[\s*[{\[\"])", text) is not None


def _says_something(choices: Any) -> bool:
    deltas = [
        choice.get("delta") or choice.get("message")
        for choice in (choices if isinstance(choices, list) else [choices])
        if isinstance(choice, dict)
    ]
    return any(value and name != "role" for delta in deltas if isinstance(delta, dict) for name, value in delta.items())


def _has_message(choices: Any) -> bool:
    listed = choices if isinstance(choices, list) else [choices]
    return any(isinstance(choice, dict) and isinstance(choice.get("message"), dict) for choice in listed)
