"""One exchange as the rules see it: what was asked, the frames that came, the documents in them, the decoder's events.

Knows how a body becomes frames and documents, and which tools a request offered. Must not know any rule. However the
reads are cut, what is seen is the same, but for their times.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from callscope.core.events import (
    ArgumentsDelta,
    CallAssembled,
    CallStarted,
    Diagnostic,
    ExchangeOpened,
    PeerEvent,
    ResponseCompleted,
    ResponseHead,
    TextDelta,
)
from callscope.core.values import CallKind, Frame, JsonObject, ToolCall, ToolSpec
from callscope.dialects.assembly import CUT
from callscope.dialects.body import BodyReader
from callscope.dialects.documents import Done, documents
from callscope.dialects.registry import dialect_named
from callscope.dialects.sse import Defect

from .exchange import Exchange

NO_SUCH_MODEL: Final = "callscope-doctor-no-such-model"
KEY_REFUSED: Final = (401, 403)
"""Statuses that refuse a key, or that there is none."""
SLICE: Final = 64 * 1024
"""Bytes of a body that become frames at once."""
MOST_COMMENTS: Final = 1000
"""Comments that are kept of an answer: a server that has nothing but heartbeats sends millions in few bytes."""
NO_KEY: Final = ("x-callscope-doctor", "no key")
"""The header that marks the one request that leaves its key out on purpose."""


class Said(NamedTuple):
    """A JSON document, and the frame that it stands in."""

    frame: Frame
    document: JsonObject


@dataclass(frozen=True)
class Seen:
    """One exchange, read. Everything beyond the exchange itself is derived from it when first asked for."""

    exchange: Exchange
    dialect: str

    # ---- what was asked ---------------------------------------------------------------------------------------------

    @cached_property
    def asked(self) -> JsonObject:
        """The members of the request's body; empty where it is no JSON object."""
        try:
            body = json.loads(self.exchange.request.body)
        except (ValueError, RecursionError):
            return {}
        return body if isinstance(body, dict) else {}

    @property
    def path(self) -> str:
        """The path that was asked for, without a slash at its end."""
        return urlsplit(self.exchange.request.url).path.rstrip("/")

    @cached_property
    def is_chat(self) -> bool:
        """Whether this asks for an answer, and is meant to get one."""
        return bool(self.asked) and self.exchange.request.method == "POST" and not self.provokes

    @cached_property
    def provokes(self) -> bool:
        """Whether this request is wrong on purpose."""
        keyless = NO_KEY in ((name.lower(), value) for name, value in self.exchange.request.headers)
        return not self.asked or keyless or self.asked.get("model") == NO_SUCH_MODEL

    @property
    def wants_stream(self) -> bool:
        """Whether a stream was asked for."""
        return self.is_chat and self.asked.get("stream") is True

    @cached_property
    def tools(self) -> dict[str, JsonObject]:
        """The tools that were offered, nested or flat, by their names."""
        entries = self.asked.get("tools")
        found: dict[str, JsonObject] = {}
        for entry in entries if isinstance(entries, list) else ():
            inner = entry.get(str(entry.get("type"))) if isinstance(entry, dict) else None
            tool = inner if isinstance(inner, dict) else entry
            if isinstance(tool, dict) and isinstance(tool.get("name"), str):
                kind = "custom" if entry.get("type") == "custom" else "function"
                found[tool["name"]] = {**tool, "type": kind}
        return found

    # ---- what came --------------------------------------------------------------------------------------------------

    @property
    def status(self) -> int:
        """The status; 0 where no response came."""
        return self.exchange.head.status if self.exchange.head else 0

    @property
    def is_good(self) -> bool:
        """Whether the status is one of success."""
        return 200 <= self.status < 300

    @cached_property
    def headers(self) -> dict[str, str]:
        """The response's headers, their names in lower case."""
        return {name.lower(): value for name, value in self.exchange.head.headers} if self.exchange.head else {}

    @cached_property
    def raw(self) -> bytes:
        """The body as it came."""
        return b"".join(data for _, data in self.exchange.reads)

    @cached_property
    def _framed(self) -> tuple[bytes, tuple[Frame, ...], tuple[Defect, ...]]:
        pieces = list[bytes]()
        reader = BodyReader(self.headers, pieces.append)
        frames = _kept(self.raw, reader)
        body = b"".join(pieces)
        if self.exchange.how != "complete" and frames and frames[-1].end >= len(body):
            cut = frames.pop()  # nobody knows what it would have been
            return body, tuple(frames), tuple(defect for defect in reader.defects if defect.frame != cut)
        return body, tuple(frames), tuple(reader.defects)

    @property
    def body(self) -> bytes:
        """The body without its compression: what the offsets of frames count in."""
        return self._framed[0]

    @property
    def frames(self) -> tuple[Frame, ...]:
        """All frames in order: events, comments, and what is no event; not one that the connection broke off in."""
        return self._framed[1]

    @property
    def defects(self) -> tuple[Defect, ...]:
        """What is wrong with the framing of which frame."""
        return self._framed[2]

    @property
    def streamed(self) -> bool:
        """Whether events came."""
        return any(frame.channel == "sse" for frame in self.frames)

    @cached_property
    def _read(self) -> tuple[tuple[Said, ...], tuple[Frame, ...], Frame | None, tuple[Frame, ...]]:
        said: list[Said] = []
        unread: list[Frame] = []
        after: list[Frame] = []
        done: Frame | None = None
        for frame in self.frames:
            if frame.channel == "comment" or not frame.data.strip():
                continue
            found = documents(frame.data)
            if done is not None:
                after.append(frame)
            else:
                said += [Said(frame, value) for value in found.values if isinstance(value, dict)]
                if found.rest or any(not isinstance(value, dict | Done) for value in found.values):
                    unread.append(frame)
            if done is None and any(isinstance(value, Done) for value in found.values):
                done = frame
        return tuple(said), tuple(unread), done, tuple(after)

    @property
    def said(self) -> tuple[Said, ...]:
        """The JSON objects up to `[DONE]`, in order."""
        return self._read[0]

    @property
    def unread(self) -> tuple[Frame, ...]:
        """Frames up to `[DONE]` that are no JSON object."""
        return self._read[1]

    @property
    def done(self) -> Frame | None:
        """The frame of the first `[DONE]`."""
        return self._read[2]

    @property
    def after_done(self) -> tuple[Frame, ...]:
        """What came after it."""
        return self._read[3]

    @property
    def whole(self) -> JsonObject:
        """The document of an answer in one piece; empty where there is none."""
        return self.said[0].document if self.said and not self.streamed else {}

    # ---- what the decoder makes of it -------------------------------------------------------------------------------

    @cached_property
    def events(self) -> tuple[PeerEvent, ...]:
        """The events of the dialect's own decoder."""
        tools = [ToolSpec(name, kind=_kind(tool)) for name, tool in self.tools.items()]
        decoder = dialect_named(self.dialect).decoder(1, tools)
        head = self.exchange.head
        decoder.feed(ExchangeOpened(1, self.exchange.request))
        events = decoder.feed(ResponseHead(1, head.status, head.headers)) if head else []
        return (*events, *decoder.feed(self.raw), *decoder.close(self.exchange.how or "cancelled"))

    def reported(self, *codes: str) -> Iterator[Diagnostic]:
        """What the decoder complained of under these codes."""
        return (event for event in self.events if isinstance(event, Diagnostic) and event.code in codes)

    @cached_property
    def calls(self) -> tuple[ToolCall, ...]:
        """The calls that the decoder assembled and that are the client's to run."""
        found = {event.call.key: event.call for event in self.events if isinstance(event, CallAssembled)}
        return tuple(call for call in found.values() if call.executor == "local")

    def last_frame(self, call: ToolCall) -> Frame | None:
        """The frame in which a call's arguments grew last, or it began; None where the decoder knows none."""
        grown = [e.frame for e in self.events if isinstance(e, CallStarted | ArgumentsDelta) and e.key == call.key]
        return next((frame for frame in reversed(grown) if frame is not None), None)

    @cached_property
    def finished(self) -> ResponseCompleted | None:
        """The end of an answer that is whole by its own account; None for one that failed, or that broke off."""
        last = self.events[-1] if self.events else None
        return last if isinstance(last, ResponseCompleted) and self.exchange.how == "complete" else None

    @property
    def was_cut(self) -> bool:
        """Whether a limit or a filter ended the answer: what is missing in it is nobody's fault."""
        return self.finished is not None and self.finished.finish_reason in CUT

    @cached_property
    def words(self) -> str:
        """The text of the answer, in whatever form it came."""
        return "".join(e.text for e in self.events if isinstance(e, TextDelta) and e.channel == "output")

    @cached_property
    def refused(self) -> bool:
        """Whether the model refused, in the place made for it."""
        return any(isinstance(event, TextDelta) and event.channel == "refusal" for event in self.events)


def _all_frames(raw: bytes, reader: BodyReader) -> Iterator[Frame]:
    for at in range(0, len(raw), SLICE):
        yield from reader.feed(raw[at : at + SLICE])
    yield from reader.close()


def _kept(raw: bytes, reader: BodyReader) -> list[Frame]:
    """The frames of a body, without all but the first of its comments."""
    frames: list[Frame] = []
    comments = 0
    for frame in _all_frames(raw, reader):
        comments += frame.channel == "comment"
        if frame.channel != "comment" or comments <= MOST_COMMENTS:
            frames.append(frame)
    return frames


def _kind(tool: JsonObject) -> CallKind:
    return "custom" if tool["type"] == "custom" else "function"


def shown(value: Any, limit: int = 80) -> str:
    """The beginning of a value, as compact JSON."""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return written if len(written) <= limit else f"{written[:limit]}…"


def as_sent(document: JsonObject, name: str, limit: int = 80) -> str:
    """What stands under this name, in words: null was sent, missing was not."""
    return f"`{name}` is {shown(document[name], limit) if name in document else 'missing'}"
