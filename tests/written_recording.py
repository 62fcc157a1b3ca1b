"""Recordings written by hand, of the Chat Completions dialect, so that each byte in them is a test's own."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callscope.record.file.format import encode_line

BASE = "http://model.test/v1"
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def says(text: str) -> list[bytes]:
    """The reads of a stream that says something."""
    return [_chunk({"content": text}), _chunk({}, "stop"), b"data: [DONE]\n\n"]


def wants(name: str, *pieces: str, call_id: str = "c1") -> list[bytes]:
    """The reads of a stream with one call, its arguments in these pieces."""
    function = {"name": name, "arguments": ""}
    first = _chunk({"tool_calls": [{"index": 0, "id": call_id, "type": "function", "function": function}]})
    more = [_chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}) for piece in pieces]
    return [first, *more, _chunk({}, "tool_calls"), b"data: [DONE]\n\n"]


def _chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return f"data: {json.dumps({'id': 'x', 'model': 'm', 'choices': choices})}\n\n".encode()


@dataclass
class Written:
    """Lines of a recording, one after the other, half a second apart."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    exchange: int = 0

    def __post_init__(self) -> None:
        header = {"kind": "header", "format": "callscope", "version": 1, "created": "2026-11-21T01:23:00Z"}
        self.lines.append(header)
        self.add("settings", dialect="chat", url=BASE, model="m", policy={"approve": "always"})

    def add(self, kind: str, **members: Any) -> Written:
        """One more line."""
        self.lines.append({"t": len(self.lines) / 2, "kind": kind, **members})
        return self

    def exchanged(
        self,
        reads: Sequence[bytes] = (),
        *,
        body: bytes = b'{"model":"m"}',
        url: str = f"{BASE}/chat/completions",
        method: str = "POST",
        headers: Sequence[tuple[str, str]] = (("content-type", "application/json"),),
        masked: dict[str, Any] | None = None,
        answer: Sequence[tuple[str, str]] = (("content-type", "text/event-stream"),),
        status: int = 200,
        how: str = "complete",
        detail: str = "",
    ) -> Written:
        """A request and what came back; with `how` of a failed connection nothing did."""
        self.exchange += 1
        number = self.exchange
        secrets = {"masked": masked} if masked else {}
        sent = _payload(body, "body", "body_base64")
        self.add(
            "request", exchange=number, method=method, url=url, headers=list(map(list, headers)), **sent, **secrets
        )
        if not how.endswith("_failed"):
            self.add("response", exchange=number, status=status, headers=list(map(list, answer)))
            for data in reads:
                self.add("read", exchange=number, **_payload(data, "text", "base64"))
        return self.add("end", exchange=number, how=how, detail=detail)

    def write(self, path: Path) -> Path:
        """Put it into a file."""
        path.write_bytes(b"".join(map(encode_line, self.lines)))
        return path


def _payload(data: bytes, text: str, encoded: str) -> dict[str, str]:
    try:
        return {text: data.decode()}
    except UnicodeDecodeError:
        return {encoded: base64.b64encode(data).decode()}
