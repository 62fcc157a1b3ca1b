"""How a recorder at work is asked: over a socket, or in the program that it is a part of.

Knows requests and answers. Must not know the recorders.
"""

from __future__ import annotations

import base64
import json
import subprocess
from dataclasses import dataclass
from typing import Protocol

from recorders_cases import Case
from recorders_wire import Seen, ask


@dataclass(frozen=True, slots=True)
class Question:
    """A request for a case: `path` and `headers` may carry secrets."""

    case: Case
    path: str = "/v1/chat/completions"
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def body(self) -> str:
        messages = [{"role": "user", "content": "go"}]
        return json.dumps({"model": self.case.name, "messages": messages, "stream": self.case.stream})

    def raw(self, port: int) -> bytes:
        fields = [("host", f"127.0.0.1:{port}"), ("content-length", str(len(self.body.encode()))), *self.headers]
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
        return f"POST {self.path} HTTP/1.1\r\n{lines}\r\n{self.body}".encode()


class Session(Protocol):
    """A recorder at work."""

    @property
    def process(self) -> subprocess.Popen[str]: ...

    def ask(self, question: Question) -> Seen: ...


@dataclass(frozen=True, slots=True)
class Direct:
    """A server on a port, asked over a socket."""

    process: subprocess.Popen[str]
    port: int

    def ask(self, question: Question) -> Seen:
        return ask(self.port, question.raw(self.port))


@dataclass(frozen=True, slots=True)
class Inside:
    """A program with the recorder in it, asked line by line."""

    process: subprocess.Popen[str]

    def ask(self, question: Question) -> Seen:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        members = {"name": question.case.name, "path": question.path, "body": question.body}
        pieces: list[bytes] = []
        times: list[tuple[float, int]] = []
        try:
            self.process.stdin.write(json.dumps({**members, "headers": question.headers}) + "\n")
            self.process.stdin.flush()
        except OSError:
            return Seen(ending="refused")
        for line in self.process.stdout:
            said = json.loads(line)
            if "ending" in said:
                headers = tuple((name, value) for name, value in said["headers"])
                return _seen(pieces, times, said["status"], headers, said["ending"])
            pieces.append(base64.b64decode(said["piece"]))
            times.append((said["at"], sum(map(len, pieces))))
        return _seen(pieces, times, 0, (), "reset")


def _seen(
    pieces: list[bytes], times: list[tuple[float, int]], status: int, headers: tuple[tuple[str, str], ...], ending: str
) -> Seen:
    return Seen(status, headers, b"".join(pieces), tuple(map(len, pieces)), ending, tuple(times))
