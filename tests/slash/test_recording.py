"""The recording as a person handles it: where it is, its end, a new one in mid-conversation, a note in it."""

from __future__ import annotations

import json
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

from callscope.core.values import Settings
from callscope.record.deriving.restoring import left_by
from callscope.record.file.reading import open_recording
from playbook import calls, text
from scriptedrepl import ScriptedRepl


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_without_a_recording_it_says_so_and_how_to_begin_one(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path)
    assert "not recorded; /record on begins" in repl.typed("/record")
    assert "It is not recorded." in repl.typed("/record off")
    assert "no recording to mark" in repl.typed("/record mark here")


def test_what_it_is_not_told_to_do_it_does_not_guess(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path)
    for words in ("of", "on now", "mark", "off it"):
        assert "/record: write on, off, or mark" in repl.typed(f"/record {words}")
    assert list(tmp_path.glob("*.jsonl")) == []


def test_a_recording_that_begins_in_mid_conversation_has_the_conversation_so_far(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, answers=[calls(("get_time", "{}")), text("noon"), text("later")], approve="always")
    repl.typed("what time is it", "/system Be brief.")
    before = repl.conversation
    assert "beginning with the 4 items so far" in repl.typed("/record on")
    assert "recorded already" in repl.typed("/record on")
    (path,) = tmp_path.glob("*.jsonl")
    assert [line["kind"] for line in lines(path)] == ["header", "settings", "tools", "insert"]
    restored = left_by(open_recording(path)).conversation
    assert restored.items == before.items
    assert (restored.settings, restored.tools, restored.exchange) == (before.settings, before.tools, 2)
    assert f"{path}, {path.stat().st_size:,} bytes" in repl.typed("/record")


def test_a_disk_that_takes_no_more_than_the_first_line_ends_no_session_and_keeps_no_file(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, answers=[text("noon " * 200), text("later")])
    repl.typed("what time is it")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, before[1]))
    try:
        said = repl.typed("/record on", "and now", "/record")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "the conversation so far does not fit" in said.replace("\n", " ")
    assert "later" in said
    assert "not recorded" in said
    assert list(tmp_path.glob("*.jsonl")) == []


def test_what_happens_after_its_end_is_not_in_it(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path)
    repl.typed("/record on", "/record mark before", "/record off", "/system Secret.", "/record on")
    first, second = sorted(tmp_path.glob("*.jsonl"), key=lambda path: "Secret." in path.read_text())
    assert [line["kind"] for line in lines(first)] == ["header", "settings", "tools", "insert", "mark"]
    assert lines(first)[-1]["text"] == "before"
    assert lines(second)[1]["system"] == "Secret."


def test_a_thread_that_the_server_keeps_stands_in_the_settings_of_a_new_recording(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path)
    repl.session.conversation = replace(repl.conversation, settings=Settings(dialect="scripted"), thread="t-1")
    repl.typed("/record on")
    (path,) = tmp_path.glob("*.jsonl")
    assert lines(path)[1]["thread"] == "t-1"


def test_a_recording_that_cannot_be_made_is_said_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file where a folder should be")
    repl = ScriptedRepl(tmp_path / "folder")
    assert "No recording can be made at" in repl.typed("/record on")
    assert repl.repl.recorder is None


def test_a_recording_that_somebody_took_away_is_said(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path)
    repl.typed("/record on")
    next(tmp_path.glob("*.jsonl")).unlink()
    assert "no such file or directory: somebody took it away" in repl.typed("/record")
