from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import stat
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.core.errors import UnusableFile
from callscope.core.events import (
    BytesRead,
    CallDecided,
    Diagnostic,
    ExchangeEnded,
    ExchangeOpened,
    SettingsChanged,
    Stamped,
    ToolsChanged,
    UserMessage,
)
from callscope.core.state import Conversation, apply
from callscope.core.values import Abort, Edit, Message, Mock, Reject, Request, Settings
from callscope.record.deriving.rederiving import derive
from callscope.record.deriving.restoring import left_by
from callscope.record.file.appending import LineFile
from callscope.record.file.reading import open_recording
from callscope.record.recorder import Recorder
from callscope.record.secrets.guard import SecretGuard
from callscope.record.secrets.masking import Secrets
from playbook import Listener
from recordbench import WEATHER, Answer, Scene, TickingClock, plain, resume, says, verify, wants

CALLING = [wants(("get_weather", '{"city":"北京"}')), says("It is sunny.")]


def lines_of(path: Path, *kinds: str) -> list[dict[str, Any]]:
    parsed = [json.loads(line) for line in path.read_text().splitlines()]
    return [line for line in parsed if not kinds or line["kind"] in kinds]


def test_the_recorded_session_derives_to_the_stream_that_its_sinks_heard(tmp_path: Path) -> None:
    listener = Listener()
    path = Scene(tmp_path, CALLING, sinks=[listener]).play("Weather?")
    derived = [stamped.event for stamped in derive(open_recording(path), plain)]
    heard = [event for event in listener.events if not isinstance(event, ExchangeOpened)]
    assert [event for event in derived if not isinstance(event, ExchangeOpened)] == heard


def test_recorded_times_are_seconds_since_the_header(tmp_path: Path) -> None:
    listener = Listener()
    path = Scene(tmp_path, CALLING, sinks=[listener]).play("Weather?")
    start = 100.0005
    heard = [round(stamped.at - start, 6) for stamped in listener.stamped]
    assert [stamped.at for stamped in derive(open_recording(path), plain)] == heard


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=8))
def test_reads_are_recorded_byte_for_byte_and_cut_for_cut(tmp_path_factory: Any, reads: list[bytes]) -> None:
    recorder = new_recorder(tmp_path_factory.mktemp("reads"))
    give(recorder, ExchangeOpened(1, Request("POST", "http://h/", (), b"")))
    give(recorder, *(BytesRead(1, data) for data in reads), ExchangeEnded(1, "complete"))
    recorder.close()
    entries = open_recording(recorder.path).entries
    assert [entry.event.data for entry in entries if isinstance(entry.event, BytesRead)] == reads
    assert entries[-1].members["bytes"] == len(b"".join(reads))
    assert entries[-1].members["sha256"] == hashlib.sha256(b"".join(reads)).hexdigest()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_text_cut_anywhere_is_recorded_cut_for_cut(tmp_path_factory: Any, data: st.DataObject) -> None:
    body = says("Grüße aus 北京 🌧️") * 2
    places = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=12)))
    reads = [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]
    recorder = new_recorder(tmp_path_factory.mktemp("reads"))
    give(recorder, *(BytesRead(1, read) for read in reads))
    recorder.close()
    events = [entry.event for entry in open_recording(recorder.path).entries]
    assert events == [BytesRead(1, read) for read in reads]


def test_everything_heard_is_on_disk_before_the_next_sink_hears_it(tmp_path: Path) -> None:
    class Suspicious:
        def __init__(self) -> None:
            self.late: list[object] = []

        def handle(self, stamped: Stamped, conversation: Conversation) -> None:
            recorded = [entry.event for entry in open_recording(next(tmp_path.iterdir())).entries]
            truth = isinstance(stamped.event, BytesRead | UserMessage | CallDecided)
            if truth and recorded[-1] != stamped.event:
                self.late.append(stamped.event)

    suspicious = Suspicious()
    Scene(tmp_path, CALLING, sinks=[suspicious]).play("Weather?")
    assert suspicious.late == []


def test_a_recording_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = new_recorder(tmp_path).path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_recording_is_named_by_its_time_and_a_random_part(tmp_path: Path) -> None:
    path = new_recorder(tmp_path / "made" / "here").path
    assert path.parent == tmp_path / "made" / "here"
    assert len(path.stem) == len("20261121T012300Z-01234567")
    assert path.stem[:8].isdigit()


def test_the_header_says_what_made_the_recording(tmp_path: Path) -> None:
    recorder = new_recorder(tmp_path, parent="20260101T000000Z-00000000")
    header = lines_of(recorder.path)[0]
    assert header["format"] == "callscope"
    assert (header["version"], header["program"]) == (1, "0.0.test")
    assert open_recording(recorder.path).header.parent == "20260101T000000Z-00000000"


def test_all_of_the_settings_come_back(tmp_path: Path) -> None:
    changed = Settings(
        dialect="plain", url="http://h/v1", model="m", system="Be brief.", parallel=False, strict=True,
        tool_choice={"type": "function", "function": {"name": "f"}}, tool_forms=("functions",), stream=False,
        history="last", approve="never", run_calls=False, max_rounds=3, retries=0, parameters={"temperature": 0.5},
        thread="t-1",
    )  # fmt: skip
    assert not [name for name, value in asdict(changed).items() if value == asdict(Settings())[name]]
    recorder = new_recorder(tmp_path)
    give(recorder, SettingsChanged(changed), ToolsChanged((WEATHER,)))
    events = [entry.event for entry in open_recording(recorder.path).entries]
    assert events == [SettingsChanged(changed), ToolsChanged((WEATHER,))]


@pytest.mark.parametrize("decision", [Edit('{"city":"Rome"}'), Mock("42"), Reject("No."), Abort()])
def test_a_decision_is_recorded_with_what_was_proposed(tmp_path: Path, decision: Any) -> None:
    path = Scene(tmp_path, CALLING, [decision]).play("Weather?")
    line = lines_of(path, "decision")[0]
    assert line["proposed"] == '{"city":"北京"}'
    assert decision in [getattr(entry.event, "decision", None) for entry in open_recording(path).entries]


def test_after_an_edit_the_started_line_has_the_arguments_that_ran(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING, [Edit('{"city":"Rome"}')]).play("Weather?")
    assert lines_of(path, "started")[0]["arguments"] == '{"city":"Rome"}'


def test_a_diagnostic_on_our_own_request_is_truth_and_one_of_a_decoder_is_not(tmp_path: Path) -> None:
    broken = b"oops\n" + says("hm")
    listener = Listener()
    path = Scene(tmp_path, [*CALLING, broken], sinks=[listener]).play("Weather?", "Again?")
    assert [line["code"] for line in lines_of(path, "diagnostic")] == ["history_long"]
    assert [one["code"] for one in lines_of(path, "assembled")[-1]["diagnostics"]] == ["no_json"]
    heard = [event for event in listener.events if isinstance(event, Diagnostic)]
    derived = [one.event for one in derive(open_recording(path), plain) if isinstance(one.event, Diagnostic)]
    assert derived == heard


def test_the_assembled_line_tells_what_a_response_came_to(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    calling, saying = lines_of(path, "assembled")
    assert calling["calls"][0]["arguments"] == '{"city":"北京"}'
    assert calling["finish_reason"] == "tool_calls"
    assert saying["message"]["content"] == "It is sunny."
    assert saying["usage"] == {"input_tokens": 7, "output_tokens": 2, "total_tokens": None, "raw": {"in": 7, "out": 2}}


def test_the_assembled_line_of_a_broken_response_tells_how_it_failed(tmp_path: Path) -> None:
    path = Scene(tmp_path, [Answer(CALLING[0][:90], "reset")]).play("Weather?")
    line = lines_of(path, "assembled")[0]
    assert line["failure"]["kind"] == "truncated"
    assert line["calls"][0]["fault"] == {"code": "cut_off", "message": "The response is broken."}
    assert line["diagnostics"][0]["code"] == "half_line"


def test_an_exchange_without_a_response_is_recorded(tmp_path: Path) -> None:
    unheard = Answer(b"", "connect_failed")
    path = Scene(tmp_path, [unheard, unheard, unheard], settings=Settings("plain", retries=2)).play("Anybody?")
    assert verify(open_recording(path), plain) is None
    assert [line["exchange"] for line in lines_of(path, "end")] == [1]
    assert lines_of(path, "turn")[-1]["reason"] == "failed"


# ---- secrets ------------------------------------------------------------------------------------------------------

KEY = "correct-horse-battery-staple"


def test_no_line_holds_a_secret_and_each_says_where_it_was(tmp_path: Path) -> None:
    secrets = Secrets([KEY])
    scene = Scene(
        tmp_path,
        [Answer(wants(("login", json.dumps({"password": KEY})), ("get_weather", "{}")), cuts=7), says(f"Used {KEY}!")],
        decisions=[Edit(json.dumps({"password": KEY + "2"}))],
        tools={"login": lambda arguments: f"in with {arguments}", "get_weather": lambda arguments: "clear"},
        secrets=secrets,
        guard=SecretGuard(secrets),
        settings=Settings("plain", f"http://u:{KEY}@plain.test/v1?key={KEY}", "tiny", f"The key is {KEY}."),
    )
    path = scene.play(f"Log in with {KEY}")
    assert KEY not in path.read_text()
    masked = {line["kind"]: line["masked"] for line in lines_of(path) if "masked" in line}
    assert set(masked) == {"settings", "user", "request", "read", "decision", "started", "result"}
    assert masked["user"] == {"text": [[12, len(KEY)]]}
    assert masked["settings"]["system"] == [[11, len(KEY)]]


def test_what_was_masked_derives_to_what_the_assembled_line_says(tmp_path: Path) -> None:
    secrets = Secrets([KEY])
    body = says(f"Your key is {KEY}, keep it.")
    path = Scene(tmp_path, [Answer(body, cuts=5)], secrets=secrets, guard=SecretGuard(secrets)).play("Key?")
    assert lines_of(path, "assembled")[0]["message"]["content"] == f"Your key is {'*' * len(KEY)}, keep it."
    assert verify(open_recording(path), plain) is None


def test_the_hash_of_masked_bytes_tells_nothing_of_the_secret(tmp_path: Path) -> None:
    secrets = Secrets([KEY])
    body = says(f"Your key is {KEY}.")
    path = Scene(tmp_path, [body], secrets=secrets, guard=SecretGuard(secrets)).play("Key?")
    starred = body.replace(KEY.encode(), b"*" * len(KEY))
    assert lines_of(path, "end")[0]["sha256"] == hashlib.sha256(starred).hexdigest()
    assert lines_of(path, "end")[0]["bytes"] == len(body)


def test_a_secret_in_a_member_s_name_is_masked_and_not_told_by_its_path(tmp_path: Path) -> None:
    recorder = new_recorder(tmp_path, Secrets([KEY]))
    give(recorder, SettingsChanged(Settings("plain", parameters={KEY: {"a": KEY}})))
    assert KEY not in recorder.path.read_text()


def test_a_secret_in_a_body_that_is_no_text_is_masked(tmp_path: Path) -> None:
    recorder = new_recorder(tmp_path, Secrets([KEY]))
    give(recorder, ExchangeOpened(1, Request("POST", "http://h/", (), b"\xff" + KEY.encode())))
    event = open_recording(recorder.path).entries[0].event
    assert isinstance(event, ExchangeOpened)
    assert event.request.body == b"\xff" + b"*" * len(KEY)


# ---- going on with a recording ------------------------------------------------------------------------------------


def test_a_resumed_recording_goes_on_where_it_was(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    before = left_by(open_recording(path), plain).conversation
    recorder = resume(path)
    give(recorder, UserMessage("And tomorrow?"))
    recorder.close()
    recording = open_recording(path)
    assert left_by(recording, plain).conversation.items == (*before.items, Message("user", "And tomorrow?"))
    assert [entry.kind for entry in recording.entries[-2:]] == ["resumed", "user"]


def test_the_time_between_sessions_is_no_time_of_the_recording(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    last = open_recording(path).entries[-1].at
    recorder = resume(path)
    give(recorder, UserMessage("And tomorrow?"), at=102.0)
    entry = open_recording(path).entries[-1]
    assert entry.at == pytest.approx(last + 102.0 - 100.0005)


def test_a_torn_line_is_ended_before_a_recording_goes_on(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    whole = path.read_bytes()
    path.write_bytes(whole[:-12])
    recorder = resume(path)
    give(recorder, UserMessage("Still there?"))
    recording = open_recording(path)
    assert len(recording.warnings) == 1
    assert recording.entries[-1].event == UserMessage("Still there?")
    assert path.read_bytes().startswith(whole[:-12] + b"\n")


def test_a_session_killed_in_a_response_can_be_ended_and_goes_on(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    whole = path.read_bytes().splitlines(keepends=True)
    reads = [number for number, line in enumerate(whole) if b'"kind":"read"' in line]
    path.write_bytes(b"".join(whole[: reads[8]]) + whole[reads[8]][:20])
    recording = open_recording(path)
    conversation = left_by(recording, plain).conversation
    recorder = resume(path)
    owed = left_by(recording, plain).owed
    for number, event in enumerate(owed):
        conversation = apply(conversation, event)
        recorder.handle(Stamped(number, 101.0, event), conversation)
    mended = open_recording(path)
    assert verify(mended, plain) is None
    assert left_by(mended, plain).owed == ()
    assert mended.entries[-1].members["reason"] == "interrupted"
    assert [line["failure"]["kind"] for line in lines_whole(path, "assembled")] == ["cancelled"]


def test_nothing_is_owed_by_a_session_that_ended_its_turns(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    assert left_by(open_recording(path), plain).owed == ()


def test_the_calls_of_a_killed_session_get_their_results(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    kept = path.read_bytes().splitlines(keepends=True)
    started = next(number for number, line in enumerate(kept) if b'"kind":"started"' in line)
    path.write_bytes(b"".join(kept[: started + 1]))
    owed = left_by(open_recording(path), plain).owed
    assert [type(event).__name__ for event in owed] == ["ToolFinished", "TurnEnded"]


# ---- who else writes, and what cannot be written ------------------------------------------------------------------


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).path
    with pytest.raises(UnusableFile, match="is being written by another Callscope"):
        resume(path)


def test_a_recording_that_was_closed_can_be_written_again(tmp_path: Path) -> None:
    path = Scene(tmp_path, CALLING).play("Weather?")
    for _ in range(2):
        resume(path).close()
    assert [line["kind"] for line in lines_of(path)[-2:]] == ["resumed", "resumed"]


def test_a_refused_resume_leaves_the_file_as_it_was_and_unlocked(tmp_path: Path) -> None:
    path = tmp_path / "foreign.jsonl"
    path.write_text('{"hello": 1}\n')
    for _ in range(2):
        with pytest.raises(UnusableFile, match="no Callscope recording"):
            resume(path)
    assert path.read_text() == '{"hello": 1}\n'


def test_a_name_that_is_taken_is_never_overwritten(tmp_path: Path) -> None:
    taken = tmp_path / "taken.jsonl"
    taken.write_text("precious")
    with pytest.raises(UnusableFile, match="file exists"):
        LineFile.create(taken)
    assert taken.read_text() == "precious"


def test_a_folder_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnusableFile, match=r"No recording can be made at .*: (not a directory|file exists)"):
        new_recorder(tmp_path / "file" / "below")


@pytest.mark.skipif(os.geteuid() == 0, reason="to root nothing is forbidden")
def test_a_folder_that_is_read_only_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(UnusableFile, match="permission denied"):
        new_recorder(tmp_path / "closed")


def test_a_device_is_no_recording_to_go_on_with() -> None:
    with pytest.raises(UnusableFile, match="no ordinary file"):
        LineFile.open(Path("/dev/null"))


def test_a_disk_that_is_full_from_the_beginning_leaves_no_empty_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(UnusableFile, match=r"No recording can be made at .*: no space left on device"):
        new_recorder(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_told_with_the_file_and_the_reason() -> None:
    file = LineFile(Path("/dev/full"), os.open("/dev/full", os.O_WRONLY))
    with pytest.raises(UnusableFile, match="The recording /dev/full can no longer be written: no space left on device"):
        file.append(b"{}\n")
    with pytest.raises(UnusableFile, match="no space left"):
        file.append(b"{}\n")
    file.close()


def test_a_failed_write_stops_the_session(tmp_path: Path) -> None:
    scene = Scene(tmp_path, CALLING)
    os.close(scene.recorder._file._descriptor)
    scene.recorder._file._descriptor = os.open(scene.path, os.O_RDONLY)
    with pytest.raises(UnusableFile, match="bad file descriptor"):
        asyncio.run(scene.session.say("Weather?"))
    assert scene.session.conversation.exchange == 0
    scene.recorder.close()


def test_a_line_that_no_reader_would_take_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callscope.record.file.appending.LONGEST_LINE", 300)
    recorder = new_recorder(tmp_path)
    with pytest.raises(UnusableFile, match="more than the 300 a recording can hold"):
        give(recorder, UserMessage("x" * 400))
    assert open_recording(recorder.path).entries == ()


def test_closing_twice_does_nothing(tmp_path: Path) -> None:
    recorder = new_recorder(tmp_path)
    recorder.close()
    recorder.close()
    assert open_recording(recorder.path).entries == ()


def new_recorder(directory: Path, secrets: Secrets | None = None, parent: str | None = None) -> Recorder:
    clock = TickingClock()
    return Recorder.create(
        directory, secrets=secrets or Secrets(), clock=clock, program="0.0.test", parent=parent, dialects=plain
    )


def give(recorder: Recorder, *events: Any, at: float = 101.0) -> None:
    for number, event in enumerate(events):
        recorder.handle(Stamped(number, at, event), Conversation())


def lines_whole(path: Path, kind: str) -> list[dict[str, Any]]:
    return [entry.members for entry in open_recording(path).entries if entry.kind == kind]


def test_half_a_surrogate_pair_from_a_peer_is_recorded_and_derives_again(tmp_path: Path) -> None:
    """Each half came in a text of its own; a JSON file joins them, and so does whoever reads the text."""
    body = b'{"text": "\\ud83d"}\n{"text": "\\ude00 and \\udc00"}\n{"finish": "stop"}\n'
    path = Scene(tmp_path, [body]).play("Smile!")
    assert lines_of(path, "assembled")[0]["message"]["content"] == "\U0001f600 and \udc00"
    assert verify(open_recording(path), plain) is None


def test_a_number_beyond_what_json_can_carry_is_recorded_as_json_and_derives_again(tmp_path: Path) -> None:
    body = b'{"text": "So."}\n{"finish": "stop", "usage": {"in": 1, "out": 2, "cost": 1e999, "loss": -1e999}}\n'
    path = Scene(tmp_path, [body]).play("How much?")
    for line in path.read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)
    assert '"cost":1e999,"loss":-1e999' in path.read_text()
    assert verify(open_recording(path), plain) is None
