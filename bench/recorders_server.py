"""A loopback server whose every byte is decided beforehand: it plays the steps of the answer that a request names.

Knows sockets. Must not know who asks, nor what the steps are to show. The request's `model` names the answer.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from time import monotonic, sleep
from typing import Any, Literal, Self

Step = bytes | float | Literal["close", "reset"]
"""Bytes to send, seconds to wait, or how the connection ends; without an end it waits for the next request."""


class Server:
    """Serves on a free port. `sent` has the clock at each send of the last such answer, `asked` counts requests."""

    def __init__(self, answers: Mapping[str, Sequence[Step]]) -> None:
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.sent: dict[str, list[float]] = {}
        self.heads: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        self._on_send: tuple[str, int, threading.Event] | None = None

    def after(self, name: str, count: int) -> threading.Event:
        """An event that is set when so many sends of the next answer of this name are out."""
        event = threading.Event()
        self._on_send = (name, count, event)
        return event

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with connection, connection.makefile("rb") as source:
                while (name := self._request(source)) is not None:
                    if not self._play(connection, name):
                        return
        except (OSError, ValueError):
            pass  # whoever asked has gone

    def _request(self, source: Any) -> str | None:
        lines: list[bytes] = []
        while (line := source.readline()) not in (b"\r\n", b""):
            lines.append(line)
        if not lines:
            return None
        lengths = [line.split(b":")[1] for line in lines if line.lower().startswith(b"content-length:")]
        name = str(json.loads(source.read(int(lengths[0]) if lengths else 0))["model"])
        self.asked[name] += 1
        self.heads[name] = b"".join(lines)
        return name

    def _play(self, connection: socket.socket, name: str) -> bool:
        """Whether the connection goes on."""
        times = self.sent[name] = []
        for step in self._answers[name]:
            match step:
                case "close":
                    return False
                case "reset":
                    # closing a socket that does not linger sends RST instead of FIN
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return False
                case bytes():
                    times.append(monotonic())
                    connection.sendall(step)
                    self._note(name, len(times))
                case _:
                    sleep(step)
        return True

    def _note(self, name: str, count: int) -> None:
        if self._on_send and self._on_send[:2] == (name, count):
            self._on_send[2].set()
