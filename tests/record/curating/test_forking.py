from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.core.errors import UnusableFile, UsageError
from callscope.record.curating.forking import fork
from callscope.record.deriving.restoring import left_by
from callscope.record.file.reading import open_recording
from recordbench import plain, resume
from sessionbench import assert_whole, fresh_folder, messages, recorded, steps


def said(path: Path) -> list[str]:
    return [entry.event.text for entry in open_recording(path).entries if entry.kind == "user"]  # type: ignore[union-attr]


def test_a_fork_ends_where_the_turn_ended(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["says", "calls", "mark", "model", "says"])
    forked = open_recording(fork(path, 2, dialects=plain))
    assert said(forked.path) == ["says 0", "calls 1"]
    assert forked.entries[-1].kind == "turn"
    assert_whole(forked.path)


def test_a_fork_names_its_parent_and_keeps_every_line_as_it_was(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["says", "calls"])
    forked = fork(path, 1, dialects=plain)
    header, *lines = forked.read_bytes().splitlines()
    assert json.loads(header)["parent"] == path.name
    assert lines == path.read_bytes().splitlines()[1 : 1 + len(lines)]
    assert forked.parent == path.parent
    assert stat.S_IMODE(forked.stat().st_mode) == 0o600


def test_a_fork_leaves_its_parent_as_it_was(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["says", "says"])
    before = path.read_bytes()
    fork(path, 1, dialects=plain)
    assert path.read_bytes() == before


def test_a_fork_before_the_first_turn_has_settings_and_tools_alone(tmp_path: Path) -> None:
    forked = fork(recorded(tmp_path, ["says"]), 0, dialects=plain)
    assert [entry.kind for entry in open_recording(forked).entries] == ["settings", "tools"]


def test_turns_that_were_taken_back_have_no_number(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["says", "calls", "undo", "breaks"])
    assert said(fork(path, 2, dialects=plain)) == ["says 0", "calls 1", "breaks 3"]
    assert said(fork(path, 1, dialects=plain)) == ["says 0"]


def test_a_turn_that_is_not_there_is_refused_with_how_many_there_are(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["says", "undo", "says"])
    with pytest.raises(UsageError, match=r"no turn 2 in .* 1 message of the person"):
        fork(path, 2, dialects=plain)
    assert list(tmp_path.iterdir()) == [path]


def test_a_fork_inside_of_what_went_before_the_recording_cuts_that_short(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["says"], begun_before=True)
    forked = fork(path, 1, dialects=plain)
    assert messages(forked) == 1
    assert len(left_by(open_recording(forked), plain).conversation.items) == 2
    assert_whole(forked)


def test_a_fork_does_not_overwrite(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["says"])
    with pytest.raises(UnusableFile, match="is there already"):
        fork(path, 1, output=path, dialects=plain)


def test_a_fork_of_what_was_cut_off_leaves_the_torn_line_out(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["says"])
    path.write_bytes(path.read_bytes() + b'{"t":3,"kind":"us')
    assert_whole(fork(path, dialects=plain))


def test_a_fork_can_be_gone_on_with(tmp_path: Path) -> None:
    forked = fork(recorded(tmp_path, ["says", "calls"]), 1, dialects=plain)
    resume(forked).close()
    assert open_recording(forked).entries[-1].kind == "resumed"
    assert_whole(forked)


@settings(max_examples=60, deadline=None)
@given(happens=steps, begun_before=st.booleans(), at=st.integers(0, 9))
def test_any_fork_of_any_session_is_whole(happens: list[str], begun_before: bool, at: int) -> None:
    with fresh_folder() as folder:
        path = recorded(Path(folder), happens, begun_before)
        count = messages(path)
        at %= count + 1
        forked = fork(path, at, dialects=plain)
        assert messages(forked) == at
        assert_whole(forked)
