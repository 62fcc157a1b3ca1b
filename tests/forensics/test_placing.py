"""Characters found again in bytes: whatever the text, its escapes and how the body was read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.core.events import BytesRead
from callscope.forensics.placing import byte_of, byte_within
from callscope.forensics.tail import MOST, Tail

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def frame(text: str, *, ascii_only: bool) -> bytes:
    return b"data: " + json.dumps({"id": "x", "arguments": text}, ensure_ascii=ascii_only).encode()


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.data(), st.booleans())
def test_every_character_of_a_text_is_found_where_it_is_written(
    text: str, data: st.DataObject, ascii_only: bool
) -> None:
    character = data.draw(st.integers(0, len(text)))
    raw = frame(text, ascii_only=ascii_only)
    place = byte_of(raw, text, character)
    assert place is not None
    before, after = (json.dumps(part, ensure_ascii=ascii_only)[1:-1] for part in (text[:character], text[character:]))
    assert raw[:place].endswith(b'"arguments": "' + before.encode())
    assert raw[place:].startswith(after.encode() + b'"')


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS, TEXTS, st.data())
def test_a_character_of_a_long_text_is_found_in_the_piece_that_holds_it(
    before: str, piece: str, after: str, data: st.DataObject
) -> None:
    character = data.draw(st.integers(0, len(piece) - 1))
    raw = frame(piece, ascii_only=True)
    place = byte_within(raw, before + piece + after, len(before) + character)
    assert place is not None
    written = json.dumps((before + piece + after)[len(before) + character], ensure_ascii=True)[1:-1]
    assert raw[place:].startswith(written.encode())


def test_the_value_of_a_known_member_goes_before_another_string_of_the_same_words() -> None:
    raw = b'data: {"id": "city", "arguments": "city"}'
    assert byte_of(raw, "city", 0) == raw.rindex(b"city")


def test_arguments_that_came_as_an_object_are_found_as_they_stand() -> None:
    raw = b'data: {"args": {"city":"Paris"}}'
    assert byte_of(raw, '{"city":"Paris"}', 9) == raw.index(b"Paris")


@pytest.mark.parametrize("raw", [b"", b"data: nothing of it", b'data: {"arguments": "other"}', b'data: {"half": "te'])
def test_a_text_that_does_not_stand_there_has_no_place(raw: bytes) -> None:
    assert byte_of(raw, "text", 1) is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=20), max_size=20), st.data())
def test_bytes_are_cut_out_of_whatever_reads_they_came_in(reads: list[bytes], data: st.DataObject) -> None:
    tail, body = Tail(), b"".join(reads)
    for read in reads:
        tail.take(BytesRead(1, read))
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, len(body)))
    assert tail.cut(start, end) == (body[start:end] if reads else None)
    assert (tail.size, tail.reads) == (len(body), len(reads))


def test_what_is_too_long_ago_is_let_go_and_memory_stays_flat() -> None:
    tail = Tail()
    for number in range(1_000):
        tail.take(BytesRead(1, bytes([number % 256]) * 1_000))
    begin, kept = tail.rest()
    assert tail.cut(0, 10) is None
    assert tail.cut(999_990, 1_000_000) == bytes([999 % 256]) * 10
    assert len(kept) <= MOST
    assert begin + len(kept) == 1_000_000


def test_a_secret_is_overwritten_before_it_is_kept() -> None:
    tail = Tail()
    tail.take(BytesRead(1, b"key=topsecret!", masked=((4, 13),)))
    assert tail.cut(0, 14) == b"key=*********!"
