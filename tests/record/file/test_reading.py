from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.core.errors import UnusableFile
from callscope.core.events import UserMessage
from callscope.record.deriving.rederiving import derive
from callscope.record.file.reading import open_recording
from recordbench import Scene, plain, says, wants

HEADER = b'{"kind":"header","format":"callscope","version":1,"created":"2026-11-21T01:23:00Z","program":"0.1.0"}\n'
USER = b'{"t":1,"kind":"user","text":"hi"}\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "recording.jsonl"


def refusal(path: Path) -> str:
    with pytest.raises(UnusableFile) as caught:
        open_recording(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty: nothing was recorded in it"),
        (b"\x7fELF\0\0\0\1", "is no Callscope recording"),
        (b"Dear diary,\n", "is no Callscope recording"),
        (b'{"kind":"header","format":"asciinema","version":1}\n', "is no Callscope recording"),
        (b"[1,2]\n", "is no Callscope recording"),
        (HEADER[:40], "is no Callscope recording"),
        (b"\xef\xbb\xbf" + HEADER, "is no Callscope recording"),
        (b"[" * 60_000, "is no Callscope recording"),
        (HEADER.replace(b'"version":1', b'"version":2'), "newer Callscope (format 2, this one reads up to 1): update"),
        (HEADER.replace(b'"version":1', b'"version":"1"'), "line 1: `version` must be a whole number"),
        (HEADER.replace(b'"2026-11-21T01:23:00Z"', b"null"), "line 1: `created` must be a string, it is null"),
    ],
)
def test_what_is_no_recording_is_refused_in_one_sentence(file: Path, content: bytes, words: str) -> None:
    file.write_bytes(content)
    assert words in refusal(file)
    assert str(file) in refusal(file)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"t":1,"kind":"us\n' + USER, "line 2: the line is not JSON. Only the last line"),
        (b"\xff\xfe\n" + USER, "line 2: the line is not JSON"),
        (b"\n" + USER, "line 2: the line is not JSON"),
        (b"17\n" + USER, "line 2: the line is not a JSON object"),
        (USER + b'{"t":' + b"[" * 100_000 + b"}\n" + USER, "line 3: the line is nested too deeply"),
        (USER + b'{"t":' + b"[" * 100_000 + b"}\n", "line 3: the line is nested too deeply."),
        (USER + b"17\n", "line 3: the line is not a JSON object."),
        (b'{"t":1,"kind":"user","text":' + b"9" * 5000 + b"}\n" + USER, "line 2: the line is not JSON"),
        (b'{"kind":"user","text":"hi"}\n', "line 2: `t` must be a number of seconds, it is missing"),
        (b'{"t":NaN,"kind":"user","text":"hi"}\n', "line 2: `t` must be a number of seconds"),
        (b'{"t":1e999,"kind":"continue"}\n', "line 2: `t` must be a number of seconds"),
        (b'{"t":1,"kind":"user","text":7}\n', "line 2: `text` must be a string, it is the number 7"),
        (b'{"t":1,"kind":["user"]}\n', "line 2: `kind` must be a string, it is a list of 1"),
        (
            b'{"t":1,"kind":"response","exchange":1,"status":{},"headers":[]}\n',
            "line 2: `status` must be a whole number",
        ),
        (USER + b'{"t":0,' + HEADER[1:], "line 3: a second header"),
    ],
)
def test_a_broken_line_is_named_with_its_number_and_the_rule(file: Path, content: bytes, words: str) -> None:
    file.write_bytes(HEADER + content)
    assert words in refusal(file)


def test_a_directory_is_no_recording(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path} is no recording: it is a directory."


def test_a_file_that_is_missing_is_told(file: Path) -> None:
    assert refusal(file) == f"{file} cannot be read: no such file or directory."


def test_a_named_pipe_is_refused_at_once(file: Path) -> None:
    os.mkfifo(file)
    assert "no ordinary file" in refusal(file)


@pytest.mark.skipif(os.geteuid() == 0, reason="to root nothing is forbidden")
def test_a_file_that_may_not_be_read_is_told(file: Path) -> None:
    file.write_bytes(HEADER)
    file.chmod(0)
    assert "permission denied" in refusal(file)


def test_a_line_longer_than_any_recorded_one_is_refused_before_it_fills_the_memory(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callscope.record.file.reading.LONGEST_LINE", 1000)
    file.write_bytes(HEADER + b'{"t":1,"kind":"user","text":"' + b"x" * 1000 + b'"}\n')
    assert "line 2: longer than 1,000 bytes" in refusal(file)


def test_a_kind_of_a_later_version_is_kept_and_holds_no_event(file: Path) -> None:
    file.write_bytes(HEADER + b'{"t":1,"kind":"telepathy","thought":[1]}\n' + USER)
    unknown, user = open_recording(file).entries
    assert (unknown.kind, unknown.event, unknown.members["thought"]) == ("telepathy", None, [1])
    assert user.event == UserMessage("hi")


def test_members_of_a_later_version_are_kept(file: Path) -> None:
    file.write_bytes(HEADER + b'{"t":1,"kind":"user","text":"hi","mood":"good"}\n')
    assert open_recording(file).entries[0].members["mood"] == "good"


def test_entries_know_their_line(file: Path) -> None:
    file.write_bytes(HEADER + USER * 3)
    assert [entry.line for entry in open_recording(file).entries] == [2, 3, 4]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    body = wants(("get_weather", '{"city":"北京"}'))
    return Scene(tmp_path_factory.mktemp("whole"), [body, says("Sunny.")]).play("Weather?").read_bytes()


def test_a_recording_cut_at_any_byte_of_its_last_line_opens_with_a_warning(file: Path, recorded: bytes) -> None:
    whole = len(recorded.splitlines()) - 1
    last = len(recorded) - len(recorded.splitlines(keepends=True)[-1])
    for cut in range(last, len(recorded)):
        file.write_bytes(recorded[:cut])
        recording = open_recording(file)
        torn = last < cut < len(recorded) - 1  # only the newline is missing: the line is whole
        assert len(recording.warnings) == torn
        assert len(recording.entries) == whole - (cut < len(recorded) - 1)


def test_the_warning_names_the_torn_line(file: Path) -> None:
    file.write_bytes(HEADER + USER + b'{"t":2,"ki')
    assert open_recording(file).warnings == (
        f"{file}, line 3: cut off when the recording was stopped; it is left out.",
    )


def test_zeros_that_a_power_cut_left_are_a_torn_line(file: Path) -> None:
    file.write_bytes(HEADER + USER + b"\0" * 4000)
    assert len(open_recording(file).entries) == 1


@pytest.mark.parametrize("last", [b'{"t":2,"ki', b"\xff\xfe", b"", b'{"t":2,"kind":"user","text":"x"}}'])
def test_a_broken_last_line_that_has_its_end_was_changed_and_is_refused(file: Path, last: bytes) -> None:
    file.write_bytes(HEADER + USER + last + b"\n")
    assert "line 3: the line is not JSON. It ends in a line feed" in refusal(file)


def test_zeros_before_a_line_feed_are_a_torn_line(file: Path) -> None:
    file.write_bytes(HEADER + USER + b'{"t":2,"ki' + b"\0" * 20 + b"\n")
    assert len(open_recording(file).warnings) == 1


def test_a_torn_line_before_a_resumption_is_a_warning(file: Path) -> None:
    resumed = b'{"t":0,"kind":"resumed","at":"2026-11-22T01:23:00Z","program":"0.1.0"}\n'
    file.write_bytes(HEADER + USER + b'{"t":2,"ki\n' + resumed + USER)
    recording = open_recording(file)
    assert len(recording.warnings) == 1
    assert [entry.kind for entry in recording.entries] == ["user", "resumed", "user"]


def test_a_resumption_torn_right_after_a_torn_line_is_a_warning_too(file: Path) -> None:
    file.write_bytes(HEADER + USER + b'{"t":2,"ki\n{"t":0.0,"kind":"resu')
    assert len(open_recording(file).warnings) == 2


def test_a_recording_may_have_been_gone_on_with_in_vain_again_and_again(file: Path) -> None:
    torn = b'{"t":2,"ki\n{"t":0.0,"kind":"resu\n{"t":0.\n{"t":0.0,"kind":"resumed","at":"2026\n'
    resumed = b'{"t":0.0,"kind":"resumed","at":"2026-11-22T01:23:00Z","program":"0.1.0"}\n'
    file.write_bytes(HEADER + USER + torn + resumed + USER)
    recording = open_recording(file)
    assert [warning.split(": ")[0].rpartition(" ")[2] for warning in recording.warnings] == ["3", "4", "5", "6"]
    assert [entry.kind for entry in recording.entries] == ["user", "resumed", "user"]


def test_a_line_that_is_broken_after_a_torn_one_is_an_error_where_it_resumes_nothing(file: Path) -> None:
    file.write_bytes(HEADER + USER + b'{"t":2,"ki\n{"t":3.0,"kind":"resu')
    assert "line 3: the line is not JSON. Only the last line" in refusal(file)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_however_a_recording_is_damaged_it_opens_or_is_refused(
    recorded: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    file = tmp_path_factory.mktemp("damaged") / "recording.jsonl"
    place = data.draw(st.integers(0, len(recorded) - 1))
    file.write_bytes(recorded[:place] + data.draw(st.binary(max_size=3)) + recorded[place + 1 :])
    with contextlib.suppress(UnusableFile):
        assert list(derive(open_recording(file), plain))


def test_a_recorded_dialect_that_nobody_knows_is_one_clear_error(file: Path) -> None:
    settings_line = {"t": 0, "kind": "settings", "dialect": "klingon", "url": "", "model": ""}
    request = b'{"t":1,"kind":"request","exchange":1,"method":"POST","url":"","headers":[],"body":""}\n'
    file.write_bytes(HEADER + json.dumps(settings_line).encode() + b"\n" + request)
    with pytest.raises(UnusableFile, match="the recorded dialect 'klingon' cannot be read"):
        list(derive(open_recording(file), plain))
