"""`callscope serve` and `callscope proxy` as a person runs them, and recordings of a few lines to serve."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SAMPLES = sorted((Path(__file__).parents[1] / "recordings" / "samples").glob("*.jsonl"))
WEATHER = next(path for path in SAMPLES if path.stem == "weather")
HEADER = {"kind": "header", "format": "callscope", "version": 1, "created": "2026-11-21T01:23:00Z"}
SETTINGS = {"t": 0.0, "kind": "settings", "dialect": "chat", "url": "http://there:1/v1", "model": "m"}


class Running:
    """A command that serves; `url` is where. After `end` there are `code` and `said`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said = ""
        self.code: int | None = None
        assert process.stderr is not None
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", line := process.stderr.readline())):
            self.said += line
            assert line, f"it never said where it listens: {self.said}"
        self.said += line
        self.url = found[0]

    def end(self, by: signal.Signals = signal.SIGINT) -> None:
        """End it as a person does, and hear what it says last."""
        self.process.send_signal(by)
        _, rest = self.process.communicate(timeout=20)
        self.said += rest
        self.code = self.process.returncode
        assert "Traceback" not in self.said, self.said


@contextmanager
def running(*arguments: str | Path, **env: str) -> Iterator[Running]:
    """A command on a free port; it is ended with the context, however that ends."""
    command = [sys.executable, "-m", "callscope", *map(str, arguments), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **env})
    try:
        yield (run := Running(process))
        if run.code is None:
            run.end()
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def exchange(
    number: int,
    body: Any,
    *answer: dict[str, Any],
    path: str = "/v1/chat/completions",
    method: str = "POST",
    at: float = 0.0,
    masked: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """The lines of an exchange: a request, and what came back, each line with its time after the request."""
    text = body if isinstance(body, str) else json.dumps(body)
    request = {"t": at, "kind": "request", "exchange": number, "method": method, "url": f"http://there:1{path}"}
    request |= {"headers": [["authorization", "Bearer ****"]], "body": text} | ({"masked": masked} if masked else {})
    return [request, *({**line, "t": at + line.get("t", 0.0), "exchange": number} for line in answer)]


def head(status: int = 200, t: float = 0.0, **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()} or {"content-type": "text/event-stream"}
    return {"t": t, "kind": "response", "status": status, "headers": [[*pair] for pair in named.items()]}


def read(data: bytes, t: float = 0.0, cuts: list[int] | None = None) -> dict[str, Any]:
    line = {"t": t, "kind": "read", "base64": base64.b64encode(data).decode()}
    return line | ({"cuts": cuts} if cuts else {})


def end(how: str = "complete", t: float = 0.0) -> dict[str, Any]:
    return {"t": t, "kind": "end", "how": how, "detail": "", "bytes": 0, "sha256": ""}


def recording(path: Path, *exchanges: list[dict[str, Any]], settings: dict[str, Any] | None = None) -> Path:
    """A recording with these exchanges."""
    lines = [HEADER, SETTINGS if settings is None else settings, *(line for each in exchanges for line in each)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path
