"""A recording told turn by turn: what was said, asked for, called and answered, and how long it took.

Knows which of its events a person compares sessions by. Must not know files, nor another recording. Of what was taken
back nothing is told: it is not a part of the conversation any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from callscope.core.events import (
    BytesRead,
    CallAssembled,
    CallDecided,
    Event,
    ExchangeEnded,
    ExchangeOpened,
    RemoteResult,
    ResponseCompleted,
    ResponseFailed,
    ResultReviewed,
    Rewound,
    SettingsChanged,
    Stamped,
    TextDelta,
    ToolFinished,
    ToolsChanged,
    ToolStarted,
    TurnEnded,
    UserMessage,
)
from callscope.core.state import Conversation, apply
from callscope.core.values import CallKey, Message, Settings, ToolResult, ToolSpec
from callscope.record.file.format import Line, line_of


@dataclass(slots=True)
class ToldCall:
    """A call from proposal to result; `ran_with` are its effective arguments, `returned` what went back instead."""

    name: str
    arguments: str
    fault: str | None = None
    decision: Line | None = None
    ran_with: str | None = None
    result: ToolResult | None = None
    returned: str | None = None


@dataclass(slots=True)
class ToldExchange:
    """A request and its response; times in seconds from the request, None where nothing came."""

    began: float
    first_byte: float | None = None
    seconds: float | None = None
    finish_reason: str | None = None
    failure: str | None = None
    text: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class ToldTurn:
    """A turn; `settings` and `tools` are those it began with, `messages` how many the person had said before."""

    words: str
    settings: Settings
    tools: tuple[ToolSpec, ...]
    messages: int
    began: float
    calls: dict[CallKey, ToldCall] = field(default_factory=dict)
    exchanges: list[ToldExchange] = field(default_factory=list)
    reason: str | None = None
    seconds: float = 0.0


def told(stream: Iterable[Stamped]) -> list[ToldTurn]:
    """The turns of a session's stream that its conversation holds in the end."""
    telling = _Telling()
    for stamped in stream:
        telling.take(stamped.event, stamped.at)
    return telling.turns


class _Telling:
    def __init__(self) -> None:
        self.turns: list[ToldTurn] = []
        self._conversation = Conversation()

    def take(self, event: Event, at: float) -> None:
        match event:
            case SettingsChanged() | ToolsChanged():
                self._conversation = apply(self._conversation, event)
            case UserMessage(text=text):
                self._begin(text, at)
            case Rewound():
                self._conversation = apply(self._conversation, event)
                self._forget()
            case _:
                self._conversation = apply(self._conversation, event)
                if self.turns:
                    self._add(self.turns[-1], event, at)

    def _begin(self, text: str, at: float) -> None:
        conversation = self._conversation
        turn = ToldTurn(text, conversation.settings, conversation.tools, self._said(), at)
        self.turns.append(turn)
        self._conversation = apply(conversation, UserMessage(text))

    def _said(self) -> int:
        return sum(isinstance(item, Message) and item.role == "user" for item in self._conversation.items)

    def _forget(self) -> None:
        left = self._said()
        self.turns = [turn for turn in self.turns if turn.messages < left]

    def _add(self, turn: ToldTurn, event: Event, at: float) -> None:
        if isinstance(event, TurnEnded):
            turn.reason, turn.seconds = event.reason, at - turn.began
        elif isinstance(event, ExchangeOpened) and event.exchange:
            turn.exchanges.append(ToldExchange(at))
        elif turn.exchanges:
            _add_to_exchange(turn.exchanges[-1], event, at)
            _add_to_calls(turn.calls, event)


def _add_to_exchange(exchange: ToldExchange, event: Event, at: float) -> None:
    match event:
        case BytesRead() if exchange.first_byte is None:
            exchange.first_byte = at - exchange.began
        case ExchangeEnded():
            exchange.seconds = at - exchange.began
        case TextDelta(channel=channel, text=text):
            exchange.text.setdefault(channel, []).append(text)
        case ResponseCompleted(finish_reason=finish_reason):
            exchange.finish_reason = finish_reason
        case ResponseFailed(kind=kind, finish_reason=finish_reason):
            exchange.failure, exchange.finish_reason = kind, finish_reason
        case _:
            pass


def _add_to_calls(calls: dict[CallKey, ToldCall], event: Event) -> None:
    match event:
        case CallAssembled(call=call):
            calls[call.key] = ToldCall(call.name, call.arguments, call.fault.code if call.fault else None)
        case CallDecided(key=key) if key in calls:
            calls[key].decision = _decision(event)
        case ToolStarted(key=key) if key in calls:
            calls[key].ran_with = event.arguments
        case ToolFinished(result=result) | RemoteResult(result=result) if result.key in calls:
            calls[result.key].result = result
        case ResultReviewed(key=key, output=output) if key in calls:
            calls[key].returned = output
        case _:
            pass


def _decision(event: CallDecided) -> dict[str, Any]:
    """What was decided, not by whom."""
    return {name: value for name, value in line_of(event).items() if name not in ("kind", "call", "by", "proposed")}
