"""What an answer without an end costs `ask --json --no-run`: memory, at a half and at the whole of what is sent.

`endless_answers.py` prints a table; `endless_answers.py DIALECT NAME` runs one. A server on loopback sends a body of
the kind until so much of it was taken, and then hangs up. `kept` is what a byte of the body left in memory in its
second half. Where the program hangs up first, the last column says why. Each may have 1.5 GB of address space.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
MB = 1_000_000
BLOCK = 65_536
MOST_MEMORY = 1_500 * MB
SECONDS = 300

Body = Callable[[], Iterator[bytes]]


class Kind(NamedTuple):
    """An endless body, how much of it is sent, and its content type and coding."""

    pieces: Body
    size: int
    label: str = "text/event-stream"
    coding: str = ""


def named(document: dict[str, object]) -> bytes:
    name = f"event: {document['type']}\n" if "type" in document else ""
    return f"{name}data: {json.dumps(document)}\n\n".encode()


def each(make: Callable[[int], dict[str, object]], first: bytes = b"") -> Body:
    def pieces() -> Iterator[bytes]:
        yield first
        for number in count():
            yield named(make(number))

    return pieces


def again(piece: bytes, first: bytes = b"") -> Body:
    def pieces() -> Iterator[bytes]:
        yield first
        many = piece * max(1, BLOCK // len(piece))
        while True:
            yield many

    return pieces


def chunk(**delta: object) -> dict[str, object]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]}


def call(index: object, **members: object) -> dict[str, object]:
    return chunk(tool_calls=[{"index": index, **members}])


def roll(number: int, **members: object) -> dict[str, object]:
    return {"type": "function_call", "id": f"fc_{number}", "call_id": f"c{number}", "name": "roll", **members}


def item(verb: str, index: int, document: dict[str, object]) -> dict[str, object]:
    return {"type": f"response.output_item.{verb}", "output_index": index, "item": document}


def step(**details: object) -> dict[str, object]:
    return {"object": "thread.run.step.delta", "choices": [{"delta": {"role": "assistant", "step_details": details}}]}


def own_call(number: int) -> dict[str, object]:
    return step(type="tool_calls", tool_calls=[{"id": f"c{number}", "name": "roll", "args": {}}])


def odd(number: int) -> bytes:
    return b"data: {broken %d\n\n" % number


def gzipped(body: Body) -> Body:
    def pieces() -> Iterator[bytes]:
        zipper = zlib.compressobj(9, zlib.DEFLATED, 31)
        for piece in body():
            if data := zipper.compress(piece):
                yield data

    return pieces


FIRST_CALL = named(call(0, id="a", function={"name": "roll", "arguments": '{"a":"'}))
LETTER = named(call(0, function={"arguments": "x"}))
WORD = named(chunk(content="word "))
OUTPUT = b'data: {"choices":[{"message":{"role":"assistant","content":"'
DELTA = {"item_id": "m1", "output_index": 0, "content_index": 0}
JSON = "application/json"

KINDS: dict[str, dict[str, Kind]] = {
    "chat": {
        "text": Kind(again(WORD), 24 * MB),
        "text, a letter each": Kind(again(named(chunk(content="x"))), 24 * MB),
        "text, 60 KB each": Kind(again(named(chunk(content="x" * 60_000))), 150 * MB),
        "wide text, 60 KB each": Kind(
            again(named(chunk(content="x" * 59_999 + "😀")).replace(b"\\ud83d\\ude00", "😀".encode())), 150 * MB
        ),
        "reasoning": Kind(again(named(chunk(reasoning_content="word "))), 24 * MB),
        "reasoning details": Kind(
            each(lambda n: chunk(reasoning_details=[{"type": "x", "index": n, "text": "y"}])), 16 * MB
        ),
        "arguments of a call": Kind(again(LETTER, FIRST_CALL), 24 * MB),
        "calls": Kind(each(lambda n: call(n, id=f"c{n}", function={"name": "r", "arguments": "{}"})), 12 * MB),
        "calls without ids": Kind(each(lambda n: call(n, function={"name": "r", "arguments": "{}"})), 12 * MB),
        "calls in one event": Kind(
            again(
                b'{"index":1,"function":{"name":"r","arguments":"{}"}},', b'data: {"choices":[{"delta":{"tool_calls":['
            ),
            16 * MB,
        ),
        "choices": Kind(each(lambda n: {"choices": [{"index": n, "delta": {"content": "x"}}]}), 16 * MB),
        "members of a call": Kind(each(lambda n: call(0, **{f"m{n}": n}), FIRST_CALL), 16 * MB),
        "broken events": Kind(lambda: map(odd, count()), 12 * MB),
        "broken events, 7 MB each": Kind(
            lambda: (b"data: {broken %d" % n + b"x" * 7 * MB + b"\n\n" for n in count()), 400 * MB
        ),
        "calls, 7 MB of padding each": Kind(
            each(lambda n: call(n, id=f"c{n}", function={"name": "r", "arguments": "{}"}) | {"pad": "x" * 7 * MB}),
            400 * MB,
        ),
        "words, 7 MB of padding each": Kind(
            each(lambda n: chunk(content=f"word {n} ") | {"pad": "x" * 7 * MB}), 400 * MB
        ),
        "odd calls": Kind(each(lambda n: chunk(tool_calls=[n])), 12 * MB),
        "text between events": Kind(lambda: iter(lambda: WORD + b"words of nobody\n\n", b""), 12 * MB),
        "lines that are no fields": Kind(again(b"ab\n"), 16 * MB),
        "data lines": Kind(again(b"data: ab\n"), 24 * MB),
        "empty data lines": Kind(again(b"data:\n"), 24 * MB),
        "usage": Kind(again(named({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}})), 16 * MB),
        "comments": Kind(again(b": ping\n\n"), 24 * MB),
        "empty events": Kind(again(b"data:\n\n"), 16 * MB),
        "one line": Kind(again(b"x" * BLOCK, b'data: {"x":"'), 150 * MB),
        "a document": Kind(again(b"x" * BLOCK, b'{"choices":[{"message":{"content":"'), 150 * MB, JSON),
        "a document of lists": Kind(again(b"[],", b'{"x":['), 150 * MB, JSON),
        "gzip: text": Kind(gzipped(again(WORD)), 2 * MB, coding="gzip"),
        "gzip: comments": Kind(gzipped(again(b":\n")), 2 * MB, coding="gzip"),
        "gzip: one line": Kind(gzipped(again(b"x" * BLOCK, b'data: {"x":"')), 2 * MB, coding="gzip"),
    },
    "responses": {
        "text": Kind(again(named({"type": "response.output_text.delta", **DELTA, "delta": "word "})), 24 * MB),
        "text of ever new parts": Kind(
            each(lambda n: {"type": "response.output_text.delta", **DELTA, "content_index": n, "delta": "x"}), 20 * MB
        ),
        "reasoning": Kind(again(named({"type": "response.reasoning_text.delta", **DELTA, "delta": "word "})), 24 * MB),
        "arguments of a call": Kind(
            again(
                named(
                    {
                        "type": "response.function_call_arguments.delta",
                        "item_id": "fc_0",
                        "output_index": 0,
                        "delta": "x",
                    }
                ),
                named(item("added", 0, roll(0, arguments=""))),
            ),
            24 * MB,
        ),
        "items added": Kind(each(lambda n: item("added", n, roll(n, arguments=""))), 12 * MB),
        "items done": Kind(each(lambda n: item("done", n, roll(n, arguments="{}"))), 12 * MB),
        "items of the server's": Kind(
            each(lambda n: item("done", n, {"type": "web_search_call", "id": f"w{n}"})), 12 * MB
        ),
        "an item under ever new ids": Kind(
            each(lambda n: item("done", 0, {**roll(n, arguments="{}"), "call_id": "c"})), 12 * MB
        ),
        "members of the response": Kind(
            each(lambda n: {"type": "response.in_progress", "response": {f"m{n}": n}}), 20 * MB
        ),
        "unknown events": Kind(each(lambda n: {"type": f"response.new_{n}", "data": n}), 20 * MB),
        "broken events": Kind(lambda: map(odd, count()), 12 * MB),
    },
    "acf": {
        "messages": Kind(
            again(
                named(
                    {
                        "object": "thread.message.delta",
                        "choices": [{"delta": {"role": "assistant", "content": "word "}}],
                    }
                )
            ),
            24 * MB,
        ),
        "thinking": Kind(again(named(step(type="thinking", content="word "))), 16 * MB),
        "calls": Kind(each(own_call), 2 * MB),
        "results": Kind(
            each(lambda n: step(type="tool_response", tool_call_id=f"c{n}", name="roll", content="six")), 12 * MB
        ),
        "whole messages": Kind(
            each(lambda n: {"object": "thread.message.completed", "message": {"content": f"word {n}"}}), 12 * MB
        ),
        "runs": Kind(
            each(lambda n: {"object": "thread.run.step.created", "id": f"r{n}", "thread_id": f"t{n}"}), 12 * MB
        ),
        "errors": Kind(
            again(
                named(
                    {
                        "object": "thread.message.delta",
                        "id": "error-1",
                        "choices": [{"delta": {"role": "assistant", "content": "bad "}}],
                    }
                )
            ),
            16 * MB,
        ),
        "unframed text": Kind(again(b"words of nobody " * 30 + b"\n\n"), 16 * MB),
    },
}


class Sent:
    """How much a peer took of a body; `half` is called when that much was taken, `whole` at the end."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.taken = 0
        self.marks: list[tuple[int, int]] = []
        self.pid = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]

    def run(self) -> None:
        peer, _ = self._server.accept()
        with peer:
            request = b""
            while b"\r\n\r\n" not in request:
                request += peer.recv(BLOCK)
            coding = f"content-encoding: {self.kind.coding}\r\n" if self.kind.coding else ""
            peer.sendall(
                f"HTTP/1.1 200 OK\r\ncontent-type: {self.kind.label}\r\n{coding}connection: close\r\n\r\n".encode()
            )
            with suppress(OSError):  # it has heard enough
                self._send(peer)

    def _send(self, peer: socket.socket) -> None:
        kept, size = [], 0
        for piece in self.kind.pieces():
            kept.append(piece)
            size += len(piece)
            if size < min(BLOCK, self.kind.size // 16):
                continue
            peer.sendall(b"".join(kept))
            self.taken += size
            kept, size = [], 0
            if self.taken >= self.kind.size // 2 * (len(self.marks) + 1):
                self.marks.append((self.taken, _memory(self.pid)))
                if len(self.marks) == 2:
                    return


def _memory(pid: int) -> int:
    """Bytes that a process has in memory now."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


def one(dialect: str, name: str) -> None:
    kind = KINDS[dialect][name]
    sent = Sent(kind)
    with tempfile.TemporaryDirectory() as folder, open(Path(folder) / "out", "w+") as out:
        command = [sys.executable, "-m", "callscope", "ask", "--json", "--no-run", "--dialect", dialect]
        command += ["--url", f"http://127.0.0.1:{sent.port}/v1", "-m", "m", "--timeout", str(SECONDS), "hi"]
        env = {**os.environ, "PYTHONPATH": str(ROOT / "cli"), "CALLSCOPE_RECORDINGS": folder}
        program = subprocess.Popen(
            command, cwd=folder, env=env, stdout=out, stderr=subprocess.PIPE, preexec_fn=_bounded
        )
        sent.pid = program.pid
        began = time.monotonic()
        threading.Thread(target=sent.run, daemon=True).start()
        _, status, used = os.wait4(program.pid, 0)
        spent = time.monotonic() - began
        program.returncode = code = os.waitstatus_to_exitcode(status)
        errors = (program.stderr.read() if program.stderr else b"").decode()
        print(
            _row(dialect, name, sent, used.ru_maxrss / 1024, spent, code, _words(Path(folder) / "out", errors)),
            flush=True,
        )


def _row(dialect: str, name: str, sent: Sent, peak: float, spent: float, code: int, words: str) -> str:
    kept = ""
    if len(sent.marks) == 2:
        (half, before), (whole, after) = sent.marks
        kept = f"{(after - before) / (whole - half):.2f}"
    return f"| {dialect} | {name} | {sent.taken / MB:.0f} | {peak:.0f} | {kept} | {spent:.1f} | {code} | {words} |"


def _words(out: Path, errors: str) -> str:
    """The failure's kind, and its words as far as they fit."""
    with open(out, "rb") as file:
        file.seek(max(0, out.stat().st_size - 4096))
        tail = file.read().decode(errors="replace").splitlines()
    if "MemoryError" in errors:
        return "MemoryError"
    try:
        error = json.loads(tail[-1])["error"]
        return f"{error['kind']}: {error['message']}"[:110]
    except (IndexError, ValueError, KeyError, TypeError):
        place = (tail[-1] if tail else errors).rfind('"error"')
        return (tail[-1] if tail else errors)[place : place + 110].replace("|", "/") if tail or errors else ""


def main() -> None:
    if len(sys.argv) == 3:
        one(*sys.argv[1:])
        return
    print("| protocol | endless | MB taken | peak MB | kept a byte | seconds | exit code | how it ended |")
    print("|---|---|---|---|---|---|---|---|")
    for dialect, kinds in KINDS.items():
        if sys.argv[1:] in ([], [dialect]):
            for name in kinds:
                subprocess.run([sys.executable, __file__, dialect, name], check=True, timeout=SECONDS + 30)


if __name__ == "__main__":
    main()
