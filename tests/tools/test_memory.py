"""What is known of tools before anything of them may run."""

from __future__ import annotations

from pathlib import Path

import pytest

from callscope.core.errors import UnusableFile
from callscope.tools.loading import load_tools
from callscope.tools.memory import remember, remembered
from toolbench import write

FILE = """
    include: [more.yaml]
    tools:
      - name: plain
        parameters: {type: object, properties: {city: {type: string}}}
        run: {python: "mine.py:plain"}
      - name: from_signature
        run: {python: "mine.py:from_signature"}
    modules: [mine.py]
    openapi: [{spec: "http://127.0.0.1:1/openapi.json"}]
    mcp: {far: {command: no-such-program}}
"""
MORE = "tools: [{name: included, run: {mock: 1}}]"
MODULE = """
    from pathlib import Path
    Path(__file__).with_name("imported").touch()

    def from_signature(zone: str) -> str:
        return zone

    def another(number: int) -> int:
        return number
    TOOLS = [another]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write(tmp_path, "mine.py", MODULE)
    write(tmp_path, "more.yaml", MORE)
    return write(tmp_path, "tools.yaml", FILE)


def test_what_a_file_says_by_itself_is_known_though_nothing_is_imported_started_or_fetched(file: Path) -> None:
    assert [spec.name for spec in remembered([file])] == ["included", "plain", "from_signature"]
    assert not file.with_name("imported").exists()


def test_what_a_load_found_is_remembered(file: Path) -> None:
    file.write_text(file.read_text().partition("openapi")[0], encoding="utf-8")
    remember([file], load_tools([file]).specs)
    specs = {spec.name: spec for spec in remembered([file])}
    assert list(specs) == ["included", "plain", "from_signature", "another"]
    assert list(specs["from_signature"].parameters["properties"]) == ["zone"]


def test_what_the_file_says_now_counts_more_than_what_was_remembered(file: Path) -> None:
    remember([file], [])
    write(file.parent, "tools.yaml", FILE.replace("city:", "town:"))
    (plain,) = (spec for spec in remembered([file]) if spec.name == "plain")
    assert list(plain.parameters["properties"]) == ["town"]


def test_files_have_memories_of_their_own(file: Path, tmp_path: Path) -> None:
    remember([file, tmp_path / "other.py"], load_tools([tmp_path / "mine.py"]).specs)
    assert [spec.name for spec in remembered([tmp_path / "other.py"])] == []
    assert "another" in [spec.name for spec in remembered([file, tmp_path / "other.py"])]


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"name": "a"}]', '{"name": 1}'])
def test_a_memory_that_is_broken_is_none(file: Path, text: str) -> None:
    import os

    remember([file], [])
    (memory,) = (Path(os.environ["XDG_CACHE_HOME"]) / "callscope" / "tools").iterdir()
    memory.write_text(text, encoding="utf-8")
    assert "plain" in [spec.name for spec in remembered([file])]


def test_a_memory_that_cannot_be_written_hinders_nothing(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in the way").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "in the way"))
    remember([file], [])


def test_files_that_include_one_another_come_to_an_end(file: Path) -> None:
    write(file.parent, "more.yaml", f"include: [{file.name}]\n{MORE}")
    assert len(remembered([file])) == 3


def test_a_broken_file_is_refused(file: Path) -> None:
    file.write_text("tools: [", encoding="utf-8")
    with pytest.raises(UnusableFile):
        remembered([file])
