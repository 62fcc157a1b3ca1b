"""Pieces of a text: where each begins and which frame brought it is known when the text ends."""

from __future__ import annotations

import tracemalloc

from callscope.core.values import Frame
from callscope.dialects.pieces import Pieces, Spoken

COUNT = 3_000


def frame(number: int) -> Frame:
    return Frame("sse", "", f'{{"n":{number}}}', number * 100, number * 100 + 40 + number % 7)


def test_the_pieces_come_out_as_they_went_in_without_the_empty_ones() -> None:
    pieces = Pieces(str(number) if number % 5 else "" for number in range(COUNT))
    assert list(pieces) == [str(number) for number in range(COUNT) if number % 5]
    assert (pieces.first, pieces.last) == ("1", str(COUNT - 1))
    assert pieces.size == len(pieces.text)


def test_what_came_after_so_many_pieces_is_told() -> None:
    pieces = Pieces(f"{number}," for number in range(COUNT))
    for count in (0, 1, COUNT // 2, COUNT - 2, COUNT - 1, COUNT):
        assert pieces.after(count) == "".join(f"{number}," for number in range(count, COUNT))


def test_each_character_leads_back_to_the_frame_of_its_piece() -> None:
    spoken = Spoken()
    for number in range(COUNT):
        spoken.say("word"[: 1 + number % 4], frame(number))
    for number in (0, 1, 2, 3, COUNT // 2, COUNT - 1):
        first = sum(1 + before % 4 for before in range(number))
        for place in (first, first + number % 4):
            found = spoken.frame_at(place)
            assert found is not None
            assert (found.start, found.end) == (frame(number).start, frame(number).end)
    assert spoken.frame_at(spoken.size) is None


def test_a_piece_without_a_frame_is_of_the_one_before() -> None:
    spoken = Spoken()
    spoken.say("a", frame(1))
    spoken.say("b", None)
    found = spoken.frame_at(1)
    assert found is not None
    assert found.start == frame(1).start


def test_twenty_thousand_pieces_take_little_more_than_their_text() -> None:
    spoken = Spoken()
    tracemalloc.start()
    try:
        for number in range(20_000):
            spoken.say(f"{number:06}", frame(number))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_200_000


def test_asking_on_the_way_changes_nothing() -> None:
    spoken = Spoken()
    for number in range(COUNT):
        spoken.say(f"{number},", frame(number))
        if number % 700 == 0:
            assert spoken.text.endswith(f"{number},")
            assert (spoken.last, spoken.size) == (f"{number},", len(spoken.text))
    assert list(spoken) == [f"{number}," for number in range(COUNT)]
    assert spoken.after(COUNT - 2) == f"{COUNT - 2},{COUNT - 1},"
    found = spoken.frame_at(spoken.size - 1)
    assert found is not None
    assert (found.start, found.end) == (frame(COUNT - 1).start, frame(COUNT - 1).end)


def test_pieces_of_any_length_in_frames_of_any_size_are_found() -> None:
    spoken, frames = Spoken(), [Frame("sse", "", "", 10, 90_000), Frame("sse", "", "", 90_002, 5_000_000_000)]
    spoken.say("a" * 70_000, None)
    for each in frames:
        spoken.say("b" * 300, each)
        spoken.say("c", each)
    places = [
        (found.start, found.end) for place in (70_000, 70_300, 70_301, 70_601) if (found := spoken.frame_at(place))
    ]
    assert places == [(10, 90_000), (10, 90_000), (90_002, 5_000_000_000), (90_002, 5_000_000_000)]
