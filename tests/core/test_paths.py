from __future__ import annotations

from pathlib import Path

import pytest

from callscope.core.paths import expanded, is_file, is_folder

HOPELESS = ["~no-such-user/x", "x" * 300, "a\0b", ""]


@pytest.mark.parametrize("text", HOPELESS)
def test_whatever_a_text_says_asking_about_it_raises_nothing(text: str) -> None:
    assert not is_file(expanded(text))
    assert is_folder(expanded(text)) == (text == "")  # which is the folder one is in


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "notes").touch()
    assert (is_file(expanded("~/notes")), is_folder(expanded("~"))) == (True, True)
