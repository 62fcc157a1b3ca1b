"""`callscope recordings export` as a person runs it."""

from __future__ import annotations

import json
import os
import resource
import stat
from pathlib import Path

import pytest

from callscope.core.errors import UnusableFile
from callscope.exporting.forms import FORMS, NAMES, Asked
from callscope.exporting.forms import export as export_here
from callscope.exporting.page import html
from callscope.record.file.reading import RecordingFile
from command_line import Ran, callscope

SAMPLES = Path(__file__).parents[2] / "recordings" / "samples"
WEATHER = SAMPLES / "weather.jsonl"


def export(folder: Path, form: str, *options: str | Path, file: Path = WEATHER) -> Ran:
    return callscope("recordings", "export", file, "--as", form, *options, folder=folder)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_written_under_the_name_of_the_recording(form: str, tmp_path: Path) -> None:
    ran = export(tmp_path, form)
    [written] = tmp_path.iterdir()
    assert (ran.code, ran.out) == (0, "")
    assert written.name == f"weather.{FORMS[form].suffix}"
    assert ran.err == f"exported to {written.name}\n"


def test_only_a_script_can_be_run(tmp_path: Path) -> None:
    for form in ("shell", "har"):
        export(tmp_path, form)
    assert os.access(tmp_path / "weather.sh", os.X_OK)
    assert not (tmp_path / "weather.har").stat().st_mode & stat.S_IXUSR


def test_a_dash_prints_and_writes_nothing(tmp_path: Path) -> None:
    ran = export(tmp_path, "messages", "-o", "-")
    assert [message["role"] for message in json.loads(ran.out)] == ["user", "assistant", "tool", "tool", "assistant"]
    assert list(tmp_path.iterdir()) == []


def test_the_markdown_of_a_recording_has_its_calls_and_results(tmp_path: Path) -> None:
    text = export(tmp_path, "markdown", "-o", "-").out
    assert "## Call `get_weather · call_2`" in text
    assert "## Result of `get_weather · call_2`: ok" in text


def test_a_test_and_its_recording_lie_beside_each_other(tmp_path: Path) -> None:
    export(tmp_path, "pytest", "-o", "test_mine.py")
    assert {path.name for path in tmp_path.iterdir()} == {"test_mine.py", "weather.jsonl"}
    assert (tmp_path / "weather.jsonl").read_bytes() == WEATHER.read_bytes()
    compile((tmp_path / "test_mine.py").read_text(), "test_mine.py", "exec")


def test_a_recording_that_is_there_already_is_used(tmp_path: Path) -> None:
    assert export(tmp_path, "pytest").code == export(tmp_path, "pytest", "--expect", "no warnings").code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"test_weather.py", "test_weather-2.py", "weather.jsonl"}


@pytest.mark.parametrize("form", [name for name in NAMES if name != "pytest"])
def test_a_file_that_is_there_is_not_overwritten(form: str, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    ran = export(tmp_path, form, "-o", "mine")
    assert (ran.code, (tmp_path / "mine").read_text()) == (2, "mine")
    assert "is there already and is not overwritten" in ran.err


def test_another_recording_of_the_name_is_not_overwritten_and_no_test_is_left(tmp_path: Path) -> None:
    (tmp_path / "weather.jsonl").write_text("mine")
    ran = export(tmp_path, "pytest")
    assert (ran.code, (tmp_path / "weather.jsonl").read_text()) == (2, "mine")
    assert not list(tmp_path.glob("*.py"))


def test_a_test_that_is_there_leaves_no_recording_behind(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("mine")
    assert export(tmp_path, "pytest", "-o", "test_mine.py").code == 2
    assert not (tmp_path / "weather.jsonl").exists()


@pytest.mark.parametrize(
    ("form", "options", "words"),
    [
        ("pdf", [], "--as pdf: write one of pytest, shell, markdown, html, messages, har."),
        ("pytest", ["-o", "-"], "name a file for the test"),
        ("pytest", ["-o", "mine.py"], "pytest finds files of the name test_….py"),
        ("pytest", ["--expect", "no bugs"], "'no bugs' is nothing that can be expected"),
        ("har", ["--expect", "no errors"], "--expect and --tools are for a test"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(form: str, options: list[str], words: str, tmp_path: Path) -> None:
    ran = export(tmp_path, form, *options)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert len(ran.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("form", "place"), [("har", "nowhere/x.har"), ("pytest", "nowhere/test_x.py")])
def test_a_file_that_cannot_be_written_ends_as_it_does_for_a_fork(form: str, place: str, tmp_path: Path) -> None:
    ran = export(tmp_path, form, "-o", place)
    assert (ran.code, ran.out, list(tmp_path.iterdir())) == (3, "", [])
    assert "cannot be written" in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("form", NAMES)
def test_a_full_disk_leaves_no_half_of_a_file(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(UnusableFile, match="cannot be written"):
            export_here(WEATHER, Asked(form))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", NAMES)
def test_a_file_that_is_no_recording_is_refused(form: str, tmp_path: Path) -> None:
    other = tmp_path / "x.jsonl"
    other.write_text('{"kind":"header","format":"callscope","version":1,"created":"x"}\nnonsense\n{}\n')
    ran = export(tmp_path, form, file=other)
    assert ran.code == 3
    assert "line 2" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["x.jsonl"]


@pytest.mark.parametrize("form", NAMES)
def test_a_recording_that_was_cut_off_is_exported_as_far_as_it_goes(form: str, tmp_path: Path) -> None:
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(WEATHER.read_bytes()[:-700])
    ran = export(tmp_path, form, file=torn)
    assert ran.code == 0
    assert form == "pytest" or "cut off when the recording was stopped" in ran.err


@pytest.mark.parametrize("form", NAMES)
def test_a_secret_that_is_masked_is_masked_in_every_form(form: str, tmp_path: Path) -> None:
    sample = SAMPLES / "masked-secret.jsonl"
    ran = export(tmp_path, form, file=sample)
    texts = [path.read_text() for path in tmp_path.iterdir()]
    assert ran.code == 0
    assert any("****************" in text or "$MASKED_16_BYTES" in text for text in texts)


def test_an_export_of_a_recording_with_a_broken_line_leaves_no_half_of_a_file(tmp_path: Path) -> None:
    lines = WEATHER.read_bytes().splitlines(keepends=True)
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(b"".join([*lines[:-3], b"no line\n", *lines[-3:]]))
    ran = export(tmp_path, "har", "-o", tmp_path / "it.har", file=broken)
    assert (ran.code, list(tmp_path.glob("it.*"))) == (3, [])


def test_bodies_beyond_what_a_page_can_hold_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callscope.exporting.story.MOST_COST", 1)
    page = "".join(html(RecordingFile(WEATHER)))
    assert "The first 1 of 2 exchanges are shown." in page
    assert page.count('class="exchange"') == 1
