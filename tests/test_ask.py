"""`callscope ask` as a script sees it: streams, JSON lines, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from command_line import Ran, callscope

TOOLS = """
tools:
  - name: get_weather
    description: Current weather for a city.
    parameters: {type: object, properties: {city: {type: string}}, required: [city], additionalProperties: false}
    run: {mock: {temperature: 21}}
  - name: get_time
    description: The current time.
    parameters: {type: object, properties: {}}
    run: {mock: noon}
    approve: never
  - name: fail
    description: Fails.
    parameters: {type: object, properties: {}}
    run: {python: "broken.py:fail"}
"""
PARIS = 'get_weather {"city": "Paris"}'


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    with run_in_thread(DemoAgent(pace=0.0, stall=20.0)) as server:
        yield f"{server.url}/v1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tools.yaml").write_text(TOOLS)
    (tmp_path / "broken.py").write_text("def fail():\n    raise ValueError('out of order')\n")
    (tmp_path / "recordings").mkdir()
    return tmp_path


def ask(demo: str, folder: Path, *arguments: str, stdin: bytes = b"", limit: float = 40) -> Ran:
    return callscope("ask", "--url", demo, *arguments, folder=folder, stdin=stdin, limit=limit)


def test_the_answer_is_on_stdout_and_everything_else_on_stderr(demo: str, folder: Path) -> None:
    ran = ask(demo, folder, "--approve", "always", PARIS)
    assert ran.code == 0
    assert "21" in ran.out
    assert "valid JSON" not in ran.out
    assert "get_weather · call_1 mocked" in ran.err


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        (f"{PARIS} with cut arguments", "a call did not run (arguments_incomplete)"),
        (PARIS, "a call did not run (nobody_to_ask)"),
        ("hello, fault: http 500", "the answer failed (http_error)"),
        (f"{PARIS}, with leaked hermes call", "no call came (call_leaked)"),
    ],
)
def test_the_last_line_leads_to_the_command_that_says_what_to_do(
    demo: str, folder: Path, prompt: str, found: str
) -> None:
    last = ask(demo, folder, prompt).err.splitlines()[-1]
    (recording,) = (folder / "recordings").iterdir()
    assert last == f"  {found}: callscope recordings why recordings/{recording.name} says what to do"


def test_an_answer_without_a_complaint_leads_nowhere(demo: str, folder: Path) -> None:
    assert "recordings why" not in ask(demo, folder, "--approve", "always", PARIS).err


@pytest.mark.parametrize("how", ["argument", "stdin", "dash", "file"])
def test_the_prompt_comes_from_argument_stdin_or_file(demo: str, folder: Path, how: str) -> None:
    (folder / "prompt.txt").write_text(PARIS + "\n")
    arguments = {"argument": [PARIS], "stdin": [], "dash": ["-"], "file": ["--file", "prompt.txt"]}[how]
    ran = ask(demo, folder, "--json", "--no-run", *arguments, stdin=PARIS.encode())
    assert [call["arguments"] for call in ran.last["tool_calls"]] == ['{"city": "Paris"}']


def test_no_run_shows_the_calls_and_runs_none(demo: str, folder: Path) -> None:
    ran = ask(demo, folder, "--json", "--no-run", PARIS)
    assert ran.code == 0
    assert ran.last["reason"] == "not_run"
    assert '"event":"started"' not in ran.out


def test_the_first_json_line_names_the_schema_and_the_last_line_how_it_ended(demo: str, folder: Path) -> None:
    ran = ask(demo, folder, "--json", "--approve", "always", PARIS)
    first = json.loads(ran.out.splitlines()[0])
    assert (first["event"], first["version"]) == ("session", 1)
    assert (ran.last["event"], ran.last["exit_code"], ran.last["reason"]) == ("ended", 0, "completed")
    assert (folder / str(ran.last["recording"])).exists()


@pytest.mark.parametrize(
    ("options", "because"),
    [((), "/v1/models lists models"), (("--dialect", "chat"), "as --dialect says")],
)
def test_the_first_json_line_says_how_the_dialect_is_known(
    demo: str, folder: Path, options: tuple[str, ...], because: str
) -> None:
    first = json.loads(ask(demo, folder, "--json", *options, "Hello").out.splitlines()[0])
    assert first["dialect"] == "chat"
    assert first["dialect_because"].endswith(because)


def test_a_tool_error_that_the_model_dealt_with_is_still_0(demo: str, folder: Path) -> None:
    ran = ask(demo, folder, "--approve", "always", "fail {}")
    assert ran.code == 0
    assert "out of order" in ran.err


def test_a_call_refused_for_want_of_a_terminal_ends_with_5(demo: str, folder: Path) -> None:
    ran = ask(demo, folder, "--json", PARIS)
    assert ran.code == 5
    assert ran.last["reason"] == "completed"


def test_a_tool_that_never_runs_by_its_own_rule_is_refused_by_policy_and_that_is_0(demo: str, folder: Path) -> None:
    ran = ask(demo, folder, "--json", "--approve", "always", "get_time {}")
    assert ran.code == 0
    assert '"action":"reject"' in ran.out
    assert '"by":"policy"' in ran.out


def test_a_scripted_decision_edits_a_call(demo: str, folder: Path) -> None:
    ran = ask(demo, folder, "--json", "--decide", 'get_weather=edit:{"city": "Rome"}', PARIS)
    started = [json.loads(line) for line in ran.out.splitlines() if '"event":"started"' in line]
    assert ran.code == 0
    assert [line["arguments"] for line in started] == ['{"city": "Rome"}']


def test_a_scripted_abort_runs_nothing_and_ends_with_5(demo: str, folder: Path) -> None:
    ran = ask(demo, folder, "--json", "--decide", "get_weather=abort", PARIS)
    assert (ran.code, ran.last["reason"]) == (5, "aborted")


def test_the_round_limit_ends_with_5(demo: str, folder: Path) -> None:
    ran = ask(demo, folder, "--json", "--approve", "always", "--max-rounds", "1", PARIS)
    assert (ran.code, ran.last["reason"]) == (5, "round_limit")


def test_an_endpoint_that_fails_ends_with_4_and_its_own_words(demo: str, folder: Path) -> None:
    ran = ask(demo, folder, "--json", "hello, fault: http 500")
    assert ran.code == 4
    assert ran.last["error"]["status"] == 500
    assert ran.last["error"]["message"]


def test_the_commands_own_time_out_ends_with_124_and_a_last_line(demo: str, folder: Path) -> None:
    ran = ask(demo, folder, "--json", "--timeout", "0.5", "hello, fault: stall")
    assert (ran.code, ran.last["exit_code"]) == (124, 124)
    assert ran.last["reason"] == "interrupted"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=["ctrl-c", "sigterm", "hang-up"])
def test_a_signal_ends_with_130_a_last_line_and_a_whole_recording(demo: str, folder: Path, number: int) -> None:
    command = [sys.executable, "-m", "callscope", "ask", "--url", demo, "--json", "hello, fault: stall"]
    asking = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert asking.stdout is not None
    for line in asking.stdout:
        if '"event":"response"' in line:
            break
    asking.send_signal(number)
    rest, _ = asking.communicate(timeout=20)
    assert asking.returncode == 130
    assert json.loads(rest.splitlines()[-1])["reason"] == "interrupted"
    recording = next((folder / "recordings").glob("*.jsonl"))
    assert callscope("replay", recording, "--speed", "max", folder=folder).code == 0


def test_under_nohup_it_outlives_its_terminal(demo: str, folder: Path) -> None:
    command = ["nohup", sys.executable, "-m", "callscope", "ask", "--url", demo, "--json", "--timeout", "2"]
    asking = subprocess.Popen(
        [*command, "hello, fault: stall"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert asking.stdout is not None
    for line in asking.stdout:
        if '"event":"response"' in line:
            break
    asking.send_signal(signal.SIGHUP)
    asking.communicate(timeout=20)
    assert asking.returncode == 124


def test_without_streaming_the_same_call_is_read(demo: str, folder: Path) -> None:
    ran = ask(demo, folder, "--json", "--no-stream", "--no-run", PARIS)
    assert [call["name"] for call in ran.last["tool_calls"]] == ["get_weather"]


def test_nothing_is_recorded_when_nothing_is_to_be_recorded(demo: str, folder: Path) -> None:
    ran = ask(demo, folder, "--json", "--no-record", "hello")
    assert ran.last["recording"] is None
    assert list((folder / "recordings").iterdir()) == []


def test_a_reader_that_leaves_early_is_no_traceback_but_an_exit_code_of_its_own(demo: str, folder: Path) -> None:
    command = f"{{ {sys.executable} -m callscope ask --url {demo} --json hello; echo code $? >&2; }} | true"
    done = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, timeout=30, check=False, text=True)
    assert "Traceback" not in done.stderr
    assert done.stderr.endswith("code 141\n")


def test_a_reader_of_the_chrome_that_leaves_early_is_the_same(demo: str, folder: Path) -> None:
    ask = f"{sys.executable} -m callscope ask --url {demo} --approve always '{PARIS}'"
    script = f"{{ {ask} 2>&1 >/dev/null; echo code $? >code; }} | true"
    subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, timeout=30, check=False)
    assert (folder / "code").read_text() == "code 141\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is always full")
@pytest.mark.parametrize("options", ["", "--json"])
def test_an_output_that_cannot_be_written_is_one_clear_error(demo: str, folder: Path, options: str) -> None:
    command = f"{sys.executable} -m callscope ask --url {demo} {options} hello >/dev/full"
    done = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, timeout=30, check=False, text=True)
    assert done.stderr.splitlines()[1:] == ["callscope: The output cannot be written: no space left on device."]
    assert done.returncode == 3


@pytest.mark.parametrize(("options", "told"), [((), r"\u5317\u4eac"), (("--json",), "北京")])
def test_words_that_the_locale_cannot_spell_end_no_turn(
    demo: str, folder: Path, options: tuple[str, ...], told: str
) -> None:
    prompt = 'get_weather {"city": "北京"}'
    locale = {"PYTHONIOENCODING": "latin-1"}
    ran = callscope("ask", "--url", demo, "--approve", "always", *options, prompt, folder=folder, env=locale)
    assert ran.code == 0
    assert told in ran.out


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_standard_stream_that_is_closed_is_one_that_holds_nothing(demo: str, folder: Path, closed: str) -> None:
    command = f"{sys.executable} -m callscope ask --url {demo} hello {closed}"
    done = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, timeout=30, check=False, text=True)
    assert "Traceback" not in done.stderr
    assert done.returncode == 0


def test_the_curl_line_repeats_the_request_with_the_key_as_a_variable(demo: str, folder: Path) -> None:
    key = "very-secret-key-0123456789"
    ran = callscope(
        "ask", "--url", demo, "--key-env", "MY_KEY", "--curl", "--no-run", PARIS, folder=folder, env={"MY_KEY": key}
    )
    assert "curl" in ran.err
    assert "$MY_KEY" in ran.err
    assert key not in ran.err + ran.out
    assert key not in next((folder / "recordings").glob("*.jsonl")).read_text()


def test_a_piped_script_that_waits_for_nobody_ends_in_time(demo: str, folder: Path) -> None:
    began = time.monotonic()
    assert ask(demo, folder, PARIS).code == 5
    assert time.monotonic() - began < 30


EMPTY = (
    b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)


@contextmanager
def answering(body: bytes) -> Iterator[str]:
    """A server that answers every request with this stream, in a thread of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()


def test_an_empty_answer_is_said_and_is_not_what_was_asked_for(folder: Path) -> None:
    with answering(EMPTY) as url:
        said = ask(url, folder, "-m", "m", "hello")
        told = ask(url, folder, "-m", "m", "--json", "hello")
    assert (said.code, said.out.strip()) == (5, "")
    assert "response_empty" in said.err
    assert (told.code, told.last["reason"], told.last["exit_code"]) == (5, "completed", 5)
    assert [diagnostic["code"] for diagnostic in told.last["diagnostics"]] == ["response_empty"]


def test_asking_for_the_models_is_recorded_and_runs_again(demo: str, folder: Path) -> None:
    assert ask(demo, folder, "--dialect", "chat", "hello").code == 0
    recording = next((folder / "recordings").glob("*.jsonl"))
    lines = [json.loads(line) for line in recording.read_text().splitlines()]
    asked = [line for line in lines if line.get("exchange") == 0]
    assert [line["kind"] for line in asked] == ["request", "response", "read", "end"]
    assert asked[0]["url"] == f"{demo}/models"
    assert callscope("replay", recording, "--speed", "max", folder=folder).code == 0
    again = callscope("replay", recording, "--server", "recorded", folder=folder)
    assert (again.code, "the same: turns 1, exchanges 1" in again.err) == (0, True)
