"""All that is known of one turn that may tell why a call did not come, or did not run: a sink that gathers it.

Knows which events matter. Must not know what follows from them (`absence`, `calls`), nor how it is shown. Memory is
bounded whatever comes. Reads and deltas only wait, until there are many of them or anything else comes.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable

from callscope.core.events import (
    ArgumentsDelta,
    BytesRead,
    CallAssembled,
    CallDecided,
    CallHeld,
    CallStarted,
    Diagnostic,
    Event,
    ExchangeEnded,
    ExchangeOpened,
    ItemsInserted,
    RemoteResult,
    ResponseCompleted,
    ResponseFailed,
    ResponseHead,
    ResultReviewed,
    Rewound,
    Stamped,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    UserMessage,
)
from callscope.core.state import Conversation
from callscope.core.values import CallKey, Channel, Edit, ToolCall, TurnReason
from callscope.dialects.demanding import body_of

from .asking import carried
from .facts import CallFacts, ExchangeFacts
from .following import Following, Piece
from .leaking import take_leak

MOST_EXCHANGES = 40
MOST_CALLS = 200
MOST_DIAGNOSTICS = 200
PASSING = frozenset((BytesRead, TextDelta, ArgumentsDelta))
"""Events of which there are very many: none of them alone says anything about a turn."""
BATCH = 256
"""Reads and deltas that wait to be looked at."""
MOST_WAITING = 64 * 1024
"""Bytes of them: less than is kept of a body, so that what they brought is found in it."""


class Case:
    """The facts of the latest turn."""

    def __init__(self) -> None:
        self.begun = False
        self.exchanges: deque[ExchangeFacts] = deque(maxlen=MOST_EXCHANGES)
        self.calls: dict[CallKey, CallFacts] = {}
        self.more_calls = 0  # that are not kept
        self.ended: TurnReason | None = None
        self._waiting: list[Stamped] = []  # reads and deltas
        self._waiting_bytes = 0
        self.by_hand: dict[str, int] = {}  # what the person changed in the history, and how many items it had then

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Take one event; the conversation already contains it."""
        event = stamped.event
        if type(event) in PASSING:
            self._waiting.append(stamped)
            if type(event) is BytesRead:
                self._waiting_bytes += len(event.data)
            if len(self._waiting) >= BATCH or self._waiting_bytes > MOST_WAITING:
                self.settle()
            return
        if self._waiting:
            self.settle()
        match event:
            case UserMessage():
                self._begin()
            case ExchangeOpened() if event.exchange:
                self._open(stamped.at, event, conversation)
            case ItemsInserted() | Rewound() | TurnEnded():
                self._take_turn(event, conversation)
            case _ if self.exchanges:
                self._take_response(event, conversation)
                self._take_call(event, conversation)
            case _:
                pass

    def settle(self) -> None:
        """Bring everything to where it can be looked at."""
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if not waiting or not self.exchanges:
            return
        exchange = self.exchanges[-1]
        reads, said, pieces = _parted(waiting, exchange)
        exchange.tail.take(*reads)
        for channel, deltas in said.items():
            exchange.said[channel].take(deltas)
        for key, grown in pieces.items():
            if facts := self.calls.get(key):
                facts.following.take(grown, exchange.tail)

    # ---- the turn ---------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        by_hand = self.by_hand
        self.__init__()  # type: ignore[misc]
        self.begun, self.by_hand = True, by_hand

    def _take_turn(self, event: ItemsInserted | Rewound | TurnEnded, conversation: Conversation) -> None:
        match event:
            case TurnEnded(reason=reason):
                self.ended = reason
            case Rewound(to=to):
                self.by_hand = {what: size for what, size in self.by_hand.items() if size <= to}
                self._forget()
            case ItemsInserted(items=items):
                if any(isinstance(item, ToolCall) for item in items):
                    self._changed("a call put in", conversation)

    def _forget(self) -> None:
        """The turn was taken back, and there is nothing to explain."""
        self.exchanges.clear()
        self.calls.clear()
        self.begun, self.ended = False, None

    def _changed(self, what: str, conversation: Conversation) -> None:
        self.by_hand.setdefault(what, len(conversation.items))

    # ---- exchanges --------------------------------------------------------------------------------------------------

    def _open(self, at: float, event: ExchangeOpened, conversation: Conversation) -> None:
        self.begun, self.ended = True, None
        answered = [facts for facts in self.calls.values() if facts.carried is None and facts.result is not None]
        body = body_of(event.request.body) if answered else None
        for facts in answered:
            facts.carried = carried(event.exchange, body, facts.call) if facts.call else None
        settings, tools = conversation.settings, conversation.tools
        self.exchanges.append(ExchangeFacts(event.exchange, at, event.request, settings, tools))

    def _take_response(self, event: Event, conversation: Conversation) -> None:
        exchange = self.exchanges[-1]
        match event:
            case ResponseHead():
                exchange.status = event.status
                exchange.encoded = any(name.lower() == "content-encoding" for name, _ in event.headers)
            case ExchangeEnded():
                exchange.ended = event
            case Diagnostic():
                if len(exchange.diagnostics) < MOST_DIAGNOSTICS:
                    exchange.diagnostics.append(event)
                if event.code == "leaked_tool_call":
                    take_leak(exchange, event, conversation)
                if event.key in self.calls:
                    self.calls[event.key].diagnostics.append(event)
            case ResponseCompleted() | ResponseFailed():
                exchange.completed = isinstance(event, ResponseCompleted)
                exchange.failure = event if isinstance(event, ResponseFailed) else None
                exchange.finish_reason, exchange.usage = event.finish_reason, event.usage
            case _:
                pass

    # ---- calls ------------------------------------------------------------------------------------------------------

    def _take_call(self, event: Event, conversation: Conversation) -> None:
        match event:
            case CallStarted(key=key):
                self._add(CallFacts(key, event.name, event.frame, Following(event.kind)))
            case CallAssembled(call=call):
                if facts := self.calls.get(call.key):
                    facts.call, facts.name = call, call.name
            case CallHeld() | CallDecided() | ToolStarted() | ResultReviewed():
                if facts := self.calls.get(event.key):
                    self._advance(facts, event, conversation)
            case ToolFinished(result=result) | RemoteResult(result=result):
                facts = self.calls.get(result.key)
                if facts is not None and facts.result is None:
                    facts.result, facts.sent_back = result, result.output
            case _:
                pass

    def _add(self, facts: CallFacts) -> None:
        self.exchanges[-1].calls += 1
        if len(self.calls) < MOST_CALLS:
            self.calls[facts.key] = facts
        else:
            self.more_calls += 1

    def _advance(
        self,
        facts: CallFacts,
        event: CallHeld | CallDecided | ToolStarted | ResultReviewed,
        conversation: Conversation,
    ) -> None:
        match event:
            case CallHeld():
                facts.held = True
            case CallDecided(decision=decision, by=by):
                facts.held, facts.decision, facts.by = False, decision, by
                if isinstance(decision, Edit):
                    self._changed("arguments edited", conversation)
            case ToolStarted(arguments=arguments):
                facts.ran_with = arguments
            case ResultReviewed(output=output):
                if output is not None:
                    facts.sent_back = output
                    self._changed("a result changed", conversation)


def _parted(
    waiting: Iterable[Stamped], exchange: ExchangeFacts
) -> tuple[list[BytesRead], dict[Channel, list[TextDelta]], dict[CallKey, list[Piece]]]:
    """Reads, words by their channel, and pieces by their call."""
    reads: list[BytesRead] = []
    said: defaultdict[Channel, list[TextDelta]] = defaultdict(list)
    pieces: defaultdict[CallKey, list[Piece]] = defaultdict(list)
    before, opened, key, grown = exchange.tail.reads, exchange.opened_at, None, list[Piece]()
    for stamped in waiting:
        event = stamped.event
        if type(event) is BytesRead:
            if event.exchange:
                reads.append(event)
        elif type(event) is TextDelta:
            said[event.channel].append(event)
        elif type(event) is ArgumentsDelta:
            if event.key is not key:  # looking for a call costs more than all the rest
                key = event.key
                grown = pieces[key]
            grown.append((stamped.at - opened, before + len(reads), event))
    return reads, said, pieces
