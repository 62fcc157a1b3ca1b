"""What is read and what comes of it: a recorded response as its bytes, and what one reader saw in them.

Knows the shapes, and how they go to another process and come back as JSON. Must not know any reader, nor files.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from callscope.core.values import Ending, Executor, Headers, ToolSpec

TroubleKind = Literal["error", "crash", "hang", "killed"]
"""`error`: the reader said that the response is bad; `crash`: an exception that no program expects of it."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A response as it was recorded: the same reads, the same ending.

    `streamed`: the request asked for a stream; `definitions` are the tools as that request has them. `status` is None
    where no head came, `how` where the recording ends before the response does.
    """

    exchange: int
    dialect: str
    streamed: bool
    status: int | None
    headers: Headers
    reads: tuple[bytes, ...]
    how: Ending | None
    detail: str = ""
    tools: tuple[ToolSpec, ...] = ()
    definitions: tuple[Mapping[str, Any], ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return sum(map(len, self.reads))


@dataclass(frozen=True, slots=True)
class Call:
    """A call as a reader saw it; a member is None where the reader gave none. A remote one the peer runs itself.

    `fault` is the code of what keeps Callscope from running it; no other reader says any such thing.
    """

    call_id: str | None
    name: str | None
    arguments: str | None
    executor: Executor = "local"
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a reader ended with instead of an answer: the class of the exception and its words."""

    kind: TroubleKind
    name: str
    words: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.words}" if self.words else self.name


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader saw; `usage` are the tokens in and out, `events` what the framing gave, where that was asked."""

    calls: tuple[Call, ...] = ()
    text: str = ""
    refusal: str = ""
    finish_reason: str | None = None
    usage: tuple[int | None, int | None] | None = None
    trouble: Trouble | None = None
    events: int | None = None


@dataclass(frozen=True, slots=True)
class NotRead:
    """A reader has no way to read this; why, in words."""

    why: str


Outcome: TypeAlias = Reading | NotRead


@dataclass(frozen=True, slots=True)
class Reader:
    """One of the programs that read: its name for people and scripts, the package it comes from, its version."""

    name: str
    package: str
    version: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.name} {self.version}".rstrip()


def reading_as_json(reading: Reading) -> dict[str, Any]:
    """A reading as a JSON object."""
    return asdict(reading)


def outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    """What came of a reader, as a JSON object."""
    return {"not_read": outcome.why} if isinstance(outcome, NotRead) else reading_as_json(outcome)


def outcome_of_json(members: Mapping[str, Any]) -> Outcome:
    """What `outcome_as_json` was made from."""
    if "not_read" in members:
        return NotRead(members["not_read"])
    usage, trouble = members["usage"], members["trouble"]
    return Reading(
        calls=tuple(Call(**call) for call in members["calls"]),
        text=members["text"],
        refusal=members["refusal"],
        finish_reason=members["finish_reason"],
        usage=(usage[0], usage[1]) if usage else None,
        trouble=Trouble(**trouble) if trouble else None,
        events=members["events"],
    )


def recorded_as_json(recorded: Recorded) -> dict[str, Any]:
    """A response as a JSON object, its bytes in base64; of the tools what a decoder looks at."""
    return {
        "exchange": recorded.exchange,
        "dialect": recorded.dialect,
        "streamed": recorded.streamed,
        "status": recorded.status,
        "headers": [list(header) for header in recorded.headers],
        "reads": [base64.b64encode(read).decode("ascii") for read in recorded.reads],
        "how": recorded.how,
        "detail": recorded.detail,
        "tools": [[tool.name, tool.kind] for tool in recorded.tools],
        "definitions": [dict(definition) for definition in recorded.definitions],
    }


def recorded_of_json(members: Mapping[str, Any]) -> Recorded:
    """What `recorded_as_json` was made from; the tools have a name and a kind alone."""
    return Recorded(
        exchange=members["exchange"],
        dialect=members["dialect"],
        streamed=members["streamed"],
        status=members["status"],
        headers=tuple((name, value) for name, value in members["headers"]),
        reads=tuple(base64.b64decode(read) for read in members["reads"]),
        how=members["how"],
        detail=members["detail"],
        tools=tuple(ToolSpec(name, kind=kind) for name, kind in members["tools"]),
        definitions=tuple(members["definitions"]),
    )
