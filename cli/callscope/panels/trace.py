"""What a session has shown so far: events in, blocks and exchanges with their times out.

Knows which event changes which block, and what belongs where. Must not know how anything is drawn, nor what time it is.
"""

from __future__ import annotations

from typing import assert_never

from callscope.core.events import (
    ArgumentsDelta,
    BreakRequested,
    BytesRead,
    CallAssembled,
    CallDecided,
    CallHeld,
    CallStarted,
    Continued,
    Diagnostic,
    Event,
    ExchangeEnded,
    ExchangeOpened,
    ItemsInserted,
    MessagePassed,
    RemoteResult,
    ResponseCompleted,
    ResponseFailed,
    ResponseHead,
    ResponseStarted,
    ResultHeld,
    ResultReviewed,
    Rewound,
    SettingsChanged,
    Stamped,
    TextDelta,
    ThreadNamed,
    ToolFinished,
    ToolsChanged,
    ToolStarted,
    TurnEnded,
    UserMessage,
)
from callscope.core.state import Conversation
from callscope.core.values import CallKey, Item, Message, Reasoning, Settings, ToolCall, ToolResult
from callscope.dialects.json_progress import utf8_size

from .blocks import Block, CallEvent, CallTrace, ExchangeTrace, Notice, Retry, TextTrace, Voice, advance, assemble, ran
from .findings import Findings
from .placing import ABOUT_TEXT, insert_before_calls, text_about

MOST_TEXTS = 8
"""After so many texts in one response its channels are no longer parted: some servers change channel at each delta."""


class Trace:
    """All blocks and exchanges since the last `forget`, in order.

    `breaking`: the next call will be held. `thread` is the one that an agent keeps the conversation in.
    """

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.exchanges: list[ExchangeTrace] = []
        self.findings = Findings()
        self.settings = Settings()
        self.breaking = False
        self.thread: str | None = None
        self.began_at: float | None = None
        self.ended_at: float | None = None
        self._calls: dict[CallKey, CallTrace] = {}
        self._growing: dict[Voice, TextTrace] = {}
        self._texts = 0

    @property
    def exchange(self) -> ExchangeTrace | None:
        """The latest exchange."""
        return self.exchanges[-1] if self.exchanges else None

    @property
    def _number(self) -> int:
        """That of the latest exchange; 0 before there is one."""
        return self.exchanges[-1].number if self.exchanges else 0

    @property
    def _unsent(self) -> int:
        """How many results no request has carried yet."""
        return sum(
            ran(call.started_at is not None, call.result)
            for call in self._calls.values()
            if call.exchange == self._number
        )

    def call(self, key: CallKey) -> CallTrace | None:
        """The call of this key."""
        return self._calls.get(key)

    def forget(self) -> None:
        """Drop everything, so that memory stays flat however long a session goes on."""
        self.__init__()  # type: ignore[misc]

    def handle(self, stamped: Stamped, conversation: Conversation) -> Block | None:
        """Take an event; gives the block that it began or changed."""
        at, event = stamped.at, stamped.event
        match event:
            case ArgumentsDelta():
                return self._grow_arguments(at, event)
            case TextDelta():
                return self._grow_text(at, event)
            case BytesRead() | MessagePassed():
                if self.exchanges:
                    self.exchanges[-1].count_bytes(at, len(event.data))
                return None
            case _:
                self.breaking, self.thread = conversation.breaking, conversation.thread
                self.settings = conversation.settings
                return self._take(at, event, conversation)

    def _take(self, at: float, event: Event, conversation: Conversation) -> Block | None:
        match event:
            case ExchangeOpened():
                return self._open(at, event, conversation)
            case ResponseHead() | ResponseStarted() | ExchangeEnded() | ResponseCompleted() | ResponseFailed():
                return self._follow_exchange(at, event)
            case CallStarted() | CallAssembled() | RemoteResult():
                return self._follow_call(at, event)
            case CallHeld() | CallDecided() | ToolStarted() | ToolFinished() | ResultHeld() | ResultReviewed():
                return self._advance(at, event, conversation)
            case Diagnostic():
                return self._place(at, event)
            case UserMessage() | Continued() | TurnEnded() | Rewound() | ItemsInserted():
                return self._follow_turn(at, event)
            case SettingsChanged() | ToolsChanged() | BreakRequested() | ThreadNamed():
                return None
            case ArgumentsDelta() | TextDelta() | BytesRead() | MessagePassed():
                return None  # `handle` has them
            case _:
                assert_never(event)

    # ---- exchanges ------------------------------------------------------------------------------------------------

    def _open(self, at: float, event: ExchangeOpened, conversation: Conversation) -> Block | None:
        self.exchanges.append(ExchangeTrace(event.exchange, at, model=self.settings.model))
        self._growing, self._texts = {}, 0
        attempts = conversation.turn.attempts if conversation.turn else 1
        return self._add(Notice(at, event.exchange, Retry(attempts))) if attempts > 1 else None

    def _count_delta(self, at: float) -> None:
        if self.exchanges:
            self.exchanges[-1].count_delta(at)

    def _follow_exchange(
        self, at: float, event: ResponseHead | ResponseStarted | ExchangeEnded | ResponseCompleted | ResponseFailed
    ) -> Block | None:
        if self.exchange is None:
            return None
        self.exchange.follow(at, event)
        if isinstance(event, ResponseCompleted | ResponseFailed):
            self._end_texts()
            for call in self._calls.values():
                call.done = call.done or (call.executor == "remote" and call.exchange == self.exchange.number)
        return self._fail(at, self.exchange.number, event) if isinstance(event, ResponseFailed) else None

    def _fail(self, at: float, number: int, event: ResponseFailed) -> Notice:
        """The cause stands before the calls that it has spoilt."""
        self.findings.failed(number, event)
        notice = Notice(at, number, event)
        insert_before_calls(self.blocks, notice)
        return notice

    # ---- texts ----------------------------------------------------------------------------------------------------

    def _grow_text(self, at: float, event: TextDelta) -> TextTrace:
        self._count_delta(at)
        text = self._growing.get(event.channel)
        if text is None:
            self._part_texts()
            self._texts += 1
            text = self._growing[event.channel] = TextTrace(event.channel, self._number, at, at)
            self.blocks.append(text)
        text.chunks.append(event.text)
        text.count += 1
        text.bytes += utf8_size(event.text)
        text.last_at = at
        if frame := event.frame:
            text.frames = (text.frames[0] if text.frames else frame.start, frame.end)
        return text

    def _part_texts(self) -> None:
        """Something else begins: what was said before it is done, unless that happens all the time."""
        if self._texts < MOST_TEXTS:
            self._end_texts()

    def _end_texts(self) -> None:
        for text in self._growing.values():
            text.done = True
        self._growing.clear()

    # ---- calls ----------------------------------------------------------------------------------------------------

    def _grow_arguments(self, at: float, event: ArgumentsDelta) -> CallTrace:
        self._count_delta(at)
        call = self._calls.get(event.key) or self._begin(CallTrace(event.key, "", "", at))
        call.deltas.append((at, event.text))
        call.bytes += utf8_size(event.text)
        call.progress.feed(event.text)
        call.last_at = at
        return call

    def _begin(self, call: CallTrace) -> CallTrace:
        self._part_texts()
        self._calls[call.key] = call
        self.blocks.append(call)
        return call

    def _follow_call(self, at: float, event: CallStarted | CallAssembled | RemoteResult) -> CallTrace:
        match event:
            case CallStarted(key=key, call_id=call_id, name=name):
                self._count_delta(at)
                return self._begin(CallTrace(key, name, call_id, at, event.kind, event.executor, wire_id=call_id))
            case CallAssembled(call=assembled):
                call = self._calls.get(assembled.key) or self._begin(CallTrace(assembled.key, "", "", at))
                assemble(call, assembled, at)
            case RemoteResult(result=result):
                call = self._calls.get(result.key) or self._begin(CallTrace(result.key, "", "", at, executor="remote"))
                call.result, call.finished_at, call.done = result, at, True
                self.findings.ran_badly(result.key, result.status)
            case _:
                assert_never(event)
        return call

    def _advance(self, at: float, event: CallEvent, conversation: Conversation) -> CallTrace | None:
        call = self._calls.get(event.result.key if isinstance(event, ToolFinished) else event.key)
        if call and isinstance(event, ToolFinished) and not (call.call and call.call.fault):
            self.findings.ran_badly(call.key, event.result.status)
        return advance(call, at, event, conversation) if call else None

    # ---- the rest -------------------------------------------------------------------------------------------------

    def _add(self, notice: Notice) -> Notice:
        self.blocks.append(notice)
        return notice

    def _place(self, at: float, event: Diagnostic) -> Block:
        """A diagnostic stands at the call or the text that it speaks of."""
        number = self._number
        self.findings.diagnosed(number, event)
        owner: TextTrace | CallTrace | None = None
        if event.key is not None:
            owner = self._calls.get(event.key)
        elif event.code in ABOUT_TEXT:
            owner = text_about(self.blocks, event, number)
        if owner is None:
            return self._add(Notice(at, number, event))
        owner.diagnostics.append(event)
        return owner

    def _follow_turn(
        self, at: float, event: UserMessage | Continued | TurnEnded | Rewound | ItemsInserted
    ) -> Block | None:
        match event:
            case UserMessage(text=text):
                self.began_at, self.ended_at = at, None
                return self._say("user", text, at)
            case Continued():
                self.began_at, self.ended_at = self.began_at or at, None
                return None
            case TurnEnded():
                self.ended_at = at
                self._end_texts()
                for call in self._calls.values():
                    call.done = True
                return self._add(Notice(at, 0, event, unsent=self._unsent))
            case Rewound():
                return self._add(Notice(at, 0, event))
            case ItemsInserted(items=items):
                return [self._insert(item, at) for item in items][-1] if items else None
            case _:
                assert_never(event)

    def _say(self, voice: Voice, text: str, at: float) -> TextTrace:
        said = TextTrace(voice, 0, at, at, [text], 1, utf8_size(text), done=True)
        self.blocks.append(said)
        return said

    def _insert(self, item: Item, at: float) -> Block | None:
        match item:
            case Message():
                return self._say("user" if item.role == "user" else "output", item.text, at)
            case Reasoning():
                return self._say("reasoning", item.text, at)
            case ToolCall():
                call = self._begin(CallTrace(item.key, item.name, item.call_id, at, by_hand=True))
                assemble(call, item, at)
                return call
            case ToolResult():
                if owner := self._calls.get(item.key):
                    owner.result, owner.finished_at, owner.done = item, at, True
                return owner
            case _:
                assert_never(item)
