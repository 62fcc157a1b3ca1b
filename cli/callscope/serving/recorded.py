"""Recordings as a server: the same bytes at the same pace with the same end, to whoever asks the same.

Knows how a recorded answer is played over HTTP, and what is said to a request that nobody recorded. Must not know which
exchange answers (`choosing` does), nor any protocol beyond the list of models that clients like to ask for.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing
from typing import Any, Final

from callscope.core.errors import UnusableFile
from callscope.core.events import BytesRead, ExchangeEnded, ResponseHead
from callscope.core.ports import Clock
from callscope.core.values import Ending, Request

from .choosing import FREE, Chosen, RecordedExchange, Shelf, path_of
from .connection import HangUp, Head, Piece, Reset
from .passing import chunks, passable

LONGEST_PAUSE: Final = 86_400.0
"""Seconds: a recording that nobody vouches for may name a time that no clock can wait for."""

WITHOUT_BODY: Final = (204, 304)
SHOWN: Final = 300
"""Characters of a value in a message about a difference."""


class RecordedServer:
    """A handler for `serving.server`. `speed` divides the recorded pauses; None leaves them out.

    `models` and `agents` are what is listed where no list was recorded; `say` hears a line for each request.
    """

    def __init__(
        self,
        shelf: Shelf,
        *,
        clock: Clock,
        say: Callable[[str], None],
        speed: float | None = 1.0,
        models: Iterable[str] = (),
        agents: Iterable[str] = (),
    ) -> None:
        self._shelf = shelf
        self._clock = clock
        self._say = say
        self._speed = speed
        self._models = tuple(models)
        self._agents = tuple(agents)

    async def __call__(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Answer one request; where the recording is gone, or another by now, both sides hear of it."""
        headless = True
        try:
            async with aclosing(self._answered(request)) as pieces:
                async for piece in pieces:
                    headless = False
                    yield piece
        except UnusableFile as error:
            self._say(f"{request.method} {request.url}: {error} Start again with a recording that stays as it is.")
            for piece in _document(500, GONE) if headless else (Reset(),):
                yield piece

    async def _answered(self, request: Request) -> AsyncGenerator[Piece, None]:
        chosen = self._shelf.choose(request)
        asked = f"{request.method} {request.url}"
        if chosen.exchange is None:
            status, document = self._unrecorded(request, chosen)
            self._say(f"{asked}: {document['error']['message'] if status >= 400 else 'the model of the recording'}")
            for piece in _document(status, document):
                yield piece
            return
        difference = f", though {_sentence(chosen)}" if chosen.unlike else ""
        self._say(f"{asked}: {chosen.exchange.name}{difference}")
        async for piece in self._played(chosen.exchange):
            yield piece

    async def _played(self, exchange: RecordedExchange) -> AsyncGenerator[Piece, None]:
        """What came back, as it came; where the recording ends without an end, or the client had gone, it is cut."""
        started = self._clock.now()
        head: Head | None = None
        for at, wire in exchange.answer:
            await self._wait(started, at)
            match wire:
                case ResponseHead():
                    head = head_of(wire, exchange)
                    if head is None:
                        no_status = (
                            f"{exchange.name} was answered with the status {wire.status}, which HTTP does not have"
                        )
                        for piece in _document(502, _error(no_status, "status")):
                            yield piece
                        return
                    yield head
                case BytesRead() if head and head.status not in WITHOUT_BODY:
                    for chunk in chunks(wire):
                        yield chunk
                case ExchangeEnded(how="complete") if head:
                    return
                case ExchangeEnded(how="timeout"):
                    await asyncio.get_running_loop().create_future()  # silence, until the client has enough of it
                case ExchangeEnded(how=how):
                    yield _cut(how)
                    return
                case _:
                    pass
        yield HangUp()

    async def _wait(self, started: float, at: float) -> None:
        """Wait until a recorded time has come; what sending costs is taken from the next pause."""
        early = 0.0 if self._speed is None else at / self._speed - (self._clock.now() - started)
        await self._clock.sleep(min(max(early, 0.0), LONGEST_PAUSE))

    # ---- what was not recorded ------------------------------------------------------------------------------------

    def _unrecorded(self, request: Request, chosen: Chosen) -> tuple[int, dict[str, Any]]:
        """The status and document for a request that no exchange answers."""
        if request.method in FREE:
            listed = self._listed(path_of(request.url))
            return (200, listed) if listed else (404, _error(f"no recording has an answer to {request.url}", "path"))
        used = self._shelf.was_used(request)
        before = f"{used.name} was asked for before, and is there once" if used else ""
        if chosen.unlike is None:
            return 409, _error(before or "no recorded request to this path is left", "used" if used else "path")
        path, recorded, now = chosen.unlike
        message = f"{before}; of those left, {_sentence(chosen)}" if used else _sentence(chosen)
        facts = {"param": path, "recorded": _excerpt(recorded), "now": _excerpt(now)}
        return 409, _error(message, "used" if used else "mismatch", **facts)

    def _listed(self, path: str) -> dict[str, Any] | None:
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "recording"} for name in self._models]
        if path.endswith("/models") and models:
            return {"object": "list", "data": models}
        if path.endswith("/agents") and self._agents:
            return {"agents": [{"name": name, "description": "An agent of a recording."} for name in self._agents]}
        return next((model for model in models if path.endswith(f"/models/{model['id']}")), None)


# ---- a recorded answer over HTTP ----------------------------------------------------------------------------------


def head_of(recorded: ResponseHead, exchange: RecordedExchange) -> Head | None:
    """The recorded head as it can be sent; None where its status is none that a response can have.

    Of the headers about the connection only `connection: close` is kept. A content-length stays where the recorded
    bytes make it true, or where the answer was cut short of it; otherwise the body is sent in chunks.
    """
    if not 200 <= recorded.status <= 999:
        return None
    size, whole = exchange.answer.size, exchange.answer.how == "complete"
    kept: list[tuple[str, str]] = []
    for name, value in passable(recorded.headers):
        if name.lower() != "content-length" or exchange.request.method == "HEAD" or _fits(value, size, whole=whole):
            kept.append((name, value))
    if any(name.lower() == "connection" and value.lower() == "close" for name, value in recorded.headers):
        kept.append(("connection", "close"))
    return Head(recorded.status, tuple(kept))


def _fits(length: str, size: int, *, whole: bool) -> bool:
    """Whether a content-length fits the bytes that will be sent."""
    if not re.fullmatch(r"[0-9]{1,18}", length):
        return False
    return int(length) == size if whole else int(length) >= size


def _cut(how: Ending) -> Piece:
    """How a connection breaks that did not end well: what happened before a head came can only be told as a reset."""
    return HangUp() if how in ("complete", "truncated", "cancelled") else Reset()


# ---- words --------------------------------------------------------------------------------------------------------


def _sentence(chosen: Chosen) -> str:
    assert chosen.unlike is not None
    assert chosen.expected is not None
    path, recorded, now = chosen.unlike
    where = f"it differs from {chosen.expected.name} at {path}"
    if isinstance(now, str) and recorded == now:  # ids pair off one to one: the same word, and another call
        return f"{where}: {_excerpt(now)} stands for another call already"
    return f"{where}: recorded {_excerpt(recorded)}, now {_excerpt(now)}"


def _excerpt(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        text = "(nested too deeply to show)"
    except TypeError:  # a member that is not there
        text = str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _error(message: str, code: str, **facts: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "not_recorded", "code": code, "param": None, **facts}}


GONE: Final = _error("the recording cannot be read any more, or has changed", "recording_changed")
"""What a client is told; where the recording lies is nothing that it has to know."""


def _document(status: int, document: dict[str, Any]) -> Iterator[Piece]:
    """A JSON answer of our own. The header tells the OpenAI SDK not to try again: a 409 will be the same next time."""
    body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    headers = (("content-type", "application/json"), ("content-length", str(len(body))), ("x-should-retry", "false"))
    yield Head(status, headers)
    yield body
