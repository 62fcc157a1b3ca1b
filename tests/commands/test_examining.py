"""`callscope doctor` as a person or a script runs it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from callscope.core.values import Request
from callscope.serving.connection import Head, Piece
from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from command_line import Ran, callscope

KEY = "sk-a-key-that-nobody-may-see-0123456789"
CHAT = ("--dialect", "chat", "-m", "callscope-demo")


class Counted:
    """The demo agent, and how often it was asked."""

    def __init__(self) -> None:
        self.agent = DemoAgent(pace=0.0, stall=30.0)
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Any:
        self.requests.append(request)
        return self.agent(request)


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def url(counted: Counted) -> Iterator[str]:
    with run_in_thread(counted) as server:
        yield server.url


def doctor(url: str, folder: Path, *flags: str, env: dict[str, str] | None = None) -> Ran:
    return callscope("doctor", url, "--recordings", folder, *flags, folder=folder, env=env)


def lines(ran: Ran) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ran.out.splitlines()]


def outcomes(ran: Ran) -> dict[str, str]:
    return {line["rule"]: line["outcome"] for line in lines(ran) if line["event"] == "finding"}


def recording(folder: Path) -> Path:
    (file,) = folder.glob("*.jsonl")
    return file


@pytest.mark.parametrize("path", ["/v1", "/v1/responses", "/v1/chat"])
def test_an_honest_server_passes_and_is_asked_no_more_than_was_told(
    url: str, counted: Counted, tmp_path: Path, path: str
) -> None:
    ran = doctor(url + path, tmp_path, "-m", "callscope-demo", "--json")
    told = re.search(r"at most (\d+) requests, at most 60 s each", ran.err)
    assert ran.code == 0, ran.err
    assert told is not None
    assert "fail" not in outcomes(ran).values()
    assert len(counted.requests) == ran.last["requests"] <= int(told[1])


def test_a_broken_required_rule_makes_the_exit_code_1(url: str, tmp_path: Path) -> None:
    ran = doctor(f"{url}/v1", tmp_path, *CHAT, "-H", "x-fault: index always 0", "--json")
    assert (ran.code, ran.last["exit_code"]) == (1, 1)
    assert outcomes(ran)["chat.call_index"] == "fail"


def test_a_broken_recommended_rule_leaves_the_exit_code_0(url: str, tmp_path: Path) -> None:
    ran = doctor(f"{url}/v1", tmp_path, *CHAT, "-H", "x-fault: whole message at the end", "--json")
    assert ran.code == 0
    assert outcomes(ran)["chat.message_once"] == "fail"


def test_the_recording_is_valid_runs_again_the_same_and_gives_the_same_findings(url: str, tmp_path: Path) -> None:
    live = doctor(f"{url}/v1", tmp_path, *CHAT, "-H", "x-fault: name in pieces", "--json")
    file = recording(tmp_path)
    assert callscope("recordings", "verify", file, folder=tmp_path).code == 0
    again = callscope("replay", file, "--server", "recorded", "--calls", "recorded", folder=tmp_path)
    assert again.code == 0, again.err
    looked_at = callscope("doctor", file, "--json", folder=tmp_path)
    assert looked_at.code == live.code == 1
    assert outcomes(looked_at) == outcomes(live)


def test_a_finding_quotes_the_bytes_of_its_frame(url: str, tmp_path: Path) -> None:
    ran = doctor(f"{url}/v1/chat", tmp_path, "-H", "x-fault: args as text", "--json")
    (found,) = [line for line in lines(ran) if line.get("rule") == "acf.call_args"]
    assert '"args":"{' in found["frame"]["text"]
    assert found["frame"]["end"] - found["frame"]["start"] == len(found["frame"]["text"].encode())


def test_a_server_that_is_not_there_is_exit_code_4(tmp_path: Path) -> None:
    ran = doctor("http://127.0.0.1:1/v1", tmp_path, *CHAT, "--json")
    assert (ran.code, ran.last["requests"]) == (4, 1)
    assert "cannot be reached" in ran.last["error"]


def test_several_models_stand_side_by_side(url: str, tmp_path: Path) -> None:
    flags = ("-m", "callscope-demo", "-m", "callscope-demo:id-missing", "--dialect", "chat", "--json")
    ran = doctor(f"{url}/v1", tmp_path, *flags)
    found = {(line["model"], line["outcome"]) for line in lines(ran) if line.get("rule") == "chat.call_id"}
    assert found == {("callscope-demo", "pass"), ("callscope-demo:id-missing", "fail")}
    assert ran.code == 1


def test_the_table_fits_into_80_columns_and_tells_of_the_broken_rule(url: str, tmp_path: Path) -> None:
    ran = doctor(f"{url}/v1", tmp_path, *CHAT, "-H", "x-fault: shared id")
    assert max(map(len, ran.out.splitlines())) <= 80
    assert re.search(r"FAIL +chat\.call_id +required", ran.out)
    assert "breaks" in ran.out


def test_what_a_server_says_commands_no_terminal(tmp_path: Path) -> None:
    async def hostile(request: Request) -> Any:
        yield Head(500, (("content-type", "text/plain"),))
        piece: Piece = b"\x1b]0;owned\x07 [bold]\x1b[31m \xe2\x80\xae"
        yield piece

    with run_in_thread(hostile) as server:
        ran = doctor(f"{server.url}/v1", tmp_path, *CHAT)
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
    assert "[bold]" in ran.out


@pytest.mark.parametrize("status", [401, 403])
def test_where_the_list_and_a_plain_talk_refuse_the_key_nothing_more_is_asked(status: int, tmp_path: Path) -> None:
    asked: list[Request] = []

    async def shut(request: Request) -> Any:
        asked.append(request)
        yield Head(status, (("content-type", "application/json"),))
        refusal: Piece = b'{"error": {"message": "No.", "type": "auth", "param": null, "code": "invalid_api_key"}}'
        yield refusal

    with run_in_thread(shut) as server:
        env = {"SOME_KEY": KEY}
        ran = doctor(f"{server.url}/v1", tmp_path, *CHAT, "--json", "--key-env", "SOME_KEY", env=env)
    assert [one.method for one in asked] == ["GET", "POST"]
    assert (ran.code, lines(ran)[-1]["exit_code"]) == (1, 1)
    assert "refuses the key: nothing more was asked" in lines(ran)[-1]["error"]
    found = outcomes(ran)
    assert [rule for rule, outcome in found.items() if outcome == "fail"] == ["http.answers"]
    assert {found[rule] for rule in ("http.bad_model", "http.no_key", "tools.required")} == {"not_asked"}


def test_a_model_that_the_key_may_not_use_is_asked_once_and_the_other_in_full(counted: Counted, tmp_path: Path) -> None:
    async def choosy(request: Request) -> Any:
        if b'"forbidden"' in request.body:
            counted.requests.append(request)
            yield Head(403, (("content-type", "application/json"),))
            refusal: Piece = b'{"error": {"message": "Not yours.", "type": "auth", "param": null, "code": "no_access"}}'
            yield refusal
            return
        async for piece in counted(request):
            yield piece

    with run_in_thread(choosy) as server:
        ran = doctor(f"{server.url}/v1", tmp_path, *CHAT, "-m", "forbidden", "--json")
    assert sum(b'"forbidden"' in one.body for one in counted.requests) == 1
    held = {line["model"] for line in lines(ran) if line.get("rule") == "tools.required" and line["outcome"] == "pass"}
    assert (held, lines(ran)[-1]["error"]) == ({"callscope-demo"}, None)


def test_the_key_is_left_out_once_and_is_nowhere_to_be_seen(url: str, counted: Counted, tmp_path: Path) -> None:
    ran = doctor(f"{url}/v1", tmp_path, *CHAT, "--key-env", "SOME_KEY", env={"SOME_KEY": KEY})
    without = [one for one in counted.requests if "authorization" not in {name.lower() for name, _ in one.headers}]
    assert len(without) == 1
    assert KEY not in ran.out + ran.err + recording(tmp_path).read_text()


def test_an_interruption_leaves_what_was_found_and_a_valid_recording(url: str, tmp_path: Path) -> None:
    words = ["doctor", f"{url}/v1", *CHAT, "-H", "x-fault: stall", "--json", "--recordings", str(tmp_path)]
    command = [sys.executable, "-m", "callscope", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ) as process:
        until = time.monotonic() + 20
        while time.monotonic() < until and not _has_begun_to_stream(tmp_path):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    ended = json.loads(out.decode().splitlines()[-1])
    assert (process.returncode, ended["exit_code"]) == (130, 130)
    found = {line["rule"]: line["outcome"] for line in map(json.loads, out.decode().splitlines()[:-1])}
    assert found["http.bad_model"] == "pass"
    assert callscope("recordings", "verify", recording(tmp_path), folder=tmp_path).code == 0


def _has_begun_to_stream(folder: Path) -> bool:
    return any('"kind":"response","exchange":1,' in file.read_text() for file in folder.glob("*.jsonl"))


def test_time_is_bounded_for_all_of_it(url: str, tmp_path: Path) -> None:
    ran = doctor(f"{url}/v1", tmp_path, *CHAT, "-H", "x-fault: stall", "--timeout", "5", "--json")
    assert (ran.code, ran.last["exit_code"]) == (124, 124)
    assert outcomes(ran)["http.bad_model"] == "pass"


def test_time_is_bounded_for_each_request(url: str, tmp_path: Path) -> None:
    ran = doctor(f"{url}/v1", tmp_path, *CHAT, "-H", "x-fault: stall", "--each", "0.3", "--json")
    assert ran.code == 1
    assert outcomes(ran)["http.complete"] == "fail"


def test_a_file_that_is_no_recording_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("hello\n")
    ran = callscope("doctor", tmp_path / "x.jsonl", folder=tmp_path)
    assert ran.code == 3
    assert "x.jsonl" in ran.err


@pytest.mark.parametrize("target", ["folder", "pipe", "loop", "missing.jsonl"])
def test_what_lies_here_and_is_no_recording_is_not_taken_for_a_url(tmp_path: Path, target: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    ran = callscope("doctor", target, folder=tmp_path)
    assert ran.code == 3
    assert ran.err.startswith(f"callscope: {target} ")
    assert "https://" not in ran.err


@pytest.mark.parametrize("target", ["", "  "])
def test_nothing_to_examine_never_means_the_server_that_costs_money(tmp_path: Path, target: str) -> None:
    ran = callscope("doctor", target, folder=tmp_path, env={"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": ""})
    assert ran.code == 2
    assert "What shall be examined?" in ran.err


def test_an_answer_without_an_end_is_told_and_not_kept_whole(tmp_path: Path) -> None:
    async def endless(request: Request) -> Any:
        yield Head(200, (("content-type", "text/event-stream"),))
        event: Piece = b"data: " + json.dumps({"choices": [], "x": "x" * 500_000}).encode() + b"\n\n"
        while True:
            yield event

    with run_in_thread(endless) as server:
        ran = doctor(f"{server.url}/v1", tmp_path, *CHAT, "--json", "--timeout", "20")
    complete = next(line for line in lines(ran) if line.get("rule") == "http.complete")
    assert "it went on after" in complete["came"]
    assert recording(tmp_path).stat().st_size < 200_000_000


def test_a_model_that_is_named_twice_is_asked_once(url: str, counted: Counted, tmp_path: Path) -> None:
    ran = doctor(f"{url}/v1", tmp_path, *CHAT, "-m", "callscope-demo", "--json")
    assert ran.last["models"] == ["callscope-demo"]
    assert len(counted.requests) <= 15


def test_who_leaves_while_the_table_is_printed_is_told_apart_from_a_broken_rule(url: str, tmp_path: Path) -> None:
    doctor(f"{url}/v1", tmp_path, *CHAT)
    command = f"{{ {sys.executable} -m callscope doctor {recording(tmp_path)}; echo code $? >code; }} | true"
    subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, timeout=30, check=False)
    assert (tmp_path / "code").read_text() == "code 141\n"
