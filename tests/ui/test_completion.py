"""Words and files that complete a half-written one."""

from __future__ import annotations

from pathlib import Path

import pytest

from callscope.ui.completion import Candidate, choices, file_names


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "notes").mkdir()
    for name in ("note.txt", ".hidden", "notes/inner.md", "other", "bad\x1bname"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def names(begun: str) -> list[str]:
    return [candidate.text for candidate in file_names(begun)]


def test_words_that_begin_so_are_offered_with_their_notes() -> None:
    assert choices({"ask": "asks", "all": "", "no": ""}, "a") == [Candidate("ask", 1, "asks"), Candidate("all", 1)]
    assert choices(["yes"], "", end=" ") == [Candidate("yes ", 0)]


def test_folders_end_with_a_slash_and_hidden_files_want_their_dot() -> None:
    assert names("") == ["note.txt", "notes/", "other"]
    assert names("n") == ["note.txt", "notes/"]
    assert names(".h") == [".hidden"]


def test_a_path_keeps_the_way_it_was_written(folder: Path) -> None:
    assert names("./no") == ["./note.txt", "./notes/"]
    assert names("notes/") == ["notes/inner.md"]
    assert names("~/oth") == ["~/other"]
    assert names(f"{folder}/oth") == [f"{folder}/other"]


@pytest.mark.parametrize("begun", ["nowhere/x", "~nobody-of-this-name/x", "a\x00/b"])
def test_where_nothing_is_nothing_is_offered(begun: str) -> None:
    assert names(begun) == []
