"""The raw view: an exchange as frames, reads and hex, with the offsets and times of the wire."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.core.events import (
    BytesRead,
    Diagnostic,
    Event,
    ExchangeEnded,
    ExchangeOpened,
    ResponseFailed,
    ResponseHead,
    Stamped,
    UserMessage,
)
from callscope.core.state import Conversation
from callscope.core.values import CallKey, Ending, Frame, Headers, Request
from callscope.looking.exchanges import MOST_BYTES_OF_ONE, MOST_EXCHANGES, Exchanges
from callscope.looking.framing import framing
from callscope.looking.hexdump import hexdump
from callscope.looking.pretty import pretty
from callscope.looking.raw import raw
from callscope.record.secrets.masking import Secrets
from chatbodies import DONE, calls, chunk, decode, entry

STREAM: Headers = (("content-type", "text/event-stream"),)
EVENTS = b'data: {"a":1}\n\n: ping\n\ndata: {"b":2}\n\n'


def exchange(
    *reads: bytes | BytesRead,
    number: int = 1,
    headers: Headers = STREAM,
    request: Request | None = None,
    how: Ending = "complete",
    into: Exchanges | None = None,
) -> Exchanges:
    """An exchange whose head comes after 0.1 s and whose reads come after 0.2 s, 0.3 s and so on."""
    kept = into or Exchanges()
    events: list[tuple[float, Event]] = [
        (0.0, ExchangeOpened(number, request or Request("POST", "http://h/v1", (), b""))),
        (0.1, ResponseHead(number, 200, headers)),
    ]
    for place, read in enumerate(reads):
        events.append((0.2 + place / 10, BytesRead(number, read) if isinstance(read, bytes) else read))
    events.append((0.2 + len(reads) / 10, ExchangeEnded(number, how)))
    for at, event in events:
        kept.handle(Stamped(1, 50.0 + at, event), Conversation())
    return kept


def lines(
    kept: Exchanges, words: str = "", secrets: Secrets | None = None, width: int = 100, *, ascii_only: bool = False
) -> list[str]:
    return [line.plain for line in raw(words, kept, secrets or Secrets(), width=width, ascii_only=ascii_only)]


def holds(shown: Iterable[str], *wanted: str) -> bool:
    """Whether these lines follow one another, white space at their beginning aside."""
    text = "\n".join(line.strip() for lines in shown for line in lines.split("\n"))
    return "\n".join(wanted) in text


def test_each_frame_is_shown_with_its_time_its_offsets_and_its_bytes() -> None:
    shown = lines(exchange(EVENTS))
    assert holds(shown, "0.200 s  bytes 0–13  data", 'data: {"a":1}')
    assert holds(shown, "0.200 s  bytes 15–21  comment", ": ping")
    assert holds(shown, "0.200 s  bytes 23–36  data", 'data: {"b":2}')


def test_a_frame_that_reads_cut_says_where_and_when_its_parts_came() -> None:
    shown = lines(exchange(EVENTS[:9], EVENTS[9:11], EVENTS[11:]))
    assert holds(shown, "0.200 to 0.400 s  bytes 0–13  data  cut at 9, 11", 'data: {"a┊":┊1}')


def test_a_cut_between_two_frames_cuts_neither() -> None:
    assert not any("cut at" in line for line in lines(exchange(EVENTS[:15], EVENTS[15:])))


def test_a_character_cut_in_two_is_shown_as_its_bytes() -> None:
    body = 'data: "北"\n\n'.encode()
    assert holds(lines(exchange(body[:8], body[8:])), r'data: "\xe5┊\x8c\x97"')


def test_an_event_name_and_a_defect_of_the_framing_are_named() -> None:
    shown = lines(exchange(b"event: error\ndata: {}"))
    assert holds(shown, "0.200 s  bytes 0–21  error  ! unterminated_event", "event: error", "data: {}")


def test_a_body_that_is_no_stream_is_shown_whole() -> None:
    document = b'{"choices": []}'
    shown = lines(exchange(document, headers=(("content-type", "application/json"),)))
    assert holds(shown, "0.200 s  bytes 0–15  no event", '{"choices": []}')


def test_a_compressed_body_is_inflated_and_says_that_its_offsets_are() -> None:
    packed = gzip.compress(EVENTS)
    shown = lines(exchange(packed[:20], packed[20:], headers=(*STREAM, ("content-encoding", "gzip"))))
    assert any("inflated" in line for line in shown)
    assert holds(shown, 'data: {"b":2}')


def test_a_body_that_cannot_be_inflated_says_why_and_what_shows_it() -> None:
    shown = lines(exchange(b"\x28\xb5\x2f\xfd", headers=(("content-encoding", "zstd"),)))
    assert any("zstd" in line and "/raw hex" in line for line in shown)


def test_the_end_says_how_it_came_and_what_came() -> None:
    assert lines(exchange(EVENTS, how="reset"))[-1].split() == ["0.300", "s", "reset", "38", "bytes", "in", "1", "read"]


def test_request_head_and_body_are_shown_with_the_body_on_many_lines() -> None:
    request = Request("POST", "http://h/v1", (("x-one", "1"),), b'{"model":"m","n":1.0}')
    shown = lines(exchange(request=request))
    assert holds(shown, "exchange 1  POST http://h/v1", "x-one: 1", "{", '"model": "m",', '"n": 1.0', "}")
    assert holds(shown, "0.100 s  HTTP 200", "content-type: text/event-stream")


def test_nothing_that_the_recording_masks_is_shown() -> None:
    key = "sk-proj-abcdefgh12345678"
    request = Request(
        "POST", f"http://h/v1?api_key={key}", (("authorization", f"Bearer {key}"),), f'{{"k":"{key}"}}'.encode()
    )
    read = BytesRead(1, f"data: {key}\n\n".encode(), masked=((6, 6 + len(key)),))
    for words in ("", "reads", "hex"):
        kept = exchange(read, request=request, headers=(("set-cookie", key),))
        shown = "".join(lines(kept, words, Secrets([key])))
        assert key not in shown
        assert key[-6:] not in shown
        assert "**********" in shown or "2a 2a 2a" in shown


def test_hostile_bytes_are_shown_and_not_obeyed() -> None:
    hostile = "data: \x1b[2J\u202e\x07\r\n\r\n".encode()
    for words in ("", "reads", "hex"):
        text = "".join(lines(exchange(hostile, headers=(("x\x1b", "\x9b1m"),)), words))
        assert not {"\x1b", "\u202e", "\x07", "\r", "\x9b"} & set(text)


def test_reads_are_shown_with_their_gaps_and_the_chunks_that_came_together() -> None:
    shown = lines(exchange(BytesRead(1, EVENTS[:30], cuts=(15, 23)), EVENTS[30:]), "reads")
    assert any("bytes 0–30  30 bytes  3 chunks" in line for line in shown)
    assert any("bytes 30–38  8 bytes  100 ms later" in line for line in shown)
    assert sum(line.count("┊") for line in shown) == 2


def test_reads_show_where_lines_end() -> None:
    assert holds(lines(exchange(EVENTS[:15]), "reads"), 'data: {"a":1}⏎', "⏎", "0.300 s  complete  15 bytes in 1 read")


def test_hex_shows_every_byte_and_where_each_read_begins() -> None:
    shown = lines(exchange(EVENTS[:9], EVENTS[9:]), "hex")
    assert any(line.startswith("00000000  64 61 74 61 3a 20 7b 22 61  ") for line in shown)
    assert any("bytes 9–38  29 bytes" in line for line in shown)
    assert any(line.startswith("00000000  " + "   " * 9 + "22 3a 31") for line in shown)


def test_a_long_exchange_is_shown_in_part_and_says_how_to_see_the_rest() -> None:
    kept = exchange(b"".join(b"data: %d\n\n" % number for number in range(1000)))
    shown = lines(kept)
    assert any("950 more frames: /raw all" in line for line in shown)
    assert holds(shown, "data: 999")
    assert holds(lines(kept, "all"), "data: 500")


def test_a_long_frame_is_shown_in_part_and_says_how_to_see_the_rest() -> None:
    kept = exchange(b"data: " + b"x" * 9000 + b"\n\n")
    assert len("".join(lines(kept))) < 3000
    assert any("from here on: /raw all" in line for line in lines(kept))
    assert any("x" * 9000 in line for line in lines(kept, "all"))


def test_an_earlier_exchange_is_shown_by_its_number() -> None:
    kept = exchange(b"data: one\n\n", number=1)
    exchange(b"data: two\n\n", number=2, into=kept)
    assert holds(lines(kept, "1"), "data: one")
    assert holds(lines(kept), "data: two")


def found(kept: Exchanges, *events: Event) -> Exchanges:
    for event in events:
        kept.handle(Stamped(1, 60.0, event), Conversation())
    return kept


REUSED = Diagnostic("warning", "index_reused", "Again.", CallKey(1, 1), Frame("sse", "", '{"b":2}', 23, 36))


def test_without_a_number_the_exchange_is_shown_in_which_something_was_found() -> None:
    kept = found(exchange(EVENTS), REUSED)
    exchange(b"data: healthy\n\n", number=2, into=kept)
    shown = lines(kept)
    assert shown[0] == "  the exchange with the findings; /raw 2 shows the last one"
    assert holds(shown, "0.200 s  bytes 23–36  data  ! index_reused", 'data: {"b":2}')
    assert holds(lines(kept, "2"), "data: healthy")


def test_what_a_request_had_to_change_is_found_in_no_response() -> None:
    kept = found(exchange(b"data: one\n\n"))
    exchange(b"data: two\n\n", number=2, into=kept)
    found(kept, Diagnostic("warning", "arguments_replaced", "…", CallKey(1, 0)))
    exchange(b"data: three\n\n", number=3, into=kept)
    assert holds(lines(kept), "data: three")


def test_what_was_found_in_an_earlier_turn_does_not_hide_the_last_exchange() -> None:
    kept = found(exchange(EVENTS), REUSED, UserMessage("Thanks."))
    exchange(b"data: two\n\n", number=2, into=kept)
    assert holds(lines(kept), "data: two")
    assert holds(lines(kept, "1"), "0.200 s  bytes 23–36  data  ! index_reused")


def test_the_frame_with_the_servers_own_error_is_marked() -> None:
    kept = exchange(b'data: {"a":1}\n\ndata: {"error":{"message":"busy"}}\n\n')
    found(kept, ResponseFailed("error", "busy", 200))
    exchange(b"data: two\n\n", number=2, into=kept)
    assert holds(lines(kept), "0.200 s  bytes 15–49  data  ✗ error", 'data: {"error":{"message":"busy"}}')


def test_a_frame_in_which_something_was_found_is_never_left_out() -> None:
    kept = exchange(b"".join(b"data: %03d\n\n" % number for number in range(1000)))
    found(kept, Diagnostic("error", "event_not_json", "…", None, Frame("sse", "", "500", 5500, 5509)))
    shown = lines(kept)
    assert any("460 more frames: /raw all" in line for line in shown)
    assert holds(shown, "0.200 s  bytes 5,500–5,509  data  ✗ event_not_json", "data: 500")
    assert any("489 more frames: /raw all" in line for line in shown)


def test_a_number_that_is_not_kept_says_what_is() -> None:
    kept = exchange(number=3)
    assert lines(kept, "2") == ["  exchange 2 is not kept; here: 3. The recording has all of them."]
    assert lines(Exchanges()) == ["  no request was sent yet"]


def test_a_number_beyond_the_last_exchange_is_not_looked_for_in_the_recording() -> None:
    assert lines(exchange(number=3), "4") == ["  there is no exchange 4 yet; here: 3"]


def test_the_delta_that_broke_the_arguments_is_marked_and_no_other() -> None:
    parts = [calls(entry(0, "c1", "roll", '{"n":')), *(calls(entry(0, arguments=piece)) for piece in ("1,", "}", " "))]
    body = b"".join([*parts, chunk(finish="tool_calls"), DONE])
    kept = exchange(body)
    for event in decode(body):
        kept.handle(Stamped(1, 51.0, event), Conversation())
    marked = [line for line in lines(kept) if "arguments_invalid" in line]
    assert len(marked) == 1
    assert f"bytes {len(b''.join(parts[:2]))}–" in marked[0]


@pytest.mark.parametrize("words", ["hax", "1.5", "-1", "reads 99999999999"])
def test_words_that_mean_nothing_are_answered_with_the_usage(words: str) -> None:
    assert "/raw [N]" in lines(exchange(EVENTS), words)[0]


def test_only_the_latest_exchanges_are_kept() -> None:
    kept = Exchanges()
    for number in range(1, 100):
        exchange(b"x" * 1000, number=number, into=kept)
    assert kept.numbers() == list(range(100 - MOST_EXCHANGES, 100))


def test_a_body_without_end_is_kept_in_part_and_says_so() -> None:
    kept = exchange(*[b"y" * 65536] * 100)
    latest = kept.latest()
    assert latest is not None
    assert latest.size == 6553600
    assert latest.kept <= MOST_BYTES_OF_ONE
    assert any("are not kept here; the recording has them" in line for line in lines(kept))


def test_a_terminal_without_utf_8_gets_ascii_marks() -> None:
    shown = lines(exchange(EVENTS[:9], EVENTS[9:]), ascii_only=True)
    assert holds(shown, 'data: {"a|":1}')


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.sets(st.integers(0, 200), max_size=6))
def test_whatever_the_bytes_and_cuts_frames_hold_their_own_bytes(body: bytes, places: set[int]) -> None:
    cuts = [0, *sorted(place for place in places if place < len(body)), len(body)]
    kept = exchange(*(body[start:end] for start, end in pairwise(cuts)), headers=())
    latest = kept.latest()
    assert latest is not None
    found = framing(latest)
    if not found.compressed:
        assert all(part.raw == body[part.frame.start : part.frame.end] for part in found.frames)
        assert all(part.frame.start < cut < part.frame.end for part in found.frames for cut in part.cuts)
    for words in ("", "reads", "hex"):
        assert lines(kept, words)


@pytest.mark.parametrize(("width", "places"), [(80, 16), (50, 8), (40, 8), (30, 4)])
def test_a_row_of_hex_fits_the_terminal(width: int, places: int) -> None:
    rows = list(hexdump(bytes(range(64)), start=0, width=width))
    assert len(rows) == 64 // places
    assert all(len(row) <= width for row in rows)


@given(
    st.recursive(st.none() | st.floats() | st.text(max_size=5), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
@settings(max_examples=60, deadline=None)
def test_pretty_json_says_the_same_and_changes_only_white_space(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert json.dumps(json.loads(pretty(text)), ensure_ascii=False) == text
    assert pretty('{"a":1,"a":1e0}') == '{\n  "a": 1,\n  "a": 1e0\n}'
    assert pretty("no {json") == "no {json"
