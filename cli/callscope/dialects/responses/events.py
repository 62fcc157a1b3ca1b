"""What the documents of an answer say: the events of the Responses API, or the whole response.

Knows the events of the protocol, by their types. Must not know how documents come from bytes (`decoder`), what an event
adds to an item (`output`), nor when an answer is a failure (`ending`).
"""

from __future__ import annotations

from typing import Any, Final

from callscope.core.events import PeerEvent
from callscope.core.values import Frame, JsonObject
from callscope.dialects.diagnostics import diagnostic, excerpt
from callscope.dialects.documents import has_halves, no_halves
from callscope.dialects.ending import Exchange
from callscope.dialects.failures import error_in, remark_in, words_and_names
from callscope.dialects.limits import MOST_CALLS
from callscope.dialects.shapes import objects, text_of

from .output import Output
from .places import Repeated, named_whole
from .remote import tell_item

TEXTS: Final = {
    "output_text": ("message", "content_index", "text"),
    "refusal": ("message", "content_index", "refusal"),
    "reasoning_summary_text": ("reasoning", "summary_index", "text"),
    "reasoning_text": ("reasoning", "content_index", "text"),
}
"""Texts by the stem of their events: the item they are in, the member that says which part, that of the whole text."""

RAW_TEXTS: Final = {
    "function_call_arguments": ("function_call", "custom_tool_call"),
    "custom_tool_call_input": ("custom_tool_call", "function_call"),
}
"""Raw texts by the stem of their events: the item they are in, and the one that some servers put them in."""
PARTS: Final = frozenset(("content_part", "reasoning_summary_part"))
BEGINNINGS: Final = frozenset(("response.created", "response.in_progress", "response.queued"))
ENDS: Final = frozenset(("completed", "incomplete", "failed", "cancelled"))
REASONS: Final = {"max_output_tokens": "length", "max_tokens": "length"}
"""Why a response is incomplete, in the words that Chat Completions has for it."""


MOST_OTHERS: Final = 20
"""Types of events that nothing is made of: so many are told of, each once."""


class EventReader:
    """The events of one response; `response` is what the server said of it last, without its output."""

    def __init__(self, state: Exchange, output: Output) -> None:
        self.state = state
        self.output = output
        self.response: JsonObject = {}
        self._sequence: int | None = None
        self._others: set[str] = set()  # types of events that were told of

    @property
    def model(self) -> str:
        """The model that answers, as far as the server said so."""
        return text_of(self.response.get("model"))

    def read(self, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """Take a document of the body."""
        name = document.get("type")
        if name != frame.event or type(name) is not str:
            name = self._name(name, document, frame, out)
        if document.get("object") == "response" and not name.startswith("response."):
            name = "response"
        if has_halves(frame.data) and not name.endswith(".delta"):
            document = no_halves(document)
        self._check_sequence(name, document, frame, out)
        if self.output.whole:
            self._read_late(name, document, frame, out)
        elif name == "response":
            self.state.chunks += 1
            self.state.remark = ""
            if frame.channel == "sse" and document.get("status") in ("in_progress", "queued"):
                self._read_snapshot(document, frame, out)
            else:
                self._end("", document, frame, out)
        elif name.startswith("response.") and name != "response.error" and self._read_event(name, document, frame, out):
            self.state.chunks += 1
            self.state.remark = ""
        else:
            self._read_unusual(name, document, frame, out)

    def _name(self, name: Any, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> str:
        """What kind of event this is, where the document and the `event:` line do not say the same."""
        said = frame.event
        if not isinstance(name, str):
            name = said or ("" if "output" not in document else "response")
            if name.startswith("response."):
                self.output.report(out, "type_missing", frame)
        elif not name.startswith("response."):
            pass
        elif said.startswith("response."):
            self.output.report(out, "event_name_contradicts", frame, text=excerpt(said), kind=excerpt(name))
        elif not said and frame.channel == "sse" and ("events_not_separated", None) not in self.output.reported:
            self.output.report(out, "event_lines_missing", frame)  # events that had to be parted lost their lines
        return str(name)

    def _check_sequence(self, name: str, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        number, last = document.get("sequence_number"), self._sequence
        if type(number) is not int:
            if name.startswith("response."):
                self.output.report(out, "sequence_missing", frame)
            return
        self._sequence = number
        if last is not None and number <= last:
            self.output.report(out, "sequence_odd", frame, text=f"{number} after {last}")
        elif last is not None and number > last + 1:
            self.output.report(out, "sequence_gap", frame, text=f"{number} after {last}")

    def _read_event(self, name: str, event: JsonObject, frame: Frame, out: list[PeerEvent]) -> bool:
        """Take an event of the protocol; False for one that is none."""
        stem, _, verb = name.removeprefix("response.").rpartition(".")
        if stem in TEXTS and verb in ("delta", "done"):
            kind, place, whole = TEXTS[stem]
            item = self.output.find((kind,), event, frame, out)
            if verb == "delta":
                self.output.say(item, stem, event.get(place), event.get("delta"), frame, out)
            else:
                self.output.end_part(item, stem, event.get(place), event.get(whole), frame, out)
        elif stem in RAW_TEXTS and verb in ("delta", "done"):
            item = self.output.find(RAW_TEXTS[stem], event, frame, out)
            if verb == "delta":
                self.output.add_arguments(item, event.get("delta"), frame, out)
            else:
                item.raw_ended = True
                self.output.end_arguments(item, event.get("arguments", event.get("input")), frame, out)
        elif stem == "output_item" and verb in ("added", "done"):
            self._read_item(verb, event, frame, out)
        elif name in BEGINNINGS:
            self._note(event.get("response"))
        elif not stem and (verb in ENDS or verb == "done"):
            response = event.get("response")
            self._end(verb, response if isinstance(response, dict) else {}, frame, out)
        elif stem not in PARTS and name not in self._others and len(self._others) < MOST_OTHERS:
            self._others.add(name)
            out.append(diagnostic("event_other", None, frame, text=excerpt(name)))
        return True

    def _read_item(self, verb: str, event: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        document = event.get("item")
        if not isinstance(document, dict):
            self.output.odd("item", document, frame, out)
        elif verb == "added":
            self.output.announce(event.get("output_index"), document, frame, out)
        else:
            tell_item(self.output, self.output.end_item(event.get("output_index"), document, frame, out), frame, out)

    def _read_snapshot(self, response: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """The whole response so far, in place of events."""
        self.output.report(out, "response_cumulative", frame)
        self._note(response)
        places = self.output.places
        for index, document in enumerate(objects(response.get("output"))):
            if len(self.output.calls.calls) > MOST_CALLS:
                return
            name = named_whole(index, document)
            item = places.whole(text_of(document.get("type")), name)
            if item is None:
                self.output.announce(index, document, frame, out)
                item = places.items[-1]
            self.output.update(item, document, frame, out)

    def _note(self, response: Any) -> None:
        if isinstance(response, dict):
            self.response.update({name: value for name, value in response.items() if name != "output"})

    def _end(self, word: str, response: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """Take the end of the response, or an answer in one piece."""
        output, state = self.output, self.state
        self._note(response)
        self._take_usage(response.get("usage"), frame, out)
        if output.items and word in ("completed", "incomplete") and not response.get("output"):
            # https://github.com/BerriAI/litellm/issues/41009
            output.report(out, "output_left_out", frame)
        self._read_output(word, response, frame, out)
        self._read_output_text(response, frame, out)
        if error := words_and_names(response.get("error")):
            state.fail(error)
        match status := self._status(word, response, frame, out):
            case "incomplete":
                details = response.get("incomplete_details")
                reason = text_of(details.get("reason")) if isinstance(details, dict) else ""
                if not reason:
                    output.report(out, "incomplete_without_reason", frame)
                output.finish_reason = output.incomplete = REASONS.get(reason, reason) or "incomplete"
            case "failed":
                state.fail("The server says that the response failed, and not why.")
            case "cancelled":
                state.fail("The response was cancelled on the server.")
            case "queued" | "in_progress":
                state.fail(f"The response is {status}: it runs in the background, which Callscope does not wait for.")
            case _:
                output.finish_reason = status or ("completed" if word else None)
        output.whole = True

    def _read_output(self, word: str, response: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """Take the items as the end of the response repeats them, or as all that there is."""
        output, last = self.output, -1
        repeated, listed = Repeated(output.places), response.get("output")
        if listed is not None and len(objects(listed)) != len(listed if isinstance(listed, list) else [listed]):
            output.odd("output", listed, frame, out)
        for index, document in enumerate(objects(listed)):
            if len(output.calls.calls) > MOST_CALLS:
                return
            name = named_whole(index, document)
            known = repeated.next(text_of(document.get("type")), name)
            if known is None and word:
                output.report(out, "item_at_the_end_alone", frame, text=excerpt(text_of(document.get("type"))))
            elif known is not None and known.place < last:
                output.report(out, "output_reordered", frame)
            item = output.take_whole(known, name, document, frame, out)
            last = item.place
            tell_item(output, item, frame, out)

    def _status(self, word: str, response: JsonObject, frame: Frame, out: list[PeerEvent]) -> str:
        """How the response ended: what it says itself, where that is an end, else the name of the event."""
        status, ends = text_of(response.get("status")), word in ENDS
        if not status:
            self.output.report(out, "status_missing", frame)
        elif ends and status not in (word, "failed", "cancelled"):  # a failure says so itself
            self.output.report(out, "status_differs", frame, text=word, whole=excerpt(status))
        return word if ends and status not in ENDS else status

    def _take_usage(self, usage: Any, frame: Frame, out: list[PeerEvent]) -> None:
        """Keep token counts; the last ones count."""
        if not isinstance(usage, dict):
            if usage is not None:
                self.output.odd("usage", usage, frame, out)
            return
        self.output.usage = usage
        if "prompt_tokens" in usage and "input_tokens" not in usage:
            self.output.report(out, "usage_renamed", frame, text="prompt_tokens")

    def _read_output_text(self, response: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """The text that SDKs put beside the items, where it is all that a server sends."""
        text = response.get("output_text")
        if isinstance(text, str) and text and self.output.silent:
            self.output.report(out, "output_text_alone", frame)
            content = [{"type": "output_text", "text": text}]
            document = {"type": "message", "role": "assistant", "content": content}
            self.output.take_whole(None, named_whole(0, document), document, frame, out)

    def _read_unusual(self, name: str, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """A document that is no event of this protocol: an error, another protocol, or a remark."""
        state = self.state
        error = error_in(document)
        if error is not None or "error" in (name, frame.event):
            state.fail(error or words_and_names(document) or "The server reported an error.")
        elif "choices" in document:
            state.foreign = state.foreign or excerpt(frame.data)
            state.mistaken = "This is an answer of Chat Completions, not of the Responses API: try --dialect chat."
            self.output.report(out, "chat_answer", frame)
        elif document:
            state.remark = remark_in(document)
            state.foreign = state.foreign or excerpt(frame.data)
            if frame.channel == "sse":
                self.output.report(out, "event_unknown", frame, text=excerpt(frame.data))

    def _read_late(self, name: str, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """After the end of the response nothing counts but usage, and a failure, which takes it back; it is told."""
        self._take_usage(document.get("usage"), frame, out)
        error = error_in(document)
        if name.startswith("response") or error is not None:
            self.output.report(out, "event_after_the_end", frame, text=excerpt(frame.data))
        if name == "response.failed":
            response = document.get("response")
            said = words_and_names(response.get("error")) if isinstance(response, dict) else ""
            error = said or "The server says that the response failed, and not why."
        if error is not None or "error" in (name, frame.event):
            self.state.fail(error or words_and_names(document) or "The server reported an error.")
