"""What stays in the file until it is asked for, and files that are changed before it is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from callscope.core.errors import UnusableFile
from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, ResponseHead
from callscope.core.values import Request
from callscope.record.file.reading import RecordingFile
from callscope.record.file.stored import StoredAnswer, StoredBody, with_body, without_body
from servebench import end, exchange, head, read, recording

BLOCK = 64 * 1024
"""More than any buffered reader takes at once."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "it.jsonl"


def stored(path: Path) -> list[tuple[StoredBody, StoredAnswer]]:
    """The exchanges of a recording."""
    found: list[tuple[StoredBody, StoredAnswer]] = []
    for entry in RecordingFile(path).entries:
        match entry.event:
            case ExchangeOpened(exchange=number, request=request):
                body = StoredBody.of(path, entry, request.body)
                found.append((body, StoredAnswer(body, number)))
            case (ResponseHead() | BytesRead() | ExchangeEnded()) as wire:
                next(answer for _, answer in found if answer.exchange == wire.exchange).take(entry, wire)
            case _:
                pass
    return found


def data(answer: StoredAnswer) -> list[bytes]:
    return [wire.data for _, wire in answer if isinstance(wire, BytesRead)]


def kinds(answer: StoredAnswer) -> list[str]:
    return [type(wire).__name__ for _, wire in answer]


# ---- bodies -------------------------------------------------------------------------------------------------------


def test_a_body_is_read_from_the_line_that_it_stands_in(file: Path) -> None:
    recording(file, exchange(1, "first", head(), end()), exchange(2, "é" * BLOCK, head(), end()))
    assert [body.read() for body, _ in stored(file)] == [b"first", "é".encode() * BLOCK]


def test_an_equal_body_is_known_without_its_file(file: Path) -> None:
    recording(file, exchange(1, "first", head(), end()))
    ((body, _),) = stored(file)
    file.unlink()
    now = Request("POST", "http://there:1/", (), b"first")
    assert with_body(now, body, now).body == b"first"
    assert not body.is_same(b"second")


def test_a_request_without_its_body_is_else_the_same(file: Path) -> None:
    opened = ExchangeOpened(1, Request("POST", "http://there:1/", (("a", "b"),), b"first"))
    assert without_body(opened) == ExchangeOpened(1, Request("POST", "http://there:1/", (("a", "b"),), b""))


def replaced(file: Path) -> None:
    recording(file, exchange(1, "other", head(), read(b"other"), end()))


def shifted(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b'"program"', b'"Program"').replace(b"2026-", b" 2026-"))


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def truncated(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 3)


def of_another_kind(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b'"kind": "request"', b'"kind": "REQUEST"'))


CHANGES: dict[str, Any] = {each.__name__: each for each in (replaced, shifted, truncated, of_another_kind)}


@pytest.mark.parametrize("change", CHANGES)
def test_a_body_that_is_there_no_more_is_told_with_the_file(file: Path, change: str) -> None:
    recording(file, exchange(1, "x" * 900, head(), end()))
    ((body, _),) = stored(file)
    CHANGES[change](file)
    with pytest.raises(UnusableFile, match=r"it\.jsonl has changed since it was opened"):
        body.read()


def test_a_file_that_is_gone_is_told_as_gone(file: Path) -> None:
    recording(file, exchange(1, "x", head(), end()))
    ((body, _),) = stored(file)
    file.unlink()
    with pytest.raises(UnusableFile, match=r"it\.jsonl cannot be read: no such file"):
        body.read()


def test_a_file_that_is_empty_now_is_told_as_empty(file: Path) -> None:
    recording(file, exchange(1, "x", head(), end()))
    ((body, answer),) = stored(file)
    emptied(file)
    for reading in (body.read, lambda: list(answer)):
        with pytest.raises(UnusableFile, match=r"it\.jsonl is empty"):
            reading()


# ---- answers ------------------------------------------------------------------------------------------------------


def test_an_answer_has_its_first_and_its_last_chunk_and_nothing_of_the_next(file: Path) -> None:
    one = exchange(1, {}, head(), read(b"first"), read(b"middle"), read(b"last"), end())
    recording(file, one, exchange(2, {}, head(), read(b"next"), end()))
    (_, answer), (_, following) = stored(file)
    assert data(answer) == [b"first", b"middle", b"last"]
    assert kinds(following) == ["ResponseHead", "BytesRead", "ExchangeEnded"]


def test_an_answer_without_an_end_stops_at_its_last_chunk(file: Path) -> None:
    recording(file, exchange(1, {}, head(), read(b"a"), read(b"b")), exchange(2, {}, head(), end()))
    answer = stored(file)[0][1]
    assert (kinds(answer), answer.how) == (["ResponseHead", "BytesRead", "BytesRead"], None)


def test_a_request_that_nothing_came_back_to_has_no_answer(file: Path) -> None:
    recording(file, exchange(1, {}), exchange(2, {}, head(), end()))
    answer = stored(file)[0][1]
    assert (list(answer), answer.size) == ([], 0)


def test_an_empty_chunk_stays_a_chunk(file: Path) -> None:
    recording(file, exchange(1, {}, head(), read(b""), read(b"a"), read(b""), end()))
    answer = stored(file)[0][1]
    assert (data(answer), answer.size) == ([b"", b"a", b""], 1)


@pytest.mark.parametrize("size", [BLOCK - 1, BLOCK, 5 * BLOCK + 1])
def test_a_chunk_over_the_blocks_that_a_file_is_read_in_is_one(file: Path, size: int) -> None:
    recording(file, exchange(1, {}, head(), read(b"a" * size), read(b"b"), end()))
    assert data(stored(file)[0][1]) == [b"a" * size, b"b"]


def test_exchanges_that_ran_at_once_are_told_apart(file: Path) -> None:
    recording(file, exchange(1, {}, head()) + exchange(2, {}, head()))
    with file.open("a") as lines:
        for number, line in ((1, read(b"one")), (2, read(b"two")), (1, end()), (2, end())):
            lines.write(json.dumps({**line, "exchange": number}) + "\n")
    assert [data(answer) for _, answer in stored(file)] == [[b"one"], [b"two"]]


def test_an_answer_is_the_same_each_time_and_its_times_count_from_the_request(file: Path) -> None:
    recording(file, exchange(1, {}, head(t=0.5), read(b"a", t=2.0), end(t=3.0), at=100.0))
    answer = stored(file)[0][1]
    assert [at for at, _ in answer] == [at for at, _ in answer] == [0.5, 2.0, 3.0]


def test_what_is_written_behind_an_answer_does_not_change_it(file: Path) -> None:
    recording(file, exchange(1, {}, head(), read(b"a"), end()))
    answer = stored(file)[0][1]
    with file.open("a") as lines:
        lines.write('{"t": 9.0, "kind": "us')
    assert data(answer) == [b"a"]


@pytest.mark.parametrize("change", CHANGES)
def test_an_answer_that_is_there_no_more_is_told_with_the_file(file: Path, change: str) -> None:
    recording(file, exchange(1, "x" * 900, head(), read(b"a"), end()))
    answer = stored(file)[0][1]
    CHANGES[change](file)
    with pytest.raises(UnusableFile, match="has changed since it was opened"):
        list(answer)


def test_an_answer_that_lost_its_end_gives_what_is_left_and_then_says_so(file: Path) -> None:
    recording(file, exchange(1, {}, head(), read(b"a"), read(b"b"), end()))
    answer = stored(file)[0][1]
    os.truncate(file, answer.last)
    seen = []
    with pytest.raises(UnusableFile, match="has changed since it was opened"):
        seen.extend(wire for _, wire in answer)
    assert [wire.data for wire in seen if isinstance(wire, BytesRead)] == [b"a", b"b"]


def test_an_answer_of_another_size_is_told_at_its_end(file: Path) -> None:
    recording(file, exchange(1, {}, head(), read(b"a"), end()))
    answer = stored(file)[0][1]
    file.write_bytes(file.read_bytes().replace(b'"base64": "YQ=="', b'"text": "123456"'))
    with pytest.raises(UnusableFile, match="has changed since it was opened"):
        list(answer)
