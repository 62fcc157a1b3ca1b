"""`callscope replay` where it runs a session again, as a person and a script meet it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from callscope.serving.connection import Piece, Request
from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from command_line import Ran, callscope

TOOLS = """
tools:
  - name: get_weather
    description: Current weather for a city.
    parameters: {type: object, properties: {city: {type: string}}, required: [city], additionalProperties: false}
    run: {python: "weather.py:get_weather"}
"""
WEATHER = 'def get_weather(city: str) -> dict:\n    return {"sky": "SKY", "city": city}\n'
PROMPT = 'get_weather {"city": "Paris"}'
KEY = "a-key-of-some-length-1234"


class Keeping:
    """The demo agent, and every request that it got; `fails` answers 500 to all of them."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.fails = False
        self._agent = DemoAgent(pace=0.0)

    async def __call__(self, request: Request) -> AsyncGenerator[Piece, None]:
        self.requests.append(request)
        changed = Request(request.method, "/nowhere", request.headers, request.body) if self.fails else request
        async for piece in self._agent(changed):
            yield piece

    def headers(self, name: str) -> list[str]:
        return [value for request in self.requests for known, value in request.headers if known.lower() == name]


class There:
    """A folder with tools and a recording of one call, and the server that it was recorded from."""

    def __init__(self, folder: Path, agent: Keeping, url: str) -> None:
        self.folder, self.agent, self.url = folder, agent, f"{url}/v1"
        (folder / "tools.yaml").write_text(TOOLS)
        self.sky("clear")
        asked = ["ask", "--url", self.url, "--approve", "always", "--recordings", folder / "r", PROMPT]
        assert callscope(*asked, folder=folder).code == 0
        self.recording = next((folder / "r").glob("*.jsonl"))
        agent.requests.clear()

    def sky(self, sky: str) -> None:
        (self.folder / "weather.py").write_text(WEATHER.replace("SKY", sky))

    def replay(self, *options: str | Path, **env: str) -> Ran:
        home = {"HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder / "config")}
        return callscope("replay", self.recording, *options, folder=self.folder, env={**home, **env})


@pytest.fixture
def there(tmp_path: Path) -> Iterator[There]:
    agent = Keeping()
    with run_in_thread(agent) as server:
        yield There(tmp_path, agent, server.url)


def verdict(ran: Ran) -> str:
    return ran.err.splitlines()[-1]


def lines(ran: Ran, event: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, ran.out.splitlines()) if line["event"] == event]


# ---- who answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("calls", ["recorded", "run", "mock"])
@pytest.mark.parametrize("server", ["recorded", "live"])
def test_every_combination_gives_the_same_where_nothing_changed(there: There, server: str, calls: str) -> None:
    mock = '{"sky": "clear", "city": "Paris"}'
    more = {"run": ["--tools", "tools.yaml"], "mock": ["--mock", f"get_weather={mock}"]}.get(calls, [])
    ran = there.replay("--server", server, "--calls", calls, *more)
    assert ran.code == 0, ran.err
    assert verdict(ran) == "callscope: the same: turns 1, exchanges 2, calls 1"
    assert len(there.agent.requests) == (2 if server == "live" else 0)


def test_nothing_is_asked_or_run_without_being_told(there: There) -> None:
    (there.folder / "weather.py").write_text("raise SystemExit('ran')\n")
    assert there.replay("--match", "wire").code == 0
    assert there.replay("--server", "recorded").code == 0
    assert there.agent.requests == []


def test_what_is_asked_and_run_is_announced(there: There) -> None:
    ran = there.replay("--server", "live", "--calls", "run", "--tools", "tools.yaml", "--runs", "2")
    assert f"asks {there.url} (model callscope-demo) live: at most 2 requests, 2 times" in ran.err
    assert "runs tools again: get_weather, 2 times" in ran.err


def test_a_changed_tool_is_told_by_the_path_of_its_result(there: There) -> None:
    there.sky("grey")
    ran = there.replay("--calls", "run", "--tools", "tools.yaml")
    assert ran.code == 1
    assert verdict(ran).startswith("callscope: 1 divergence, the first result: result of get_weather · call_1 (line ")
    assert '$.output.sky: recorded "clear", now "grey"' in verdict(ran)


def test_a_server_that_does_not_answer_is_exit_code_4(there: There) -> None:
    there.agent.fails = True
    ran = there.replay("--server", "live")
    assert ran.code == 4
    assert "It stopped there: the server did not answer." in verdict(ran)
    assert len(there.agent.requests) == 1


def test_several_runs_are_counted(there: There) -> None:
    ran = there.replay("--server", "live", "--runs", "3")
    assert (ran.code, ran.out) == (0, "")
    assert verdict(ran) == "callscope: 3 of 3 the same"
    assert "run 2 of 3: the same: turns 1, exchanges 2, calls 1" in ran.err


def test_runs_that_differ_say_each_what_differed(there: There) -> None:
    (there.folder / "weather.py").write_text(
        "from pathlib import Path\n\n"
        "def get_weather(city: str) -> dict:\n"
        "    before = Path('ran').exists()\n"
        "    Path('ran').touch()\n"
        "    return {'sky': 'grey' if before else 'clear', 'city': city}\n"
    )
    ran = there.replay("--calls", "run", "--tools", "tools.yaml", "--runs", "3")
    assert ran.code == 1
    assert verdict(ran) == "callscope: 1 of 3 the same"
    assert ran.err.count('$.output.sky: recorded "clear", now "grey"') == 2


def test_mocks_begin_anew_in_each_run(there: There) -> None:
    mock = "get_weather={sequence: [{answer: {sky: clear, city: Paris}}, {answer: {sky: grey}}]}"
    ran = there.replay("--calls", "mock", "--mock", mock, "--runs", "2")
    assert verdict(ran) == "callscope: 2 of 2 the same"


def test_a_tool_that_never_runs_does_not_run_again(there: There) -> None:
    (there.folder / "never.yaml").write_text(TOOLS + "    approve: never\n")
    ran = there.replay("--calls", "run", "--tools", "never.yaml")
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert "get_weather never runs" in ran.err


def test_a_tool_that_is_not_here_is_told_before_anything_runs(there: There) -> None:
    (there.folder / "other.yaml").write_text(TOOLS.replace("get_weather\n", "get_time\n"))
    ran = there.replay("--calls", "run", "--tools", "other.yaml", "--server", "live")
    assert ran.code == 2
    assert "calls get_weather, which the tools here do not have" in ran.err
    assert there.agent.requests == []


def test_a_tool_without_a_mock_is_never_run_in_its_place(there: There) -> None:
    ran = there.replay("--calls", "mock", "--tools", "tools.yaml")
    assert ran.code == 2
    assert "get_weather has no mock" in ran.err


# ---- keys ---------------------------------------------------------------------------------------------------------


def test_a_recorded_url_gets_no_key_by_itself(there: There) -> None:
    there.replay("--server", "live", OPENAI_API_KEY=KEY)
    assert len(there.agent.requests) == 2
    assert there.agent.headers("authorization") == []


def test_a_key_that_was_named_is_sent_and_not_recorded(there: There) -> None:
    options = ["--server", "live", "--key-env", "OTHER_KEY", "--record", "--recordings", "again"]
    ran = there.replay(*options, OTHER_KEY=KEY)
    assert ran.code == 0, ran.err
    assert there.agent.headers("authorization") == [f"Bearer {KEY}"] * 2
    (recorded,) = (there.folder / "again").glob("*.jsonl")
    assert KEY not in recorded.read_text()


# ---- a run that is recorded ---------------------------------------------------------------------------------------


def test_a_recorded_run_names_its_parent_and_what_was_left_out_and_runs_again(there: There) -> None:
    ran = there.replay("--server", "live", "--ignore", "$.temperature", "--record", "--recordings", "again")
    assert ran.code == 0, ran.err
    (recorded,) = (there.folder / "again").glob("*.jsonl")
    header = json.loads(recorded.read_text().splitlines()[0])
    assert (header["parent"], header["ignore"]) == (there.recording.name, ["$.temperature"])
    there.recording = recorded
    again = there.replay("--server", "recorded")
    assert again.code == 0, again.err
    assert verdict(again) == "callscope: the same: turns 1, exchanges 2, calls 1. Left out: $.temperature."


def test_a_header_with_a_path_that_is_none_is_refused(there: There) -> None:
    written = there.recording.read_text()
    there.recording.write_text(written.replace('"parent":null', '"parent":null,"ignore":["all"]', 1))
    ran = there.replay("--server", "recorded")
    assert (ran.code, len(ran.err.splitlines())) == (3, 1)
    assert "line 1" in ran.err


# ---- for scripts --------------------------------------------------------------------------------------------------


def test_json_lines_have_each_divergence_and_a_verdict(there: There) -> None:
    there.sky("grey")
    ran = there.replay("--calls", "run", "--tools", "tools.yaml", "--json")
    assert (ran.code, ran.last["event"], ran.last["exit_code"]) == (1, "ended", 1)
    (divergence,) = lines(ran, "divergence")
    assert divergence.pop("line") > 0
    assert divergence == {
        "event": "divergence",
        "run": 1,
        "class": "result",
        "what": "result",
        "exchange": 1,
        "index": 0,
        "nearest": 1,
        "differences": [{"path": "$.output.sky", "recorded": "clear", "now": "grey"}],
        "more": 0,
    }
    (told,) = lines(ran, "verdict")
    assert (told["same"], told["divergences"], told["stopped"]) == (False, 1, None)


def test_json_lines_of_several_runs_have_a_verdict_each_and_no_events(there: There) -> None:
    ran = there.replay("--server", "live", "--runs", "2", "--json")
    assert [line["event"] for line in map(json.loads, ran.out.splitlines())] == [
        "session",
        "verdict",
        "verdict",
        "ended",
    ]


def test_a_recording_without_a_turn_is_refused(there: There) -> None:
    kept = there.recording.read_text().splitlines(keepends=True)
    there.recording.write_text("".join(line for line in kept if '"kind":"header"' in line or '"kind":"tools"' in line))
    ran = there.replay("--server", "recorded")
    assert ran.code == 3
    assert "no turn that could run again" in ran.err


@pytest.mark.parametrize("escape", ["\x1b[2J", "\u202e"])
def test_what_a_recording_says_is_shown_and_not_obeyed(there: There, escape: str) -> None:
    written = there.recording.read_text()
    changed = json.dumps(f"Paris{escape}")[1:-1].replace("\\", "\\\\\\\\")
    there.recording.write_text(
        written.replace('"arguments":"{\\"city\\": \\"Paris\\"}"}', f'"arguments":"{changed}"}}')
    )
    ran = there.replay("--server", "recorded")
    assert escape not in ran.err


# ---- at a terminal ------------------------------------------------------------------------------------------------


def at_terminal(there: There, *options: str) -> pexpect.spawn[str]:
    command = ["-m", "callscope", "replay", str(there.recording), "--calls", "ask", *options]
    env = {**os.environ, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"}
    child = pexpect.spawn(sys.executable, command, cwd=str(there.folder), env=env, encoding="utf-8", timeout=15)
    child.delaybeforesend = None
    return child


def test_a_person_is_asked_again_and_the_recorded_server_answers(there: There) -> None:
    child = at_terminal(there, "--tools", "tools.yaml")
    child.expect_exact("run it?")
    child.send("y")
    child.expect_exact("the same: turns 1, exchanges 2, calls 1")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_a_person_may_decide_otherwise_and_a_live_model_goes_on(there: There) -> None:
    child = at_terminal(there, "--server", "live", "--tools", "tools.yaml")
    child.expect_exact("run it?")
    child.send("n")
    child.expect_exact("1 divergence, the first result: result of get_weather · call_")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1
    assert len(there.agent.requests) == 2


def test_leaving_at_the_question_is_exit_code_130(there: There) -> None:
    child = at_terminal(there, "--tools", "tools.yaml")
    child.expect_exact("run it?")
    child.send("\x03")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130


def test_a_server_that_cannot_be_reached_leaves_the_question_open_and_says_what_to_name(tmp_path: Path) -> None:
    sample = Path(__file__).parents[2] / "recordings" / "samples" / "weather.jsonl"
    ran = callscope("replay", sample, "--server", "live", "--url", "http://127.0.0.1:1/v1", folder=tmp_path)
    assert ran.code == 4
    assert "an open question; --url names" in ran.err
    assert "divergence" not in ran.err
