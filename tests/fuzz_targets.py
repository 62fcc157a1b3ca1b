"""What must hold of every reader of hostile bytes, a target for each: it takes any bytes and raises where it does not.

The suite gives them mutated bodies of the corpus, `bench/fuzz_decoders.py` whatever a fuzzer finds. Cuts, endings and
statuses follow from the bytes alone, so that an input found once fails again.
"""

from __future__ import annotations

import json
import random
import tempfile
import zlib
from collections.abc import Callable, Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path

from callscope.core.errors import UnusableFile
from callscope.core.events import (
    CallAssembled,
    CallStarted,
    Diagnostic,
    ExchangeOpened,
    PeerEvent,
    ResponseCompleted,
    ResponseFailed,
    ResponseHead,
    ResponseStarted,
    ToolFinished,
    ToolsChanged,
    UserMessage,
)
from callscope.core.plan import plan, settle
from callscope.core.state import Conversation, apply
from callscope.core.values import Ending, Frame, Request, Settings, ToolSpec
from callscope.dialects.json_progress import JsonProgress
from callscope.dialects.overhearing import goes_on, latest, overhear, told_anew, told_first
from callscope.dialects.registry import dialect_named
from callscope.dialects.sse import SSEDecoder
from callscope.record.deriving.rederiving import derive, differences
from callscope.record.file.reading import open_recording

HERE = Path(__file__).parent
QUIRKS = HERE / "quirks"
SAMPLES = HERE.parent / "recordings" / "samples"

Target = Callable[[bytes], None]

TOOLS = (ToolSpec("get_weather"), ToolSpec("roll"), ToolSpec("run_sql", kind="custom"))
ENDINGS: tuple[Ending, ...] = ("complete", "truncated", "reset", "timeout", "cancelled")
TYPES = ("text/event-stream", "application/json", "")
ENCODINGS = ("", "", "", "gzip", "deflate")
URLS = {
    "chat": "http://h/v1/chat/completions",
    "responses": "http://h/v1/responses",
    "acf": "http://h/v1/acf/chat",
}


def chance(data: bytes) -> random.Random:
    """Choices that follow from the bytes."""
    return random.Random(zlib.crc32(data))


def pieces(data: bytes, chosen: random.Random) -> list[bytes]:
    """The bytes cut in a few places, or in every place where they are short."""
    if len(data) < 60 and chosen.random() < 0.3:
        return [data[at : at + 1] for at in range(len(data))]
    cuts = sorted({chosen.randint(0, len(data)) for _ in range(chosen.randint(1, 8))} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(cuts)]


# ---- framing --------------------------------------------------------------------------------------------------------


def sse(data: bytes) -> None:
    """Frames are the same for any cut, and lie in order within the bytes."""
    whole = _frames([data])
    assert _frames(pieces(data, chance(data))) == whole, "another cut gives other frames"
    # a comment may stand within an event
    ends = [0, *(end for frame, _ in whole if frame.channel != "comment" for end in (frame.start, frame.end))]
    assert ends == sorted(ends), "frames overlap or go back"
    assert ends[-1] <= len(data), "a frame ends behind the body"


def _frames(reads: Iterable[bytes]) -> list[tuple[Frame, tuple[str, ...]]]:
    decoder = SSEDecoder()
    found = [frame for read in reads for frame in decoder.feed(read)]
    found += decoder.close()
    return [(frame, tuple(code for defect, code in decoder.defects if defect is frame)) for frame in found]


# ---- dialects -------------------------------------------------------------------------------------------------------


def dialect(name: str) -> Target:
    """The target of a dialect's decoder: what it gives is told once, ends once, and the loop can go on from it."""

    def target(data: bytes) -> None:
        chosen = chance(data)
        how, status = chosen.choice(ENDINGS), chosen.choice((200, 200, 200, 500))
        headers = (("content-type", chosen.choice(TYPES)), ("content-encoding", chosen.choice(ENCODINGS)))
        head = ResponseHead(1, status, headers)
        whole = _decoded(name, head, [data], how)
        assert _decoded(name, head, pieces(data, chosen), how) == whole, "another cut gives other events"
        _ends_once(whole)
        _goes_on(name, whole)

    return target


def _decoded(name: str, head: ResponseHead, reads: Iterable[bytes], how: Ending) -> list[PeerEvent]:
    decoder = dialect_named(name).decoder(1, TOOLS)
    events = list(decoder.feed(head))
    for read in reads:
        events += decoder.feed(read)
    return [*events, *decoder.close(how, "as the test has it")]


def _ends_once(events: list[PeerEvent]) -> None:
    ends = [event for event in events if isinstance(event, ResponseCompleted | ResponseFailed)]
    assert ends == [events[-1]], "the end is not the one last event"
    assert sum(isinstance(event, ResponseStarted) for event in events) <= 1, "started twice"
    calls = [event.call for event in events if isinstance(event, CallAssembled)]
    assert len({call.key for call in calls}) == len(calls), "two calls of one key"
    assert len({call.call_id for call in calls}) == len(calls), "two calls of one id"
    assert all(call.call_id for call in calls), "a call without an id"
    started = {event.key for event in events if isinstance(event, CallStarted)}
    told = {event.key for event in events if isinstance(event, Diagnostic)}
    assert {call.key for call in calls} <= started, "a call ends that never began"
    assert started - {call.key for call in calls} <= told, "a call is lost and nothing said of it"


def _goes_on(name: str, events: list[PeerEvent]) -> None:
    """The conversation takes all of it, and the next request can be made and written."""
    conversation = Conversation(Settings(name, URLS[name], "m"), TOOLS)
    conversation = apply(conversation, UserMessage("Hi"))
    conversation = apply(conversation, ExchangeOpened(1, Request("POST", URLS[name], (), b"{}")))
    for event in events:
        conversation = apply(conversation, event)
    plan(conversation)
    for owed in settle(conversation):
        conversation = apply(conversation, ToolFinished(owed.result))
    prepared = dialect_named(name).request(apply(conversation, UserMessage("And now?")))
    json.loads(prepared.request.body.decode("utf-8"))


# ---- JSON as it grows -----------------------------------------------------------------------------------------------


def json_progress(data: bytes) -> None:
    """The state is that of a parser of whole texts, for any cut, and a wrong place is where the text turns wrong."""
    text = data.decode("utf-8", "replace")
    whole = _followed([text])
    assert _followed(_parts(text, chance(data))) == whole, "another cut gives another state"
    state, at = whole[0], whole[2]
    try:
        json.loads(text, parse_constant=_refuse, parse_int=len, parse_float=len)
    except RecursionError:
        return
    except ValueError:
        assert state != "whole", "no JSON, and said to be whole"
        if at is not None:
            assert _followed([text[:at]])[0] != "invalid", "wrong already before the place that is named"
    else:
        assert state == "whole", f"JSON, and said to be {state}"


def _followed(parts: Iterable[str]) -> tuple[str, int | None, int | None]:
    progress = JsonProgress()
    for part in parts:
        progress.feed(part)
        progress.state  # noqa: B018 - it reads when it is asked
    return progress.state, progress.invalid_at, progress.invalid_character


def _parts(text: str, chosen: random.Random) -> list[str]:
    cuts = sorted({chosen.randint(0, len(text)) for _ in range(6)} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(cuts)]


def _refuse(constant: str) -> None:
    raise ValueError(constant)


# ---- recordings -----------------------------------------------------------------------------------------------------


def recording(data: bytes) -> None:
    """A file is read, or refused as one that cannot be used; what is read can be derived and checked."""
    path = _scratch() / "fuzzed.jsonl"
    path.write_bytes(data)
    try:
        opened = open_recording(path)
        conversation = Conversation()
        for stamped in derive(opened, dialect_named):
            conversation = apply(conversation, stamped.event)
        plan(conversation)
        for difference in differences(opened, dialect_named):
            str(difference)
    except UnusableFile:
        pass


@cache
def _scratch() -> Path:
    fast = Path("/dev/shm")  # a file in memory, where there is such a place
    return Path(tempfile.mkdtemp(prefix="fuzz-", dir=fast if fast.is_dir() else None))


# ---- requests of other programs -------------------------------------------------------------------------------------


def overhearing(data: bytes) -> None:
    """A request is read or not; what is read can be lived through, and goes on from itself."""
    conversation = Conversation()
    for url in URLS.values():
        found = overhear(Request("POST", url, (), data))
        if found is None:
            continue
        conversation = apply(conversation, ToolsChanged(found.tools))
        for event in told_first(found.messages):
            conversation = apply(conversation, event)
        goes_on(conversation, 0, found.messages)
        for event in told_anew(conversation, latest(found.messages)):
            conversation = apply(conversation, event)
        plan(conversation)


# ---- where to begin -------------------------------------------------------------------------------------------------

TARGETS: dict[str, Target] = {
    "sse": sse,
    "chat": dialect("chat"),
    "responses": dialect("responses"),
    "acf": dialect("acf"),
    "recording": recording,
    "json_progress": json_progress,
    "overhearing": overhearing,
}


@cache
def seeds(family: str) -> tuple[bytes, ...]:
    """Inputs of a family that are real: the bodies of the corpus, recordings, the requests in them."""
    match family:
        case "chat":
            return _bodies(QUIRKS)
        case "responses" | "acf":
            return _bodies(QUIRKS / family)
        case "sse":
            return (*_bodies(QUIRKS), *_bodies(QUIRKS / "acf"), *_bodies(QUIRKS / "responses"))
        case "recording":
            return tuple(path.read_bytes() for path in sorted(SAMPLES.glob("*.jsonl")))
        case "overhearing":
            return tuple(_requests())
        case _:
            return (*_requests(), *(line[6:] for body in seeds("sse") for line in body.splitlines()))


def _bodies(folder: Path) -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in (".sse", ".body"))


def _requests() -> list[bytes]:
    lines = [json.loads(line) for sample in seeds("recording") for line in sample.splitlines()]
    return [line["body"].encode() for line in lines if line.get("kind") == "request" and "body" in line]


TOKENS = (
    b'"index":0', b'"index":null', b'"index":1e99', b'"index":-1', b'"id":""', b'"id":null', b'"arguments":{}',
    b'"arguments":"{\\"a\\":1}"', b'"arguments":null', b'"name":""', b'"type":"function"', b'"type":"custom"',
    b"data: [DONE]\n\n", b"\n\n", b"\r", b"event: error\n", b"data: ", b": ping\n\n", b"\xef\xbb\xbf", b"\xff",
    b"\x00", b"[", b"{", b"]", b"}", b"null", b"NaN", b"1e999", b'\\ud800', b'"error":{"message":"x"}',
    b'"finish_reason":"tool_calls"', b'"output_index":7', b'"item_id":"x"', b'"sequence_number":0',
    b"response.completed", b"response.output_item.added", b"tool_call_start", b"thread.run.step.delta",
    b'"kind":"read"', b'"kind":"resumed"', b'"exchange":2', b'"t":-1', b'"base64":"AA=="',
)  # fmt: skip


def mutated(data: bytes, family: str, chosen: random.Random) -> bytes:
    """The bytes with one to four changes: lines dropped, doubled, moved or taken from another seed; bytes; tokens."""
    for _ in range(chosen.randint(1, 4)):
        data = _changed(data, family, chosen)
    return data


def _changed(data: bytes, family: str, chosen: random.Random) -> bytes:
    at, length = chosen.randint(0, len(data)), chosen.choice((0, 1, 4, 30))
    match chosen.randrange(6):
        case 0 | 1:
            return _with_lines_changed(data, family, chosen)
        case 2:
            return data[:at] + chosen.choice(TOKENS) + data[at + length :]
        case 3:
            return data[:at]
        case 4:
            return data[:at] + bytes([chosen.randrange(256)]) + data[at + 1 :]
        case _:
            return data[:at] + data[at + length :]


def _with_lines_changed(data: bytes, family: str, chosen: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    if not lines:
        return chosen.choice(seeds(family))
    at, other = chosen.randrange(len(lines)), chosen.randrange(len(lines))
    match chosen.randrange(4):
        case 0:
            del lines[at]
        case 1:
            lines.insert(other, lines[at])
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case _:
            foreign = chosen.choice(seeds(family)).splitlines(keepends=True)
            begin = chosen.randrange(len(foreign) + 1)
            lines[at:at] = foreign[begin : begin + chosen.randint(1, 6)]
    return b"".join(lines)
