"""Framing: what the standard says, what servers do instead, and the same frames for any cut of the bytes."""

from __future__ import annotations

import time
from collections.abc import Iterable

import httpx
import pytest
from httpx_sse import EventSource
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.core.values import Frame
from callscope.dialects.sse import LIMIT, SSEDecoder
from chatbodies import cut

FrameAndDefects = tuple[Frame, tuple[str, ...]]


def frames(*reads: bytes) -> list[FrameAndDefects]:
    decoder = SSEDecoder()
    found = [frame for read in reads for frame in decoder.feed(read)]
    found += decoder.close()
    return [(frame, tuple(code for defect, code in decoder.defects if defect is frame)) for frame in found]


def plain(found: Iterable[FrameAndDefects]) -> list[tuple[str, str, str]]:
    return [(frame.channel, frame.event, frame.data) for frame, _ in found]


def events(body: bytes) -> list[tuple[str, str, str]]:
    return plain(frames(body))


def wrong(body: bytes) -> set[str]:
    return {code for _, defects in frames(body) for code in defects}


# ---- as the standard says -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_ends_lines(end: bytes) -> None:
    body = end.join([b"event: a", b"data: 1", b"", b"data: 2", b"", b""])
    assert events(body) == [("sse", "a", "1"), ("sse", "", "2")]
    assert wrong(body) == set()


def test_crlf_cut_in_two_is_one_line_end() -> None:
    assert frames(b"data: 1\r", b"\n\r", b"\ndata: 2\r", b"\n\r\n") == frames(b"data: 1\r\n\r\ndata: 2\r\n\r\n")


def test_several_data_lines_are_joined_with_a_line_feed() -> None:
    assert events(b"data: one\ndata:\ndata: two\n\n") == [("sse", "", "one\n\ntwo")]


def test_the_space_after_the_colon_is_optional_and_only_one_is_dropped() -> None:
    assert events(b"data:1\n\ndata:  2\n\n") == [("sse", "", "1"), ("sse", "", " 2")]


def test_a_field_without_a_colon_is_empty() -> None:
    assert events(b"data\n\n") == [("sse", "", "")]


def test_id_and_retry_are_no_data() -> None:
    assert events(b"id: 7\nretry: 10\ndata: 1\n\n") == [("sse", "", "1")]


def test_comments_are_a_channel_of_their_own_and_end_no_event() -> None:
    assert events(b": ping\n\ndata: 1\n:mid\ndata: 2\n\n") == [
        ("comment", "", "ping"),
        ("comment", "", "mid"),
        ("sse", "", "1\n2"),
    ]


def test_line_separators_of_unicode_end_no_line() -> None:
    assert events("data: a\u2028b\u2029c\u0085d\x0be\n\n".encode()) == [("sse", "", "a\u2028b\u2029c\u0085d\x0be")]


def test_blank_lines_alone_are_nothing() -> None:
    assert events(b"\n\n\r\n\r\n") == []


# ---- as servers do --------------------------------------------------------------------------------------------------


def test_a_byte_order_mark_is_skipped_and_told() -> None:
    body = b"\xef\xbb\xbfdata: 1\n\n"
    assert events(body) == [("sse", "", "1")]
    assert wrong(body) == {"byte_order_mark"}


def test_an_unterminated_last_event_is_flushed_and_told() -> None:
    for body in (b"data: 1\n\ndata: 2", b"data: 1\n\ndata: 2\n"):
        found = frames(body)
        assert plain(found) == [("sse", "", "1"), ("sse", "", "2")]
        assert [defects for _, defects in found] == [(), ("unterminated_event",)]


def test_events_without_blank_lines_are_parted_and_told() -> None:
    body = b'data: {"a":1}\ndata: {"b":2}\ndata: [DONE]\n\n'
    assert events(body) == [("sse", "", '{"a":1}'), ("sse", "", '{"b":2}'), ("sse", "", "[DONE]")]
    assert wrong(body) == {"events_not_separated"}


def test_an_event_line_after_data_names_the_next_event_where_no_blank_line_parts_them() -> None:
    body = b'event: a\ndata: {"a":1}\nevent: b\ndata: {"b":2}\n\n'
    assert events(body) == [("sse", "a", '{"a":1}'), ("sse", "b", '{"b":2}')]


def test_one_document_over_many_lines_is_one_event() -> None:
    body = b'data: {\ndata: "a": {"b": 1},\ndata: "c": [\ndata: {}, {}]\ndata: }\n\n'
    assert events(body) == [("sse", "", '{\n"a": {"b": 1},\n"c": [\n{}, {}]\n}')]
    assert wrong(body) == set()


def test_an_error_field_is_an_event_named_error() -> None:
    assert events(b'error: {"code":500}\n\ndata: 1\n\n') == [("sse", "error", '{"code":500}'), ("sse", "", "1")]


def test_lines_that_are_no_fields_are_kept_as_text() -> None:
    body = b"data: 1\n\n<html>\n<b>502</b>\n\ndata: 2\n\n"
    assert events(body) == [("sse", "", "1"), ("body", "", "<html>\n<b>502</b>"), ("sse", "", "2")]


def test_misspelt_fields_are_read_and_told() -> None:
    body = b"  data: 1\n\nDATA: 2\n\n"
    assert events(body) == [("sse", "", "1"), ("sse", "", "2")]
    assert wrong(body) == {"field_misspelt"}


def test_bytes_that_are_not_utf_8_are_replaced_and_told() -> None:
    assert frames(b"data: a\xffb\n\ndata: c\n\n") == [
        (Frame("sse", "", "a\ufffdb", 0, 9), ("invalid_utf8",)),
        (Frame("sse", "", "c", 11, 18), ()),
    ]


# ---- offsets, cuts, cost --------------------------------------------------------------------------------------------


def test_offsets_reach_from_the_first_line_to_the_last_without_its_end() -> None:
    body = "\ufeffdata: é\r\n\r\n: c\r\n\r\nevent: x\r\ndata: 1\r\n\r\n".encode()
    assert [body[frame.start : frame.end] for frame, _ in frames(body)] == [
        "\ufeffdata: é".encode(),
        b": c",
        b"event: x\r\ndata: 1",
    ]


LINES = st.lists(
    st.sampled_from(
        [b"data: 1", b"data:{}", b'data: {"a":1}', b"data: [DONE]", b"data", b"event: e", b": c", b"id: 1", b"error: x",
         b"", b"", b"loose", b" data: 2", "data: é\u2028".encode(), b"data: \xc3", b"\xef\xbb\xbfdata: 3", b"{"]
    ),
    max_size=14,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(lines=LINES, ends=st.lists(st.sampled_from([b"\n", b"\r\n", b"\r"]), min_size=14, max_size=14), data=st.data())
def test_any_cut_of_the_bytes_gives_the_same_frames(lines: list[bytes], ends: list[bytes], data: st.DataObject) -> None:
    body = b"".join(line + end for line, end in zip(lines, ends, strict=False))
    whole = frames(body)
    assert frames(*(body[at : at + 1] for at in range(len(body)))) == whole
    assert frames(*cut(body, data.draw(st.sets(st.integers(0, len(body)), max_size=6)))) == whole


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=80), data=st.data())
def test_random_bytes_raise_nothing_and_no_cut_changes_them(body: bytes, data: st.DataObject) -> None:
    whole = frames(body)
    assert frames(*cut(body, data.draw(st.sets(st.integers(0, len(body)), max_size=4)))) == whole
    assert all(0 <= frame.start <= frame.end <= len(body) for frame, _ in whole)


VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=20)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(VALUES, st.lists(VALUES.filter(lambda v: "{" not in v and "[" not in v), min_size=1, max_size=3)),
        max_size=5,
    )
)
def test_well_formed_streams_read_as_httpx_sse_reads_them(made: list[tuple[str, list[str]]]) -> None:
    body = "".join(
        f"event: {name}\n" + "".join(f"data: {line}\n" for line in lines) + "\n" for name, lines in made
    ).encode()
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    theirs = [(item.event, item.data) for item in EventSource(response).iter_sse()]
    assert [(event or "message", data) for _, event, data in events(body)] == theirs


def test_one_event_of_many_megabytes_in_small_pieces_costs_linear_time() -> None:
    def seconds(size: int) -> float:
        body = b"data: " + b"x" * size + b"\n\n"
        decoder = SSEDecoder()
        begun = time.process_time()
        count = sum(len(decoder.feed(body[at : at + 1024])) for at in range(0, len(body), 1024))
        assert count == 1
        return time.process_time() - begun

    small = min(seconds(1_000_000) for _ in range(3))
    assert min(seconds(8_000_000) for _ in range(2)) < 8 * 4 * small + 0.05


def test_an_endless_line_is_held_only_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callscope.dialects.sse.LIMIT", 1000)
    decoder = SSEDecoder()
    decoder.feed(b"data: ")
    for _ in range(100):
        assert decoder.feed(b"x" * 100) == []
    found = decoder.feed(b"\n\ndata: next\n\n")
    assert [frame.data for frame in found][1:] == ["next"]
    assert len(found[0].data) <= 1200
    assert found[1].start == 6 + 10_000 + 2
    assert [code for _, code in decoder.defects] == ["event_too_long"]


def test_an_event_of_endless_lines_is_held_only_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callscope.dialects.sse.LIMIT", 1000)
    decoder = SSEDecoder()
    for _ in range(100):
        decoder.feed(b"data: " + b"x" * 100 + b"\n")
    [frame] = decoder.feed(b"\n")
    assert len(frame.data) < 1500
    assert LIMIT > 1000


@pytest.mark.parametrize("rest", [b"d", b"dat", b"data", b"data:", b"ev", b"event: x", b"event: x\nda"])
def test_a_line_cut_within_its_field_is_an_event_without_data_and_no_words(rest: bytes) -> None:
    body = b"data: {}\n\n" + rest
    found = frames(body)
    assert plain(found)[1:] == [("sse", "x" if b"x" in rest else "", "")]
    assert found[1][1] == ("unterminated_event",)
    assert frames(*(body[at : at + 1] for at in range(len(body)))) == found
