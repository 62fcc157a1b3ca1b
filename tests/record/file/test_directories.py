from __future__ import annotations

from pathlib import Path

import pytest

from callscope.record.file.directories import recordings_directory


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


EVERYTHING = {"CALLSCOPE_RECORDINGS": "/env", "XDG_STATE_HOME": "/state"}


def test_the_option_goes_before_everything(elsewhere: Path) -> None:
    (elsewhere / "recordings").mkdir()
    assert recordings_directory(Path("here"), EVERYTHING) == Path("here")


def test_the_environment_goes_before_the_folder_at_hand(elsewhere: Path) -> None:
    (elsewhere / "recordings").mkdir()
    assert recordings_directory(None, EVERYTHING) == Path("/env")


def test_the_environment_may_say_home(elsewhere: Path) -> None:
    assert recordings_directory(None, {"CALLSCOPE_RECORDINGS": "~/r"}) == elsewhere / "home" / "r"


def test_a_folder_called_recordings_is_used_where_it_is_there(elsewhere: Path) -> None:
    (elsewhere / "recordings").mkdir()
    assert recordings_directory(None, {"XDG_STATE_HOME": "/state"}) == Path("recordings")


def test_a_file_called_recordings_is_not_used(elsewhere: Path) -> None:
    (elsewhere / "recordings").write_text("")
    assert recordings_directory(None, {"XDG_STATE_HOME": "/state"}) == Path("/state/callscope/recordings")


@pytest.mark.parametrize("state", [{}, {"XDG_STATE_HOME": ""}, {"XDG_STATE_HOME": "relative/state"}])
def test_else_it_is_the_state_folder_of_the_home(elsewhere: Path, state: dict[str, str]) -> None:
    assert recordings_directory(None, state) == elsewhere / "home" / ".local" / "state" / "callscope" / "recordings"
