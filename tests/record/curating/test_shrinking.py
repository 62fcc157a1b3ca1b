from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.commands.reproducing import check_command
from callscope.core.events import ArgumentsDelta, BytesRead, CallAssembled, Diagnostic, UserMessage
from callscope.record.curating.shrinking import Shows, Shrinking, Step
from callscope.record.deriving.rederiving import derive
from callscope.record.file.reading import Recording, open_recording
from callscope.record.secrets.guard import SecretGuard
from callscope.record.secrets.masking import Secrets
from command_line import callscope
from recordbench import Answer, Scene, lines, plain, says, wants
from sessionbench import assert_whole, fresh_folder, recorded, steps

SAMPLES = Path(__file__).parents[3] / "recordings" / "samples"
PARIS = ("get_weather", '{"city": "Paris"}')


def shrunk(path: Path, shows: Shows, most: int = 4000) -> tuple[Recording, Shrinking]:
    output = path.with_name("small.jsonl")
    shrinking = Shrinking(path, output, shows, spent=lambda runs: runs >= most, tell=lambda step: None, dialects=plain)
    assert shrinking.run()
    return open_recording(output), shrinking


def says_code(code: str) -> Shows:
    return lambda recording: any(
        isinstance(one.event, Diagnostic) and one.event.code == code for one in derive(recording, plain)
    )


def calls(name: str) -> Shows:
    return lambda recording: any(
        isinstance(one.event, CallAssembled) and one.event.call.name == name for one in derive(recording, plain)
    )


def kinds(recording: Recording) -> list[str]:
    return [entry.kind for entry in recording.entries]


def body(recording: Recording) -> bytes:
    return b"".join(entry.event.data for entry in recording.entries if isinstance(entry.event, BytesRead))


def test_one_broken_line_is_all_that_is_left_of_a_long_session(tmp_path: Path) -> None:
    happens = ["says", "calls twice", "model", "garbage", "undo", "garbage", "calls", "says"]
    small, _ = shrunk(recorded(tmp_path, happens), says_code("no_json"))
    assert kinds(small) == ["settings", "user", "request", "response", "read"]
    assert len(body(small)) <= 2
    assert_whole(small.path)


def test_a_bug_in_the_last_request_of_a_turn_does_not_need_the_first(tmp_path: Path) -> None:
    answers = [wants(PARIS), wants(PARIS), b'nonsense\n{"finish": "stop"}\n']
    small, _ = shrunk(Scene(tmp_path, answers).play("Weather?"), says_code("no_json"))
    assert kinds(small).count("request") == 1
    assert "decision" not in kinds(small)


def test_a_call_that_is_wanted_stays_with_its_name(tmp_path: Path) -> None:
    path = Scene(tmp_path, [wants(PARIS, ("get_weather", "{}")), says("x")]).play("Weather?")
    small, _ = shrunk(path, calls("get_weather"))
    assert body(small).count(b"get_weather") == 1
    assert_whole(small.path)


def test_reads_are_joined_where_the_cuts_do_not_matter(tmp_path: Path) -> None:
    small, _ = shrunk(Scene(tmp_path, [Answer(says("Hello."), cuts=2)]).play("hi"), calls_nothing_but("Hello"))
    assert kinds(small).count("read") == 1


def test_reads_stay_apart_where_the_cuts_are_the_bug(tmp_path: Path) -> None:
    def cut_in_two(recording: Recording) -> bool:
        return sum(isinstance(entry.event, BytesRead) for entry in recording.entries) >= 2

    small, _ = shrunk(Scene(tmp_path, [Answer(says("Hello."), cuts=2)]).play("hi"), cut_in_two)
    assert [len(entry.event.data) for entry in small.entries if isinstance(entry.event, BytesRead)] == [1, 1]


def calls_nothing_but(text: str) -> Shows:
    return lambda recording: text.encode() in body(recording)


def test_words_of_the_person_become_as_short_as_the_bug_lets_them(tmp_path: Path) -> None:
    path = Scene(tmp_path, [says("x")]).play("please, what is the weather in Rome today?")
    small, _ = shrunk(path, lambda one: any("Rome" in entry.members.get("text", "") for entry in one.entries))
    (said,) = [entry.event for entry in small.entries if isinstance(entry.event, UserMessage)]
    assert said.text == "Rome"
    assert kinds(small) == ["settings", "user"]


def test_tools_and_what_they_say_go_where_they_do_not_matter(tmp_path: Path) -> None:
    path = Scene(tmp_path, [wants(PARIS), says("x")]).play("Weather?")
    small, _ = shrunk(path, calls("get_weather"))
    assert "tools" not in kinds(small)


def test_a_masked_secret_is_still_listed_where_it_is(tmp_path: Path) -> None:
    secrets = Secrets(["corp-7fQz-93kd-Kp2m"])
    answer = Answer(lines({"text": "It is corp-7fQz-93kd-Kp2m, is it?"}, {"finish": "stop"}), cuts=16)
    path = Scene(tmp_path, [answer], secrets=secrets, guard=SecretGuard(secrets)).play("hi")
    small, _ = shrunk(path, lambda one: b"*******" in body(one))
    starred = [(entry.event.data, entry.event.masked) for entry in small.entries if isinstance(entry.event, BytesRead)]
    assert all(set(data[start:end]) == {ord("*")} for data, masked in starred for start, end in masked)
    assert sum(end - start for _, masked in starred for start, end in masked) == 7


def test_a_recording_that_does_not_show_it_is_left_alone(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["says"])
    shrinking = Shrinking(
        path, tmp_path / "small.jsonl", lambda one: False, spent=lambda runs: False, tell=print, dialects=plain
    )
    assert not shrinking.run()
    assert list(tmp_path.iterdir()) == [path]


def test_the_search_ends_when_enough_was_tried_and_keeps_the_smallest_so_far(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["calls", "garbage", "says"])
    small, shrinking = shrunk(path, says_code("no_json"), most=5)
    assert (shrinking.runs, shrinking.was_spent) == (5, True)
    assert says_code("no_json")(small)
    assert_whole(small.path)


def test_an_interruption_keeps_the_smallest_so_far_and_nothing_half_done(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["calls", "garbage", "says"])
    told: list[Step] = []

    def shows(recording: Recording) -> bool:
        if len(told) == 3:
            raise KeyboardInterrupt
        return says_code("no_json")(recording)

    output = tmp_path / "small.jsonl"
    shrinking = Shrinking(path, output, shows, spent=lambda runs: False, tell=told.append, dialects=plain)
    with pytest.raises(KeyboardInterrupt):
        shrinking.run()
    assert sorted(tmp_path.iterdir()) == sorted([path, output])
    assert_whole(output)
    assert told[-1].size < told[0].size


def test_every_recording_that_is_asked_about_is_whole(tmp_path: Path) -> None:
    def shows(recording: Recording) -> bool:
        assert_whole(recording.path)
        return says_code("no_json")(recording)

    shrunk(recorded(tmp_path, ["calls", "garbage", "undo", "garbage"]), shows, most=150)


def test_the_same_candidate_is_never_asked_about_twice(tmp_path: Path) -> None:
    seen: list[bytes] = []

    def shows(recording: Recording) -> bool:
        seen.append(recording.path.read_bytes())
        return says_code("no_json")(recording)

    shrunk(recorded(tmp_path, ["calls", "garbage"]), shows)
    assert len(seen) == len(set(seen))


PROPERTIES: list[Callable[[Recording], bool]] = [
    calls("get_weather"),
    says_code("no_json"),
    lambda one: "result" in kinds(one),
    lambda one: kinds(one).count("turn") >= 2,
    lambda one: any(isinstance(stamped.event, ArgumentsDelta) for stamped in derive(one, plain)),
    lambda one: "rewind" in kinds(one),
]


@settings(max_examples=25, deadline=None)
@given(happens=steps, begun_before=st.booleans(), which=st.integers(0, len(PROPERTIES) - 1))
def test_whatever_is_looked_for_the_smallest_is_whole_and_still_shows_it(
    happens: list[str], begun_before: bool, which: int
) -> None:
    with fresh_folder() as folder:
        path = recorded(Path(folder), happens, begun_before)
        shows = PROPERTIES[which]
        if not shows(open_recording(path)):
            return
        small, _ = shrunk(path, shows, most=400)
        assert shows(small)
        assert small.path.stat().st_size <= path.stat().st_size + 100
        assert_whole(small.path)


# ---- the command ---------------------------------------------------------------------------------------------------


def test_a_diagnostic_is_boiled_down_to_the_line_that_brings_it(tmp_path: Path) -> None:
    out = tmp_path / "small.jsonl"
    arguments = ["--diagnostic", "arguments_incomplete", "-o", out]
    ran = callscope("recordings", "shrink", SAMPLES / "cut-arguments.jsonl", *arguments, folder=tmp_path)
    assert (ran.code, ran.out.strip()) == (0, str(out))
    assert "nothing more can be left out" in ran.err
    assert out.stat().st_size < 1500
    assert callscope("recordings", "verify", out, folder=tmp_path).code == 0


def test_a_command_is_run_with_the_candidate_and_never_by_a_shell(tmp_path: Path) -> None:
    script = tmp_path / "check.py"
    script.write_text("import sys; sys.exit('Paris' not in open(sys.argv[2]).read() or sys.argv[1] != '$HOME')")
    out = tmp_path / "small.jsonl"
    check = f"{sys.executable} {script} '$HOME' {{}}"
    ran = callscope(
        "recordings", "shrink", SAMPLES / "weather.jsonl", "--check", check, "--most", 30, "-o", out, folder=tmp_path
    )
    assert (ran.code, "30 runs" in ran.err) == (0, True)
    assert "Paris" in out.read_text()
    assert "the search was cut short" in ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "Say how the bug is known again"),
        (["--check", "no-such-program-at-all"], 2, "there is no program no-such-program-at-all"),
        (["--check", "'"], 2, "no closing quotation"),
        (["--check", "false"], 1, "itself does not show it"),
        (["--check", "sh -c 'sleep 60'", "--limit", "0.2"], 1, "the check did not end within 0.2 s"),
        (["--diagnostic", "never_said"], 1, "itself does not show it (it shows none); nothing was written"),
    ],
)
def test_what_cannot_be_searched_for_is_refused_in_a_sentence(
    tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    out = tmp_path / "small.jsonl"
    ran = callscope("recordings", "shrink", SAMPLES / "weather.jsonl", *arguments, "-o", out, folder=tmp_path)
    assert (ran.code, words in ran.err, out.exists()) == (code, True, False)


def test_a_code_that_a_recording_does_not_show_is_answered_with_those_it_does(tmp_path: Path) -> None:
    ran = callscope(
        "recordings", "shrink", SAMPLES / "cut-arguments.jsonl", "--diagnostic", "cut_arguments", folder=tmp_path
    )
    assert (ran.code, "it shows arguments_incomplete" in ran.err) == (1, True)


def test_the_size_that_is_told_is_that_of_the_file(tmp_path: Path) -> None:
    out = tmp_path / "small.jsonl"
    sample = SAMPLES / "cut-arguments.jsonl"
    ran = callscope(
        "recordings", "shrink", sample, "--diagnostic", "arguments_incomplete", "--most", 20, "-o", out, folder=tmp_path
    )
    assert f"{sample.stat().st_size:,} \N{RIGHTWARDS ARROW} {out.stat().st_size:,} bytes" in ran.err


def test_the_candidate_stands_for_the_braces_or_comes_last() -> None:
    assert check_command("sh -c 'exit 0' {}") == ["sh", "-c", "exit 0", "{}"]
    assert check_command("true") == ["true", "{}"]


def test_the_limit_ends_a_check_that_hangs_with_what_it_started(tmp_path: Path) -> None:
    script = tmp_path / "hang.py"
    script.write_text(f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    check = f"{sys.executable} {script}"
    ran = callscope("recordings", "shrink", SAMPLES / "weather.jsonl", "--check", check, "--limit", 2, folder=tmp_path)
    assert ran.code == 1
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_ctrl_c_keeps_the_smallest_so_far(tmp_path: Path) -> None:
    out = tmp_path / "small.jsonl"
    script = tmp_path / "check.py"
    script.write_text("import time; time.sleep(0.05)")
    command = [sys.executable, "-m", "callscope", "recordings", "shrink", SAMPLES / "weather.jsonl"]
    command += ["--check", f"{sys.executable} {script}", "-o", out]
    with subprocess.Popen(map(str, command), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        deadline = time.monotonic() + 30
        while not out.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        told, err = child.communicate(timeout=30)
    assert (child.returncode, told.decode().strip()) == (130, str(out))
    assert b"smallest so far" in err
    assert json.loads(out.read_text().splitlines()[0])["parent"] == "weather.jsonl"
    assert [path.name for path in tmp_path.iterdir() if "candidate" in path.name] == []


def test_a_recording_whose_lines_cannot_be_held_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    path.write_bytes((SAMPLES / "weather.jsonl").read_bytes())
    with path.open("ab") as file:
        file.truncate(70_000_000)  # a hole, which takes no room on the disk
    ran = callscope("recordings", "shrink", path, "--diagnostic", "x", folder=tmp_path)
    assert ran.code == 3
    assert "70 MB are more than the 64" in ran.err
    assert "recordings trim" in ran.err
