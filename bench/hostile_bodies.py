"""What hostile bodies cost: seconds, bytes a second and peak memory of each, in a process of its own.

`hostile_bodies.py` prints a table; `hostile_bodies.py DIALECT NAME` runs one. Each body comes in reads of 64 KiB. The
ratio is the time of the whole body to that of half of it: about 2 is linear.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "cli"), str(ROOT / "tests")]

READ = 65_536
MILLION = 1_000_000


def events(make: Callable[[int], object], count: int) -> Iterator[bytes]:
    for number in range(count):
        document = make(number)
        named = f"event: {document['type']}\n" if isinstance(document, dict) and "type" in document else ""
        yield f"{named}data: {json.dumps(document)}\n\n".encode()


def delta(*calls: object) -> object:
    return {"choices": [{"delta": {"tool_calls": list(calls)}}]}


def entry(index: int, **members: object) -> object:
    return {"index": index, **members}


def item(number: int) -> object:
    call = {"type": "function_call", "id": f"fc_{number}", "call_id": f"c{number}", "name": "roll", "arguments": "{}"}
    return {"type": "response.output_item.done", "output_index": number, "item": call}


def own(number: int) -> object:
    calls = [{"id": f"c{number}", "name": "roll", "args": {}}]
    steps = {"type": "tool_calls", "tool_calls": calls}
    return {"object": "thread.run.step.delta", "choices": [{"delta": {"role": "assistant", "step_details": steps}}]}


def opened(count: int) -> Iterator[bytes]:
    yield from events(lambda _: delta(entry(0, id="a", function={"name": "roll", "arguments": '{"a":"'})), 1)
    yield from events(lambda _: delta(entry(0, function={"arguments": "x"})), count)


def fragments_of_responses(count: int) -> Iterator[bytes]:
    call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "roll", "arguments": ""}
    yield from events(lambda _: {"type": "response.output_item.added", "output_index": 0, "item": call}, 1)
    piece = {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 0, "delta": "x"}
    yield from events(lambda _: piece, count)


BODIES: dict[str, dict[str, tuple[Callable[[int], Iterator[bytes]], int]]] = {
    "chat": {
        "a line of 100 MB": (lambda n: iter([b'data: {"x":"' + b"x" * n + b'"}\n\n']), 100 * MILLION),
        "a million empty events": (lambda n: iter([b"data:\n\n" * n]), MILLION),
        "a million comments": (lambda n: iter([b": ping\n\n" * n]), MILLION),
        "nested 10,000,000 deep": (lambda n: iter([b"data: " + b"[" * n + b"\n\n"]), 10 * MILLION),
        "a million fragments of a call": (opened, MILLION),
        "a whole call 100,000 times": (
            lambda n: events(lambda i: delta(entry(0, id="c", function={"name": "r", "arguments": '{"a":1}'})), n),
            100_000,
        ),
        "200,000 calls": (
            lambda n: events(lambda i: delta(entry(i, id=f"c{i}", function={"name": "r", "arguments": "{}"})), n),
            200_000,
        ),
        "200,000 calls without ids": (
            lambda n: events(lambda i: delta(entry(i, function={"name": "r", "arguments": "{}"})), n),
            200_000,
        ),
        "a number of 10,000,000 digits": (lambda n: iter([b'data: {"n":' + b"9" * n + b"}\n\n"]), 10 * MILLION),
    },
    "responses": {
        "a line of 100 MB": (lambda n: iter([b'data: {"x":"' + b"x" * n + b'"}\n\n']), 100 * MILLION),
        "a million fragments of a call": (fragments_of_responses, MILLION),
        "100,000 items of ids of their own": (lambda n: events(item, n), 100_000),
        "100 unknown events of 1 MB": (
            lambda n: events(lambda i: {"type": f"response.new_{i}", "data": "x" * MILLION}, n),
            100,
        ),
    },
    "acf": {
        "a line of 100 MB": (lambda n: iter([b'data: {"x":"' + b"x" * n + b'"}\n\n']), 100 * MILLION),
        "a million empty events": (lambda n: iter([b"data:\n\n" * n]), MILLION),
        "4,000 calls of the agent's": (lambda n: events(own, n), 4_000),
    },
}


def decode(dialect: str, body: bytes) -> float:
    from callscope.core.events import ResponseHead
    from callscope.dialects.registry import dialect_named

    began = time.process_time()
    decoder = dialect_named(dialect).decoder(1, ())
    decoder.feed(ResponseHead(1, 200, (("content-type", "text/event-stream"),)))
    for at in range(0, len(body), READ):
        decoder.feed(body[at : at + READ])
    decoder.close("complete")
    return time.process_time() - began


def one(dialect: str, name: str) -> None:
    make, size = BODIES[dialect][name]
    body = b"".join(make(size))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    spent = decode(dialect, body)
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    half = decode(dialect, b"".join(make(size // 2)))
    per = spent / len(body) * 1e9
    print(
        f"| {dialect} | {name} | {len(body) / 1e6:.1f} | {spent:.2f} | {per:.0f} | {spent / max(half, 1e-6):.1f} "
        f"| {before / 1024:.0f} + {more:.0f} |",
        flush=True,
    )


def main() -> None:
    if len(sys.argv) == 3:
        one(*sys.argv[1:])
        return
    print(
        "| protocol | body | MB | seconds | ns a byte | ratio | peak MB: body + decoder |\n"
        "|---|---|---|---|---|---|---|"
    )
    for dialect, bodies in BODIES.items():
        for name in bodies:
            subprocess.run([sys.executable, __file__, dialect, name], check=True, timeout=600)


if __name__ == "__main__":
    main()
