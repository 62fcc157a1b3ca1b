"""The driver: performs what `plan` names, and turns every effect into an event.

Knows the order of things: the recorder hears first, a secret is held back before anybody hears, an interrupted call
gets its result. Must not know any protocol, file format, tool or screen; all of them come in through the ports.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import assert_never

from .core.events import (
    BytesRead,
    CallDecided,
    CallHeld,
    Event,
    ExchangeEnded,
    ExchangeOpened,
    MessagePassed,
    PeerEvent,
    ResponseHead,
    ResultHeld,
    Stamped,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    UserMessage,
    WireEvent,
)
from .core.plan import EndTurn, HoldCalls, ReviewResults, RunCalls, SendRequest, answers, approvals, plan, settle
from .core.ports import Arrival, Clock, Decoder, Dialect, Endpoint, Gate, Guard, Sink, Toolbox
from .core.state import CallRecord, Conversation, apply
from .core.values import Abort, Approval, CallKey, Reject, Run, TurnReason
from .dialects.demanding import NOT_ALLOWED, not_allowed, not_streamed

ENOUGH = "the answer is too large: not read on"
STRICTNESS: dict[Approval, int] = {"always": 0, "result": 1, "ask": 2, "never": 3}


class Session:
    """A conversation with its world attached. One turn at a time; sinks are heard in the order given."""

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        dialect: Dialect,
        gate: Gate,
        toolbox: Toolbox,
        clock: Clock,
        sinks: Sequence[Sink] = (),
        guard: Guard | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.dialect = dialect
        self.gate = gate
        self.toolbox = toolbox
        self.clock = clock
        self.sinks = list(sinks)
        self.guard: Guard = guard or OpenGuard()
        self.conversation = Conversation()
        self._seq = 0
        self._decoder: Decoder | None = None
        self._started: dict[CallKey, float] = {}

    def emit(self, event: Event, at: float | None = None) -> None:
        """Put one event into the conversation and before every sink."""
        self._seq += 1
        stamped = Stamped(self._seq, self.clock.now() if at is None else at, event)
        self.conversation = apply(self.conversation, event)
        for sink in self.sinks:
            sink.handle(stamped, self.conversation)

    async def say(self, text: str) -> TurnReason:
        """Take the person's words and drive the turn to its end."""
        self.emit(UserMessage(text))
        return await self.drive()

    async def drive(self) -> TurnReason:
        """Perform step after step until the turn ends; cancelled anywhere, it leaves a valid conversation."""
        try:
            while True:
                step = plan(self.conversation)
                match step:
                    case SendRequest(delay=delay):
                        await self._exchange(delay)
                    case HoldCalls(keys=keys):
                        await self._decide(keys)
                    case RunCalls(keys=keys):
                        await self._run(keys)
                    case ReviewResults(keys=keys):
                        await self._review(keys)
                    case EndTurn(reason=reason):
                        return self._end(reason)
                    case _:
                        assert_never(step)
        except asyncio.CancelledError:
            self._hang_up("interrupted here")
            self._end("interrupted")
            raise

    def _end(self, reason: TurnReason) -> TurnReason:
        for owed in settle(self.conversation):
            self.emit(self._timed(owed))
        self.emit(TurnEnded(reason))
        return reason

    def _timed(self, owed: ToolFinished) -> ToolFinished:
        """The result of a call that was running, with the time since it started: `settle` knows no time."""
        started = self._started.get(owed.result.key)
        if started is None:
            return owed
        return ToolFinished(replace(owed.result, duration=self.clock.now() - started))

    # ---- a request and its response -------------------------------------------------------------------------------

    async def _exchange(self, delay: float) -> None:
        if delay:
            await self.clock.sleep(delay)
        prepared = self.dialect.request(self.conversation)
        number = self.conversation.exchange + 1
        decoder = self._decoder = self.dialect.decoder(number, self.conversation.tools)
        sent = b""
        async with aclosing(self.endpoint.stream(number, prepared.request)) as wire_events:
            async for wire in wire_events:
                self._arrive(wire)
                if isinstance(wire, ExchangeOpened):
                    sent = wire.request.body
                    self._emit_all(prepared.diagnostics)
                if decoder.excess:
                    self._hang_up(ENOUGH)
                    break
        self._decoder = None
        response = self.conversation.response
        if decoder.in_one_piece and response is not None and response.status == "completed":
            self._emit_all(not_streamed(sent))
        self._emit_all(not_allowed(sent, [record.call for record in self.conversation.calls.values()]))

    def _arrive(self, wire: WireEvent) -> None:
        """Decode first, so that the guard sees words and not only bytes; emit in the order of cause and effect."""
        for arrival in self.guard.feed(Arrival(self.clock.now(), wire, self._decode(wire))):
            self.emit(arrival.wire, arrival.at)
            for event in arrival.decoded:
                self.emit(event, arrival.at)

    def _decode(self, wire: WireEvent) -> Sequence[PeerEvent]:
        decoder = self._decoder
        if decoder is None:
            return ()
        match wire:
            case ExchangeOpened() | ResponseHead():
                return decoder.feed(wire)
            case BytesRead():
                return decoder.feed(wire.data)
            case ExchangeEnded():
                self._decoder = None
                return decoder.close(wire.how, wire.detail)
            case MessagePassed():
                return ()
            case _:
                assert_never(wire)

    def _hang_up(self, why: str) -> None:
        """End the exchange that we leave open; an endpoint that is closed can no longer say it."""
        if self._decoder is not None and self.conversation.open_exchange:
            self._arrive(ExchangeEnded(self.conversation.exchange, "cancelled", why))
        self._decoder = None

    # ---- calls ----------------------------------------------------------------------------------------------------

    async def _decide(self, keys: Iterable[CallKey]) -> None:
        """Decide in wire order; held calls first become visible as held, all of them."""
        undecided: list[CallRecord] = []
        for key in keys:
            record = self.conversation.calls[key]
            by_policy = None if self.conversation.breaking else policy(record, self.conversation)
            if by_policy:
                self.emit(by_policy)
            else:
                self.emit(CallHeld(key))
                undecided.append(record)
        for record in undecided:
            decided = await self.gate.decide(record.call, self.conversation)
            self.emit(decided)
            if isinstance(decided.decision, Abort):
                return  # none of them will run: there is nothing left to ask

    async def _run(self, keys: Iterable[CallKey]) -> None:
        """Answer what needs no run, then run all the rest together."""
        approved: list[CallRecord] = []
        for record, result in answers(self.conversation, keys):
            if result is not None:
                self.emit(ToolFinished(result))
            else:
                approved.append(record)
        if approved:
            # Started in wire order before any runs. A sink that cannot record ends the session from inside a task.
            self._started = dict.fromkeys((record.call.key for record in approved), self.clock.now())
            for record in approved:
                self.emit(ToolStarted(record.call.key, record.call.name, record.arguments))
            await _together([asyncio.ensure_future(self._run_one(record)) for record in approved])

    async def _review(self, keys: Iterable[CallKey]) -> None:
        """Show each result before it goes back, in wire order."""
        for key in keys:
            record = self.conversation.calls[key]
            assert record.result is not None
            self.emit(ResultHeld(key))
            self.emit(await self.gate.review(record.call, record.result, self.conversation))

    async def _run_one(self, record: CallRecord) -> None:
        self.emit(ToolFinished(await self.toolbox.run(record.call, record.arguments)))

    def _emit_all(self, events: Iterable[Event]) -> None:
        for event in events:
            self.emit(event)


class OpenGuard:
    """Holds nothing back."""

    def feed(self, arrival: Arrival) -> Iterable[Arrival]:
        """Let it pass."""
        return (arrival,)


def policy(record: CallRecord, conversation: Conversation) -> CallDecided | None:
    """The decision that needs nobody: the stricter of the session's policy and the tool's own; None means ask."""
    call = record.call
    match strictest(conversation, call.name):
        case "always" if why_not_allowed(conversation, call.key):
            return None  # a policy says what a tool may do where it is asked for, and this one was not
        case "always":
            return CallDecided(call.key, Run(), "policy")
        case "never":
            return CallDecided(call.key, Reject("The policy is that this tool never runs."), "policy")
        case "result" | "ask":
            return None  # a result can be held only where somebody is there to look at it


def why_not_allowed(conversation: Conversation, key: CallKey) -> str:
    """Why the request that a call answers did not allow it; "" where it did."""
    found = conversation.response.chunks.diagnostics if conversation.response else []
    return next((each.message for each in found if each.code == NOT_ALLOWED and each.key == key), "")


def strictest(conversation: Conversation, name: str) -> Approval:
    """What holds for a tool: the stricter of the session's policy and its own."""
    return max(approvals(conversation, name), key=STRICTNESS.__getitem__)


async def _together(tasks: Sequence[asyncio.Future[None]]) -> None:
    """Wait for all; when one raises, or we are cancelled, none of the others is left running."""
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
