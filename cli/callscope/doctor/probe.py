"""What the doctor asks, as values: conversations and questions, and how many requests they can come to.

Knows shapes and numbers. Must not know how a request is sent, nor what a protocol asks for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from callscope.core.values import Headers, Json, JsonObject, ToolSpec

from .seen import NO_KEY, NO_SUCH_MODEL

MARK: Final = "17.3"
"""A number that no model comes upon by itself: where it is in the answer, the result was used."""

RESULT: Final = json.dumps({"temperature_celsius": float(MARK), "conditions": "drizzle"})
"""What every call is answered with."""

JSON: Final[Headers] = (("content-type", "application/json"),)


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation of its own: words one after another, with these tools and members.

    With `rounds` 2 a call is answered and its result sent back; the tool choice holds for the first request alone. It
    is tried `tries` times, until `calls` calls came in one response.
    """

    name: str
    words: tuple[str, ...]
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: Json = None
    parallel: bool | None = None
    stream: bool = True
    rounds: int = 1
    tries: int = 1
    calls: int = 0
    history: Literal["full", "server"] = "full"
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def most(self) -> int:
        """Requests at most."""
        return len(self.words) * self.rounds * self.tries


@dataclass(frozen=True, slots=True)
class Question:
    """One request of its own making, about the server and no model; `keyless` goes without any key."""

    name: str
    method: str
    url: str
    body: bytes = b""
    headers: Headers = ()
    keyless: bool = False

    @property
    def most(self) -> int:
        """Requests at most."""
        return 1


Probe: TypeAlias = Talk | Question


def most(probes: Iterable[Probe]) -> int:
    """Requests that these come to at most."""
    return sum(probe.most for probe in probes)


def wrong_requests(url: str, model: str, plain: JsonObject, *, keyed: bool) -> tuple[Question, ...]:
    """Requests that are wrong on purpose: no JSON, a model that is none, and no key where there is one.

    `plain` are the members that ask a plain question, but for the model.
    """

    def asking(name: str) -> bytes:
        return json.dumps({"model": name, **plain, "stream": False}).encode()

    return (
        Question("a body that is no JSON", "POST", url, b'{"model": ', JSON),
        Question("a model that does not exist", "POST", url, asking(NO_SUCH_MODEL), JSON),
        *((Question("no key", "POST", url, asking(model), (*JSON, NO_KEY), keyless=True),) if keyed else ()),
    )
