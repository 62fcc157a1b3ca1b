"""What a Chat Completions answer has said so far, and how a choice adds to it.

Knows the members of a choice, a delta and a message. Must not know frames' bytes, errors or how the exchange ends.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from callscope.core.events import PeerEvent, TextDelta
from callscope.core.values import Channel, Frame, JsonObject

from .calls import LEGACY, Calls
from .diagnostics import diagnostic, excerpt
from .documents import Halves
from .pieces import Spoken
from .texts import OPAQUE, REASONING, Reasoning, content_words

SHARES = {"content": "output", "tool_calls": "calls", LEGACY: "calls", "refusal": "refusal"}
"""What of an answer a member belongs to, where several choices speak; all else is reasoning."""


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
        self._halves: dict[Channel, Halves] | None = None
        self._index: Any = None
        self._indexed = False
        self._owners: dict[str, Any] = {}
        self._reported: set[str] = set()

    def text(self, channel: Channel) -> str:
        """All text of a channel so far."""
        return self.said[channel].text

    @property
    def silent(self) -> bool:
        """Whether nothing was said and no call made."""
        return not any(self.said.values()) and not self.calls.calls

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
            if choice is not None:
                self._odd("choices", choice, frame, out)
            return
        delta = choice.get("delta")
        message = choice.get("message")
        index = choice.get("index")
        if index != self._index or self._owners:
            delta, message = self._shared(index, delta, frame, out), self._shared(index, message, frame, out)
        if type(delta) is dict:
            self._add_delta(delta, frame, out)
        elif delta:
            self._odd("delta", delta, frame, out)
        if message and not (isinstance(delta, dict) and delta.get("content")):
            self._add_message(message, frame, out)
        if finish := choice.get("finish_reason"):
            self._finish(finish, frame, out)
        if usage := choice.get("usage"):
            self.take_usage(usage)
        if error := choice.get("error"):
            self.error = error

    def _shared(self, index: Any, said: Any, frame: Frame, out: list[PeerEvent]) -> Any:
        """What a choice of another index may add: only what no other choice has spoken of yet."""
        if not self._indexed:
            self._index, self._indexed = index, True
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
        reason = word if isinstance(word, str) else repr(word)
        if reason == "null":
            return
        if self.finish_reason is None:
            self.finish_reason = reason
        elif reason != self.finish_reason:
            self.report(out, "finish_reason_repeated", frame, text=f"{self.finish_reason}, then {excerpt(reason)}")

    def take_usage(self, usage: Any) -> None:
        """Keep token counts; the last ones count."""
        if isinstance(usage, dict):
            self.usage = usage

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
                if not reasoned:
                    reasoned = True
                    self._say("reasoning", self.reasoning.take(delta), frame, out)
            elif name == "refusal":
                self._say("refusal", value, frame, out)
            elif name in OPAQUE:
                self.reasoning.keep(name, value)
        if delta.get(LEGACY):
            self.calls.add_legacy(delta[LEGACY], frame, out)

    def _add_content(self, content: Any, frame: Frame, out: list[PeerEvent]) -> None:
        if type(content) is str:
            self._say("output", content, frame, out)
            return
        unknown: list[str] = []
        for channel, text in content_words(content, unknown):
            self._say(channel, text, frame, out)
        for kind in unknown:
            self.report(out, "part_unknown", frame, text=excerpt(kind))

    def _say(self, channel: Channel, text: Any, frame: Frame, out: list[PeerEvent]) -> None:
        if type(text) is not str:
            self._odd(channel, text, frame, out)
            return
        if self._halves is not None:
            text = self._halves[channel].joined(text)
        if text:
            self.said[channel].say(text, frame)
            out.append(TextDelta(channel, text, frame))

    def _odd(self, member: str, value: Any, frame: Frame, out: list[PeerEvent]) -> None:
        self.report(out, "member_odd", frame, member=member, text=excerpt(repr(value)))

    def _add_message(self, message: Any, frame: Frame, out: list[PeerEvent]) -> None:
        """Take a whole message: the answer itself, or all that the deltas said once more."""
        if not isinstance(message, dict):
            self._odd("message", message, frame, out)
            return
        self.calls.numbered = False
        if self.silent:
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
        """Give the halves of characters that never met their other halves."""
        for channel, halves in (self._halves or {}).items():
            if rest := halves.rest():
                last = self.said[channel].last_frame
                out.append(diagnostic("lost_character", None, last))
                self.said[channel].say(rest, last)
                out.append(TextDelta(channel, rest, last))
