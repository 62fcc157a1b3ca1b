"""The Responses API, decoded: the bytes of one exchange in, events out.

Knows how the parts of the dialect make a decoder. Must not know how frames come from bytes (`body`), what is no
document (`frames`), what a document says (`events`), nor how a response came out (`finishing`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from callscope.core.events import PeerEvent
from callscope.core.values import Ending, Frame, JsonObject, ToolSpec
from callscope.dialects.ending import Exchange
from callscope.dialects.failures import words
from callscope.dialects.frames import FrameDecoder, read_documents, read_text
from callscope.dialects.limits import ITEM, Share, values
from callscope.dialects.weighing import frames_kept, of_calls, of_diagnostics, of_frames, of_names, of_text

from .events import EventReader
from .finishing import finish
from .output import Output


def responses_decoder(exchange: int, tools: Sequence[ToolSpec]) -> FrameDecoder:
    """A decoder for one exchange in which these tools were offered."""
    return FrameDecoder(ResponsesReader(exchange, tools))


class ResponsesReader:
    """The frames of one exchange in, what they say out."""

    def __init__(self, exchange: int, tools: Sequence[ToolSpec]) -> None:
        offered = frozenset(tool.name for tool in tools)
        self._output = Output(exchange, {tool.name: tool.kind for tool in tools})
        self.state = Exchange(exchange, offered, self._output, protocol="Responses")
        self.state.early = "The stream ended early: response.completed never came."
        self._events = EventReader(self.state, self._output)

    @property
    def model(self) -> str:
        """The model that answers, as far as the server said so."""
        return self._events.model

    def report(self, out: list[PeerEvent], code: str, frame: Frame | None, **facts: str) -> None:
        """Say it once."""
        self._output.report(out, code, frame, **facts)

    def end(self, how: Ending, detail: str, out: list[PeerEvent]) -> None:
        """Say how the response came out."""
        finish(self.state, self._output, self._events.response, how, detail, out)

    def kept(self) -> Iterator[Share]:
        """What of the answer is kept so far."""
        output, items = self._output, self._output.items
        parts = sum(len(item.texts) for item in items)
        yield of_text(output.said)
        yield from of_calls(output.calls.calls)
        yield Share("items", len(items), len(items) * ITEM)
        yield Share("parts of items", parts, parts * ITEM)
        yield of_names(output.places.names)
        yield of_diagnostics(self.state.told)
        yield of_frames([*self.state.held, *frames_kept(output.said, output.calls.calls)])
        yield values("values of items", [item.document for item in items])
        yield values("other values", [output.usage, self._events.response])

    def read(self, frame: Frame, out: list[PeerEvent]) -> None:
        """Take a frame of an answer, whatever is in it."""
        if frame.channel != "comment":
            read_documents(self, frame, out)

    def read_document(self, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """Take one JSON object: an event, or the whole response."""
        self._events.read(document, frame, out)

    def read_text(self, text: str, frame: Frame, out: list[PeerEvent]) -> None:
        """Take text that is no JSON."""
        if frame.event == "error":
            self.state.fail(words(text) or "The server reported an error.")
        else:
            read_text(self.state, text, frame, out)
