"""A raw client for the servers of `callscope.serving`, and the requests that tests send to them."""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import yaml

from callscope.serving import server as serving_server

DATA = serving_server.__file__.rpartition("/")[0] + "/data/tools.yaml"


def demo_tools() -> list[dict[str, Any]]:
    """The demo's own tools, as they go over the wire."""
    tools: list[dict[str, Any]] = json.loads(_demo_tools())
    return tools


@cache
def _demo_tools() -> str:
    """As text, which nobody changes: to read them as YAML takes longer than most requests."""
    with open(DATA, encoding="utf-8") as file:  # noqa: PTH123
        tools = yaml.safe_load(file)["tools"]
    members = ("name", "description", "parameters")
    return json.dumps([{"type": "function", "function": {name: tool[name] for name in members}} for tool in tools])


def asking(prompt: str, **members: Any) -> dict[str, Any]:
    """A request body with one prompt and the demo's tools."""
    body = {
        "model": "callscope-demo",
        "messages": [{"role": "user", "content": prompt}],
        "tools": demo_tools(),
        "stream": True,
        **members,
    }
    return {name: value for name, value in body.items() if value is not None}


@dataclass(frozen=True)
class Raw:
    """A response as it came: `ended` says whether HTTP's framing was complete, `reset` whether TCP was reset."""

    status: int
    headers: dict[str, str]
    body: bytes
    ended: bool
    reset: bool
    chunk_sizes: tuple[int, ...] = ()

    def events(self) -> list[dict[str, Any]]:
        """The JSON of a well-framed stream."""
        assert self.body.endswith(b"data: [DONE]\n\n")
        return [json.loads(line[6:]) for line in self.body.decode().split("\n\n")[:-2]]

    def deltas(self) -> list[dict[str, Any]]:
        return [chunk["choices"][0]["delta"] for chunk in self.events() if chunk["choices"]]

    def entries(self) -> list[dict[str, Any]]:
        return [entry for delta in self.deltas() for entry in delta.get("tool_calls", ())]

    def text(self) -> str:
        return "".join(delta.get("content") or "" for delta in self.deltas())

    def arguments(self, index: int = 0) -> str:
        return "".join(each["function"].get("arguments", "") for each in self.entries() if each["index"] == index)

    def finish_reasons(self) -> list[str]:
        reasons = [chunk["choices"][0]["finish_reason"] for chunk in self.events() if chunk["choices"]]
        return [reason for reason in reasons if reason is not None]


def connect(url: str, *, timeout: float = 10.0) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=timeout)


def post(url: str, body: dict[str, Any] | bytes, path: str = "/v1/chat/completions", **headers: str) -> Raw:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "host: demo", "connection: close", f"content-length: {len(data)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return talk(url, "\r\n".join(lines).encode() + b"\r\n\r\n" + data)


def get(url: str, path: str) -> Raw:
    return talk(url, f"GET {path} HTTP/1.1\r\nhost: demo\r\nconnection: close\r\n\r\n".encode())


def talk(url: str, data: bytes) -> Raw:
    """Send bytes, read until the server closes or resets."""
    received, reset = b"", False
    with connect(url) as client:
        client.sendall(data)
        try:
            while piece := client.recv(65536):
                received += piece
        except ConnectionResetError:
            reset = True
    return parse(received, reset=reset)


def parse(received: bytes, *, reset: bool = False) -> Raw:
    head, _, rest = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip(" \t") for name, _, value in (line.partition(":") for line in lines)}
    sizes: list[int] = []
    if headers.get("transfer-encoding") != "chunked":
        ended = len(rest) == int(headers.get("content-length", len(rest)))
        return Raw(int(first.split()[1]), headers, rest, ended, reset)
    body, ended = b"", False
    while b"\r\n" in rest and not ended:
        size, _, rest = rest.partition(b"\r\n")
        sizes.append(int(size, 16))
        ended = sizes[-1] == 0
        body, rest = body + rest[: sizes[-1]], rest[sizes[-1] + 2 :]
    return Raw(int(first.split()[1]), headers, body, ended, reset, tuple(sizes))


def reset_by_client(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
