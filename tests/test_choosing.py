"""How tools are offered, from the flag, the profile or the prompt to the bytes on the wire and the recording."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from callscope.choosing import checked, choice_from, forms_from, gone
from callscope.core.errors import UsageError
from callscope.core.events import SettingsChanged
from callscope.core.values import Request, Settings, ToolSpec
from callscope.record.file.reading import open_recording
from callscope.serving.connection import Head, Piece
from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from command_line import Ran, callscope

TOOLS = """
tools:
  - name: get_weather
    description: Weather of a city.
    parameters: {type: object, properties: {city: {type: string}}, required: [city], additionalProperties: false}
    run: {mock: sunny}
  - name: get_time
    parameters: {type: object, properties: {}, additionalProperties: false}
    run: {mock: noon}
  - type: custom
    name: shout
    description: Says it loudly.
    run: {python: "custom.py:shout"}
  - type: custom
    name: count
    format: {type: grammar, syntax: regex, definition: "[a-z ]+"}
    run: {command: [wc, -c]}
  - type: custom
    name: tell
    format: {type: grammar, grammar: {syntax: lark, definition: "start: /.+/"}}
    run: {mock: {template: "heard {input}"}}
"""
TEXT = "SELECT name FROM t, u"
SPECS = (ToolSpec("get_weather"), ToolSpec("get_time"), ToolSpec("shout", kind="custom"))


class Wire:
    """The demo agent, and the bodies it was sent."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.agent = DemoAgent(pace=0.0)
        self.url = ""

    def __call__(self, request: Request) -> AsyncGenerator[Piece, None]:
        if request.body:
            self.bodies.append(json.loads(request.body))
        return self.agent(request)

    def ask(self, folder: Path, prompt: str, *arguments: str) -> Ran:
        self.bodies.clear()
        return callscope("ask", "--url", self.url, "--approve", "always", *arguments, prompt, folder=folder)


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    found = Wire()
    with run_in_thread(found) as server:
        found.url = f"{server.url}/v1"
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tools.yaml").write_text(TOOLS)
    (tmp_path / "custom.py").write_text("def shout(text):\n    return text.upper()\n")
    (tmp_path / "recordings").mkdir()
    return tmp_path


def settings_in(folder: Path) -> Settings:
    [file] = (folder / "recordings").glob("*.jsonl")
    return next(
        entry.event.settings for entry in open_recording(file).entries if isinstance(entry.event, SettingsChanged)
    )


# ---- flags ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "choice", "sent"),
    [
        ("chat", "required", "required"),
        ("chat", "get_time", {"type": "function", "function": {"name": "get_time"}}),
        ("responses", "get_time", {"type": "function", "name": "get_time"}),
        (
            "chat",
            "allowed:auto:get_time,shout",
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [
                        {"type": "function", "function": {"name": "get_time"}},
                        {"type": "custom", "custom": {"name": "shout"}},
                    ],
                },
            },
        ),
        (
            "responses",
            "allowed:required:shout",
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "shout"}]},
        ),
        ("chat", '{"type":"function","function":{"name":"get_weather"}}', None),
    ],
)
def test_a_flag_is_recorded_as_written_and_sent_as_the_dialect_has_it(
    wire: Wire, folder: Path, dialect: str, choice: str, sent: Any
) -> None:
    ran = wire.ask(folder, "Hello", "--tool-choice", choice, "--dialect", dialect, "--no-parallel", "--no-strict")
    assert ran.code == 0, ran.err
    raw = json.loads(choice) if choice[0] == "{" else None
    assert wire.bodies[0]["tool_choice"] == (raw or sent)
    assert wire.bodies[0]["parallel_tool_calls"] is False
    kept = settings_in(folder)
    assert (kept.tool_choice, kept.parallel, kept.strict, kept.dialect) == (raw or choice, False, False, dialect)


def test_allowed_tools_are_sent_flat_where_a_profile_says_so(wire: Wire, folder: Path) -> None:
    config = folder / "config" / "callscope"
    config.mkdir(parents=True)
    profile = (
        f'[profiles.flat]\nurl = "{wire.url}"\ntool_choice = "allowed:auto:get_time"\ntool_forms = ["flat-allowed"]\n'
    )
    (config / "config.toml").write_text(profile + "strict = true\n")
    wire.bodies.clear()
    ran = callscope("ask", "--profile", "flat", "Hi", folder=folder, env={"XDG_CONFIG_HOME": str(folder / "config")})
    assert ran.code == 0, ran.err
    choice = {
        "type": "allowed_tools",
        "mode": "auto",
        "tools": [{"type": "function", "function": {"name": "get_time"}}],
    }
    assert wire.bodies[0]["tool_choice"] == choice
    assert wire.bodies[0]["tools"][0]["function"]["strict"] is True
    assert settings_in(folder).tool_forms == ("flat-allowed",)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tool-choice", "get_tme"], "--tool-choice: There is no tool get_tme (did you mean get_time?)"),
        (["--tool-choice", "get_time", "--no-tools"], "There is no tool get_time; there are none."),
        (["--tool-choice", "{"], "must be JSON"),
        (["--tool-choice", '{"a": NaN}'], "must be JSON: NaN is not JSON"),
        (["--tool-choice", "x" * 3_000], "(2,920 more characters)"),
        (["--tool-form", "function"], "did you mean functions?"),
        (["--tool-choice", "shout", "--dialect", "acf"], "has no custom tools, so shout cannot be chosen"),
        (["--tool-form", "functions", "--parallel"], "has no `parallel_tool_calls`"),
        (["--tool-form", "functions", "--tool-choice", "allowed:auto:get_time"], "has no `allowed_tools`"),
        (["--dialect", "responses", "--tool-form", "flat-allowed"], "The Responses API has no form `flat-allowed`"),
    ],
)
def test_what_cannot_be_meant_or_said_is_one_error_before_anything_is_sent(
    wire: Wire, folder: Path, arguments: list[str], said: str
) -> None:
    ran = wire.ask(folder, "Hi", "-m", "callscope-demo", *arguments)
    assert ran.code == 2
    assert said in ran.err
    assert wire.bodies == []
    assert list((folder / "recordings").iterdir()) == []


def test_a_choice_without_any_tool_is_not_sent_and_told(wire: Wire, folder: Path) -> None:
    ran = wire.ask(folder, "Hi", "--no-tools", "--tool-choice", "required")
    assert "There are no tools, so the tool choice is not sent." in ran.err
    assert "tool_choice" not in wire.bodies[0]


def test_a_schema_that_strict_mode_refuses_is_told_with_tool_path_and_rule(wire: Wire, folder: Path) -> None:
    (folder / "tools.yaml").write_text(TOOLS.replace(", additionalProperties: false", ""))
    ran = wire.ask(folder, "Hi", "--strict")
    assert "strict mode refuses the schema of get_weather: $.parameters (strict-additional): add" in ran.err
    assert wire.bodies[0]["tools"][0]["function"]["strict"] is True


# ---- custom tools ---------------------------------------------------------------------------------------------------


def chat_result(body: dict[str, Any]) -> tuple[Any, Any]:
    call, result = body["messages"][-2:]
    return call["tool_calls"][0]["custom"]["input"], result["content"]


def responses_result(body: dict[str, Any]) -> tuple[Any, Any]:
    call, result = body["input"][-2:]
    assert (call["type"], result["type"]) == ("custom_tool_call", "custom_tool_call_output")
    assert call["call_id"] == result["call_id"]
    return call["input"], result["output"]


@pytest.mark.parametrize(("dialect", "read"), [("chat", chat_result), ("responses", responses_result)])
@pytest.mark.parametrize(
    ("tool", "result"), [("shout", TEXT.upper()), ("count", str(len(TEXT))), ("tell", f"heard {TEXT}")]
)
def test_a_custom_tool_runs_with_its_raw_text_and_its_result_goes_back(
    wire: Wire,
    folder: Path,
    dialect: str,
    read: Callable[[dict[str, Any]], tuple[Any, Any]],
    tool: str,
    result: str,
) -> None:
    ran = wire.ask(folder, f"{tool} {TEXT}", "--dialect", dialect, "--tool-choice", tool)
    assert ran.code == 0, ran.err
    given, told = read(wire.bodies[1])
    assert given == TEXT
    assert told.strip() == result


# ---- forms ----------------------------------------------------------------------------------------------------------


class Scripted(Wire):
    """A server that answers with these messages, one after the other."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        super().__init__()
        self.messages = list(messages)

    async def __call__(self, request: Request) -> AsyncGenerator[Piece, None]:
        self.bodies.append(json.loads(request.body))
        message = {"role": "assistant", "content": None, **self.messages.pop(0)}
        yield Head(200, (("content-type", "application/json"),))
        yield json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()


def talked(folder: Path, first: dict[str, Any], *arguments: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The first request, and the messages that the second one adds, with a server that makes this call."""
    scripted = Scripted(first, {"content": "Done."})
    with run_in_thread(scripted) as server:
        scripted.url = f"{server.url}/v1"
        ran = scripted.ask(folder, "Weather?", "-m", "m", "--no-stream", "--dialect", "chat", *arguments)
    assert ran.out.strip() == "Done.", ran.err
    before, after = scripted.bodies
    return before, after["messages"][1:]


def test_a_server_from_before_tools_is_offered_functions_and_gets_its_call_back_as_it_made_it(folder: Path) -> None:
    call = {"name": "get_weather", "arguments": '{"city":"Oslo"}'}
    form = ["--tool-form", "functions", "--tool-choice", "get_weather"]
    body, added = talked(folder, {"function_call": call}, *form)
    assert [each["name"] for each in body["functions"]] == ["get_weather", "get_time"]
    assert body["function_call"] == {"name": "get_weather"}
    assert not body.keys() & {"tools", "tool_choice"}
    assert added == [
        {"role": "assistant", "content": None, "function_call": call},
        {"role": "function", "name": "get_weather", "content": "sunny"},
    ]


@pytest.mark.parametrize(("form", "sent"), [([], "call_1_0"), (["--tool-form", "null-ids"], None)])
def test_an_id_that_is_null_goes_back_as_null_by_choice_alone(folder: Path, form: list[str], sent: str | None) -> None:
    call = {"type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'}}
    _, added = talked(folder, {"tool_calls": [{"id": None, **call}]}, *form)
    assert added == [
        {"role": "assistant", "content": None, "tool_calls": [{"id": sent, **call}]},
        {"role": "tool", "tool_call_id": sent, "content": "sunny"},
    ]


# ---- running again --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_a_recorded_session_asks_a_live_server_with_the_same_choice(wire: Wire, folder: Path, dialect: str) -> None:
    arguments = ["--tool-choice", "allowed:required:get_time", "--strict", "--dialect", dialect, "--parallel"]
    assert wire.ask(folder, "Hello", *arguments).code == 0
    first = list(wire.bodies)
    wire.bodies.clear()
    [file] = (folder / "recordings").glob("*.jsonl")
    ran = callscope("replay", file, "--server", "live", folder=folder)
    assert ran.code == 0, ran.err + ran.out
    assert wire.bodies == first


def test_another_choice_is_shown_as_what_it_is(wire: Wire, folder: Path) -> None:
    for choice in ("get_time", "allowed:auto:get_time,shout"):
        wire.ask(folder, "Hello", "--tool-choice", choice)
    a, b = sorted((folder / "recordings").glob("*.jsonl"), key=lambda file: file.stat().st_mtime_ns)
    shown = callscope("recordings", "diff", a, b, folder=folder).out
    assert "$.tool_choice" in shown
    assert '"get_time"' in shown
    assert '"allowed:auto:get_time,shout"' in shown


# ---- words ----------------------------------------------------------------------------------------------------------


def test_names_of_allowed_tools_are_taken_once_and_without_spaces() -> None:
    assert choice_from("allowed:auto: get_time,shout ,get_time,", SPECS) == "allowed:auto:get_time,shout"


def test_a_tool_that_is_called_like_a_word_is_not_chosen_by_it() -> None:
    assert choice_from("auto", (ToolSpec("auto"),)) == "auto"


@pytest.mark.parametrize("word", ["", "[1]", "5", '"unfinished', '{"a": 1} x', "allowed:", "allowed:none:get_time"])
def test_a_wrong_choice_is_a_usage_error(word: str) -> None:
    with pytest.raises(UsageError):
        choice_from(word, SPECS)


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (None, []),
        ("required", []),
        ("get_time", []),
        ("get_tea", ["get_tea"]),
        ("allowed:auto:get_time,get_tea", ["get_tea"]),
        ({"type": "function", "function": {"name": "get_tea"}}, []),
    ],
)
def test_the_tools_that_a_choice_names_in_vain_are_known(choice: Any, names: list[str]) -> None:
    assert gone(choice, SPECS) == names


def test_forms_are_taken_once_each() -> None:
    assert forms_from(["null-ids", "functions", "null-ids"]) == ("null-ids", "functions")


def test_an_unsayable_offer_of_a_recording_is_not_refused() -> None:
    settings = Settings(tool_choice="required", tool_forms=("functions",))
    assert checked(settings, SPECS, refuse=False) == []
    with pytest.raises(UsageError, match="no `required`"):
        checked(settings, SPECS)


@pytest.mark.parametrize("flags", [[], ["--no-stream"]], ids=["streamed", "whole"])
def test_a_call_of_2023_is_answered_by_the_name_of_its_function(wire: Wire, folder: Path, flags: list[str]) -> None:
    words = ["--tool-form", "functions", "--tool-choice", "get_weather", *flags]
    ran = wire.ask(folder, "What's the weather in Paris and Rome?", *words)
    first, call, result = wire.bodies[1]["messages"]
    assert ran.code == 0
    assert len(wire.bodies) == 3  # each call in an answer of its own
    assert (first["role"], call["function_call"]) == (
        "user",
        {"name": "get_weather", "arguments": '{"city": "Paris"}'},
    )
    assert result == {"role": "function", "name": "get_weather", "content": "sunny"}
