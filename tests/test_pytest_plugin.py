"""The pytest plugin as others use it: each test here runs pytest on a folder of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from command_line import callscope
from written_recording import Written, says

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "recordings" / "samples"

ASK = """
import json, urllib.request

def ask(base_url, text, **more):
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **more}).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{base_url}/chat/completions", body, headers)
    return urllib.request.urlopen(request, timeout=10).read().decode()
"""


@dataclass(frozen=True)
class PytestRun:
    """What pytest said."""

    code: int
    out: str

    @property
    def outcome(self) -> str:
        """Its last line without the time."""
        return re.sub(r" in [0-9.]+s.*", "", self.out.strip().splitlines()[-1]).strip("= ")


def run_pytest(folder: Path, *options: str) -> PytestRun:
    """Run pytest in a folder, with the plugin whether or not it is installed as one."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "callscope.pytest_plugin",
            "-W",
            "error",
            "-p",
            "no:cacheprovider",
            *options,
        ],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "no_proxy": "*"},
        capture_output=True,
        timeout=50,
        check=False,
    )
    return PytestRun(done.returncode, done.stdout.decode() + done.stderr.decode())


def said(text: str, *, words: str = "Hi") -> Written:
    """A recording in which a model says something."""
    body = f'{{"model": "m", "messages": [{{"role": "user", "content": "{words}"}}]}}'.encode()
    return Written().add("user", text=words).exchanged(says(text), body=body)


def write_test(folder: Path, *lines: str) -> None:
    """A test file with these lines in its one test, and a function to ask with."""
    indented = "".join(f"    {line}\n" for line in lines)
    (folder / "test_it.py").write_text(f"{ASK}\ndef test_it(callscope_replay):\n{indented}")


def test_a_recording_is_served_to_any_client(tmp_path: Path) -> None:
    said("Hello there").write(tmp_path / "x.jsonl")
    write_test(tmp_path, 'assert "Hello there" in ask(callscope_replay("x.jsonl"), "Hi")')
    assert run_pytest(tmp_path).outcome == "1 passed"


def test_a_request_that_nobody_recorded_fails_the_test_with_the_first_difference(tmp_path: Path) -> None:
    said("Hello").write(tmp_path / "x.jsonl")
    write_test(
        tmp_path,
        "import urllib.error",
        "try:",
        '    ask(callscope_replay("x.jsonl"), "Ho")',
        "except urllib.error.HTTPError as error:",
        "    error.close()",
    )
    ran = run_pytest(tmp_path)
    assert ran.outcome == "1 failed"
    assert 'x.jsonl, exchange 1 (line 4) at $.body.messages[0].content:\n  recorded "Hi"\n  now      "Ho"' in ran.out


def test_a_recorded_request_that_is_not_made_fails_the_test(tmp_path: Path) -> None:
    said("Hello").write(tmp_path / "x.jsonl")
    write_test(tmp_path, 'callscope_replay("x.jsonl")')
    ran = run_pytest(tmp_path)
    assert ran.outcome == "1 failed"
    assert "not asked for: x.jsonl, exchange 1 (line 4): POST http://model.test/v1/chat/completions" in ran.out


def test_an_exchange_that_is_asked_for_twice_is_there_once(tmp_path: Path) -> None:
    said("Hello").write(tmp_path / "x.jsonl")
    write_test(
        tmp_path,
        "import urllib.error, pytest",
        'base_url = callscope_replay("x.jsonl")',
        'ask(base_url, "Hi")',
        "with pytest.raises(urllib.error.HTTPError) as raised:",
        '    ask(base_url, "Hi")',
        "raised.value.close()",
    )
    ran = run_pytest(tmp_path)
    assert ran.outcome == "1 failed"
    assert "x.jsonl, exchange 1 (line 4) was asked for before" in ran.out


def test_with_repeat_it_is_there_again(tmp_path: Path) -> None:
    said("Hello").write(tmp_path / "x.jsonl")
    write_test(tmp_path, 'url = callscope_replay("x.jsonl", repeat=True)', 'ask(url, "Hi")', 'ask(url, "Hi")')
    assert run_pytest(tmp_path).outcome == "1 passed"


def test_with_nearest_another_request_is_answered(tmp_path: Path) -> None:
    said("Hello").write(tmp_path / "x.jsonl")
    write_test(tmp_path, 'assert "Hello" in ask(callscope_replay("x.jsonl", on_miss="nearest"), "Ho")')
    assert run_pytest(tmp_path).outcome == "1 passed"


def test_a_test_that_fails_anyway_is_told_of_the_miss_besides(tmp_path: Path) -> None:
    said("Hello").write(tmp_path / "x.jsonl")
    write_test(tmp_path, 'ask(callscope_replay("x.jsonl"), "Ho")')
    ran = run_pytest(tmp_path, "-W", "ignore::ResourceWarning", "-W", "ignore::pytest.PytestUnraisableExceptionWarning")
    assert ran.outcome == "1 failed"
    assert "HTTP Error 409" in ran.out
    assert "nobody recorded POST /v1/chat/completions: it differs from x.jsonl" in ran.out


def test_a_test_that_gives_up_is_told_of_the_miss_besides(tmp_path: Path) -> None:
    said("Hello").write(tmp_path / "x.jsonl")
    lines = ["import pytest", "try:", '    ask(callscope_replay("x.jsonl"), "Ho")', "except OSError as error:"]
    write_test(tmp_path, *lines, "    error.close()", '    pytest.fail("no answer")')
    ran = run_pytest(tmp_path)
    assert ran.outcome == "1 failed"
    assert "nobody recorded POST /v1/chat/completions: it differs from x.jsonl" in ran.out


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9", "http://127.0.0.1:9/v1/chat/completions", "http://127.0.0.1:9/v1/"]
)
def test_the_base_url_is_one_for_any_client_however_the_recorded_one_was_given(url: str, tmp_path: Path) -> None:
    recording = said("Hello")
    recording.lines[1]["url"] = url
    recording.write(tmp_path / "x.jsonl")
    write_test(tmp_path, 'assert "Hello" in ask(callscope_replay("x.jsonl"), "Hi")')
    assert run_pytest(tmp_path).outcome == "1 passed"


def test_a_streaming_client_gets_the_recorded_bytes_in_the_recorded_chunks(tmp_path: Path) -> None:
    said("Hello").write(tmp_path / "x.jsonl")
    write_test(
        tmp_path,
        "import asyncio, httpx",
        "async def stream(url):",
        "    body = {'messages': [{'content': 'Hi', 'role': 'user'}], 'model': 'm'}",
        "    async with httpx.AsyncClient() as client:",
        "        async with client.stream('POST', f'{url}/chat/completions', json=body) as response:",
        "            return [chunk async for chunk in response.aiter_raw()]",
        "chunks = asyncio.run(stream(callscope_replay('x.jsonl', speed=100)))",
        f"assert chunks == {says('Hello')!r}",
    )
    assert run_pytest(tmp_path).outcome == "1 passed"


def test_two_recordings_are_two_servers(tmp_path: Path) -> None:
    said("One").write(tmp_path / "x.jsonl")
    said("Two").write(tmp_path / "y.jsonl")
    write_test(
        tmp_path,
        'one, two = callscope_replay("x.jsonl"), callscope_replay("y.jsonl")',
        'assert "Two" in ask(two, "Hi")',
        'assert "One" in ask(one, "Hi")',
    )
    assert run_pytest(tmp_path).outcome == "1 passed"


def test_a_recording_is_looked_for_beside_the_test_and_then_where_pytest_runs(tmp_path: Path) -> None:
    inner = tmp_path / "deep"
    inner.mkdir()
    said("Beside").write(inner / "x.jsonl")
    said("Root").write(tmp_path / "x.jsonl")
    said("Only here").write(tmp_path / "y.jsonl")
    write_test(
        inner,
        'assert "Beside" in ask(callscope_replay("x.jsonl"), "Hi")',
        'assert "Only here" in ask(callscope_replay("y.jsonl"), "Hi")',
    )
    assert run_pytest(tmp_path, "--rootdir", str(tmp_path)).outcome == "1 passed"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ('"nowhere.jsonl"', "neither beside the test nor in the folder"),
        ('"test_it.py"', "is no Callscope recording"),
        ('"x.jsonl", speed="fast"', "speed='fast': write a number above 0"),
        ('"x.jsonl", on_miss="guess"', "on_miss='guess': write one of fail, next, nearest"),
        ("", "Name the recording to replay"),
    ],
)
def test_what_cannot_be_served_says_why(call: str, words: str, tmp_path: Path) -> None:
    said("Hello").write(tmp_path / "x.jsonl")
    write_test(tmp_path, f"callscope_replay({call})")
    ran = run_pytest(tmp_path)
    assert "1 failed" in ran.outcome
    assert words in ran.out


def test_hostile_words_of_a_client_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    said("Hello").write(tmp_path / "x.jsonl")
    write_test(
        tmp_path,
        "import urllib.error, pytest",
        "with pytest.raises(urllib.error.HTTPError) as raised:",
        '    ask(callscope_replay("x.jsonl"), "\\x1b[2J\\u202e")',
        "raised.value.close()",
    )
    ran = run_pytest(tmp_path)
    assert "\x1b[2J" not in ran.out
    assert "\u202e" not in ran.out


# ---- no network -----------------------------------------------------------------------------------------------------

REACHING = """
import socket, pytest

def test_connect():
    with socket.socket() as s:
        s.settimeout(1)
        s.connect(("192.0.2.1", 9))

def test_connect_ex():
    with socket.socket() as s:
        s.settimeout(1)
        s.connect_ex(("192.0.2.1", 9))

def test_datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", ("192.0.2.1", 9))

def test_name():
    socket.getaddrinfo("nowhere.example", 80)

def test_here():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
    socket.getaddrinfo("localhost", 80)

def test_pair():
    one, two = socket.socketpair()
    one.close(), two.close()
"""


def test_offline_a_test_reaches_this_machine_alone(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(REACHING)
    ran = run_pytest(tmp_path, "--callscope-offline")
    assert ran.outcome == "4 failed, 2 passed"
    assert ran.out.count("192.0.2.1:9 is another machine, and the network is closed for this test") >= 3
    assert "nowhere.example is not looked up" in ran.out


def test_offline_a_proxy_of_the_environment_is_no_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    (tmp_path / "test_it.py").write_text("import os\ndef test_it():\n    assert 'HTTPS_PROXY' not in os.environ\n")
    assert run_pytest(tmp_path).outcome == "1 failed"
    assert run_pytest(tmp_path, "--callscope-offline").outcome == "1 passed"


def test_offline_what_a_fixture_of_the_run_sets_in_the_environment_stays(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import os, pytest\n"
        '@pytest.fixture(scope="session", autouse=True)\n'
        "def kept():\n    os.environ['KEPT'] = 'yes'\n"
        "def test_one():\n    assert os.environ['KEPT']\n"
        "def test_two():\n    assert os.environ['KEPT']\n"
    )
    assert run_pytest(tmp_path, "--callscope-offline").outcome == "2 passed"


# ---- exported tests -------------------------------------------------------------------------------------------------


def exported(sample: str, folder: Path, *options: str) -> str:
    """Export a sample as a test into a folder; gives what the command said."""
    return callscope("recordings", "export", SAMPLES / sample, "--as", "pytest", *options, folder=folder).err


def test_an_exported_test_fails_today_and_says_what_is_wrong(tmp_path: Path) -> None:
    told = exported("cut-arguments.jsonl", tmp_path)
    assert "it fails today with 2 problems" in told
    ran = run_pytest(tmp_path)
    assert ran.outcome == "1 failed"
    assert "cut-arguments.jsonl is not as expected:\n- get_weather · call_1: The arguments of call_1" in ran.out


def test_an_exported_test_passes_once_a_better_recording_takes_its_place(tmp_path: Path) -> None:
    exported("cut-arguments.jsonl", tmp_path)
    (tmp_path / "cut-arguments.jsonl").write_bytes((SAMPLES / "weather.jsonl").read_bytes())
    assert run_pytest(tmp_path).outcome == "1 passed"


def test_an_exported_test_with_tools_passes_once_the_tool_is_mended(tmp_path: Path) -> None:
    tools = tmp_path / "mine.py"
    broken = 'def get_weather(city: str) -> str:\n    """The weather."""\n    raise OSError("no sky")\n'
    tools.write_text(broken)
    told = exported("weather.jsonl", tmp_path, "--tools", "mine.py")
    assert "it fails today with 2 problems" in told
    assert run_pytest(tmp_path).outcome == "1 failed"
    tools.write_text(broken.replace('raise OSError("no sky")', "return city"))
    assert run_pytest(tmp_path).outcome == "1 passed"


def test_an_exported_test_that_passes_today_says_so(tmp_path: Path) -> None:
    assert "it passes today" in exported("weather.jsonl", tmp_path)
    assert run_pytest(tmp_path).outcome == "1 passed"


def test_a_name_full_of_quotes_is_only_a_name(tmp_path: Path) -> None:
    odd = tmp_path / 'a\'"\\ \n\u202e"""🙂.jsonl'
    odd.write_bytes((SAMPLES / "weather.jsonl").read_bytes())
    folder = tmp_path / "there"
    folder.mkdir()
    callscope("recordings", "export", odd, "--as", "pytest", folder=folder)
    assert run_pytest(folder).outcome == "1 passed"


# ---- the documented example -----------------------------------------------------------------------------------------


def test_the_documented_example_with_the_openai_sdk_works(tmp_path: Path) -> None:
    pytest.importorskip("openai")
    blocks = re.findall(r"```(python|yaml)\n(.*?)```", (ROOT / "docs" / "exporting.md").read_text(), re.DOTALL)
    agent, test = (text for language, text in blocks if language == "python")
    [tools] = (text for language, text in blocks if language == "yaml")
    (tmp_path / "agent.py").write_text(agent)
    (tmp_path / "test_agent.py").write_text(test)
    (tmp_path / "tools.yaml").write_text(tools)
    with run_in_thread(DemoAgent(pace=0.0)) as server:
        asked = (
            "ask",
            'get_weather {"city": "Paris"}',
            "--url",
            f"{server.url}/v1",
            "--approve",
            "always",
            "--no-stream",
        )
        ran = callscope(*asked, "--recordings", "recordings", folder=tmp_path)
    assert ran.code == 0, ran.err
    [recording] = (tmp_path / "recordings").glob("*.jsonl")
    recording.rename(tmp_path / "recordings" / "paris.jsonl")
    ran_offline = run_pytest(tmp_path, "--callscope-offline", "-W", "default")
    assert ran_offline.outcome == "1 passed", ran_offline.out
    (tmp_path / "agent.py").write_text(agent.replace('"temperature": 21', '"temperature": 22'))
    failed = run_pytest(tmp_path, "--callscope-offline", "-W", "default")
    assert failed.outcome == "1 failed"
    assert "at $.body.messages[2].content" in failed.out


def test_the_plugin_is_declared_and_loads_nothing_heavy() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"callscope": "callscope.pytest_plugin"}
    look = "import sys, pytest; had = {*sys.modules}; import callscope.pytest_plugin; print(*{*sys.modules} - had)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, check=True)
    assert set(done.stdout.decode().split()) == {"callscope", "callscope.pytest_plugin"}
