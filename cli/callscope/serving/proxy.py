"""A server between a program and its server: every byte goes on as it comes, and somebody hears it pass.

Knows what of HTTP belongs to a connection and not to the message, and how a broken answer is broken off again. Must not
know any protocol, nor what is done with what was heard. It leads to one origin and to no other, whatever a client asks.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, suppress
from typing import Final, Protocol

from callscope.core.errors import CallscopeError
from callscope.core.events import BytesRead, ExchangeEnded, ResponseHead, WireEvent
from callscope.core.ports import Endpoint
from callscope.core.values import Request

from .connection import HangUp, Head, Piece, Reset
from .passing import chunks, passable

_OURS: Final = ("expect", "proxy-authorization")
"""Headers that are for us: the wait for `100 Continue` is over, and a proxy's password is nobody else's business."""

GONE: Final = "the client hung up, or the proxy was ended"

_STATUS: Final = {"timeout": 504}


class Listener(Protocol):
    """Hears one exchange; `exchange` is the number it gave it."""

    exchange: int

    def hear(self, wire: WireEvent) -> None:
        """Take what passes, before it goes on. Raises CallscopeError where it cannot be kept."""
        ...


class Proxy:
    """A handler for `serving.server` that asks `upstream` at this origin; `listen` is told of each request."""

    def __init__(self, origin: str, upstream: Endpoint, listen: Callable[[Request], Listener]) -> None:
        self._origin = origin
        self._upstream = upstream
        self._listen = listen

    async def __call__(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Pass one request on, and its answer back."""
        if not request.url.startswith("/"):
            for piece in _refused(400, "refused", f"this leads to {self._origin} alone: ask for a path of it"):
                yield piece
            return
        headless = True
        try:
            async with aclosing(self._answer(self._outgoing(request))) as pieces:
                async for piece in pieces:
                    headless = False
                    yield piece
        except CallscopeError as error:
            # what cannot be recorded does not pass
            for piece in _refused(502, "not_recorded", str(error)) if headless else (Reset(),):
                yield piece

    async def _answer(self, request: Request) -> AsyncGenerator[Piece, None]:
        listener = self._listen(request)
        ended = headless = True
        try:
            async with aclosing(self._upstream.stream(listener.exchange, request)) as wires:
                async for wire in wires:
                    ended = isinstance(wire, ExchangeEnded)
                    listener.hear(wire)
                    for piece in _pieces(wire, headless=headless):
                        yield piece
                    headless = headless and not isinstance(wire, ResponseHead)
        finally:
            if not ended:
                with suppress(CallscopeError):  # whoever cannot keep it has said so before
                    listener.hear(ExchangeEnded(listener.exchange, "cancelled", GONE))

    def _outgoing(self, request: Request) -> Request:
        headers = tuple(pair for pair in passable(request.headers) if pair[0].lower() not in _OURS)
        return Request(request.method, self._origin + request.url, headers, request.body)


def _pieces(wire: WireEvent, *, headless: bool) -> Iterator[Piece]:
    match wire:
        case ResponseHead(status=status, headers=headers):
            yield Head(status, tuple(passable(headers)))
        case BytesRead():
            yield from chunks(wire)
        case ExchangeEnded(how="complete"):
            pass
        case ExchangeEnded(how="truncated"):
            yield HangUp()
        case ExchangeEnded(how=how, detail=detail) if headless and how != "reset":
            yield from _refused(_STATUS.get(how, 502), how, detail)
        case ExchangeEnded():
            yield Reset()
        case _:
            pass


def _refused(status: int, code: str, why: str) -> Iterator[Piece]:
    """An answer of our own, in the form that clients of models read."""
    error = {"message": f"callscope proxy: {why}", "type": "proxy_error", "code": code, "param": None}
    body = json.dumps({"error": error}, ensure_ascii=False).encode("utf-8", "replace")
    yield Head(status, (("content-type", "application/json"), ("content-length", str(len(body)))))
    yield body
