"""Which dialect a server speaks, found out with at most two GETs and never a POST.

Knows whom to ask and what an answer means. Must not know what is done with the dialect. What passed over the wire is
kept, so that it can be recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from callscope.core.errors import EndpointError
from callscope.core.events import BytesRead, ExchangeEnded, ResponseHead, WireEvent
from callscope.core.ports import Endpoint
from callscope.core.values import Request
from callscope.dialects.detecting import Told, looks_like_chat, told_by_url
from callscope.dialects.registry import models_url
from callscope.dialects.urls import CHAT, RESPONSES

from .fetching import bare
from .models import list_models, only_endpoints

PATIENCE = 5.0
"""Seconds for both GETs where nothing but the dialect depends on them: then the usual one is taken."""


@dataclass(frozen=True, slots=True)
class Detected:
    """A dialect and how it is known, with what came on the way.

    `models` is None where nobody asked for them. `is_news`: a person should hear of it. `wire` is all that passed.
    """

    told: Told
    is_news: bool = False
    models: tuple[str, ...] | None = None
    agents: tuple[str, ...] = ()
    wire: tuple[WireEvent, ...] = ()


async def detect(endpoint: Endpoint, url: str, model: str | None) -> Detected:
    """The dialect of this URL. Raises EndpointError where a model is needed and neither models nor agents came."""
    if told := told_by_url(url):
        return Detected(told, is_news=told.dialect != "chat")
    if model and looks_like_chat(url):
        return Detected(Told("chat", "the URL looks like an OpenAI-compatible one"))
    witness = Witness(endpoint)
    try:
        async with asyncio.timeout(PATIENCE if model else None):
            return await _ask(witness, url, news=model is not None)
    except (EndpointError, TimeoutError):
        if not model:
            raise
        told = Told("chat", "no list of models or agents came, so the usual one")
        return Detected(told, is_news=True, wire=tuple(witness.heard))


async def _ask(witness: Witness, url: str, *, news: bool) -> Detected:
    """By its models, else by its agents; raises the error about the models where neither came."""
    where = models_url(url)
    try:
        models = tuple(await list_models(witness, where))
        told = _told_by_models(witness.body, bare(where))
        return Detected(told, news or told.dialect != "chat", models, (), tuple(witness.heard))
    except EndpointError as error:
        no_models = error
    if not witness.answered:
        raise no_models
    from callscope.dialects.acf.urls import agents_urls

    from .agents import list_agents

    try:
        found = await list_agents(witness, agents_urls(url)[:1])
    except EndpointError:
        raise no_models from None
    names = tuple(agent.name for agent in found.listed.agents)
    told = Told("acf", f"{found.url} lists {len(names)} agent{'' if len(names) == 1 else 's'}")
    return Detected(told, True, None, names, tuple(witness.heard))


def _told_by_models(body: bytes, where: str) -> Told:
    """A server that lists models speaks the usual protocol, unless it says that none of them does."""
    named = only_endpoints(body)
    if any(name.endswith(RESPONSES) for name in named) and not any(name.endswith(CHAT) for name in named):
        return Told("responses", f"{where} lists models that speak nothing else")
    return Told("chat", f"{where} lists models")


class Witness:
    """An endpoint that remembers what passed."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.heard: list[WireEvent] = []

    @property
    def answered(self) -> bool:
        """Whether the server said anything at all."""
        return any(isinstance(event, ResponseHead) for event in self.heard)

    @property
    def body(self) -> bytes:
        """All that came so far."""
        return b"".join(event.data for event in self.heard if isinstance(event, BytesRead))

    async def stream(self, exchange: int, request: Request) -> AsyncGenerator[WireEvent, None]:
        """Pass everything on; what nobody waited for to the end has an end all the same."""
        try:
            async with aclosing(self._endpoint.stream(exchange, request)) as events:
                async for event in events:
                    self.heard.append(event)
                    yield event
        finally:
            if self.heard and not isinstance(self.heard[-1], ExchangeEnded):
                self.heard.append(ExchangeEnded(exchange, "cancelled", "nobody waited for it any longer"))
