"""A response from its first byte to its end: what was said, whether it is whole, and in whose words it failed."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callscope.core.events import (
    CallAssembled,
    Diagnostic,
    PeerEvent,
    ResponseCompleted,
    ResponseFailed,
    ResponseHead,
    ResponseStarted,
    TextDelta,
)
from callscope.core.values import Ending
from callscope.dialects.chat.dialect import ChatCompletions
from chatbodies import (
    DONE,
    answer,
    assembled,
    calls,
    chunk,
    codes,
    completion,
    cut,
    decode,
    entry,
    event,
    failure,
    faults,
    said,
    stream,
    text,
)

CORPUS = [path for path in sorted((Path(__file__).parents[2] / "quirks").iterdir()) if path.suffix in (".sse", ".body")]
WHOLE_CALL = calls(entry(0, "x", "roll", '{"n":1}'))


# ---- an ordinary answer ---------------------------------------------------------------------------------------------


def test_an_ordinary_stream_gives_its_events_in_order_and_no_complaint() -> None:
    events = stream(chunk({"role": "assistant", "content": ""}), chunk({"content": "Hi"}), WHOLE_CALL)
    assert [type(item).__name__ for item in events] == [
        "ResponseStarted",
        "TextDelta",
        "CallStarted",
        "ArgumentsDelta",
        "CallAssembled",
        "ResponseCompleted",
    ]


def test_the_model_is_that_of_the_first_chunk() -> None:
    assert stream(chunk({"content": "x"}), finish="stop")[0] == ResponseStarted(1, "m")


def test_a_plain_answer_reads_as_the_same_answer_streamed() -> None:
    message = {"content": "Hi", "tool_calls": [entry(None, "x", "roll", '{"n":1}', type="function")]}
    plain = decode(answer(message, "tool_calls"), headers=[("content-type", "application/json")])
    streamed = stream(chunk({"role": "assistant"}), chunk({"content": "Hi"}), WHOLE_CALL)
    assert [item for item in plain if not codes([item])] == streamed


def test_a_finish_reason_without_the_end_marker_is_fine() -> None:
    events = decode(chunk({"content": "x"}) + chunk(finish="stop"))
    assert completion(events).finish_reason == "stop"
    assert codes(events) == set()


def test_the_end_marker_without_a_finish_reason_is_a_warning() -> None:
    events = decode(chunk({"content": "x"}) + DONE)
    assert completion(events).finish_reason is None
    assert codes(events) == {"finish_reason_missing"}


def test_usage_counts_wherever_it_stands_and_the_last_one_wins() -> None:
    events = stream(
        chunk({"content": "x"}, usage={"prompt_tokens": 1}),
        event({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "cost": 0.1}}),
        event({"choices": [], "usage": None}),
        finish="stop",
    )
    usage = completion(events).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (3, 4, 7)
    assert usage.raw["cost"] == 0.1


# ---- ends -----------------------------------------------------------------------------------------------------------


def test_an_early_end_fails_even_where_the_arguments_parse() -> None:
    events = decode(chunk({"content": "x"}) + WHOLE_CALL)
    assert failure(events).kind == "truncated"
    assert faults(events) == ["response_broken"]
    assert said(events) == [("roll", '{"n":1}')]


ENDINGS: list[Ending] = ["truncated", "reset", "timeout", "cancelled"]


@pytest.mark.parametrize("how", ENDINGS)
def test_the_ending_is_the_kind_of_the_failure(how: Ending) -> None:
    events = decode(WHOLE_CALL, how=how, detail="what the transport said")
    assert (failure(events).kind, failure(events).message) == (how, "what the transport said")
    assert faults(events) == ["response_broken"]


def test_a_reset_in_mid_call_names_the_fault_of_the_arguments() -> None:
    events = decode(calls(entry(0, "x", "roll", '{"n"')), how="reset")
    assert faults(events) == ["arguments_incomplete"]


@pytest.mark.parametrize("how", ENDINGS)
def test_half_an_event_is_never_taken_for_a_whole_one(how: Ending) -> None:
    last = chunk(finish="stop").rstrip(b"\n")
    events = decode(chunk({"content": "x"}) + last, how=how)
    assert failure(events).kind == how
    assert "event_cut_off" in codes(events)


def test_a_whole_last_event_counts_at_a_clean_end() -> None:
    events = decode(chunk({"content": "x"}) + chunk(finish="stop").rstrip(b"\n"))
    assert completion(events).finish_reason == "stop"
    assert codes(events) == {"unterminated_event"}


@pytest.mark.parametrize("how", ["truncated", "reset", "timeout", "cancelled"])
def test_a_bad_end_after_the_end_marker_breaks_nothing(how: Ending) -> None:
    events = decode(WHOLE_CALL + chunk(finish="tool_calls") + DONE, how=how)
    completion(events)
    assert codes(events) == {"answer_after_the_end"}
    assert faults(events) == [None]


def test_a_person_who_cancels_before_the_end_marker_gets_no_completion() -> None:
    assert failure(decode(WHOLE_CALL + chunk(finish="tool_calls"), how="cancelled")).kind == "cancelled"


@pytest.mark.parametrize("how", ["connect_failed", "dns_failed", "tls_failed", "timeout", "reset", "cancelled"])
def test_an_exchange_without_a_response_fails_with_the_words_of_the_transport(how: Ending) -> None:
    decoder = ChatCompletions().decoder(1, [])
    assert decoder.close(how, "no route") == [ResponseFailed(how, "no route")]  # type: ignore[arg-type]


def test_an_empty_body_is_a_failure() -> None:
    assert failure(decode(b"")).message == "The body is empty."


def test_arguments_cut_by_the_length_limit_are_a_completion_with_a_fault() -> None:
    events = stream(calls(entry(0, "x", "roll", '{"n')), finish="length")
    assert completion(events).finish_reason == "length"
    assert faults(events) == ["arguments_incomplete"]


def test_no_arguments_at_the_length_limit_do_not_mean_no_arguments() -> None:
    events = stream(calls(entry(0, "a", "roll", '{"n":1}')), calls(entry(1, "b", "roll", "")), finish="length")
    assert faults(events) == [None, "arguments_incomplete"]


def test_closing_twice_gives_nothing_more() -> None:
    decoder = ChatCompletions().decoder(1, [])
    assert len(decoder.close("reset")) == 1
    assert decoder.close("complete") == []


# ---- the server's own words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        event({"error": {"message": "no GPU left", "code": 500}}),
        event({"error": "no GPU left"}),
        event({"error": {"error": {"message": "no GPU left"}}}),
        event({"error": {"message": json.dumps({"error": {"message": "no GPU left"}})}}),
        event({"error": {"message": "Provider returned error", "metadata": {"raw": "no GPU left"}}}),
        event({"object": "error", "message": "no GPU left"}),
        event({"detail": "no GPU left"}),
        event({"message": "no GPU left"}),
        b"event: error\ndata: no GPU left\n\n",
        b'event: error\ndata: {"message":"no GPU left"}\n\n',
        b'error: {"code":500,"message":"no GPU left"}\n\n',
        b'{"error":{"message":"no GPU left"}}\n',
        b"data: no GPU left\n\n",
        chunk(None, "error", error={"message": "no GPU left"}),
        event({"choices": [{"index": 0, "error": {"message": "no GPU left"}}]}),
        b"<html><head><title>no GPU left</title></head></html>",
    ],
)
@pytest.mark.parametrize("before", [b"", chunk({"content": "half"})])
def test_an_error_inside_http_200_is_told_in_the_servers_words(body: bytes, before: bytes) -> None:
    events = decode(before + body)
    assert "no GPU left" in failure(events).message
    assert text(events) == ("half" if before else "")


@pytest.mark.parametrize("trailer", [b"", DONE])
def test_an_error_fails_the_response_although_an_end_marker_follows(trailer: bytes) -> None:
    events = decode(WHOLE_CALL + event({"error": {"message": "overloaded"}}) + trailer)
    assert failure(events).kind == "error"
    assert faults(events) == ["response_broken"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error":{"message":"bad key"}}', "bad key"),
        (b'[{"error":{"message":"bad key"}}]', "bad key"),
        (b'{"detail":[{"loc":["body","model"],"msg":"bad key"}]}', "body.model: bad key"),
        (b"bad key\n\nreally", "bad key"),
        (b'data: {"error":{"message":"bad key"}}\n\n', "bad key"),
        (b"<!doctype html><title>bad key</title><script>data: {</script>", "bad key"),
        (b"404 page not found", "404 page not found"),
        (b"", "HTTP 418"),
    ],
)
def test_an_http_error_is_told_in_the_servers_words(body: bytes, words: str) -> None:
    headers = [("X-Request-Id", "req-7"), ("Retry-After", "3")]
    found = failure(decode(body, status=418, headers=headers))
    assert (found.kind, found.status, found.request_id, found.retry_after) == ("http", 418, "req-7", 3.0)
    assert words in found.message


def test_a_remark_before_the_answer_is_no_error() -> None:
    events = decode(event({"message": "queued"}) + chunk({"content": "x"}) + chunk(finish="stop"))
    assert completion(events).finish_reason == "stop"


def test_another_protocol_is_named_instead_of_an_empty_success() -> None:
    found = failure(decode(event({"response": "Hi"}) + DONE))
    assert found.kind == "foreign"
    assert '{"response": "Hi"}' in found.message


def test_a_lost_event_with_a_piece_of_a_call_keeps_the_call_from_running() -> None:
    broken = calls(entry(0, arguments=":1,")).replace(b'"finish_reason"', b"finish_reason")
    events = stream(calls(entry(0, "x", "roll", '{"n"')), broken, calls(entry(0, arguments=":2}")))
    assert faults(events) == ["delta_lost"]
    assert "event_not_json" in codes(events)


# ---- structure ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "why"},
        {"reasoning": "why"},
        {"reasoning": "why", "reasoning_content": "why"},
        {"reasoning": "why", "reasoning_details": [{"type": "reasoning.text", "text": "why"}]},
        {"reasoning_details": [{"type": "reasoning.summary", "summary": "why"}]},
        {"thinking_blocks": [{"type": "thinking", "thinking": "why"}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "why"}]}]},
    ],
)
def test_reasoning_is_shown_once_under_whatever_name_it_comes(delta: dict[str, Any]) -> None:
    events = stream(chunk(delta), chunk({"content": "so"}), finish="stop")
    assert (text(events, "reasoning"), text(events)) == ("why", "so")


def test_reasoning_goes_back_as_it_came() -> None:
    events = stream(chunk({"reasoning_content": "why "}), chunk({"reasoning_content": "not"}), WHOLE_CALL)
    assert completion(events).echo == {"reasoning_content": "why not"}


def test_details_of_reasoning_are_joined_and_go_back_with_their_signature() -> None:
    pieces = [{"text": "why "}, {"text": "not"}, {"signature": "c2ln"}]
    events = stream(*(chunk({"reasoning_details": [{"type": "reasoning.text", "index": 0, **p}]}) for p in pieces))
    assert completion(events).echo == {
        "reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "why not", "signature": "c2ln"}]
    }


def test_a_whole_message_at_the_end_adds_only_what_is_missing() -> None:
    whole = {"content": "Hello", "tool_calls": [entry(None, "x", "roll", '{"n":1}')]}
    last = event({"choices": [{"index": 0, "message": whole, "finish_reason": "tool_calls"}]})
    for before in (b"", chunk({"content": "Hel"}), chunk({"content": "Hello"}) + WHOLE_CALL):
        events = decode(before + last + DONE)
        assert (text(events), said(events), faults(events)) == ("Hello", [("roll", '{"n":1}')], [None])


def test_a_message_that_contradicts_the_deltas_is_told_and_its_call_not_run() -> None:
    whole = {"content": "Bye", "tool_calls": [entry(None, "x", "roll", '{"n":2}')]}
    last = event({"choices": [{"index": 0, "message": whole, "finish_reason": "tool_calls"}]})
    events = decode(chunk({"content": "Hello"}) + WHOLE_CALL + last + DONE)
    assert text(events) == "Hello"
    assert faults(events) == ["arguments_contradictory"]
    assert "message_contradicts" in codes(events)


def test_of_several_choices_one_is_followed_and_the_others_are_told() -> None:
    def choice(index: int, content: str) -> bytes:
        return event({"choices": [{"index": index, "delta": {"content": content}, "finish_reason": None}]})

    events = decode(choice(0, "a") + choice(1, "b") + choice(0, "a") + choice(1, "b") + chunk(finish="stop"))
    assert text(events) == "aa"
    assert codes(events) == {"choice_ignored"}


def test_a_character_cut_into_two_deltas_is_joined() -> None:
    halves = [event_of(half) for half in (b"\\ud83c", b"\\udf27!")]
    events = decode(b"".join((*halves, chunk(finish="stop"))))
    assert text(events) == "\U0001f327!"
    assert codes(events) == {"character_in_halves"}


def event_of(content: bytes) -> bytes:
    """A chunk with these bytes inside the quotes of its content."""
    return b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % content


def test_half_a_character_becomes_a_replacement_and_is_told() -> None:
    events = decode(event_of(b"a\\ud83c") + chunk(finish="stop"))
    assert text(events) == "a\ufffd"
    assert codes(events) == {"lost_character"}


NOISE = [
    b"data: null\n\n",
    b"data: []\n\n",
    b"data: 1\n\n",
    b"data:\n\n",
    b": c\n\n",
    b"\n\n",
    b"event: ping\ndata: {}\n\n",
    b'data: {"choices":[]}\n\n',
    b'data: {"choices":null}\n\n',
    b'data: {"model":"m","choices":[null]}\n\n',
    b'data: {"model":"m","choices":[{"delta":null}]}\n\n',
]


@pytest.mark.parametrize("noise", NOISE)
def test_what_says_nothing_changes_nothing(noise: bytes) -> None:
    events = decode(noise + chunk({"content": "x"}) + noise + chunk(finish="stop") + noise + DONE + noise)
    spoken = [event for event in events if not isinstance(event, Diagnostic | ResponseStarted)]
    assert spoken == stream(chunk({"content": "x"}), finish="stop")[1:]


# ---- finish reasons -------------------------------------------------------------------------------------------------


def test_calls_count_although_the_finish_reason_says_stop() -> None:
    events = stream(WHOLE_CALL, finish="stop")
    assert faults(events) == [None]
    assert codes(events) == {"finish_reason_despite_calls"}


def test_a_finish_reason_of_calls_without_calls_is_told() -> None:
    assert codes(stream(chunk({"content": "x"}))) == {"finish_reason_without_calls"}


def test_an_empty_finish_reason_is_none() -> None:
    assert failure(decode(chunk({"content": "x"}, ""))).kind == "truncated"


# ---- compressed bodies ----------------------------------------------------------------------------------------------

ORDINARY = chunk({"content": "Grüße"}) + WHOLE_CALL + chunk(finish="tool_calls") + DONE


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("", gzip.compress),
        ("gzip", lambda body: gzip.compress(body[:50]) + gzip.compress(body[50:])),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
    ],
)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_compressed_body_is_inflated_for_any_cut(encoding: str, pack: Any, data: st.DataObject) -> None:
    body = pack(ORDINARY)
    reads = cut(body, data.draw(st.sets(st.integers(0, len(body)), max_size=6)))
    headers = [("content-type", "text/event-stream"), ("content-encoding", encoding)]
    events = decode(*reads, headers=headers)
    assert codes(events) == {"body_compressed"}
    assert [item for item in events if not codes([item])] == decode(ORDINARY)


def test_a_body_that_only_says_that_it_is_compressed_is_read_as_it_is() -> None:
    for encoding in ("gzip", "deflate", "br", "identity"):
        for reads in ([ORDINARY], [ORDINARY[at : at + 1] for at in range(len(ORDINARY))]):
            headers = [("content-type", "text/event-stream"), ("content-encoding", encoding)]
            assert decode(*reads, headers=headers) == decode(ORDINARY)


@settings(max_examples=40, deadline=None)
@given(place=st.integers(20, 80), data=st.data())
def test_a_damaged_compressed_body_gives_the_same_for_any_cut(place: int, data: st.DataObject) -> None:
    body = bytearray(gzip.compress(ORDINARY))
    body[place] ^= 0xFF
    reads = cut(bytes(body), data.draw(st.sets(st.integers(0, len(body)), max_size=6)))
    assert decode(*reads) == decode(bytes(body))


def test_an_encoding_that_cannot_be_read_is_named() -> None:
    found = failure(decode(b"\x8b\x02\x80\xff\xfe", headers=[("content-encoding", "br")]))
    assert "br" in found.message


# ---- total, for any bytes and any cut -------------------------------------------------------------------------------


def one_end(events: list[PeerEvent]) -> bool:
    ends = [item for item in events if isinstance(item, ResponseCompleted | ResponseFailed)]
    started = [item for item in events if isinstance(item, ResponseStarted)]
    ids = [item.call.call_id for item in events if isinstance(item, CallAssembled)]
    return ends == [events[-1]] and len(started) <= 1 and len(set(ids)) == len(ids) and all(ids)


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A body of the corpus with some bytes changed, dropped, doubled or moved."""
    body = draw(st.sampled_from(CORPUS)).read_bytes()
    for _ in range(draw(st.integers(1, 4))):
        at, length = draw(st.integers(0, len(body))), draw(st.integers(0, 40))
        piece = body[at : at + length]
        new = draw(st.sampled_from([b"", piece * 2, piece[::-1], b"\x00", b'"', b"}", b"null", b"[", b"\n", b"\xff"]))
        body = body[:at] + new + body[at + length :]
    return body


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=mutations(), how=st.sampled_from(["complete", "truncated", "reset"]), data=st.data())
def test_mutated_bodies_raise_nothing_end_once_and_read_the_same_for_any_cut(
    body: bytes, how: Ending, data: st.DataObject
) -> None:
    events = decode(body, how=how)
    assert one_end(events)
    json.dumps([repr(item) for item in events]).encode()
    assert decode(*cut(body, data.draw(st.sets(st.integers(0, len(body)), max_size=5))), how=how) == events


@settings(max_examples=150, deadline=None)
@given(
    body=st.binary(max_size=60),
    status=st.sampled_from([200, 200, 400]),
    encoding=st.sampled_from(["", "gzip", "deflate"]),
)
def test_random_bytes_raise_nothing_and_end_once(body: bytes, status: int, encoding: str) -> None:
    headers = [("content-encoding", encoding)]
    events = decode(body, status=status, headers=headers)
    assert one_end(events)
    assert decode(*(body[at : at + 1] for at in range(len(body))), status=status, headers=headers) == events


JUNK_NAMES = (
    "index id type function custom name arguments input content text reasoning reasoning_details refusal function_call "
    "tool_calls delta message finish_reason usage error choices detail base_resp x_groq extra_content"
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "x", "null", "{}", '{"a":1}', "\ud83c"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(JUNK_NAMES.split()), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(
    deltas=st.lists(
        st.fixed_dictionaries(
            {},
            optional={"content": JUNK, "tool_calls": JUNK, "reasoning": JUNK, "refusal": JUNK, "function_call": JUNK},
        )
        | JUNK,
        max_size=4,
    ),
    member=st.sampled_from(["delta", "message"]),
    other=st.dictionaries(
        st.sampled_from(["error", "usage", "object", "detail", "base_resp", "x_groq"]), JUNK, max_size=2
    ),
)
def test_any_json_where_the_protocol_has_something_else_raises_nothing(
    deltas: list[Any], member: str, other: dict[str, Any]
) -> None:
    body = b"".join(
        b"data: " + json.dumps({"choices": [{member: delta, "finish_reason": None}], **other}).encode() + b"\n\n"
        for delta in deltas
    )
    assert one_end(decode(body))
    assert one_end(decode(body + chunk(finish="tool_calls") + DONE))


@pytest.mark.parametrize(
    "body",
    [
        b"data: " + b"[" * 200_000 + b"\n\n",
        b'data: {"choices":' + b"[" * 200_000 + b"\n\n",
        b'{"a":' * 100_000,
        b"data:\n\n" * 100_000,
        b"\n" * 300_000,
        b"data: {}\n\n" * 30_000,
        b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"roll","arguments":"'
        + b"[" * 100_000
        + b'"}}]}}]}\n\n',
        b"data: " + b'{"a":1}' * 30_000 + b"\n\n",
        b'data: {"n":' + b"9" * 10_000 + b"}\n\n",
        calls(entry(0, "a", "roll", "")) + calls(entry(0, arguments="{}")) * 10_000,
        b"".join(calls(entry(0, f"id{n}", "roll", '{"n":"}')) for n in range(5_000)),
    ],
    ids=range(11),
)
def test_hostile_bodies_end_in_bounded_time(body: bytes) -> None:
    begun = time.process_time()
    assert one_end(decode(body))
    assert time.process_time() - begun < 10


@pytest.mark.parametrize("depth", [150, 400, 900, *range(950, 1000, 3)])
@pytest.mark.parametrize("opened", ['{"error":', '{"message":', '{"choices":[{"delta":{"reasoning":[', "[", '{"a":'])
def test_a_document_of_any_depth_raises_nothing(opened: str, depth: int) -> None:
    document = opened * depth + '"x"' + "".join({"{": "}", "[": "]"}.get(sign, "") for sign in reversed(opened)) * depth
    assert one_end(decode(f"data: {document}\n\n".encode()))
    assert one_end(decode(document.encode(), status=500))
    assert one_end(stream(chunk({"content": document}), calls(entry(0, "x", "roll", document))))


def test_an_error_too_deep_to_read_is_told_by_its_beginning() -> None:
    document = '{"error":' * 600 + '"x"' + "}" * 600
    told = (failure(decode(f"data: {document}\n\n".encode())), failure(decode(document.encode(), status=500)))
    assert [(failed.kind, failed.message[:9]) for failed in told] == [("error", '{"error":'), ("http", '{"error":')]


# ---- cost -----------------------------------------------------------------------------------------------------------


def seconds_per_delta(count: int) -> float:
    deltas = [calls(entry(0, "x", "roll", '{"a":"'))]
    deltas += [calls(entry(0, arguments="xyz ")) for _ in range(count)]
    deltas += [calls(entry(0, arguments='"}')), chunk(finish="tool_calls"), DONE]
    begun = time.process_time()
    events = decode(*deltas)
    spent = time.process_time() - begun
    assert faults(events) == [None]
    return spent / count


def test_a_delta_costs_the_same_after_a_thousand_and_after_fifty_thousand() -> None:
    few = min(seconds_per_delta(1_000) for _ in range(5))
    many = min(seconds_per_delta(50_000) for _ in range(2))
    assert many < 2.5 * few


def test_frames_lie_in_order_within_the_body() -> None:
    decoder = ChatCompletions().decoder(1, [])
    decoder.feed(ResponseHead(1, 200, ()))
    frames = [item.frame for item in decoder.feed(ORDINARY) if getattr(item, "frame", None)]
    assert all(one.start <= other.start for one, other in pairwise(frames))
    assert all(json.loads(ORDINARY[frame.start + 6 : frame.end]) == json.loads(frame.data) for frame in frames)


def test_an_answer_that_only_thinks_of_calls_has_none() -> None:
    assert assembled(stream(chunk({"reasoning": "I should roll."}), finish="stop")) == []


# ---- what no writer could write again -------------------------------------------------------------------------------


def test_an_event_that_is_too_deep_is_told_and_the_rest_is_read() -> None:
    deep = '{"choices":[{"delta":{"content":' + "[" * 300 + "]" * 300 + "}}]}"
    events = decode(chunk({"content": "a"}), f"data: {deep}\n\n".encode(), chunk({"content": "b"}, finish="stop"), DONE)
    assert [event.code for event in events if isinstance(event, Diagnostic)] == ["event_too_deep"]
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "ab"


def test_a_number_that_json_has_not_is_told_and_read_as_none() -> None:
    body = (
        chunk({"content": "a"}, finish="stop")
        + b'data: {"choices":[],"usage":{"prompt_tokens":1,"cost":NaN}}\n\n'
        + DONE
    )
    events = decode(body)
    assert [event.code for event in events if isinstance(event, Diagnostic)] == ["number_not_json"]
    completed = next(event for event in events if isinstance(event, ResponseCompleted))
    assert completed.usage is not None
    assert completed.usage.raw == {"prompt_tokens": 1, "cost": None}
