"""A session written down as events with their times, for whoever looks at what a screen shows."""

from __future__ import annotations

from dataclasses import dataclass, field

from callscope.core.events import (
    ArgumentsDelta,
    CallAssembled,
    CallStarted,
    Event,
    ExchangeOpened,
    ResponseCompleted,
    ResponseStarted,
    Stamped,
    UserMessage,
)
from callscope.core.ports import Sink
from callscope.core.state import Conversation, apply
from callscope.core.values import CallKey, Fault, Request, ToolCall
from callscope.panels.trace import CallTrace, Trace

KEY = CallKey(1, 0)


def opened(exchange: int = 1) -> ExchangeOpened:
    return ExchangeOpened(exchange, Request("POST", "http://127.0.0.1/v1/chat/completions", (), b"{}"))


@dataclass
class Scene:
    """Events go in with their times; the trace, and whatever other sinks there are, hear them."""

    trace: Trace = field(default_factory=Trace)
    sinks: list[Sink] = field(default_factory=list)
    conversation: Conversation = field(default_factory=Conversation)
    now: float = 0.0
    seq: int = 0

    def at(self, now: float, *events: Event) -> Scene:
        """Let events happen at this time."""
        self.now = now
        for event in events:
            self.seq += 1
            self.conversation = apply(self.conversation, event)
            stamped = Stamped(self.seq, now, event)
            self.trace.handle(stamped, self.conversation)
            for sink in self.sinks:
                sink.handle(stamped, self.conversation)
        return self

    def asked(self, text: str = "Weather?") -> Scene:
        """The person spoke and the response began."""
        return self.at(0.0, UserMessage(text), opened(), ResponseStarted(1, "demo"))

    def called(
        self,
        *deltas: str,
        name: str = "get_weather",
        key: CallKey = KEY,
        fault: Fault | None = None,
        whole: bool = True,
    ) -> Scene:
        """A call came in these deltas, 10 ms apart, and was assembled unless it is not `whole` yet."""
        self.at(self.now + 0.01, CallStarted(key, f"call_{key.index}", name))
        for delta in deltas:
            self.at(self.now + 0.01, ArgumentsDelta(key, delta))
        if whole:
            self.at(self.now, CallAssembled(ToolCall(key, f"call_{key.index}", name, "".join(deltas), fault=fault)))
        return self

    def completed(self, finish_reason: str = "tool_calls") -> Scene:
        """The response came to its end."""
        return self.at(self.now, ResponseCompleted(finish_reason))

    def call(self, key: CallKey = KEY) -> CallTrace:
        """The trace of a call."""
        call = self.trace.call(key)
        assert call is not None
        return call
