"""Chat Completions, decoded: the bytes of one exchange in, events out.

Knows what the documents of a body are: chunks, errors, remarks, the end marker. Must not know how frames come from
bytes (`body`), what is no document (`frames`), what a choice adds (`answer`), nor when an answer is a failure
(`ending`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from json import JSONDecoder
from typing import Any

from callscope.core.events import PeerEvent
from callscope.core.values import Ending, Frame, JsonObject, ToolSpec
from callscope.dialects.answer import Answer
from callscope.dialects.diagnostics import as_sent, excerpt
from callscope.dialects.documents import has_halves, is_too_deep, refuse
from callscope.dialects.ending import Exchange, end
from callscope.dialects.failures import error_in, remark_in, words, words_and_names
from callscope.dialects.frames import FrameDecoder, read_documents, read_text
from callscope.dialects.limits import Share, values
from callscope.dialects.weighing import frames_kept, of_calls, of_diagnostics, of_frames, of_names, of_text

_parse = JSONDecoder(parse_constant=refuse).raw_decode


CHUNK = "chat.completion.chunk"
"""What nearly every document calls itself; of those but the first the envelope says nothing new."""


def chat_decoder(exchange: int, tools: Sequence[ToolSpec]) -> FrameDecoder:
    """A decoder for one exchange in which these tools were offered."""
    return FrameDecoder(ChatReader(exchange, tools))


class ChatReader:
    """The frames of one exchange in, what they say out."""

    def __init__(self, exchange: int, tools: Sequence[ToolSpec]) -> None:
        offered = frozenset(tool.name for tool in tools)
        self.answer = Answer(exchange, offered)
        self.state = Exchange(exchange, offered, self.answer)
        self.model = ""

    def report(self, out: list[PeerEvent], code: str, frame: Frame | None, **facts: str) -> None:
        """Say it once."""
        self.answer.report(out, code, frame, **facts)

    def end(self, how: Ending, detail: str, out: list[PeerEvent]) -> None:
        """Say how the response came out."""
        end(self.state, self.answer, how, detail, out)

    def kept(self) -> Iterator[Share]:
        """What of the answer is kept so far."""
        answer = self.answer
        yield of_text(answer.said)
        yield from answer.reasoning.kept()
        yield from of_calls(answer.calls.calls)
        yield of_names(answer.calls.names)
        yield of_diagnostics(self.state.told)
        yield of_frames([*self.state.held, *frames_kept(answer.said, answer.calls.calls)])
        yield values("other values", [answer.usage, answer.error])

    # ---- frames -----------------------------------------------------------------------------------------------------

    def read(self, frame: Frame, out: list[PeerEvent]) -> None:
        """Take a frame of an answer, whatever is in it."""
        if frame.channel == "sse" and frame.event != "error" and self._read_chunk(frame, out):
            return
        if frame.channel == "comment":
            return
        if frame.event == "error":
            self.state.fail(words(frame.data) or "The server reported an error.")
            return
        if has_halves(frame.data):
            self.answer.expect_halves()
        read_documents(self, frame, out)

    def _read_chunk(self, frame: Frame, out: list[PeerEvent]) -> bool:
        """The ordinary way: one JSON object with choices. False where anything is out of the ordinary."""
        data = frame.data
        if self.state.done or has_halves(data) or is_too_deep(data):
            return False
        try:
            document, length = _parse(data)
        except ValueError:
            return False
        if length != len(data) or type(document) is not dict:
            return False
        self.read_document(document, frame, out)
        return True

    def read_text(self, text: str, frame: Frame, out: list[PeerEvent]) -> None:
        """Take text that is no JSON."""
        read_text(self.state, text, frame, out)

    # ---- documents --------------------------------------------------------------------------------------------------

    def read_document(self, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """Take one JSON object: a chunk, an answer in one piece, an error or a remark."""
        state, answer = self.state, self.answer
        choices = document.get("choices")
        if state.done:
            self._read_late(document, frame, out)
            return
        if not choices or "error" in document or "base_resp" in document:
            self._read_unusual(document, frame, out)
        if usage := document.get("usage"):
            answer.take_usage(usage)
        elif "x_groq" in document and isinstance(document["x_groq"], dict):
            answer.take_usage(document["x_groq"].get("usage"), "`x_groq`")
        if not choices:
            return
        state.chunks += 1
        state.remark = ""
        if document.get("object") != CHUNK or frame.channel == "body" or not self.model:
            self._note_envelope(document, frame, out)
        if type(choices) is not list or len(choices) > 1:
            choices = self._listed(choices, frame, out)
        for choice in choices:
            answer.add(choice, frame, out)
        if answer.error is not None:
            state.fail(words_and_names(answer.error) or "The server reported an error.")

    def _listed(self, choices: Any, frame: Frame, out: list[PeerEvent]) -> list[Any]:
        """The choices of a document that has not just one of them in a list."""
        if not isinstance(choices, list):
            self.report(out, "choices_not_listed", frame)
            return [choices]
        indexes = [as_sent(choice.get("index")) for choice in choices if isinstance(choice, dict)]
        if shared := next((index for index in indexes if indexes.count(index) > 1), None):
            self.report(out, "choices_share_an_index", frame, text=shared)
        return choices

    def _note_envelope(self, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        if not self.model and isinstance(document.get("model"), str):
            self.model = document["model"]
        kind = document.get("object")
        if type(kind) is str and kind.startswith("thread."):
            self.answer.report(out, "acf_answer", frame)
        if frame.channel == "body" or kind == "chat.completion":
            self.answer.whole = self.answer.whole or _has_message(document.get("choices"))

    def _read_unusual(self, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """A document without choices, or with an error."""
        state = self.state
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
                self.answer.report(out, "event_unknown", frame, text=excerpt(frame.data))
        else:
            state.choiceless = "choices" in document
            self._note_envelope(document, frame, out)
            if state.choiceless and document["choices"] is None:
                self.report(out, "member_null", frame, text="choices")

    def _read_late(self, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """After the end marker only usage counts, and an error, which takes the answer back; anything else is told."""
        self.answer.take_usage(document.get("usage"), "an event after `[DONE]`")
        error = error_in(document)
        if error is not None or _says_something(document.get("choices")):
            self.answer.report(out, "data_after_done", frame, text=excerpt(frame.data))
        if error is not None:
            self.state.fail(error)


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
