"""An answer that goes on and on is ended at the same event however it is cut, and what only passes by costs nothing."""

from __future__ import annotations

import json
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from itertools import count, islice
from typing import Any

import pytest

from callscope.core.events import CallAssembled, Diagnostic, PeerEvent, ResponseCompleted, ResponseFailed, ResponseHead
from callscope.core.values import ToolSpec
from callscope.dialects import body as bodies
from callscope.dialects import inflate, limits, sse
from callscope.dialects.frames import FrameDecoder
from callscope.dialects.registry import dialect_named

PLAIN = (("content-type", "text/event-stream"),)
Make = Callable[[int], bytes]


def event(**document: Any) -> bytes:
    name = f"event: {document['type']}\n" if "type" in document else ""
    return f"{name}data: {json.dumps(document)}\n\n".encode()


def delta(**members: Any) -> bytes:
    return event(choices=[{"index": 0, "delta": members}])


def entry(index: int, **members: Any) -> bytes:
    return delta(tool_calls=[{"index": index, **members}])


def item(verb: str, index: int, **members: Any) -> bytes:
    return event(type=f"response.output_item.{verb}", output_index=index, item={"id": f"i{index}", **members})


def said(stem: str, piece: str, **members: Any) -> bytes:
    place = {"item_id": "i0", "output_index": 0, "content_index": 0, **members}
    return event(type=f"response.{stem}.delta", **place, delta=piece)


def step(**details: Any) -> bytes:
    return event(object="thread.run.step.delta", choices=[{"delta": {"role": "assistant", "step_details": details}}])


def message(content: str) -> bytes:
    return event(object="thread.message.delta", choices=[{"delta": {"role": "assistant", "content": content}}])


def roll(number: int, **members: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": f"c{number}", "name": "roll", **members}


ENDLESS: dict[str, dict[str, tuple[str, Make]]] = {
    "chat": {
        "text": ("characters of text", lambda n: delta(content="word " * 20)),
        "reasoning": ("characters of text", lambda n: delta(reasoning_content="word " * 20)),
        "details of reasoning": (
            "details of reasoning",
            lambda n: delta(reasoning_details=[{"type": "x", "index": n, "data": "y"}]),
        ),
        "arguments": (
            "characters of arguments",
            lambda n: entry(0, function={"name": "roll", "arguments": "{"} if not n else {"arguments": "x" * 90}),
        ),
        "a name": ("characters of arguments", lambda n: entry(0, id="a", function={"name": f"{n}" * 90})),
        "calls": ("calls", lambda n: entry(n, id=f"c{n}", function={"name": "roll", "arguments": "{}"})),
        "calls without ids": ("calls", lambda n: entry(n, function={"name": "roll", "arguments": "{}"})),
        "indexes of a call": (
            "ids and indexes",
            lambda n: entry(n, function={"name": "roll", "arguments": "{"} if not n else {"arguments": " "}),
        ),
        "members of a call": ("members of calls", lambda n: entry(0, id="a", function={"name": "r"}, **{f"m{n}": n})),
        "broken events": ("diagnostics", lambda n: b"data: {broken %d\n\n" % n),
        "text between events": ("diagnostics", lambda n: delta(role="assistant") + b"words of nobody\n\n"),
    },
    "responses": {
        "text": ("characters of text", lambda n: said("output_text", "word " * 20)),
        "reasoning": ("characters of text", lambda n: said("reasoning_text", "word " * 20)),
        "parts": ("parts of items", lambda n: said("output_text", "x", content_index=n)),
        "arguments": (
            "characters of arguments",
            lambda n: said("function_call_arguments", "x" * 90) if n else item("added", 0, **roll(0, arguments="")),
        ),
        "calls added": ("calls", lambda n: item("added", n, **roll(n, arguments=""))),
        "calls done": ("calls", lambda n: item("done", n, **roll(n, arguments="{}"))),
        "items of the server's": ("items", lambda n: item("done", n, type="web_search_call", status="completed")),
        "ids of an item": (
            "ids and indexes",
            lambda n: event(
                type="response.output_item.done", output_index=0, item={"id": f"i{n}", **roll(0, arguments="{}")}
            ),
        ),
        "members of the response": (
            "other values",
            lambda n: event(type="response.in_progress", response={f"m{n}": n}),
        ),
        "broken events": ("diagnostics", lambda n: b"data: {broken %d\n\n" % n),
    },
    "acf": {
        "messages": ("characters of text", lambda n: message("word " * 20)),
        "thinking": ("characters of text", lambda n: step(type="thinking", content="word " * 20)),
        "calls": (
            "calls of the agent's",
            lambda n: step(type="tool_calls", tool_calls=[{"id": f"c{n}", "name": "roll", "args": {}}]),
        ),
        "results": ("results", lambda n: step(type="tool_response", tool_call_id=f"c{n}", name="roll", content="six")),
        "results of one call": (
            "results",
            lambda n: (
                step(type="tool_response", tool_call_id="c", name="roll", content="six")
                if n
                else step(type="tool_calls", tool_calls=[{"id": "c", "name": "roll", "args": {}}])
            ),
        ),
        "errors": (
            "diagnostics",
            lambda n: (
                event(object="thread.message.delta", choices=[{"delta": {"role": "assistant", "content": "x"}}])
                + b"Error: no\n\n"
            ),
        ),
    },
}
KINDS = [(dialect, kind) for dialect, kinds in ENDLESS.items() for kind in kinds]

PASSING: dict[str, bytes] = {
    "comments": b": ping\n\n",
    "empty events": b"data:\n\n",
    "chunks without a word": event(choices=[{"index": 0, "delta": {}}]),
    "usage": event(choices=[], usage={"prompt_tokens": 1, "completion_tokens": 2}),
    "other choices": delta(content="x").replace(b'"index": 0', b'"index": 7'),
}


@pytest.fixture
def low(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a test passes in a moment."""
    monkeypatch.setattr(limits, "MOST_KEPT", 500_000)
    monkeypatch.setattr(limits, "STEP", 2_000)


def decode(
    dialect: str, reads: Iterator[bytes], headers: tuple[tuple[str, str], ...] = PLAIN
) -> tuple[list[PeerEvent], FrameDecoder, int]:
    """The events, the decoder, and how many bytes it took before it was asked to stop."""
    decoder = dialect_named(dialect).decoder(1, ())
    assert isinstance(decoder, FrameDecoder)
    events, size = decoder.feed(ResponseHead(1, 200, headers)), 0
    for read in reads:
        events += decoder.feed(read)
        size += len(read)
        if decoder.excess:
            break
    return [*events, *decoder.close("cancelled" if decoder.excess else "complete")], decoder, size


def cut(body: bytes, length: int) -> Iterator[bytes]:
    return (body[at : at + length] for at in range(0, len(body), length))


def failure(events: list[PeerEvent]) -> ResponseFailed:
    last = events[-1]
    assert isinstance(last, ResponseFailed)
    return last


@pytest.mark.parametrize(("dialect", "kind"), KINDS)
def test_an_answer_without_an_end_is_too_large_and_says_what_there_is_so_much_of(
    dialect: str, kind: str, low: None
) -> None:
    what, make = ENDLESS[dialect][kind]
    events, _, size = decode(dialect, map(make, islice(count(), 20_000)))
    assert failure(events).kind == "too_large"
    assert f" {what}. Limit the answer" in failure(events).message
    assert size < 3_000_000


@pytest.mark.parametrize(("dialect", "kind"), KINDS)
def test_however_a_too_large_answer_is_cut_the_events_are_the_same(dialect: str, kind: str, low: None) -> None:
    _, make = ENDLESS[dialect][kind]
    body = b"".join(map(make, range(6_000)))[:1_200_000]
    whole, decoder, _ = decode(dialect, iter([body]))
    assert decoder.excess
    for length in (777, 65_536):
        assert decode(dialect, cut(body, length))[0] == whole


@pytest.mark.parametrize("dialect", ENDLESS)
def test_no_call_of_a_too_large_answer_may_run(dialect: str, low: None) -> None:
    _, make = ENDLESS[dialect]["calls done" if dialect == "responses" else "calls"]
    events, _, _ = decode(dialect, map(make, range(2_000)))
    assembled = [event.call for event in events if isinstance(event, CallAssembled)]
    assert assembled
    assert all(call.fault or call.executor == "remote" for call in assembled)


def test_nothing_is_taken_after_the_limit(low: None) -> None:
    decoder = decode("chat", (delta(content="word " * 100) for _ in range(1_000)))[1]
    assert decoder.excess
    assert decoder.feed(delta(content="more")) == []


@pytest.mark.parametrize("passing", PASSING)
def test_what_only_passes_by_costs_no_memory_and_never_is_too_much(passing: str) -> None:
    decoder = dialect_named("chat").decoder(1, ())
    decoder.feed(ResponseHead(1, 200, PLAIN))
    decoder.feed(delta(content="A choice has begun: another one is passed over. "))
    many = PASSING[passing] * 2_000

    def size_after(times: int) -> int:
        for _ in range(times):
            decoder.feed(many)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = size_after(2)
        assert size_after(10) < before + 8_000  # half a byte for each
    finally:
        tracemalloc.stop()
    assert not decoder.excess


PAD = "x" * 50_000
KEEPING: dict[str, tuple[str, Make]] = {
    "broken events": ("chat", lambda n: b"data: {broken %s\n\n" % PAD.encode()),
    "text between events": ("chat", lambda n: delta(role="assistant") + PAD.encode() + b"\n\n"),
    "calls": ("chat", lambda n: event(choices=[{"index": 0, "delta": {"tool_calls": [roll_entry(n)]}}], pad=PAD)),
    "arguments": (
        "chat",
        lambda n: event(
            choices=[{"index": 0, "delta": {"tool_calls": [roll_entry(n % 2, "{" if n < 2 else " ")]}}], pad=f"{PAD}{n}"
        ),
    ),
    "broken events of items": ("responses", lambda n: b"data: {broken %s\n\n" % PAD.encode()),
    "items": ("responses", lambda n: item("added", n, **roll(n, arguments=""), pad=PAD)),
    "calls of an agent": (
        "acf",
        lambda n: step(type="tool_calls", tool_calls=[{"id": f"c{n}", "name": "roll", "args": {}}], pad=PAD),
    ),
}


def roll_entry(number: int, arguments: str = "{}") -> dict[str, Any]:
    return {"index": number, "id": f"c{number}", "function": {"name": "roll", "arguments": arguments}}


@pytest.mark.parametrize("kind", KEEPING)
def test_a_large_event_is_weighed_whole_as_long_as_something_keeps_it(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_KEPT", 1_500_000)
    monkeypatch.setattr(limits, "STEP", 2_000)
    dialect, make = KEEPING[kind]
    decoder = dialect_named(dialect).decoder(1, ())
    decoder.feed(ResponseHead(1, 200, PLAIN))
    said: list[PeerEvent] = []
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(100):
            said += (event for event in decoder.feed(make(number)) if isinstance(event, Diagnostic))
        kept = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert kept < 1_500_000
    assert bool(decoder.excess) == (kind != "arguments")  # of those only the last ones are kept


def test_of_large_events_of_a_text_only_the_last_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STEP", 2_000)
    decoder = dialect_named("chat").decoder(1, ())
    decoder.feed(ResponseHead(1, 200, PLAIN))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(100):
            decoder.feed(event(choices=[{"index": 0, "delta": {"content": "x"}}], pad=f"{PAD}{number}"))
        kept = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert kept < 300_000
    assert not decoder.excess


def test_one_large_event_of_many_complaints_is_weighed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_KEPT", 2_000_000)
    monkeypatch.setattr(limits, "STEP", 2_000)
    choice = {"index": 0, "delta": {"tool_calls": [roll_entry(n) for n in range(10)] + [7] * 100}}
    _, decoder, _ = decode("chat", iter([event(choices=[choice], pad=PAD), event(choices=[])]))
    assert not decoder.excess


def test_a_text_of_two_hundred_thousand_deltas_is_far_from_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_KEPT", limits.MOST_KEPT // 5)  # as a million are under the real one
    body = b"data: " + json.dumps({"choices": [{"delta": {"content": "word "}}]}).encode() + b"\n\n"
    end = event(choices=[{"delta": {}, "finish_reason": "stop"}])
    events, decoder, _ = decode("chat", iter([*[body * 1_000] * 200, end]))
    assert not decoder.excess
    assert isinstance(events[-1], ResponseCompleted)


# ---- one thing that is too large ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ENDLESS)
def test_a_document_of_too_many_values_is_not_even_parsed(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_VALUES", 1_000)
    monkeypatch.setattr(limits, "STEP", 500)
    for body in (b'{"x":[' + b"[]," * 2_000 + b"0]}", b'data: {"x":[' + b"[]," * 2_000 + b"0]}\n\n"):
        events, _, _ = decode(dialect, cut(b": begin\n\n" + body if body[:1] == b"d" else body, 100))
        assert failure(events).kind == "too_large"
        assert "more than 1,000 values" in failure(events).message


@pytest.mark.parametrize("dialect", ENDLESS)
def test_a_document_without_an_end_is_not_waited_for(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LIMIT", 10_000)
    events, _, size = decode(dialect, iter([b'{"choices":[{"message":{"content":"', *[b"x" * 1_000] * 100]))
    assert failure(events).kind == "too_large"
    assert "one document of more than 10,000 bytes" in failure(events).message
    assert size < 12_000


def test_a_refusal_without_an_end_keeps_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LIMIT", 10_000)
    decoder = dialect_named("chat").decoder(1, ())
    decoder.feed(ResponseHead(1, 500, ()))
    decoder.feed(b'{"error":"' + b"x" * 20_000)
    assert decoder.excess
    found = failure(decoder.close("cancelled"))
    assert (found.kind, found.status) == ("http", 500)


@pytest.mark.parametrize("line", [b"data:\n", b"data: ab\n", b"ab\n"])
def test_an_event_of_endless_lines_keeps_the_first_of_them(line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MOST_LINES", 100)
    decoder = sse.SSEDecoder()
    decoder.feed(line * 10_000)
    [frame] = decoder.feed(b"\n") or decoder.close()
    assert frame.data.count("\n") == 99
    assert frame.end == len(line) * 10_000 - 1
    assert [defect.code for defect in decoder.defects] == ["event_too_long"]


# ---- compressed -----------------------------------------------------------------------------------------------------


def packed(body: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush()


GZIPPED = (*PLAIN, ("content-encoding", "gzip"))


@pytest.mark.parametrize("piece", [b":\n", b"\n", b"x"])
def test_a_bomb_is_ended_after_a_few_times_what_is_allowed(piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflate, "ALLOWED", 20_000)
    monkeypatch.setattr(inflate, "BLOCK", 256)
    body = packed(b": begin\n\n" + piece * (2_000_000 // len(piece)))
    whole, decoder, _ = decode("chat", iter([body]), GZIPPED)
    assert failure(whole).kind == "too_large"
    assert "it inflates to more than 200 times its size" in failure(whole).message
    assert decoder._body.size < 400_000
    assert decode("chat", cut(body, 100), GZIPPED)[0] == whole


def test_a_stream_that_packs_well_is_no_bomb() -> None:
    body = packed(b"".join(delta(content=f"word {n} ") for n in range(30_000)) + b"data: [DONE]\n\n")
    events, decoder, _ = decode("chat", cut(body, 4_096), GZIPPED)
    assert not decoder.excess
    assert isinstance(events[-1], ResponseCompleted)


def test_a_compressed_answer_is_weighed_as_a_plain_one(low: None) -> None:
    body = b"".join(delta(content=f"word {n} " * 20) for n in range(2_000))
    plain, _, _ = decode("chat", iter([body]))
    squeezed, _, _ = decode("chat", iter([packed(body)]), GZIPPED)
    assert failure(plain).kind == "too_large"
    assert failure(squeezed) == failure(plain)


ENTRY = {"index": 0, "id": "c", "function": {"name": "roll", "arguments": "{}"}}
OWN = {"id": "c", "name": "search", "args": {}}
ITEM = {"type": "function_call", "id": "f", "call_id": "c", "name": "roll", "arguments": "{}"}


@pytest.mark.parametrize(
    ("dialect", "document"),
    [
        ("chat", lambda many: {"choices": [{"index": 0, "delta": {"tool_calls": many(ENTRY, "id")}}]}),
        ("acf", lambda many: {"choices": [{"delta": {"tool_calls": many(OWN, "id")}}]}),
        ("responses", lambda many: {"type": "response.completed", "response": {"output": many(ITEM, "call_id")}}),
    ],
)
def test_of_one_document_with_tens_of_thousands_of_calls_no_more_are_taken_than_are_too_many(
    dialect: str, document: Callable[[Any], Any]
) -> None:
    def many(entry: dict[str, Any], name: str) -> list[Any]:
        return [{**entry, name: f"c{number}"} for number in range(20_000)]

    decoder = dialect_named(dialect).decoder(1, [ToolSpec("roll")])
    events = [
        *decoder.feed(ResponseHead(1, 200, (("content-type", "text/event-stream"),))),
        *decoder.feed(b"data: " + json.dumps(document(many)).encode() + b"\n\n"),
        *decoder.close("complete"),
    ]
    last = events[-1]
    assert isinstance(last, ResponseFailed)
    assert last.kind == "too_large"
    assert sum(isinstance(event, CallAssembled) for event in events) == limits.MOST_CALLS + 1
