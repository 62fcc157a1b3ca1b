"""The demo agent: a deterministic server that chooses tools by words and is wrong when asked to be.

It speaks Chat Completions, the Responses API (`responses/`) and the Agent Connect Framework (`acf/`).

Knows the routes and the way of an answer: request, wishes, answer, chunks, events, reply, with the faults applied at
their stages. It builds its own frames and must never import `callscope.dialects` or `callscope.session`: what is
tested against it would otherwise be tested against itself.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from copy import deepcopy
from dataclasses import replace
from hashlib import sha256
from time import monotonic
from typing import Any, Final

from callscope.core.values import Request
from callscope.serving.connection import Head, Piece
from callscope.serving.demo.acf import agent as demo_acf
from callscope.serving.demo.acf.agent import AGENTS
from callscope.serving.demo.acf.frames import Deeds
from callscope.serving.demo.faults.events import DONE
from callscope.serving.demo.faults.fault import ChunkFault, EventFault, Fault, Reply, Stall, as_a_whole
from callscope.serving.demo.faults.table import FAULTS, TABLE, as_told
from callscope.serving.demo.responses.agent import Responses

from .answer import CREATED, MODEL, Answer, Chunk, chunks, completion, usage_chunk
from .ask import Ask, Refused
from .deciding import decided, standing_faults
from .legacy import as_function_call
from .request import read

CHUNK_ORDER: Final = (8, 9, 15, 10, 14, 7, 4, 5, 1, 2, 3, 6)
"""Rules in the order in which their faults meet the chunks: contents first, indexes and ids, which order them, last."""

LONGEST_ANSWER: Final = 4.0
"""Seconds that an answer takes at most: a long one goes faster, for nobody waits a minute for a list."""

REMEMBERED: Final = 100
"""Requests that were refused once and will be answered when they come again."""


class DemoAgent:
    """A handler for `serving.server`. `pace` is the seconds between two pieces, `stall` those of the fault `stall`."""

    def __init__(self, *, pace: float = 0.03, stall: float = 30.0) -> None:
        self._pace = pace
        self._stall = stall
        self._requests = 0
        self._refused: list[bytes] = []
        self._responses = Responses(self._not_healed)

    async def __call__(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Answer one request."""
        reply = self._reply(request)
        pace = self._pace * reply.slowness
        if isinstance(reply.pieces, list):
            pace = min(pace, LONGEST_ANSWER * reply.slowness / max(1, len(reply.pieces)))
        yield reply.head
        due = monotonic()
        for piece in reply.pieces:
            due += pace  # by the clock: a thousand short sleeps take twice as long as they say
            await asyncio.sleep(max(0.0, due - monotonic()))
            if isinstance(piece, Stall):
                await asyncio.sleep(self._stall)
                due = monotonic()
            else:
                yield piece

    def _reply(self, request: Request) -> Reply:
        self._requests += 1
        try:
            reply = self._route(request)
        except Refused as refused:
            reply = _document(refused.body, refused.status)
        request_id = ("x-request-id", f"req-demo-{self._requests}")
        return replace(reply, head=replace(reply.head, headers=(*reply.head.headers, request_id)))

    def _route(self, request: Request) -> Reply:
        path = request.url.partition("?")[0]
        match request.method, path:
            case "POST", "/v1/chat/completions":
                return self._chat(request)
            case "POST", "/v1/responses":
                return self._responses.reply(request)
            case "POST", "/v1/chat":
                return self._agent(request)
            case "GET", "/v1/agents":
                return _document(AGENTS)
            case "GET", "/v1/models":
                return _document({"object": "list", "data": [_model()]})
            case "GET", "/v1/models/callscope-demo":
                return _document(_model())
            case _, "/v1/chat/completions" | "/v1/responses" | "/v1/models" | "/v1/chat" | "/v1/agents":
                raise Refused(405, f"Not allowed to {request.method} on {path}.", code="method_not_allowed")
            case _:
                raise Refused(404, f"Unknown request URL: {request.method} {path}.", code="unknown_url")

    def _chat(self, request: Request) -> Reply:
        ask = read(request.body)
        answer, asked = decided(ask, TABLE, as_told())
        faults = [*standing_faults(ask, request.headers, TABLE), *asked]
        return self._sent(ask, answer, self._not_healed(faults, request.body))

    def _agent(self, request: Request) -> Reply:
        """The same, in the Agent Connect Framework."""
        ask = read(request.body)
        asked, prompt, unknown = demo_acf.TABLE.asked_for(ask.prompt)
        faults = [*demo_acf.standing_faults(ask, request.headers), *(() if ask.results else asked)]
        thread = demo_acf.thread_of(request.headers, request.body, ask)
        if unknown and not ask.results:
            done = Deeds(thread, text=demo_acf.TABLE.nearest(unknown))
        else:
            show = bool(asked) and not prompt.strip(" .,!?")
            done = demo_acf.deeds(ask, 'get_weather {"city": "Paris"}' if show else prompt, thread)
        return demo_acf.reply(done, self._not_healed(faults, request.body), stream=ask.stream)

    def _not_healed(self, faults: Sequence[Fault], body: bytes) -> list[Fault]:
        """Faults without those that heal, where this very request was refused before."""
        if not any(fault.heals for fault in faults):
            return list(faults)
        digest = sha256(body + repr([fault.name for fault in faults]).encode()).digest()
        if digest in self._refused:
            self._refused.remove(digest)
            return [fault for fault in faults if not fault.heals]
        self._refused = [*self._refused[-REMEMBERED:], digest]
        return list(faults)

    @staticmethod
    def _sent(ask: Ask, answer: Answer, faults: Sequence[Fault]) -> Reply:
        """The answer on its way through the three stages; a header says which faults had an effect."""
        honest = chunks(answer) if ask.stream else [completion(answer, ask.prompt_tokens)]
        if ask.legacy:
            honest = as_function_call(honest)
        if ask.include_usage:
            honest = [*({**chunk, "usage": None} for chunk in honest), usage_chunk(answer, ask.prompt_tokens)]
        spoilt, effects = _chunks_spoilt(honest, faults)
        if ask.stream:
            reply, more = _streamed(spoilt, faults)
            effects |= more
        else:
            reply = _document(spoilt[0])
        return as_a_whole(reply, faults, effects)


# ---- how to send it -----------------------------------------------------------------------------------------------


def _chunks_spoilt(honest: list[Chunk], faults: Sequence[Fault]) -> tuple[list[Chunk], set[str]]:
    effects: set[str] = set()
    chosen = [fault for fault in faults if isinstance(fault, ChunkFault)]
    for fault in sorted(chosen, key=lambda fault: CHUNK_ORDER.index(fault.rule)):
        spoilt = fault.change(deepcopy(honest))
        if spoilt != honest:
            effects.add(fault.name)
        honest = spoilt
    return honest, effects


def _streamed(spoilt: list[Chunk], faults: Sequence[Fault]) -> tuple[Reply, set[str]]:
    effects: set[str] = set()
    events = [*(b"data: %b\n\n" % _json(chunk) for chunk in spoilt), DONE]
    for fault in sorted((each for each in faults if isinstance(each, EventFault)), key=FAULTS.index):
        changed = fault.change(list(events))
        if changed != events:
            effects.add(fault.name)
        events = changed
    headers = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-store"))
    if not effects:
        events = [piece for event in events for piece in _unevenly(event)]
    return Reply(Head(200, headers), list(events)), effects


def _unevenly(event: bytes) -> list[bytes]:
    """An honest server, too, may cut a character of several bytes between two writes."""
    cut = next((place for place, byte in enumerate(event) if byte & 0xC0 == 0x80), 0)
    return [event[:cut], event[cut:]] if cut else [event]


def _document(data: dict[str, Any], status: int = 200) -> Reply:
    return Reply(Head(status, (("content-type", "application/json"),)), [_json(data)])


def _json(data: dict[str, Any]) -> bytes:
    """JSON in UTF-8; half a surrogate pair, which has no UTF-8, becomes the escape that it came as."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")


def _model() -> dict[str, Any]:
    return {"id": MODEL, "object": "model", "created": CREATED, "owned_by": "callscope"}
