"""A turn made of a raw body, for what is said about its calls: request and reads in, the facts of the turn out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from callscope.core.events import (
    BytesRead,
    Event,
    ExchangeEnded,
    ExchangeOpened,
    ResponseHead,
    SettingsChanged,
    Stamped,
    ToolsChanged,
    TurnEnded,
    UserMessage,
)
from callscope.core.plan import EndTurn, plan, settle
from callscope.core.state import Conversation, apply
from callscope.core.values import Ending, Headers, Request, Settings, ToolSpec
from callscope.dialects.registry import dialect_named
from callscope.forensics.case import Case
from callscope.forensics.entries import Verdict
from callscope.forensics.why import why
from chatbodies import DONE, chunk, entry
from chatbodies import calls as call_chunk
from quirkbodies import Quirk

STREAM: Headers = (("content-type", "text/event-stream"),)
URL = "http://localhost/v1"


@dataclass
class Scene:
    """A session that is told event by event; each takes a tenth of a second."""

    case: Case = field(default_factory=Case)
    conversation: Conversation = field(default_factory=Conversation)
    seq: int = 0

    def tell(self, *events: Event) -> Scene:
        for event in events:
            self.seq += 1
            self.conversation = apply(self.conversation, event)
            self.case.handle(Stamped(self.seq, self.seq / 10, event), self.conversation)
        return self

    def begin(self, tools: Sequence[ToolSpec | str] = ("get_weather",), **settings: Any) -> Scene:
        specs = tuple(ToolSpec(tool) if isinstance(tool, str) else tool for tool in tools)
        self.tell(SettingsChanged(Settings(**{"url": URL, "model": "m", **settings})), ToolsChanged(specs))
        return self.tell(UserMessage("Weather in Paris?"))

    def exchange(
        self,
        reads: bytes | Iterable[bytes] = b"",
        *,
        status: int = 200,
        headers: Headers = STREAM,
        how: Ending = "complete",
        detail: str = "",
        body: bytes | None = None,
    ) -> Scene:
        """The next request as the dialect writes it (or this body), and what came back."""
        dialect = dialect_named(self.conversation.settings.dialect)
        number = self.conversation.exchange + 1
        prepared = dialect.request(self.conversation)
        request = prepared.request if body is None else Request("POST", URL, (), body)
        decoder = dialect.decoder(number, self.conversation.tools)
        self.tell(ExchangeOpened(number, request), *prepared.diagnostics)
        if status:
            head = ResponseHead(number, status, headers)
            self.tell(head, *decoder.feed(head))
        for read in [reads] if isinstance(reads, bytes) else reads:
            self.tell(BytesRead(number, read), *decoder.feed(read))
        return self.tell(ExchangeEnded(number, how, detail), *decoder.close(how, detail))

    def end(self) -> Scene:
        """The turn ends here, whatever the plan says."""
        step = plan(self.conversation)
        if isinstance(step, EndTurn):
            return self.tell(*settle(self.conversation), TurnEnded(step.reason))
        return self

    def why(self) -> list[Verdict]:
        return why(self.case)

    def codes(self) -> list[str]:
        return [each.code for each in self.why()]


def after(reads: bytes | Iterable[bytes], tools: Sequence[ToolSpec | str] = ("get_weather",), **options: Any) -> Scene:
    """A turn with one exchange that brought this."""
    settings = {name: options.pop(name) for name in list(options) if name in Settings.__dataclass_fields__}
    return Scene().begin(tools, **settings).exchange(reads, **options).end()


def of_quirk(quirk: Quirk, reads: Iterable[bytes] | None = None) -> Scene:
    """A turn in which the body of a quirk came, in one piece or in these."""
    custom = quirk.meta.get("custom_tools", ())
    tools = [ToolSpec(name, kind="custom" if name in custom else "function") for name in quirk.meta["tools"]]
    headers = (("content-type", quirk.meta["content_type"]),)
    how = quirk.meta.get("ending", "complete")
    scene = Scene().begin(tools, dialect=quirk.dialect)
    cut = [quirk.body] if reads is None else reads
    return scene.exchange(cut, status=quirk.meta["http_status"], headers=headers, how=how).end()


def said(*texts: str, finish: str | None = "stop", **members: Any) -> bytes:
    """A stream that says these texts."""
    return b"".join((*(chunk({"content": text}) for text in texts), chunk(finish=finish, **members), DONE))


def called(*pieces: str, name: str = "get_weather", finish: str = "tool_calls") -> bytes:
    """A stream with one call whose arguments come in these pieces."""
    head = call_chunk(entry(0, "call_a", name, ""))
    return b"".join((head, *(call_chunk(entry(0, arguments=piece)) for piece in pieces), chunk(finish=finish), DONE))


def body_with(**members: Any) -> bytes:
    """A request that offers get_weather and get_time; a member that is None is left out."""
    tools = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("get_weather", "get_time")]
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": tools, **members}
    return json.dumps({name: member for name, member in body.items() if member is not None}).encode()
