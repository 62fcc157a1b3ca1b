"""A loopback server that streams one made-up answer as fast as it is read. Standard library only.

The request's `model` names the answer: `tool-20000` is one call whose arguments come in 20,000 deltas of 4 characters,
`content-20000` a text in as many, `content-20000@2000` the same at 2,000 deltas a second. `turn-400` thinks, speaks and
calls a tool in 400 deltas, and speaks again in 200 when it has the result. Every event is an HTTP chunk of its own, 32
of them a send, as a busy server's are; at a pace, those that are due.
The first line printed is the port; the server ends when its stdin does, so that it cannot outlive who started it.

Knows nothing of Callscope: it would make the measure measure itself.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import socket
import sys
from collections.abc import Iterator
from typing import Any

SIZE = 4
"""Characters a delta."""
EVENTS_A_SEND = 32

WORDS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu")
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
CHUNK = {
    "id": "chatcmpl-bench",
    "object": "chat.completion.chunk",
    "created": 1700000000,
    "model": "bench",
    "service_tier": "default",
    "system_fingerprint": "fp_bench",
}


def prose(characters: int) -> str:
    """Text of exactly so many characters, with the line ends and quotes that real text has."""
    pieces: list[str] = []
    size = 0
    for number in itertools.count():
        words = " ".join(WORDS[(number * 7 + k) % len(WORDS)] for k in range(6))
        pieces.append(f'{number}. {words} "quoted"\n')
        size += len(pieces[-1])
        if size >= characters:
            break
    return "".join(pieces)[:characters]


def arguments(characters: int) -> str:
    """A JSON object of exactly so many characters."""
    frame = json.dumps({"path": "src/module.py", "text": ""})
    inside = json.dumps(prose(characters))[1 : characters - len(frame) + 1]
    while inside.endswith("\\"):  # an escape that was cut in two
        inside = inside[:-1]
    return frame[:-2] + inside.ljust(characters - len(frame), ".") + frame[-2:]


def deltas(kind: str, count: int) -> Iterator[dict[str, Any]]:
    """The deltas of an answer; the first one opens it and is not counted in its size."""
    match kind:
        case "content":
            yield {"role": "assistant", "content": ""}
            yield from ({"content": piece} for piece in pieces(prose(count * SIZE)))
        case "tool":
            function = {"name": "apply_edits", "arguments": ""}
            call = {"index": 0, "id": "call_bench", "type": "function", "function": function}
            yield {"role": "assistant", "content": None, "tool_calls": [call]}
            for piece in pieces(arguments(count * SIZE)):
                yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
        case _:
            thoughts = count // 4
            yield from ({"reasoning_content": piece} for piece in pieces(prose(thoughts * SIZE)))
            yield from deltas("content", 2 * thoughts)
            yield from deltas("tool", count - 3 * thoughts)


def pieces(text: str) -> Iterator[str]:
    """A text in deltas."""
    return (text[at : at + SIZE] for at in range(0, len(text), SIZE))


def events(kind: str, count: int) -> Iterator[bytes]:
    """The server-sent events of an answer."""
    for delta in deltas(kind, count):
        yield event([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}])
    reason = "stop" if kind == "content" else "tool_calls"
    yield event([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": reason}])
    yield event([], {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30})
    yield b"data: [DONE]\n\n"


def event(choices: list[object], usage: object = None) -> bytes:
    """One event."""
    return b"data: %s\n\n" % json.dumps({**CHUNK, "choices": choices, "usage": usage}, separators=(",", ":")).encode()


@functools.cache
def chunks(kind: str, count: int) -> list[bytes]:
    """The answer as it goes out; made at the first request for it, which is nobody's measured one."""
    return [*(b"%x\r\n%s\r\n" % (len(data), data) for data in events(kind, count)), b"0\r\n\r\n"]


def asked_for(body: dict[str, Any]) -> tuple[str, int, float]:
    """What kind of answer, in how many deltas, and how many of them a second; 0 is as fast as they are read."""
    kind, _, rest = body["model"].partition("-")
    count, _, rate = rest.partition("@")
    if kind == "turn" and body["messages"][-1]["role"] == "tool":
        return "content", int(count) // 2, float(rate or 0)
    return kind, int(count), float(rate or 0)


async def send(writer: asyncio.StreamWriter, answer: list[bytes], rate: float) -> None:
    """Send an answer, at a pace or as fast as it is read."""
    loop = asyncio.get_running_loop()
    start, sent = loop.time(), 0
    while sent < len(answer):
        due = int((loop.time() - start) * rate) + 1 if rate else sent + EVENTS_A_SEND
        if due > sent:
            writer.write(b"".join(answer[sent:due]))
            await writer.drain()
            sent = due
        else:
            await asyncio.sleep(0.0005)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection."""
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
            body = json.loads(await reader.readexactly(int(fields[b"content-length"])))
            kind, count, rate = asked_for(body)
            writer.write(HEAD)
            await send(writer, chunks(kind, count), rate)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main() -> None:
    """Serve until stdin ends."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, over.set)
    await over.wait()


if __name__ == "__main__":
    asyncio.run(main())
