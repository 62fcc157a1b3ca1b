"""Exchanges for the doctor's rules: from bodies, and from the demo agent itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from callscope.core.events import ResponseHead
from callscope.core.values import Ending, Headers, Request, Settings
from callscope.dialects.registry import dialect_named
from callscope.doctor.battery import BATTERIES
from callscope.doctor.exchange import Exchange, Gathering
from callscope.doctor.report import Finding, examine
from callscope.doctor.running import Answering, Loosening, Pump
from callscope.endpoints.http import HttpEndpoint
from callscope.endpoints.patience import Timeouts
from callscope.session import Session

PATHS = {"chat": "/v1/chat/completions", "acf": "/v1/chat", "responses": "/v1/responses"}
STREAM: Headers = (("content-type", "text/event-stream"),)
DOCUMENT: Headers = (("content-type", "application/json"),)


class LoopClock:
    """The loop's clock."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def exchange(
    dialect: str,
    reads: Sequence[bytes],
    asked: dict[str, Any] | None = None,
    *,
    status: int = 200,
    headers: Headers = STREAM,
    how: Ending = "complete",
    times: Iterable[float] = (),
) -> Exchange:
    """An exchange in which these reads came."""
    body = {"model": "m", "stream": headers == STREAM, "messages": [{"role": "user", "content": "hi"}]} | (asked or {})
    at = list(times) or [1.0 + 0.1 * place for place in range(len(reads))]
    return Exchange(
        1,
        1,
        Settings(dialect=dialect, model="m"),
        Request("POST", f"http://127.0.0.1{PATHS[dialect]}", (), json.dumps(body).encode()),
        0.0,
        ResponseHead(1, status, headers),
        tuple(zip(at, reads, strict=True)),
        how,
        "",
        max(at, default=1.0),
    )


def failing(exchanges: Sequence[Exchange], dialect: str) -> set[str]:
    """The rules that these exchanges break."""
    return {finding.rule.id for finding in examine(exchanges, dialect) if finding.outcome == "fail"}


def finding(exchanges: Sequence[Exchange], dialect: str, rule: str) -> Finding:
    """What came of one rule."""
    (found,) = [one for one in examine(exchanges, dialect) if one.rule.id == rule]
    return found


@asynccontextmanager
async def pump_of(url: str, dialect: str, *headers: tuple[str, str], limit: float = 3.0) -> AsyncIterator[Pump]:
    """A pump that asks a server and gathers what comes."""
    endpoint = HttpEndpoint(url, headers=headers, timeouts=Timeouts(total=limit))
    gathering, gate = Gathering(), Loosening()
    session = Session(
        endpoint=endpoint,
        dialect=dialect_named(dialect),
        gate=gate,
        toolbox=Answering(),
        clock=LoopClock(),
        sinks=[gathering],
    )
    gate.session = session
    settings = Settings(dialect=dialect, url=url, model="callscope-demo")
    try:
        yield Pump(session, gathering, settings, endpoint, lambda name: None)
    finally:
        await endpoint.aclose()


async def asked_of(url: str, dialect: str, *headers: tuple[str, str], limit: float = 3.0) -> Gathering:
    """All that the doctor asks, asked of a server."""
    battery = BATTERIES[dialect]
    async with pump_of(url, dialect, *headers, limit=limit) as pump:
        questions = battery.questions(pump.settings, keyed=False)
        await pump.ask((*questions, *battery.talks("What is the weather in Paris?")))
        return pump.gathering
