"""What a Chat Completions answer has said so far, and how a choice adds to it.

Knows the members of a choice, a delta and a message. Must not know frames' bytes, errors or how the exchange ends.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal

from callscope.core.events import ArgumentsDelta, CallStarted, PeerEvent, TextDelta
from callscope.core.values import Channel, Frame, JsonObject

from .calls import LEGACY, Calls
from .diagnostics import as_sent, diagnostic, excerpt
from .documents import Halves
from .pieces import Spoken
from .texts import OPAQUE, PLAIN_REASONING, REASONING, Reasoning, content_words

SHARES = {"content": "output", "tool_calls": "calls", LEGACY: "calls", "refusal": "refusal"}
"""What of an answer a member belongs to, where several choices speak; all else is reasoning."""
FINISHES = frozenset(("stop", "length", "tool_calls", "content_filter", "function_call"))
"""The words that the protocol has for the end of an answer."""
TOLD_ELSEWHERE = ("error", "malformed")
"""What is in words for an end that others tell of: a failure, a call that could not be read."""


UNSEEN = object()


class Answer:
    """One answer while it grows: texts, calls, reasoning, finish_reason and usage."""

    def __init__(self, exchange: int, offered: Collection[str]) -> None:
        self.calls = Calls(exchange, offered)
        self.reasoning = Reasoning()
        self.said: dict[Channel, Spoken] = {"output": Spoken(), "reasoning": Spoken(), "refusal": Spoken()}
        self.finish_reason: str | None = None
        self.usage: JsonObject | None = None
        self.whole = False  # a message came that needs no end
        self.error: Any = None  # of a choice
        self.takes_parts = False  # content may be parts, as agents have it
        self._halves: dict[Channel, Halves] | None = None
        self._index: Any = UNSEEN
        self._owners: dict[str, Any] = {}
        self._usage_place = ""
        self._usage_odd: Any = None
        self._reported: set[str] = set()

    def text(self, channel: Channel) -> str:
        """All text of a channel so far."""
        return self.said[channel].text

    @property
    def silent(self) -> bool:
        """Whether nothing was said and no call made."""
        return not any(self.said.values()) and not self.calls.calls

    @property
    def growing(self) -> bool:
        """Whether a call has begun and may not be whole yet; free text never tells that it is."""
        return any(call.kind == "custom" or not call.closed() for call in self.calls.calls)

    def expect_halves(self) -> None:
        """From here on characters may come in halves."""
        if self._halves is None:
            self._halves = {"output": Halves(), "reasoning": Halves(), "refusal": Halves()}
            self.calls.halves = True

    def report(self, out: list[PeerEvent], code: str, frame: Frame | None, **facts: str) -> None:
        """Say it once."""
        if code not in self._reported:
            self._reported.add(code)
            out.append(diagnostic(code, None, frame, **facts))

    # ---- choices ----------------------------------------------------------------------------------------------------

    def add(self, choice: Any, frame: Frame, out: list[PeerEvent]) -> None:
        """Take one choice of a chunk or of a whole answer."""
        if type(choice) is not dict:
            if choice is None:
                self.report(out, "member_null", frame, text="choices[]")
            else:
                self._odd("choices", choice, frame, out)
            return
        mark = len(out)
        self._add_said(choice, frame, out)
        if self.finish_reason is not None and len(out) > mark and frame.channel == "sse":
            self._judge_late(out[mark:], frame, out)
        finish = choice.get("finish_reason")
        if finish is not None:
            self._finish(finish, frame, out)
        if usage := choice.get("usage"):
            self.take_usage(usage, "the choice")
        if error := choice.get("error"):
            self.error = error

    def _add_said(self, choice: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        """Take what a choice says, be it a delta or a message."""
        delta = choice.get("delta")
        message = choice.get("message")
        index = choice.get("index")
        if index != self._index or self._owners:
            delta, message = self._shared(index, delta, frame, out), self._shared(index, message, frame, out)
        if type(delta) is dict:
            self._add_delta(delta, frame, out)
        elif delta is not None:
            self._odd("delta", delta, frame, out)
        elif "delta" in choice:
            self.report(out, "member_null", frame, text="delta")
        if message and not (isinstance(delta, dict) and delta.get("content")):
            self._add_message(message, frame, out)
            if frame.channel == "body" and choice.get("finish_reason") is None:
                self.report(out, "choice_incomplete", frame, text="finish_reason")

    def _judge_late(self, added: Sequence[PeerEvent], frame: Frame, out: list[PeerEvent]) -> None:
        """Say that words or pieces of a call came after the end of the answer."""
        if any(isinstance(event, TextDelta | ArgumentsDelta | CallStarted) for event in added):
            self.report(out, "content_after_finish", frame)

    def _shared(self, index: Any, said: Any, frame: Frame, out: list[PeerEvent]) -> Any:
        """What a choice of another index may add: only what no other choice has spoken of yet."""
        if self._index is UNSEEN and said:
            self._index = index
            if index != 0:
                self.report(out, "choice_index_odd", frame, text="missing" if index is None else as_sent(index))
        if not isinstance(said, dict):
            return said
        allowed: JsonObject = {}
        for name, value in said.items():
            if not value or name == "role":
                continue
            share = SHARES.get(name, "reasoning")
            owner = self._owners.get(share, self._index if self._has(share) else index)
            if owner == index:
                if index != self._index:
                    self._owners[share] = index
                    self.report(out, "choice_shifted", frame)
                allowed[name] = value
            else:
                self.report(out, "choice_ignored", frame)
        return allowed

    def _has(self, share: str) -> bool:
        return bool(self.calls.calls if share == "calls" else self.said[share])  # type: ignore[index]

    def _finish(self, word: Any, frame: Frame, out: list[PeerEvent]) -> None:
        if not word or word == "null":
            self.report(out, "finish_reason_empty", frame, text=as_sent(word))
            return
        reason = word if isinstance(word, str) else as_sent(word)
        if reason not in FINISHES and not any(part in reason.lower() for part in TOLD_ELSEWHERE):
            self.report(out, "finish_reason_unknown", frame, text=excerpt(reason))
        if self.finish_reason is None:
            self.finish_reason = reason
        elif reason != self.finish_reason:
            self.report(out, "finish_reason_repeated", frame, text=f"{self.finish_reason}, then {excerpt(reason)}")

    def take_usage(self, usage: Any, place: str = "") -> None:
        """Keep token counts; the last ones count. `place` is where they stand, if not where they belong."""
        if isinstance(usage, dict):
            self._usage_place = place if self.usage is None else self._usage_place and place
            self.usage = usage
        elif usage:
            self._usage_odd = usage

    # ---- deltas and messages ----------------------------------------------------------------------------------------

    def _add_delta(self, delta: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        reasoned = False
        for name, value in delta.items():
            if not value:
                continue  # null, "", [] and absent are the same
            if name == "content":
                self._add_content(value, frame, out)
            elif name == "tool_calls":
                self.calls.add(value, frame, out)
            elif name in REASONING:
                reasoned = self._add_reasoning(name, delta, frame, out, said=reasoned)
            elif name == "refusal":
                self._say("refusal", value, frame, out)
            elif name in OPAQUE:
                self.reasoning.keep(name, value)
        if (role := delta.get("role")) and role != "assistant":
            self.report(out, "role_odd", frame, text=excerpt(str(role)))
        if delta.get(LEGACY):
            self.calls.add_legacy(delta[LEGACY], frame, out)

    def _add_content(self, content: Any, frame: Frame, out: list[PeerEvent]) -> None:
        if type(content) is str:
            self._say("output", content, frame, out)
            return
        unknown: list[str] = []
        if isinstance(content, dict | list) and not self.takes_parts:
            self.report(out, "content_not_text", frame, member="content")
        for channel, text in content_words(content, unknown):
            self._say(channel, text, frame, out)
        for kind in unknown:
            self.report(out, "part_unknown", frame, text=excerpt(kind))

    def _add_reasoning(
        self, name: str, delta: JsonObject, frame: Frame, out: list[PeerEvent], *, said: bool
    ) -> Literal[True]:
        """Take the reasoning of a delta once, whatever members it stands in; plain ones are text, details a list."""
        value = delta[name]
        if type(value) is not str:
            if name in PLAIN_REASONING and isinstance(value, dict | list):
                self.report(out, "content_not_text", frame, member=name)
            elif name in PLAIN_REASONING or not isinstance(value, list):
                self._odd(name, value, frame, out)
        if not said:
            self._say("reasoning", self.reasoning.take(delta), frame, out)
        return True

    def _say(self, channel: Channel, text: Any, frame: Frame, out: list[PeerEvent]) -> None:
        if type(text) is not str:
            self._odd(channel, text, frame, out)
            return
        if self._halves is not None:
            text, code = self._halves[channel].joined(text)
            if code:
                self.report(out, code, frame)
        if text:
            self.said[channel].say(text, frame)
            out.append(TextDelta(channel, text, frame))

    def _odd(self, member: str, value: Any, frame: Frame, out: list[PeerEvent]) -> None:
        self.report(out, "member_odd", frame, member=member, text=as_sent(value))

    def _add_message(self, message: Any, frame: Frame, out: list[PeerEvent]) -> None:
        """Take a whole message: the answer itself, or all that the deltas said once more."""
        if not isinstance(message, dict):
            self._odd("message", message, frame, out)
            return
        self.calls.numbered = False
        if self.silent:
            if frame.channel == "sse":
                self.report(out, "message_for_delta", frame)
            self._add_delta(message, frame, out)
        else:
            self._compare(message, frame, out)
            if message.get("tool_calls"):
                self.calls.add_whole(message["tool_calls"], frame, out)

    def _compare(self, message: JsonObject, frame: Frame, out: list[PeerEvent]) -> None:
        texts: dict[Channel, str] = {}
        for channel, text in content_words(message.get("content") or "", []):
            texts[channel] = texts.get(channel, "") + text
        texts["refusal"] = message["refusal"] if isinstance(message.get("refusal"), str) else ""
        texts["reasoning"] = texts.get("reasoning", "") or Reasoning().take(message)
        for channel, whole in texts.items():
            if whole:
                self._add_missing(channel, whole, frame, out)

    def _add_missing(self, channel: Channel, whole: str, frame: Frame, out: list[PeerEvent]) -> None:
        known = self.text(channel) if len(whole) >= self.said[channel].size else None
        if known is None or not whole.startswith(known):
            self.report(out, "message_contradicts", frame)
            return
        if known:
            self.report(out, "message_repeated", frame)
        self._say(channel, whole[len(known) :], frame, out)

    def flush(self, out: list[PeerEvent]) -> None:
        """Give the halves of characters that never met their other halves, and say what is odd about the counts."""
        self._judge_usage(out)
        if self.finish_reason == LEGACY and self.calls.calls and not self.calls.legacy:
            self.report(out, "finish_reason_despite_calls", None, text=LEGACY)
        for channel, halves in (self._halves or {}).items():
            if rest := halves.rest():
                last = self.said[channel].last_frame
                self.report(out, "lost_character", last)
                self.said[channel].say(rest, last)
                out.append(TextDelta(channel, rest, last))

    def _judge_usage(self, out: list[PeerEvent]) -> None:
        if self.usage and "input_tokens" in self.usage and "prompt_tokens" not in self.usage:
            self.report(out, "usage_renamed", None, text="input_tokens")
        if self._usage_place:
            self.report(out, "usage_elsewhere", None, text=self._usage_place)
        if self._usage_odd is not None:
            self.report(out, "member_odd", None, member="usage", text=as_sent(self._usage_odd))
