from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from callscope.core.errors import UnusableFile
from callscope.core.events import CallAssembled
from callscope.core.ports import Dialect
from callscope.core.state import Conversation, apply
from callscope.dialects.registry import dialect_named
from callscope.record.deriving.rederiving import Difference, accept, derive, derive_conversation, differences
from callscope.record.file.reading import open_recording
from callscope.record.rerunning.rerunning import rerun
from recordbench import Answer, PlainDialect, Scene, plain, says, verify, wants


@pytest.fixture
def path(tmp_path: Path) -> Path:
    answers = [Answer(wants(("get_weather", '{"city":"Paris"}')), cuts=500), says("Sunny.")]
    return Scene(tmp_path, answers).play("Weather?")


def with_accent(name: str) -> PlainDialect:
    """The decoder as it would be after somebody changed it."""
    return PlainDialect(accent="So: ")


def change(path: Path, old: str, new: str) -> None:
    """Change the first place of a text in the reads."""
    lines = path.read_text().splitlines(keepends=True)
    for number, line in enumerate(lines):
        if '"kind":"read"' in line and old in line:
            lines[number] = line.replace(old, new, 1)
            path.write_text("".join(lines))
            return
    raise AssertionError(f"no read has {old}")


def test_a_recording_that_nobody_touched_has_no_difference(path: Path) -> None:
    assert verify(open_recording(path), plain) is None


def test_one_changed_byte_of_an_argument_changes_what_is_derived(path: Path) -> None:
    change(path, "aris", "aros")
    calls = [one.event.call for one in derive(open_recording(path), plain) if isinstance(one.event, CallAssembled)]
    assert [call.arguments for call in calls] == ['{"city":"Paros"}']


def test_one_changed_byte_of_an_argument_is_reported_with_both_sides(path: Path) -> None:
    change(path, "aris", "aros")
    difference = verify(open_recording(path), plain)
    assert difference is not None
    line = next(entry.line for entry in open_recording(path).entries if entry.kind == "assembled")
    assert difference == Difference(1, line, "$.calls[0].arguments", '{"city":"Paris"}', '{"city":"Paros"}')
    assert str(difference).startswith(f"exchange 1, line {line}, $.calls[0].arguments: ")


def test_a_changed_byte_that_means_nothing_is_reported_by_its_hash(path: Path) -> None:
    change(path, '{\\"text\\": ', '{\\"text\\":\\t')
    difference = verify(open_recording(path), plain)
    assert difference is not None
    assert (difference.exchange, difference.path) == (2, "$.sha256")


def test_a_read_that_was_taken_away_is_reported(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    read = next(number for number, line in enumerate(lines) if '"kind":"read"' in line)
    path.write_text("".join(lines[:read] + lines[read + 1 :]))
    assert {one.path for one in differences(open_recording(path), plain)} >= {"$.bytes", "$.sha256"}


def test_a_changed_assembled_line_is_reported_though_it_is_no_truth(path: Path) -> None:
    path.write_text(path.read_text().replace('"content":"Sunny."', '"content":"Rain."'))
    difference = verify(open_recording(path), plain)
    assert difference is not None
    assert (difference.path, difference.recorded, difference.derived) == ("$.message.content", "Rain.", "Sunny.")


@pytest.mark.parametrize(
    "line",
    [
        '{"t":0.0,"kind":"rewind","to":0}',
        '{"t":0.0,"kind":"user","text":"And now?"}',
        '{"t":0.0,"kind":"insert","exchange":9,"items":[]}',
        '{"t":0.0,"kind":"break"}',
        '{"t":0.0,"kind":"turn","reason":"completed"}',
    ],
)
def test_what_is_derived_on_the_way_is_the_same_whatever_stands_in_the_middle_of_an_answer(
    path: Path, line: str
) -> None:
    lines = path.read_text().splitlines(keepends=True)
    reads = [number for number, each in enumerate(lines) if '"kind":"read"' in each]
    for place in (reads[0], reads[len(reads) // 2], reads[-1], reads[-1] + 1):
        path.write_text("".join([*lines[:place], line + "\n", *lines[place:]]))
        recording = open_recording(path)
        for dialects in (plain, with_accent):
            found: list[Difference] = []
            stream = list(derive(recording, dialects, found))
            assert found == list(differences(recording, dialects))
            assert stream == list(derive(recording, dialects))


def chat(name: str) -> Dialect:
    """A dialect in which an answer can fail before it began."""
    return dialect_named("chat")


def test_an_answer_that_never_began_is_that_of_its_request_whatever_was_put_in_before_its_end(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    asked = next(number for number, each in enumerate(lines) if '"kind":"request"' in each)
    end = '{"t":9.0,"kind":"end","exchange":1,"how":"truncated","detail":"","bytes":0,"sha256":""}\n'
    put_in = '{"t":9.0,"kind":"insert","exchange":9,"items":[]}\n'
    path.write_text("".join([*lines[: asked + 1], put_in, end, '{"t":9.0,"kind":"assembled","exchange":1}\n']))
    found: list[Difference] = []
    list(derive(open_recording(path), chat, found))
    assert found == list(differences(open_recording(path), chat))
    assert all(one.path != "$.exchange" for one in found)


def test_each_event_comes_with_the_conversation_after_it(path: Path) -> None:
    conversation = Conversation()
    for stamped, after in derive_conversation(open_recording(path), [], plain):
        conversation = apply(conversation, stamped.event)
        assert after.items == conversation.items
        assert after.calls == conversation.calls


def test_a_changed_decoder_is_reported(path: Path) -> None:
    difference = verify(open_recording(path), with_accent)
    assert difference is not None
    assert (difference.recorded, difference.derived) == ("Sunny.", "So: Sunny.")


def test_accepting_writes_what_the_decoder_says_now_and_nothing_else(path: Path) -> None:
    before = path.read_bytes().splitlines()
    assert accept(path, with_accent) == 1
    after = path.read_bytes().splitlines()
    changed = [json.loads(now)["kind"] for then, now in zip(before, after, strict=True) if then != now]
    assert changed == ["assembled"]
    assert verify(open_recording(path), with_accent) is None


def test_an_accepted_recording_is_still_for_its_owner_alone(path: Path) -> None:
    accept(path, with_accent)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_accepting_when_nothing_differs_leaves_the_file_alone(path: Path) -> None:
    before = path.stat()
    assert accept(path, plain) == 0
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_accepting_never_hides_that_recorded_bytes_were_changed(path: Path) -> None:
    change(path, "aris", "aros")
    accept(path, plain)
    difference = verify(open_recording(path), plain)
    assert difference is not None
    assert difference.path == "$.sha256"


def test_a_recording_that_is_being_written_is_not_rewritten(tmp_path: Path) -> None:
    scene = Scene(tmp_path, [says("Hi.")])
    with pytest.raises(UnusableFile, match="being written"):
        accept(scene.path, plain)


@pytest.mark.parametrize("how", ["truncated", "reset", "timeout"])
def test_a_broken_ending_derives_again(tmp_path: Path, how: Any) -> None:
    path = Scene(tmp_path, [Answer(wants(("get_weather", "{}"))[:80], how)]).play("Weather?")
    recording = open_recording(path)
    assert verify(recording, plain) is None
    assert asyncio.run(rerun(recording, dialects=plain)).divergence is None
