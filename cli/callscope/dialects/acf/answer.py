"""What an agent has said so far, and how a delta, a step or a whole message adds to it.

Knows the members that only agents send: steps, thinking as content, errors marked by an id, whole messages of native
Orchestrate. Must not know envelopes, frames' bytes or how the exchange ends. The rest is as in Chat Completions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from callscope.core.events import PeerEvent
from callscope.core.values import Channel, Frame, JsonObject
from callscope.dialects.answer import Answer
from callscope.dialects.diagnostics import as_sent, diagnostic, excerpt
from callscope.dialects.texts import content_words, flat_text

from .calls import AgentCalls, Told

STEP: Final = "thread.run.step.delta"
CHUNK: Final = "chat.completion.chunk"
FEWEST_PIECES: Final = 5
FEWEST_CHARACTERS: Final = 20
"""Less than this tells nothing about the spaces in a text."""

_SPACE: Final = re.compile(r"\s")


class AgentAnswer:
    """An agent's answer while it grows: `answer` holds the words, `calls` the calls."""

    def __init__(self, answer: Answer, calls: AgentCalls) -> None:
        self.answer = answer
        self.answer.takes_parts = True
        self.calls = calls
        self.error_said: list[str] = []  # the newest text, where the agent itself marks it as an error
        self._completed_at = 0  # pieces of the answer that were there when the last whole message had been taken

    def say(self, channel: Channel, text: str, frame: Frame, out: list[PeerEvent]) -> None:
        """Add words."""
        part: Any = text if channel == "output" else {"type": "thinking", "text": text}
        self.answer.add({"index": 0, "delta": {"content": part}}, frame, out)

    def add(self, choice: Any, document: JsonObject, kind: str, frame: Frame, out: list[PeerEvent]) -> None:
        """Take one choice of a frame of this kind, or of an answer in one piece."""
        if not isinstance(choice, dict):
            self.answer.add(choice, frame, out)
            return
        if choice.get("message"):
            missing = [member for member in ("index", "finish_reason") if choice.get(member) is None]
            if missing:
                self.answer.report(out, "choice_incomplete", frame, text=" and no ".join(missing))
        delta = choice.get("delta")
        if isinstance(delta, dict):
            self._note_error(str(document.get("id")), flat_text(delta.get("content")), frame, out)
            delta = self._take(delta, kind, frame, out)
        mark = len(out)
        self.answer.calls.numbered = kind == CHUNK
        # without an index a frame is of the first choice, as one with index 0 is
        said = {**choice, "index": choice.get("index") or 0}
        self.answer.add({**said, "delta": delta} if "delta" in choice else said, frame, out)
        self.calls.relabel(out, mark)

    def _note_error(self, frame_id: str, text: str, frame: Frame, out: list[PeerEvent]) -> None:
        if text and frame_id.lower().startswith("error"):
            self.error_said.append(text)
            self.answer.report(out, "error_as_text", frame, text=excerpt(text))
        elif text:
            self.error_said.clear()

    # ---- deltas -----------------------------------------------------------------------------------------------------

    def _take(self, delta: JsonObject, kind: str, frame: Frame, out: list[PeerEvent]) -> JsonObject:
        """Take what only agents say; gives the rest, which is as in Chat Completions."""
        rest = {name: value for name, value in delta.items() if name not in ("step_details", "role")}
        step, content = delta.get("step_details"), delta.get("content")
        self._judge(delta.get("role"), says=bool(step or any(rest.values())), ends=kind == CHUNK, frame=frame, out=out)
        if isinstance(step, dict):
            self._step(step, frame, out)
        elif step:
            self.answer.report(out, "member_odd", frame, member="step_details", text=as_sent(step))
        if kind == STEP and content and not step:
            self.answer.report(out, "text_in_step", frame)
        if isinstance(content, dict) and content.get("type") == "thinking":
            self.answer.report(out, "thinking_in_message", frame)
        calls = rest.get("tool_calls")
        if isinstance(calls, list) and any(isinstance(call, dict) and "args" in call for call in calls):
            self.answer.report(out, "call_outside_step", frame)
            self.calls.add(rest.pop("tool_calls"), frame, out)
        return rest

    def _judge(self, role: Any, *, says: bool, ends: bool, frame: Frame, out: list[PeerEvent]) -> None:
        """Say what is odd about who speaks, or that nobody does; a chunk without a word ends an answer."""
        if role not in (None, "", "assistant"):
            self.answer.report(out, "role_odd" if says else "heartbeat", frame, text=excerpt(str(role)))
        elif not says and not ends:
            self.answer.report(out, "delta_empty", frame)

    def _step(self, step: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        content = step.get("content")
        match step.get("type"):
            case "thinking":
                self.say("reasoning", flat_text(content), frame, out)
            case "tool_calls":
                self.calls.add(step.get("tool_calls"), frame, out)
            case "tool_response":
                self.calls.answer(Told(step.get("tool_call_id"), step.get("name"), content), frame, out)
            case other:
                self.answer.report(out, "step_unknown", frame, text=excerpt(str(other)))
                self.say("reasoning", flat_text(content), frame, out)

    # ---- whole messages ---------------------------------------------------------------------------------------------

    def complete(self, document: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """Take a whole message: what its deltas said, once more, or said for the first time."""
        data = document["data"] if isinstance(document.get("data"), dict) else document
        message = data["message"] if isinstance(data.get("message"), dict) else data
        unknown: list[str] = []
        whole = "".join(text for _, text in content_words(message.get("content") or "", unknown))
        for kind in unknown:
            self.answer.report(out, "part_unknown", frame, text=excerpt(kind))
        said = self.answer.said["output"].after(self._completed_at)
        if said and whole.startswith(said):
            self.answer.report(out, "message_repeated", frame)
        if whole.startswith(said):
            self.say("output", whole[len(said) :], frame, out)
        elif whole:
            self.answer.report(out, "message_contradicts", frame)
        self._completed_at = len(self.answer.said["output"])

    # ---- the end ----------------------------------------------------------------------------------------------------

    def close(self, out: list[PeerEvent]) -> None:
        """Say what only the whole answer tells."""
        self.calls.close(out)
        said = self.answer.said["output"]
        if len(said) >= FEWEST_PIECES and said.size >= FEWEST_CHARACTERS and loses_spaces(said):
            out.append(diagnostic("words_joined", None, said.frame_at(0)))


def loses_spaces(pieces: Iterable[str]) -> bool:
    """Whether a text looks like words that were split at white space and sent without it."""
    joins = words = meet = 0
    before = ""
    for piece in pieces:
        if _SPACE.search(piece):
            return False
        if before:
            joins += 1
            if piece[0].islower() or piece[0].isupper():  # scripts without case have no spaces
                words += 1
                meet += before.isalnum() or before in ',.;:!?}"'
        before = piece[-1]
    return words >= 0.5 * joins and meet >= 0.8 * words
