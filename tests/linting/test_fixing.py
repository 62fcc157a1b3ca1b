"""What --fix does to a file, and above all what it leaves alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from callscope.core.errors import UnusableFile
from callscope.linting.fixing import fix_file

BEFORE = """\
# my tools, in my order
tools:
  - name: get_weather   # asked for most
    description: "Current weather"
    strict: true
    parameters:
      type: object
      properties:
        city: {type: string, description: 'Name', default: Paris}
      required: [city, town]
"""
AFTER = """\
# my tools, in my order
tools:
  - name: get_weather   # asked for most
    description: "Current weather"
    strict: true
    parameters:
      type: object
      properties:
        city: {type: string, description: 'Name; default: Paris'}
      required: [city]
      additionalProperties: false
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "tools.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_what_is_mended_is_mended_in_place_and_comments_and_quotes_stay(tmp_path: Path) -> None:
    file = written(tmp_path, BEFORE)
    changes = fix_file(file)
    assert len(changes) == 3
    assert file.read_text(encoding="utf-8").replace('"Name; default: Paris"', "'Name; default: Paris'") == AFTER


def test_a_second_time_there_is_nothing_to_mend(tmp_path: Path) -> None:
    file = written(tmp_path, BEFORE)
    fix_file(file)
    mended = file.read_bytes()
    assert fix_file(file) == []
    assert file.read_bytes() == mended


def test_a_file_with_nothing_to_mend_is_not_written(tmp_path: Path) -> None:
    odd = "tools:\n- {name:   x,   description: 'odd   spaces'}\n"
    file = written(tmp_path, odd)
    os.utime(file, (1, 1))
    assert fix_file(file) == []
    assert file.read_text(encoding="utf-8") == odd
    assert file.stat().st_mtime == 1


def test_which_parameters_are_optional_is_left_to_the_person(tmp_path: Path) -> None:
    file = written(tmp_path, BEFORE.replace("required: [city, town]", "required: []"))
    fix_file(file)
    assert "required: []" in file.read_text(encoding="utf-8")


def test_the_mode_of_the_file_stays(tmp_path: Path) -> None:
    file = written(tmp_path, BEFORE)
    file.chmod(0o640)
    fix_file(file)
    assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("text", ["tools: [", "tools: {a: 1, a: 2}\n"])
def test_a_file_that_is_no_yaml_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(UnusableFile, match=r"tools\.yaml"):
        fix_file(file)
    assert file.read_text(encoding="utf-8") == text
    assert [path.name for path in tmp_path.iterdir()] == ["tools.yaml"]
