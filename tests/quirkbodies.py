"""The response bodies of tests/quirks, and how they read; tests/quirks/README.md tells the members of a note."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from callscope.core.events import (
    Diagnostic,
    ExchangeOpened,
    PeerEvent,
    RemoteResult,
    ResponseFailed,
    ResponseHead,
)
from callscope.core.state import Conversation, Response, apply
from callscope.core.values import Request, ToolCall, ToolResult, ToolSpec
from callscope.dialects.registry import dialect_named

FOLDER = Path(__file__).parent / "quirks"


@dataclass(frozen=True)
class Quirk:
    """A raw body and what is known of it. The folder says which dialect it is of."""

    path: Path
    body: bytes
    meta: dict[str, Any]

    @property
    def dialect(self) -> str:
        return "chat" if self.path.parent == FOLDER else self.path.parent.name

    @property
    def expect(self) -> dict[str, Any]:
        expect: dict[str, Any] = self.meta["expect"]
        return expect

    @property
    def number(self) -> int:
        return int(self.path.name.split("-", 1)[0])

    def __str__(self) -> str:
        return f"{self.number:03} {self.meta['quirk']}"


def load(path: Path) -> Quirk:
    body = next(other for other in sorted(path.parent.glob(f"{path.stem}.*")) if other.suffix in (".sse", ".body"))
    return Quirk(path, body.read_bytes(), json.loads(path.read_text(encoding="utf-8")))


def corpus(folder: Path) -> list[Quirk]:
    """The bodies of one folder."""
    return [load(path) for path in sorted(folder.glob("*.json"))]


def bodies_without_a_note(folder: Path) -> set[str]:
    bodies = {path.stem for path in folder.iterdir() if path.suffix in (".sse", ".body")}
    return bodies ^ {path.stem for path in folder.glob("*.json")}


def decode(quirk: Quirk, reads: Iterable[bytes]) -> list[PeerEvent]:
    """The events of a body that came in these reads."""
    custom = quirk.meta.get("custom_tools", ())
    tools = [ToolSpec(name, kind="custom" if name in custom else "function") for name in quirk.meta["tools"]]
    decoder = dialect_named(quirk.dialect).decoder(1, tools)
    head = ResponseHead(1, quirk.meta["http_status"], (("content-type", quirk.meta["content_type"]),))
    events = list(decoder.feed(head))
    for read in reads:
        events += decoder.feed(read)
    return [*events, *decoder.close(quirk.meta.get("ending", "complete"))]


@dataclass(frozen=True)
class Reading:
    """What came of a body: the response as the conversation has it, and the events it is made from."""

    events: list[PeerEvent]
    response: Response

    @property
    def calls(self) -> list[ToolCall]:
        return self.response.chunks.calls

    @property
    def results(self) -> list[ToolResult]:
        return [event.result for event in self.events if isinstance(event, RemoteResult)]

    @property
    def failure(self) -> ResponseFailed | None:
        return self.response.failure

    def diagnostics(self, severity: str) -> list[Diagnostic]:
        return [event for event in self.events if isinstance(event, Diagnostic) and event.severity == severity]


@cache
def read_whole(path: Path) -> Reading:
    """The reading of a body that came in one piece (tests only look at it)."""
    quirk = load(path)
    events = decode(quirk, [quirk.body])
    conversation = apply(Conversation(), ExchangeOpened(1, Request("POST", "http://localhost/v1", (), b"{}")))
    for event in events:
        conversation = apply(conversation, event)
    assert conversation.response is not None
    return Reading(events, conversation.response)


def value(arguments: str) -> Any:
    """What arguments mean: no text means no arguments."""
    return json.loads(arguments) if arguments.strip() else {}
