"""The Agent Connect Framework, decoded: the bytes of one exchange with an agent in, events out.

Knows the envelopes of both event dialects, of native Orchestrate and of an answer in one piece, and where agents put
errors. Must not know how frames come from bytes (`body`), what a delta adds (`answer`), nor when an answer is a
failure (`ending`). A body is first of all one of Chat Completions, with other documents in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, assert_never

from callscope.core.events import PeerEvent, ThreadNamed
from callscope.core.values import Ending, Frame, JsonObject, ToolSpec
from callscope.dialects.chat.decoder import ChatReader
from callscope.dialects.diagnostics import diagnostic, excerpt
from callscope.dialects.documents import documents
from callscope.dialects.failures import error_in, words
from callscope.dialects.frames import FrameDecoder
from callscope.dialects.limits import Share, texts

from .answer import CHUNK, AgentAnswer
from .calls import AgentCalls, Told
from .framing import Habits
from .renamed import TEXT_ARGS, documented, renamed
from .simple import SIMPLE, Called, Ended, Failed, Said, names_in, simple_event, simple_name
from .thread import head_thread, named_thread

COMPLETED: Final = "thread.message.completed"
ANSWER: Final = "chat.completion"
MARKS: Final = frozenset(("thread.run.step.created", "thread.run.step.completed"))
"""Objects that only mark a place in the stream."""

LONGEST_ERROR: Final = 300
"""Characters: unframed text that is longer is an answer, whatever words are in it."""

_ERROR_WORDS: Final = re.compile(
    r"\b(?:error|exception|traceback|fail(?:ed|ure)?|denied|unauthori[sz]ed|forbidden|invalid"
    r"|not (?:set|found|allowed|configured))\b",
    re.IGNORECASE,
)


def agent_decoder(exchange: int, tools: Sequence[ToolSpec]) -> FrameDecoder:
    """A decoder for one exchange in which these tools were offered."""
    habits = Habits()
    return FrameDecoder(AgentReader(exchange, tools, habits), habits.feed)


class AgentReader(ChatReader):
    """The frames of one exchange in, what they say out; `habits` hears the bytes."""

    def __init__(self, exchange: int, tools: Sequence[ToolSpec], habits: Habits) -> None:
        super().__init__(exchange, tools)
        self.state.protocol = "Agent Connect Framework"
        calls = AgentCalls(exchange, self.answer.calls, self.state.offered)
        self._agent = AgentAnswer(self.answer, calls)
        self._habits = habits
        self._thread = ""
        self._unframed: Frame | None = None  # text outside any event that reads like an error
        self._simple = False
        self._simple_ended = False

    def kept(self) -> Iterator[Share]:
        """What of the answer is kept so far."""
        yield from super().kept()
        yield from self._agent.calls.kept()
        yield texts("errors", [(len(text), 1) for text in self._agent.error_said])

    # ---- frames -----------------------------------------------------------------------------------------------------

    def read(self, frame: Frame, out: list[PeerEvent]) -> None:
        """Take a frame of an answer, whatever is in it."""
        if frame.channel == "comment":
            self.report(out, "comment", frame, text=excerpt(frame.data))
        elif frame.channel == "sse" and frame.event == "error":
            self._read_error(frame, out)
        else:
            super().read(frame, out)

    def _read_error(self, frame: Frame, out: list[PeerEvent]) -> None:
        """An error event, or a line `Error: …`, which the framing takes for one."""
        self.state.told += 1
        if frame.end - frame.start <= len(frame.data.encode(errors="replace")) + len("error: "):
            out.append(diagnostic("error_as_text", None, frame, text=excerpt(frame.data)))
        elif documents(frame.data).rest:
            out.append(diagnostic("event_not_json", None, frame, text=excerpt(frame.data)))
        self.state.fail(words(frame.data) or "The agent reported an error.")

    def read_text(self, text: str, frame: Frame, out: list[PeerEvent]) -> None:
        """Text outside any event: an error, or words of the answer that the agent forgot to frame."""
        mark, remark, self.state.remark = len(out), self.state.remark, ""
        super().read_text(text, frame, out)
        if frame.channel != "body" or not self.state.remark:
            self.state.remark = self.state.remark or remark
            return
        del out[mark:]
        if len(text) <= LONGEST_ERROR and _ERROR_WORDS.search(text):
            self._unframed = frame
        else:
            self._begin({})
            out.append(diagnostic("text_unframed", None, frame, text=excerpt(text)))
            self._agent.say("output", text, frame, out)

    # ---- documents --------------------------------------------------------------------------------------------------

    def read_document(self, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """Take one JSON object: a frame, an answer in one piece, an event of the second dialect, an error."""
        self._notice(document, frame, out)
        if self.state.done:
            self._read_late(document, frame, out)
            return
        error = error_in(document)
        kind = document.get("object")
        kind = kind if isinstance(kind, str) else frame.event
        if error is not None:
            self.state.fail(error)
        elif name := simple_name(document, frame):
            self._read_simple(name, document, frame, out)
        elif kind == COMPLETED:
            self._begin(document)
            self._agent.complete(document, frame, out)
        elif "choices" in document or "delta" in document:
            self._read_choices(document, kind, frame, out)
        elif kind not in MARKS and document.keys() - {"thread_id", "object", "id"}:
            self._read_unusual(document, frame, out)
        self.answer.take_usage(document.get("usage"))

    def _notice(self, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """Say what is odd about the frame itself, and learn the thread."""
        report, kind = self.report, document.get("object")
        if frame.channel == "sse":
            for code in self._habits.of(frame):
                report(out, code, frame)
            label = self.state.headers.get("content-type", "")
            if self.state.status is not None and not label.lower().startswith("text/event-stream"):
                report(out, "content_type_odd", frame, text=excerpt(label) or "nothing")
            if not frame.event and isinstance(kind, str) and kind.startswith("thread."):
                report(out, "event_line_missing", frame, member="object")
            elif frame.event and isinstance(kind, str) and frame.event != kind and frame.event not in SIMPLE:
                facts = {"text": excerpt(frame.event), "kind": excerpt(kind), "member": "object"}
                report(out, "event_line_contradicts", frame, **facts)
        self._learn(named_thread(document), frame, out)

    def _learn(self, thread: str, frame: Frame | None, out: list[PeerEvent]) -> None:
        """Keep the first thread that the agent names; what a frame says goes before what the head says."""
        thread = thread or ("" if self._thread else head_thread(self.state.headers))
        if thread and not self._thread:
            self._thread = thread
            out.append(ThreadNamed(thread, frame))
        elif thread and thread != self._thread:
            self.report(out, "thread_changed", frame, text=excerpt(thread))

    def _begin(self, document: JsonObject) -> None:
        """Take note that the agent speaks."""
        self.state.chunks += 1
        self.state.remark = ""
        self._unframed = None
        if not self.model and isinstance(document.get("model"), str):
            self.model = document["model"]

    def _read_choices(self, document: JsonObject, kind: str, frame: Frame, out: list[PeerEvent]) -> None:
        """A frame, or an answer in one piece."""
        self._begin(document)
        whole = frame.channel == "body" or kind == ANSWER
        if not isinstance(document.get("object"), str):
            self.report(out, "object_missing", frame)
        elif whole and kind != ANSWER:
            self.report(out, "object_odd", frame, text=excerpt(kind))
        elif kind == CHUNK:
            self.report(out, "chunk_in_stream", frame)
        if "choices" in document:
            choices = document["choices"]
        else:
            self.report(out, "choices_missing", frame)
            choices = [{"delta": document["delta"]}]
        if not choices:
            self.report(out, "delta_empty", frame)
            self.state.choiceless = True
        for choice in choices if isinstance(choices, list) else [choices]:
            self._agent.add(choice, document, kind, frame, out)
            self.answer.whole = self.answer.whole or (
                whole and isinstance(choice, dict) and bool(choice.get("message"))
            )

    def _read_simple(self, name: str, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """An event of the second dialect."""
        self._simple = True
        self._begin(document)
        if frame.channel == "sse" and frame.event != name:
            member = next(names_in(document))
            if frame.event:
                facts = {"text": excerpt(frame.event), "kind": name, "member": member}
                self.report(out, "event_line_contradicts", frame, **facts)
            else:
                self.report(out, "event_line_missing", frame, member=member)
        for member, due in renamed(name, document):
            self.report(out, "member_renamed", frame, member=member, due=due)
        match event := simple_event(name, documented(name, document)):
            case Said(channel=channel, text=text):
                self._agent.say(channel, text, frame, out)
            case Called(entry=entry):
                self._agent.calls.add([entry], frame, out, TEXT_ARGS)
            case Told():
                self._agent.calls.answer(event, frame, out)
            case Failed():
                self.state.fail(words(event.words) or "The agent reported an error.")
            case Ended(status=status):
                self._simple_ended = True
                if status in ("failed", "error"):
                    self.state.fail(f"The agent ended the stream with the status {status}.")
            case _:
                assert_never(event)

    # ---- the end ----------------------------------------------------------------------------------------------------

    def end(self, how: Ending, detail: str, out: list[PeerEvent]) -> None:
        """Say how the response came out."""
        state, answer = self.state, self.answer
        self._learn("", None, out)
        self._agent.close(out)
        if self._unframed is not None:
            out.append(diagnostic("error_as_text", None, self._unframed, text=excerpt(self._unframed.data)))
        if self._agent.error_said:
            state.fail("".join(self._agent.error_said))
        early = self._early()
        state.early = early or "The stream ended before the agent said anything."
        if self._simple_ended or state.done or (how == "complete" and state.chunks and not early):
            answer.whole = answer.whole or not state.remark
        super().end(how, detail, out)

    def _early(self) -> str:
        """Why a clean end is an early one all the same: most agents just close when they are done."""
        if self.state.event_cut_off:
            return "The stream ended in the middle of an event."
        if self._simple and not self._simple_ended:
            return "The stream ended without stream_end."
        return ""
