from __future__ import annotations

import json

import pytest

from callscope.core.events import ResponseHead
from callscope.core.header_bytes import header_bytes, header_text
from callscope.record.file.format import encode_line, line_of
from callscope.record.file.parsing import event_of
from callscope.record.secrets.masking import Secrets

VALUES = [bytes([byte]) for byte in range(256)] + ["京".encode(), b"caf\xe9", "café".encode(), b"\xed\xa0\x80", b"\xc3"]


@pytest.mark.parametrize("value", VALUES)
def test_any_byte_comes_back(value: bytes) -> None:
    assert header_bytes(header_text(value)) == value


def test_utf_8_is_read_as_text() -> None:
    assert header_text("京".encode()) == "京"


def test_one_letter_in_two_encodings_is_two_texts() -> None:
    assert header_text("é".encode()) != header_text(b"\xe9")


def test_half_a_surrogate_pair_of_a_hostile_recording_is_a_question_mark() -> None:
    assert header_bytes("a\ud800b") == b"a?b"


@pytest.mark.parametrize("value", VALUES)
def test_any_value_goes_through_a_line_of_a_recording(value: bytes) -> None:
    head = ResponseHead(1, 200, (("x-odd", header_text(value)),))
    assert event_of(json.loads(encode_line(line_of(head)))) == head


def test_a_secret_beside_bytes_that_are_no_utf_8_is_found() -> None:
    value = header_text(b"caf\xe9 sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD \xe9")
    ((_, masked),), spans = Secrets().mask_headers((("x-echo", value),))
    assert "sk-proj" not in masked
    assert spans
    assert header_bytes(masked).startswith(b"caf\xe9 *")
