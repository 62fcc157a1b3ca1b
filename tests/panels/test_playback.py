"""The screen at any place of a session is the same, whichever way one came there."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import pytest

from callscope.core.events import Stamped
from callscope.panels.look import Look
from callscope.panels.playback import Copies, Playback, whole
from callscope.record.deriving.rederiving import derive
from callscope.record.file.reading import open_recording

SAMPLES = sorted((Path(__file__).parents[2] / "recordings" / "samples").glob("*.jsonl"))
LOOK = Look(columns=60)


@cache
def stream(sample: Path) -> list[Stamped]:
    return list(derive(open_recording(sample)))


def at(events: list[Stamped], place: int, look: Look = LOOK) -> Playback:
    playback = Playback(look)
    for stamped in events[:place]:
        playback.handle(stamped)
    return playback


def shown(playback: Playback, room: int = 30, now: float = 5.0) -> list[str]:
    return [row.text for row in playback.rows(now, room)]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("seed", range(4))
def test_a_copy_goes_on_as_the_one_it_was_made_of_and_neither_touches_the_other(sample: Path, seed: int) -> None:
    events, dice = stream(sample), random.Random(seed)
    for _ in range(12):
        start = dice.randrange(len(events))
        end = dice.randrange(start, len(events) + 1)
        first = at(events, start)
        if dice.random() < 0.5:
            first.rows(1.0, 30)  # what was drawn is kept
        copied = first.copy()
        before = shown(first)
        for stamped in events[start:end]:
            copied.handle(stamped)
        assert shown(first) == before == shown(at(events, start))
        assert shown(copied) == shown(at(events, end))
        for stamped in events[start:end]:
            first.handle(stamped)
        assert shown(first) == shown(copied)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_as_many_rows_are_given_as_there_is_room_for_and_they_are_the_last(sample: Path) -> None:
    events = stream(sample)
    everything = shown(at(events, len(events)), room=10_000)
    for room in (1, 3, 10, 24):
        assert shown(at(events, len(events)), room) == everything[-room:]


def test_another_width_breaks_the_rows_as_if_it_had_always_been_so() -> None:
    events = stream(next(path for path in SAMPLES if path.stem == "weather"))
    narrow = Look(columns=40)
    playback = at(events, len(events) - 5)
    shown(playback)
    playback.fit_to(narrow)
    assert shown(playback) == shown(at(events, len(events) - 5, narrow))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_the_whole_has_every_panel_and_what_each_turn_came_to(sample: Path) -> None:
    events = stream(sample)
    rows = [row.text for row in whole(events, LOOK, 5.0)]
    assert [row for row in shown(at(events, len(events)), room=10_000) if row not in rows] == []
    assert "tokens" in rows[-1] or "error" in rows[-1] or "stop" in rows[-1]


def test_screens_of_a_long_session_hold_no_more_than_a_screen_can_show() -> None:
    events = stream(next(path for path in SAMPLES if path.stem == "weather"))
    playback = Playback(LOOK)
    for _ in range(60):
        for stamped in events:
            playback.handle(stamped)
    assert len(playback._panels) <= 110
    assert len(shown(playback, room=200)) == 200


def test_any_place_can_be_gone_back_to_and_the_copies_stay_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callscope.panels.playback.STRIDE", 3)
    monkeypatch.setattr("callscope.panels.playback.MOST_COPIES", 8)
    events = stream(next(path for path in SAMPLES if path.stem == "weather"))
    playback = Playback(LOOK)
    copies = Copies(playback)
    for stamped in events:
        playback.handle(stamped)
        copies.keep(playback)
    assert len(copies._kept) <= 8
    for place in range(len(events)):
        there = copies.before(place)
        assert there.place <= place
        for stamped in events[there.place : place]:
            there.handle(stamped)
        assert shown(there) == shown(at(events, place))
