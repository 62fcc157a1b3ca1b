"""Going on with a recording: what holds again, what does not, and which server gets a key."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pytest

from callscope.compose import Options, open_session
from callscope.core.errors import CallscopeError, UnusableFile, UsageError
from callscope.core.events import Event
from callscope.core.state import Conversation
from callscope.core.values import Message, Settings, ToolCall
from callscope.record.file.reading import open_recording
from callscope.record.rerunning.rerunning import rerun
from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from callscope.settings.config import Flags
from callscope.tools.running.toolbox import LocalToolbox
from callscope.ui.gate import AbsentGate, ScriptedGate, scripted_decision
from playbook import Listener, check_history
from recordbench import verify
from replbench import at_prompt, enter, furnish, last_messages, leave, open_repl, recorded

WEATHER = """
tools:
  - name: get_weather
    description: {description}
    parameters: {{type: object, properties: {{city: {{type: string}}}}, required: [city]}}
    run: {{mock: {{temperature: 21}}}}
"""
PARIS = 'get_weather {"city": "Paris"}'


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with run_in_thread(DemoAgent(pace=0.0, stall=20.0)) as server:
        yield f"{server.url}/v1"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a tool file that is not found by itself, and no profiles."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "mine.yaml").write_text(WEATHER.format(description="Current weather."))
    return tmp_path


class Opened:
    """What came of a session: what was said before it, what happened, how it left the conversation."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.listener = Listener()
        self.conversation = Conversation()
        self.headers: list[dict[str, str]] = []
        self.path: Path | None = None

    @property
    def events(self) -> list[Event]:
        return self.listener.events

    @property
    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


def run(options: Options, *prompts: str, decide: Sequence[str] = ()) -> Opened:
    """Open a session, say the prompts, and close it."""
    opened = Opened()

    def gate(toolbox: LocalToolbox) -> Any:
        return ScriptedGate(dict(map(scripted_decision, decide)), AbsentGate())

    async def session() -> None:
        views = lambda recorder, told: [opened.listener]  # noqa: E731
        async with open_session(options, gate=gate, views=views, say=opened.said.append) as ready:
            opened.path = ready.recorder.path if ready.recorder else None
            for prompt in prompts:
                await ready.session.say(prompt)
            opened.conversation = ready.session.conversation

    asyncio.run(session())
    return opened


def flags(url: str | None = None, **more: Any) -> Flags:
    return Flags(url=url, model="callscope-demo" if url else None, dialect="chat" if url else None, **more)


def begun(url: str, folder: Path, *prompts: str, **more: Any) -> Path:
    """A recording of these prompts."""
    options = Options(flags(url, tools=(folder / "mine.yaml",), **more), recordings=folder / "recordings")
    path = run(options, *(prompts or ("hello",)), decide=["get_weather=run"]).path
    assert path is not None
    return path


def edit(path: Path, kind: str, **members: Any) -> None:
    """Change the first line of a kind."""
    lines = path.read_text().splitlines()
    place = next(number for number, line in enumerate(lines) if json.loads(line)["kind"] == kind)
    lines[place] = json.dumps(json.loads(lines[place]) | members)
    path.write_text("\n".join(lines) + "\n")


def runs_again(path: Path) -> None:
    recording = open_recording(path)
    assert verify(recording) is None
    report = asyncio.run(rerun(recording))
    assert (report.divergence, report.stopped) == (None, ""), str(report)


# ---- what goes on ----------------------------------------------------------------------------------------------------


def test_a_session_goes_on_in_the_same_file_with_all_that_was_said(url: str, folder: Path) -> None:
    path = begun(url, folder, PARIS)
    on = run(Options(flags(tools=(folder / "mine.yaml",)), resume=path), "hello again")
    assert on.path == path
    assert on.conversation.exchange == 3
    assert on.conversation.items[0] == Message("user", PARIS)
    check_history(on.conversation)
    request = [entry for entry in open_recording(path).entries if entry.kind == "request"][-1]
    assert [message["role"] for message in json.loads(request.members["body"])["messages"]] == [
        "user", "assistant", "tool", "assistant", "user",
    ]  # fmt: skip
    runs_again(path)


def test_what_is_as_it_was_is_not_told_again(url: str, folder: Path) -> None:
    path = begun(url, folder)
    on = run(Options(flags(tools=(folder / "mine.yaml",)), resume=path), "hello again")
    assert on.kinds[0] == "UserMessage"
    assert [line for line in on.said if "other than" in line or "tools that" in line] == []


def test_all_settings_of_the_recording_hold_again(url: str, folder: Path) -> None:
    more: dict[str, Any] = {"system": "Be brief.", "tool_choice": "none", "parallel": False, "history": "last"}
    more |= {"max_rounds": 3, "strict": False, "tool_forms": ("null-ids",)}
    path = begun(url, folder, retries=0, stream=False, param=("temperature=0.5",), **more)
    on = run(Options(resume=path))
    first = run(Options(flags(url, tools=(folder / "mine.yaml",)), recordings=folder / "other"))
    assert on.conversation.settings != first.conversation.settings
    assert on.conversation.settings == Settings(
        url=url, model="callscope-demo", approve="ask", retries=0, stream=False, parameters={"temperature": 0.5}, **more
    )


def test_a_recorded_choice_of_a_tool_that_is_gone_does_not_keep_the_session_from_going_on(
    url: str, folder: Path
) -> None:
    path = begun(url, folder, tool_choice="get_weather")
    on = run(Options(Flags(), no_tools=True, resume=path))
    assert on.conversation.settings.tool_choice == "get_weather"
    assert "There are no tools, so the tool choice is not sent." in on.said


def test_a_form_that_a_flag_says_goes_before_the_recorded_ones(url: str, folder: Path) -> None:
    path = begun(url, folder, tool_forms=("null-ids",))
    on = run(Options(Flags(tool_forms=("functions",)), resume=path))
    assert on.conversation.settings.tool_forms == ("functions",)


def test_a_flag_goes_before_the_recording_and_is_recorded(url: str, folder: Path) -> None:
    path = begun(url, folder, system="Be brief.", param=("temperature=0.5", "seed=1"))
    said = Flags(system="Be long.", model="other", param=("seed=2",))
    on = run(Options(said, resume=path))
    assert on.kinds == ["SettingsChanged"]
    now = on.conversation.settings
    assert (now.system, now.model, now.parameters) == ("Be long.", "other", {"temperature": 0.5, "seed": 2})
    assert (
        'other than recorded: model callscope-demo → other; system Be brief. → Be long.; parameters {"temp'
        in "".join(on.said)
    )
    runs_again(path)


def test_a_recording_goes_before_the_environment_and_the_default_profile(
    url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = begun(url, folder, system="Be brief.")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("CALLSCOPE_MODEL", "from-the-environment")
    (folder / "config" / "callscope").mkdir(parents=True)
    default = '[profiles.default]\nsystem = "By default."\nmax_rounds = 1\nparams = {seed = 3}\n'
    profiles = default + "[profiles.p]\nmax_rounds = 2\n"
    (folder / "config" / "callscope" / "config.toml").write_text(profiles)
    now = run(Options(resume=path)).conversation.settings
    assert (now.url, now.model, now.system, now.max_rounds, now.parameters) == (
        url,
        "callscope-demo",
        "Be brief.",
        20,
        {},
    )
    assert run(Options(Flags(profile="p"), resume=path)).conversation.settings.max_rounds == 2


def test_nothing_is_written_where_nothing_is_to_be_recorded(url: str, folder: Path) -> None:
    path = begun(url, folder)
    before = path.read_bytes()
    on = run(Options(record=False, resume=path), "hello again")
    assert on.conversation.exchange == 2
    assert path.read_bytes() == before


# ---- what a recording may not bring along ----------------------------------------------------------------------------

KEY = "sk-not-a-real-key-0123456789"


@pytest.mark.parametrize("named", [False, True], ids=["unasked", "asked for"])
def test_a_recorded_url_gets_a_key_only_where_the_person_says_so(
    named: bool, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = begun(url, folder)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    on = run(Options(Flags(key_env="OPENAI_API_KEY" if named else None), resume=path), "hello again")
    request = [entry for entry in open_recording(path).entries if entry.kind == "request"][-1].members
    assert ("authorization" in dict(request["headers"])) is named
    assert any("OPENAI_API_KEY is not sent to 127.0.0.1" in line for line in on.said) is not named


def test_a_profile_s_key_stays_with_its_own_server(url: str, folder: Path) -> None:
    path = begun(url, folder)
    (folder / "config" / "callscope").mkdir(parents=True)
    profile = f'[profiles.default]\nurl = "https://llm.example.com/v1"\nheaders = {{authorization = "Bearer {KEY}"}}\n'
    (folder / "config" / "callscope" / "config.toml").write_text(profile)
    on = run(Options(resume=path), "hello again")
    request = [entry for entry in open_recording(path).entries if entry.kind == "request"][-1].members
    assert "authorization" not in dict(request["headers"])
    assert any(line.startswith(f"The url of {path} goes before the profile default") for line in on.said)


def test_a_recording_does_not_say_that_calls_run_without_asking(url: str, folder: Path) -> None:
    path = begun(url, folder, approve="always")
    on = run(Options(flags(tools=(folder / "mine.yaml",)), resume=path), PARIS)
    assert on.conversation.settings.approve == "ask"
    assert "CallHeld" in on.kinds
    assert "a recording does not say what may run: --approve always does" in on.said
    asked_for = run(Options(Flags(approve="always"), resume=path))
    assert asked_for.conversation.settings.approve == "always"


@pytest.mark.parametrize("approve", ["ask", "result", "never"])
def test_a_recording_may_be_as_careful_as_it_was(approve: str, url: str, folder: Path) -> None:
    path = begun(url, folder, approve=approve)
    assert run(Options(resume=path)).conversation.settings.approve == approve


def test_no_file_that_a_recording_names_is_loaded(url: str, folder: Path) -> None:
    path = begun(url, folder)
    (folder / "evil.py").write_text("raise SystemExit('loaded')\n")
    evil = {"name": "get_weather", "source": f"{folder}/evil.py:1", "approve": "always"}
    edit(path, "tools", tools=[evil])
    on = run(Options(resume=path), PARIS, decide=["get_weather=run"])
    results = [event.result for event in on.events if type(event).__name__ == "ToolFinished"]  # type: ignore[union-attr]
    assert "no_implementation" in results[0].output


# ---- the tools -------------------------------------------------------------------------------------------------------


def test_the_recorded_tools_are_offered_again_and_run_as_they_are_defined_here(url: str, folder: Path) -> None:
    path = begun(url, folder)
    (folder / "tools.yaml").write_text(
        WEATHER.format(description="Current weather.")
        + WEATHER.format(description="x").replace("get_weather", "new")[7:]
    )
    on = run(Options(resume=path), PARIS, decide=["get_weather=run"])
    assert [spec.name for spec in on.conversation.tools] == ["get_weather"]
    results = [event.result for event in on.events if type(event).__name__ == "ToolFinished"]  # type: ignore[union-attr]
    assert [(result.status, result.output) for result in results] == [("mocked", '{"temperature":21}')]
    assert "ToolsChanged" not in on.kinds
    runs_again(path)


def test_a_tool_that_is_defined_otherwise_now_is_told_and_recorded(url: str, folder: Path) -> None:
    path = begun(url, folder)
    (folder / "tools.yaml").write_text(WEATHER.format(description="Weather, of old."))
    on = run(Options(resume=path))
    assert on.kinds == ["ToolsChanged"]
    assert "tools that are defined otherwise now: get_weather" in on.said
    assert on.conversation.tools[0].description == "Weather, of old."


def test_a_tool_that_is_not_defined_here_is_answered_by_the_person(url: str, folder: Path) -> None:
    path = begun(url, folder)
    on = run(Options(resume=path))
    assert any("not defined here" in line and line.endswith(": get_weather") for line in on.said)
    assert [spec.name for spec in on.conversation.tools] == ["get_weather"]
    assert on.kinds == []


def test_no_tools_means_none(url: str, folder: Path) -> None:
    path = begun(url, folder)
    on = run(Options(no_tools=True, resume=path))
    assert on.conversation.tools == ()
    assert on.kinds == ["ToolsChanged"]
    assert "tools that are gone: get_weather" in on.said


# ---- sessions that were killed ---------------------------------------------------------------------------------------


def test_a_killed_session_goes_on_killed_and_goes_on_again(url: str, folder: Path) -> None:
    """Cut at each of its lines in turn, gone on with, cut in the middle of that, and gone on with once more."""
    path = begun(url, folder, PARIS)
    lines = path.read_bytes().splitlines(keepends=True)
    options = Options(flags(tools=(folder / "mine.yaml",)), resume=path)
    for cut in range(4, len(lines), 7):
        path.write_bytes(b"".join(lines[:cut]) + lines[cut][:-5])
        on = run(options, "hello again")
        assert "its last turn was cut off; it is ended as interrupted" in on.said
        runs_again(path)
        path.write_bytes(path.read_bytes()[: -len(lines[-1]) - 40])
        on = run(options, "hello once more")
        check_history(on.conversation)
        runs_again(path)


def test_what_is_owed_is_told_before_anything_else(url: str, folder: Path) -> None:
    path = begun(url, folder, PARIS)
    lines = path.read_bytes().splitlines(keepends=True)
    started = next(number for number, line in enumerate(lines) if b'"kind":"started"' in line)
    path.write_bytes(b"".join(lines[: started + 1]))
    on = run(Options(Flags(system="Other."), resume=path))
    assert on.kinds == ["ToolFinished", "TurnEnded", "SettingsChanged"]
    assert [item.call_id for item in on.conversation.items if isinstance(item, ToolCall)] == ["call_1"]


# ---- files that cannot be gone on with -------------------------------------------------------------------------------


@contextmanager
def refused(kind: type[CallscopeError] = UnusableFile) -> Iterator[list[str]]:
    words: list[str] = []
    with pytest.raises(kind) as caught:
        yield words
    words.append(str(caught.value))


@pytest.mark.parametrize("content", ['{"hello": 1}\n', "", "not JSON"])
def test_a_foreign_file_is_one_error_and_stays_as_it_is(content: str, folder: Path) -> None:
    path = folder / "foreign.jsonl"
    path.write_text(content)
    with refused() as words:
        run(Options(resume=path))
    assert str(path) in words[0]
    assert path.read_text() == content


def test_a_missing_file_is_one_error(folder: Path) -> None:
    with refused() as words:
        run(Options(resume=folder / "none.jsonl"))
    assert words == [f"{folder}/none.jsonl cannot be appended to: no such file or directory."]
    assert not (folder / "none.jsonl").exists()


def test_a_recording_that_somebody_writes_is_refused(url: str, folder: Path) -> None:
    path = begun(url, folder)

    def opened() -> AbstractAsyncContextManager[Any]:
        options, gate = Options(resume=path), lambda toolbox: AbsentGate()
        return open_session(options, gate=gate, views=lambda recorder, told: [], say=lambda text: None)

    async def both() -> None:
        async with opened(), opened():
            pass

    with refused() as words:
        asyncio.run(both())
    assert "is being written by another Callscope" in words[0]


def test_a_refused_flag_leaves_the_recording_as_it_was(url: str, folder: Path) -> None:
    path = begun(url, folder)
    before = path.read_bytes()
    with refused(UsageError):
        run(Options(Flags(approve="sometimes"), resume=path))
    assert path.read_bytes() == before


def test_a_url_that_is_none_is_named_with_the_recording(url: str, folder: Path) -> None:
    path = begun(url, folder)
    edit(path, "settings", url="ftp://example.com")
    with refused(UsageError) as words:
        run(Options(resume=path))
    assert words[0].startswith(f"The url of {path}: ")


def test_a_masked_url_has_to_be_said_again(url: str, folder: Path) -> None:
    path = begun(url, folder)
    edit(path, "settings", url="http://127.0.0.1:1/****/v1", masked={"url": [[19, 4]]})
    with refused() as words:
        run(Options(resume=path))
    assert "say it with --url" in words[0]
    assert run(Options(Flags(url=url), resume=path)).conversation.settings.url == url


def test_a_person_is_told_that_secrets_are_asterisks_now(url: str, folder: Path) -> None:
    path = begun(url, folder, f"Remember {KEY}.")
    on = run(Options(resume=path))
    assert "secrets in it are masked: to the model they are asterisks now" in on.said


def test_a_secret_that_only_the_model_said_is_told_too(url: str, folder: Path) -> None:
    path = begun(url, folder, "Hello")
    assert "asterisks" not in " ".join(run(Options(resume=path)).said)
    edit(path, "read", masked=[[0, 1]])
    assert "secrets in it are masked: to the model they are asterisks now" in run(Options(resume=path)).said


# ---- in a terminal ---------------------------------------------------------------------------------------------------


def test_a_repl_that_was_killed_goes_on_where_it_was(url: str, folder: Path) -> None:
    furnish(folder)
    child = open_repl(url, folder, "-m", "callscope-demo")
    enter(child, PARIS)
    child.expect_exact("get_weather")
    while not recorded(folder, "held"):
        pass
    child.kill(signal.SIGKILL)
    child.expect(pexpect.EOF)
    path = next((folder / "recordings").glob("*.jsonl"))
    child = open_repl(url, folder, "--resume", str(path))
    enter(child, "hello again")
    while len(recorded(folder, "turn")) < 2:
        pass
    at_prompt(child)
    leave(child)
    assert [line["reason"] for line in recorded(folder, "turn")] == ["interrupted", "completed"]
    assert [message["role"] for message in last_messages(folder)] == ["user", "assistant", "tool", "user"]
    runs_again(path)
