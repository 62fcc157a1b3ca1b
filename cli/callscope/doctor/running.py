"""The pump: asks what there is to ask, one request after another, and changes nothing on what comes.

Knows how a probe becomes events of a session, so that all of it is recorded as any conversation is. Must not know any
rule. A call is answered here, with a fixed result: nothing ever runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from callscope.core.errors import EndpointError
from callscope.core.events import (
    CallDecided,
    ExchangeEnded,
    ResultReviewed,
    Rewound,
    SettingsChanged,
    ToolsChanged,
    WireEvent,
)
from callscope.core.ports import Arrival, Endpoint
from callscope.core.state import Conversation
from callscope.core.values import Request, Run, Settings, ToolCall, ToolResult
from callscope.session import Session

from .exchange import Gathering
from .probe import RESULT, Probe, Question, Talk
from .seen import KEY_REFUSED


class Answering:
    """A toolbox that answers every call alike. Implements `callscope.core.ports.Toolbox`."""

    async def run(self, call: ToolCall, arguments: str) -> ToolResult:
        """Answer a call."""
        return ToolResult(call.key, RESULT, "mocked")


class Loosening:
    """A gate that lets each call be answered, and then leaves the model free: who must call would call for ever."""

    def __init__(self) -> None:
        self.session: Session | None = None

    async def decide(self, call: ToolCall, conversation: Conversation) -> CallDecided:
        """Let a call be answered."""
        settings = conversation.settings
        if self.session is not None and settings.tool_choice is not None:
            self.session.emit(SettingsChanged(replace(settings, tool_choice=None)))
        return CallDecided(call.key, Run(), "script")

    async def review(self, call: ToolCall, result: ToolResult, conversation: Conversation) -> ResultReviewed:
        """Let a result go back as it is."""
        return ResultReviewed(call.key, None, "script")


class Pump:
    """Asks probes through a session. `keyless` is the same server without a key; `begun` hears what is asked next."""

    def __init__(
        self,
        session: Session,
        gathering: Gathering,
        settings: Settings,
        keyless: Endpoint,
        begun: Callable[[str], None],
    ) -> None:
        self.session = session
        self.gathering = gathering
        self.settings = settings
        self._keyless = keyless
        self._begun = begun

    async def ask(self, probes: Sequence[Probe], model: str = "") -> None:
        """Ask these, of this model."""
        self.settings = replace(self.settings, model=model or self.settings.model)
        for probe in probes:
            self._begun(f"{self.settings.model}: {probe.name}" if isinstance(probe, Talk) else probe.name)
            if isinstance(probe, Talk):
                await self._talk(probe)
            else:
                await self._question(probe)
            self._give_up_where_nobody_is()

    async def ask_all(self, questions: Sequence[Probe], talks: Sequence[Probe], models: Sequence[str]) -> bool:
        """Ask the questions once and the talks of each model; False where the key is refused, for every model.

        Once a question is refused for its key, a talk comes before the others; a model that refuses its first talk is
        asked no other.
        """
        (first, *others), waiting, answered = talks, list(questions), False
        while waiting:
            await self.ask((waiting.pop(0),))
            if self._was_key_refused():
                break
        for model in models:
            await self.ask((first,), model)
            if not self._was_key_refused():
                await self.ask((*waiting, *others), model)
                waiting, answered = [], True
        return answered

    def _was_key_refused(self) -> bool:
        head = self.gathering.exchanges[-1].head
        return head is not None and head.status in KEY_REFUSED

    def _give_up_where_nobody_is(self) -> None:
        """Raise EndpointError where no request came through so far."""
        exchanges = self.gathering.exchanges
        if exchanges and not any(exchange.head for exchange in exchanges):
            last = exchanges[-1]
            raise EndpointError(f"{last.request.url} cannot be reached: {last.detail or last.how}.")

    async def _question(self, question: Question) -> None:
        """One exchange that is part of no conversation: number 0."""
        session = self.session
        endpoint = self._keyless if question.keyless else session.endpoint
        request = Request(question.method, question.url, question.headers, question.body)
        ended = False
        try:
            async with aclosing(endpoint.stream(0, request)) as wire_events:
                async for wire in wire_events:
                    ended = isinstance(wire, ExchangeEnded)
                    self._emit(wire)
        finally:
            if not ended:
                self._emit(ExchangeEnded(0, "cancelled", "interrupted here"))

    def _emit(self, wire: WireEvent) -> None:
        session = self.session
        for arrival in session.guard.feed(Arrival(session.clock.now(), wire, ())):
            session.emit(arrival.wire, arrival.at)

    async def _talk(self, talk: Talk) -> None:
        session = self.session
        for _ in range(talk.tries):
            session.emit(Rewound(0))
            session.emit(SettingsChanged(self._settings_of(talk)))
            if session.conversation.tools != talk.tools:
                session.emit(ToolsChanged(talk.tools))
            for words in talk.words:
                if await session.say(words) == "failed":
                    break
            response = session.conversation.response
            if response is None or response.status == "failed" or len(response.chunks.calls) >= talk.calls:
                return

    def _settings_of(self, talk: Talk) -> Settings:
        return replace(
            self.settings,
            tool_choice=talk.tool_choice,
            parallel=talk.parallel,
            stream=talk.stream,
            parameters={**self.settings.parameters, **talk.parameters},
            run_calls=talk.rounds > 1,
            max_rounds=talk.rounds,
            retries=0,
            history=talk.history,
            approve="ask",
        )
