from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.core.errors import UsageError
from callscope.core.events import ExchangeOpened
from callscope.record.curating.editing import origin_of
from callscope.record.curating.forking import fork
from callscope.record.curating.trimming import trimmed
from callscope.record.deriving.restoring import left_by
from callscope.record.file.reading import open_recording
from callscope.record.file.writing import write_beside
from recordbench import plain
from sessionbench import assert_whole, fresh_folder, messages, recorded, steps


def trim(path: Path, *turns: int) -> Path:
    return write_beside(path, trimmed(origin_of(open_recording(path), plain), set(turns)))


def bodies(path: Path) -> list[str]:
    entries = open_recording(path).entries
    return [entry.event.request.body.decode() for entry in entries if isinstance(entry.event, ExchangeOpened)]


def kinds(path: Path) -> list[str]:
    return [entry.kind for entry in open_recording(path).entries]


def test_the_turns_that_are_kept_are_there_and_no_other(tmp_path: Path) -> None:
    path = trim(recorded(tmp_path, ["says", "calls", "breaks"]), 1, 3)
    entries = open_recording(path).entries
    assert [entry.members["text"] for entry in entries if entry.kind == "user"] == ["says 0", "breaks 2"]
    assert_whole(path)


def test_requests_are_made_anew_without_the_turns_that_are_gone(tmp_path: Path) -> None:
    original = recorded(tmp_path, ["says", "calls", "says"])
    (body,) = bodies(trim(original, 3))
    assert [message["content"] for message in json.loads(body)["messages"]] == ["says 2"]


def test_exchanges_and_calls_are_numbered_anew(tmp_path: Path) -> None:
    entries = open_recording(trim(recorded(tmp_path, ["says", "says", "calls"]), 3)).entries
    assert [entry.members["exchange"] for entry in entries if entry.kind == "request"] == [1, 2]
    assert [entry.members["call"] for entry in entries if entry.kind in ("decision", "result")] == [[1, 0], [1, 0]]
    assembled = next(entry.members for entry in entries if entry.kind == "assembled")
    assert assembled["calls"][0]["call"] == [1, 0]


def test_keeping_all_turns_keeps_every_byte(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["says", "mark", "model", "calls", "by hand", "says"])
    assert trim(path, 1, 2, 3).read_bytes().splitlines()[1:] == path.read_bytes().splitlines()[1:]


def test_a_request_that_stays_the_same_keeps_every_byte(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["calls", "says"])
    kept = trim(path, 1).read_bytes().splitlines()[1:]
    assert kept == path.read_bytes().splitlines()[1 : len(kept) + 1]


def test_what_was_taken_back_goes_and_the_rewind_with_it(tmp_path: Path) -> None:
    path = trim(recorded(tmp_path, ["says", "calls", "undo", "says"]), 1, 2)
    assert "rewind" not in kinds(path)
    assert kinds(path).count("user") == 2
    assert_whole(path)


def test_settings_of_a_turn_that_is_gone_still_hold_for_the_next(tmp_path: Path) -> None:
    path = trim(recorded(tmp_path, ["says", "model", "says", "says"]), 3)
    assert json.loads(bodies(path)[0])["model"] == "model 1"


def test_a_complaint_about_a_request_goes_with_what_it_complained_of(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["calls", "says"])
    assert "diagnostic" in kinds(path)
    assert "diagnostic" not in kinds(trim(path, 2))


def test_what_is_left_out_takes_no_time(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["says", *["calls twice"] * 5, "says"])
    whole, trimmed_one = open_recording(path), open_recording(trim(path, 1, 7))
    turns = [entry.at for entry in trimmed_one.entries if entry.kind in ("turn", "user")]
    assert turns == sorted(turns)
    assert turns[2] - turns[1] < 0.01
    assert trimmed_one.entries[-1].at < whole.entries[-1].at / 2


def test_a_turn_before_the_recording_can_be_kept_or_left_out(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["says"], begun_before=True)
    items = left_by(open_recording(trim(path, 1, 3)), plain).conversation.items
    assert [getattr(item, "text", "") for item in items] == ["Before.", "Yes?", "says 0", "Hello."]
    assert_whole(trim(path, 3))


def test_a_masked_item_keeps_its_mask_at_its_new_place(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["says"], begun_before=True)
    text = path.read_text().replace('"exchange":4}', '"exchange":4,"masked":{"items[2].text":[[0,4]]}}')
    path.write_text(text.replace('"More."', '"****."'))
    insert = next(entry for entry in open_recording(trim(path, 2, 3)).entries if entry.kind == "insert")
    assert insert.members["masked"] == {"items[0].text": [[0, 4]]}


@pytest.mark.parametrize("turns", [(0,), (1, 4), (99,)])
def test_a_turn_that_is_not_there_is_refused(tmp_path: Path, turns: tuple[int, ...]) -> None:
    path = recorded(tmp_path, ["says", "says", "undo", "says"])
    with pytest.raises(UsageError, match=f"There is no turn {turns[-1]} in"):
        trim(path, *turns)
    assert list(tmp_path.iterdir()) == [path]


@settings(max_examples=120, deadline=None)
@given(happens=steps, begun_before=st.booleans(), wanted=st.sets(st.integers(1, 9)))
def test_any_turns_of_any_session_are_a_whole_recording(
    happens: list[str], begun_before: bool, wanted: set[int]
) -> None:
    with fresh_folder() as folder:
        path = recorded(Path(folder), happens, begun_before)
        turns = {number for number in wanted if number <= messages(path)}
        made = trim(path, *turns)
        assert messages(made) == len(turns)
        assert_whole(made)


@settings(max_examples=40, deadline=None)
@given(happens=steps, cut=st.floats(0, 1), data=st.data())
def test_what_was_killed_anywhere_can_be_forked_and_trimmed(
    happens: list[str], cut: float, data: st.DataObject
) -> None:
    with fresh_folder() as folder:
        path = recorded(Path(folder), happens)
        written = path.read_bytes()
        begun = sum(map(len, written.splitlines(keepends=True)[:2]))  # without settings there is no dialect
        path.write_bytes(written[: begun + int(cut * (len(written) - begun))])
        turns = data.draw(st.sets(st.integers(1, max(1, messages(path))), max_size=messages(path)))
        assert_whole(fork(path, dialects=plain))
        assert_whole(trim(path, *turns))
