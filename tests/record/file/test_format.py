from __future__ import annotations

import contextlib
import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscope.core.events import (
    BreakRequested,
    BytesRead,
    CallDecided,
    CallHeld,
    Continued,
    Diagnostic,
    ExchangeEnded,
    ExchangeOpened,
    ItemsInserted,
    MessagePassed,
    OurEvent,
    ResponseHead,
    ResultHeld,
    ResultReviewed,
    Rewound,
    SettingsChanged,
    ToolFinished,
    ToolsChanged,
    ToolStarted,
    TurnEnded,
    UserMessage,
    WireEvent,
)
from callscope.core.values import (
    Abort,
    Approval,
    CallKey,
    DecidedBy,
    Edit,
    Ending,
    Fault,
    Message,
    Mock,
    Reasoning,
    Reject,
    Request,
    ResultStatus,
    Run,
    Settings,
    Severity,
    ToolCall,
    ToolForm,
    ToolResult,
    ToolSpec,
    TurnReason,
)
from callscope.record.file.format import RecordedEvent, encode_line, encode_read, line_of
from callscope.record.file.members import WrongMember
from callscope.record.file.parsing import event_of, plain_read

numbers = st.integers(0, 10_000)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(st.text(), json_values, max_size=3)
headers = st.lists(st.tuples(st.text(), st.text()), max_size=3).map(tuple)
keys = st.builds(CallKey, numbers, numbers)
spans = st.lists(st.tuples(numbers, numbers), max_size=2).map(lambda pairs: tuple((a, a + b) for a, b in pairs))
approvals = st.sampled_from(get_args(Approval))
flags = st.booleans()
settings = st.builds(
    Settings,
    dialect=st.text(),
    url=st.text(),
    model=st.text(),
    system=st.none() | st.text(),
    tool_choice=json_values,
    parallel=st.none() | flags,
    strict=st.none() | flags,
    tool_forms=st.lists(st.sampled_from(get_args(ToolForm)), max_size=2).map(tuple),
    stream=flags,
    history=st.sampled_from(["full", "last"]),
    approve=approvals,
    run_calls=flags,
    max_rounds=numbers,
    retries=numbers,
    parameters=objects,
)
tools = st.builds(
    ToolSpec,
    name=st.text(),
    description=st.text(),
    parameters=objects,
    kind=st.sampled_from(["function", "custom"]),
    strict=st.none() | flags,
    source=st.text(),
    approve=st.none() | approvals,
)
decisions = (
    st.builds(Run, flags)
    | st.builds(Edit, st.text())
    | st.builds(Mock, st.text())
    | st.builds(Reject, st.text())
    | st.just(Abort())
)
results = st.builds(
    ToolResult,
    keys,
    st.text(),
    st.sampled_from(get_args(ResultStatus)),
    st.floats(0, 1e6),
    st.text(),
)
items = (
    st.builds(Message, st.sampled_from(["user", "assistant"]), st.text(), numbers, flags)
    | st.builds(Reasoning, st.text(), numbers, objects)
    | st.builds(
        ToolCall,
        keys,
        st.text(),
        st.text(),
        st.text(),
        st.sampled_from(["function", "custom"]),
        st.sampled_from(["local", "remote"]),
        objects,
        st.none() | st.builds(Fault, st.text(), st.text()),
    )
    | results
)
EVENTS: dict[type, st.SearchStrategy[Any]] = {
    ExchangeOpened: st.builds(
        ExchangeOpened,
        numbers,
        st.builds(Request, st.text(), st.text(), headers, st.binary() | st.text().map(str.encode)),
    ),
    ResponseHead: st.builds(ResponseHead, numbers, numbers, headers),
    BytesRead: st.builds(
        BytesRead, numbers, st.binary() | st.text().map(str.encode), spans, st.lists(numbers, max_size=3).map(tuple)
    ),
    MessagePassed: st.builds(MessagePassed, numbers, st.sampled_from(["sent", "received"]), st.binary()),
    ExchangeEnded: st.builds(ExchangeEnded, numbers, st.sampled_from(get_args(Ending)), st.text()),
    Diagnostic: st.builds(
        Diagnostic, st.sampled_from(get_args(Severity)), st.text(), st.text(), st.none() | keys, st.none()
    ),
    SettingsChanged: st.builds(SettingsChanged, settings),
    ToolsChanged: st.builds(ToolsChanged, st.lists(tools, max_size=3).map(tuple)),
    UserMessage: st.builds(UserMessage, st.text()),
    CallHeld: st.builds(CallHeld, keys),
    CallDecided: st.builds(CallDecided, keys, decisions, st.sampled_from(get_args(DecidedBy))),
    ToolStarted: st.builds(ToolStarted, keys, st.text(), st.text()),
    ToolFinished: st.builds(ToolFinished, results),
    BreakRequested: st.just(BreakRequested()),
    ResultHeld: st.builds(ResultHeld, keys),
    ResultReviewed: st.builds(ResultReviewed, keys, st.none() | st.text(), st.sampled_from(get_args(DecidedBy))),
    ItemsInserted: st.builds(ItemsInserted, st.lists(items, max_size=3).map(tuple)),
    Rewound: st.builds(Rewound, numbers),
    Continued: st.just(Continued()),
    TurnEnded: st.builds(TurnEnded, st.sampled_from(get_args(TurnReason))),
}
events: st.SearchStrategy[RecordedEvent] = st.one_of(*EVENTS.values())


def test_every_recorded_event_of_the_closed_unions_is_tried_here() -> None:
    assert set(EVENTS) == {*get_args(WireEvent), *get_args(OurEvent), Diagnostic}


@given(events)
def test_an_event_written_and_read_is_the_same_event(event: RecordedEvent) -> None:
    assert event_of(json.loads(encode_line({"t": 1.5} | line_of(event)))) == event


@given(EVENTS[ToolFinished])
def test_the_duration_of_a_result_is_kept_though_it_is_not_compared(event: ToolFinished) -> None:
    read = event_of(json.loads(encode_line(line_of(event))))
    assert isinstance(read, ToolFinished)
    assert read.result.duration == event.result.duration


@given(events)
def test_a_line_is_one_line(event: RecordedEvent) -> None:
    line = encode_line(line_of(event))
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1


@given(EVENTS[BytesRead], st.floats(0, 1e6))
def test_the_quick_way_to_write_a_read_gives_the_same_line(read: BytesRead, t: float) -> None:
    assert json.loads(encode_read(t, read)) == {"t": t} | line_of(read)


@pytest.mark.parametrize("data", [b"data: {}\n\n", "北京\0\x7f\u2028".encode(), b"", "\ufeffhi".encode()])
def test_a_read_that_is_utf_8_stays_readable(data: bytes) -> None:
    assert line_of(BytesRead(1, data))["text"] == data.decode()


@pytest.mark.parametrize("data", [b"\xe5\x8c", b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80"])
def test_a_read_that_is_not_strictly_utf_8_goes_as_base64(data: bytes) -> None:
    line = line_of(BytesRead(1, data))
    assert "text" not in line
    assert event_of(line) == BytesRead(1, data)


def test_half_a_surrogate_pair_in_arguments_is_kept() -> None:
    started = ToolStarted(CallKey(1, 0), "say", '{"text":"\ud83d"}')
    assert event_of(json.loads(encode_line(line_of(started)))) == started


def test_a_kind_of_a_later_version_holds_no_event() -> None:
    assert event_of({"kind": "telepathy", "exchange": "all"}) is None


def test_a_mark_is_reserved_and_holds_no_event() -> None:
    assert event_of({"kind": "mark", "text": "here it went wrong"}) is None


KINDS = [line_of(example)["kind"] for example in (Continued(), Rewound(1), UserMessage(""), TurnEnded("failed"))]
KINDS += ["settings", "tools", "request", "response", "read", "message", "end", "held", "decision", "started", "result"]
KINDS += ["break", "result_held", "review", "insert"]
MEMBERS = ["exchange", "call", "text", "base64", "headers", "status", "tools", "policy", "how", "to", "body", "masked"]
MEMBERS += ["items", "output", "by"]


@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(MEMBERS), json_values))
def test_whatever_a_line_holds_it_is_an_event_or_a_wrong_member(kind: str, members: dict[str, Any]) -> None:
    with contextlib.suppress(WrongMember):
        event_of({"kind": kind} | members)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"kind": "read", "exchange": 1}, "`text` must be a string, it is missing"),
        ({"kind": "read", "exchange": True, "text": ""}, "`exchange` must be a whole number, it is true"),
        ({"kind": "read", "exchange": 1, "base64": "äöü"}, "`base64` is not base64"),
        ({"kind": "read", "exchange": 1, "text": "\ud800"}, "half a surrogate pair"),
        (
            {"kind": "response", "exchange": 1, "status": "200", "headers": []},
            "must be a whole number, it is the string '200'",
        ),
        ({"kind": "response", "exchange": 1, "status": 200, "headers": [["a"]]}, "`headers[0]` must be a list of two"),
        ({"kind": "end", "exchange": 1, "how": "well"}, "`how` must be one of complete, truncated"),
        ({"kind": "started", "call": [1], "name": "", "arguments": ""}, "`call` must be a list of 2 whole numbers"),
        ({"kind": "tools", "tools": [1]}, "`tools[0]` must be an object, it is the number 1"),
        ({"kind": "result", "call": [1, 0], "status": "ok", "output": "", "duration": 1e300}, "a number of seconds"),
        ({"kind": 3}, "`kind` must be a string"),
    ],
)
def test_a_wrong_member_is_named_with_what_it_must_be_and_what_it_is(line: dict[str, Any], words: str) -> None:
    with pytest.raises(WrongMember, match=None) as caught:
        event_of(line)
    assert words in str(caught.value)


def test_an_error_shows_no_more_than_a_glimpse_of_a_text() -> None:
    with pytest.raises(WrongMember) as caught:
        event_of({"kind": "rewind", "to": "x" * 1000})
    assert len(str(caught.value)) < 100


@given(EVENTS[BytesRead], st.floats(0, 1e6))
def test_the_quick_way_to_read_a_read_gives_the_same_event_or_leaves_it_to_the_thorough_one(
    read: BytesRead, t: float
) -> None:
    assert plain_read(encode_read(t, read)) in ((t, read), None)


def test_the_quick_way_takes_a_plain_read() -> None:
    read = BytesRead(3, 'data: {"a": "北京\\n"}\n\n'.encode())
    assert plain_read(encode_read(1.25, read)) == (1.25, read)


@pytest.mark.parametrize(
    "line",
    [
        b'{"t":1.5,"kind":"read","exchange":1,"text":"\\ud800"}\n',
        b'{"t":1.5,"kind":"read","exchange":1,"text":"a","masked":[[0,1]]}\n',
        b'{"t":1.5,"kind":"read","exchange":1,"text":"a"\n',
        b'{"t":1.5,"kind":"read","exchange":1,"text":"a\n',
        b'{"t":1.5,"kind":"read","exchange":1,"text":"\xff"}\n',
        b'{"t":1.5,"kind":"read","exchange":1,"text":"a\\q"}\n',
        b'{"t":1.5,"kind":"read","exchange":-1,"text":"a"}\n',
        b'{"t":15,"kind":"read","exchange":1,"text":"a"}\n',
        b'{"t":1.5,"kind":"user","text":",\\"kind\\":\\"read\\","}\n',
    ],
)
def test_the_quick_way_leaves_everything_else_to_the_thorough_one(line: bytes) -> None:
    assert plain_read(line) is None
