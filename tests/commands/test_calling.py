"""`callscope call` as a shell script sees it: stdout, stderr, exit codes, and that nothing ever waits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from callscope.app.completing import completions
from callscope.core.values import ToolSpec
from command_line import Ran, callscope

TOOLS = """\
tools:
  - name: double
    description: Twice a number.
    parameters:
      type: object
      properties:
        number: {type: integer, description: What to double}
        unit: {type: string, enum: [m, km]}
      required: [number]
      additionalProperties: false
    run: {python: "mine.py:double"}
  - name: slow
    parameters: {type: object, properties: {}}
    run: {python: "mine.py:slow"}
  - name: nobody
    parameters: {type: object, properties: {}}
  - name: forbidden
    parameters: {type: object, properties: {}}
    run: {mock: "no"}
    approve: never
  - name: shout
    type: custom
    run: {mock: "HEY"}
"""
MODULE = """\
import time

def double(number: int, unit: str = "m") -> str:
    print("thinking")
    if number < 0:
        raise ValueError("no negative numbers")
    return f"{2 * number} {unit}"

def slow() -> str:
    time.sleep(30)
    return "late"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tools.yaml").write_text(TOOLS, encoding="utf-8")
    (tmp_path / "mine.py").write_text(MODULE, encoding="utf-8")
    return tmp_path


def call(folder: Path, *words: str, stdin: bytes = b"") -> Ran:
    return callscope("call", *words, folder=folder, stdin=stdin)


def test_the_result_alone_is_on_stdout_and_what_the_tool_printed_on_stderr(folder: Path) -> None:
    ran = call(folder, "double", "number=21", "unit=km")
    assert (ran.code, ran.out) == (0, "42 km\n")
    assert "thinking" in ran.err


@pytest.mark.parametrize(
    ("words", "stdin"),
    [
        (["number:=21"], b""),
        (["--args-json", '{"number": 21}'], b""),
        (["-"], b'{"number": 21}'),
        (["number=@n.txt"], b""),
    ],
    ids=["json value", "json text", "stdin", "file"],
)
def test_every_way_to_give_the_arguments_gives_the_same(folder: Path, words: list[str], stdin: bytes) -> None:
    (folder / "n.txt").write_text("21", encoding="utf-8")
    assert call(folder, "double", *words, stdin=stdin).out == "42 m\n"


def test_an_error_of_the_tool_leaves_stdout_empty_and_exits_with_1(folder: Path) -> None:
    command = [sys.executable, "-m", "callscope", "call", "double", "number=-1"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=40, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.endswith("callscope: error: ValueError: no negative numbers\n")  # after the tool's own traceback


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dubble"], "did you mean double?"),
        (["double"], "missing argument number"),
        (["double", "number=x"], "number must be a whole number"),
        (["double", "nmber=1"], "did you mean number?"),
        (["double", "number=1", "--args-json", "{}"], "in one way"),
        (["double", "--args-json", "{"], "no JSON"),
        (["nobody"], "a person answers it"),
        (["forbidden"], "approve: never"),
    ],
)
def test_a_mistake_of_the_person_exits_with_2_and_says_what_to_do(folder: Path, words: list[str], said: str) -> None:
    ran = call(folder, *words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_json_on_stdin_that_is_none_gets_no_advice_for_a_parameter(folder: Path) -> None:
    ran = call(folder, "double", "-", stdin=b'{"number": 1')
    assert (ran.code, "stdin: " in ran.err, "for text write" in ran.err) == (2, True, False)
    assert "for text write number=" in call(folder, "double", "number:={").err


def test_no_tools_at_all_are_a_usage_error(tmp_path: Path) -> None:
    assert "--tools FILE" in call(tmp_path, "double").err


def test_the_commands_own_time_ends_it_with_124_though_the_tool_runs_on(folder: Path) -> None:
    ran = call(folder, "slow", "--timeout", "0.2")
    assert ran.code == 124
    assert "0.2 seconds" in ran.err


def test_json_is_one_line_with_everything_in_it(folder: Path) -> None:
    ran = call(folder, "double", "number=21", "--json")
    line = json.loads(ran.out)
    assert line.pop("duration") >= 0
    assert line == {
        "event": "ended", "tool": "double", "arguments": '{"number": 21}', "status": "ok", "output": "42 m",
        "prints": "thinking\n", "exit_code": 0, "recording": None,
    }  # fmt: skip


def test_a_custom_tool_takes_its_text_from_stdin_as_it_is(folder: Path) -> None:
    line = json.loads(call(folder, "shout", "-", "--json", stdin=b"hey {you}").out)
    assert line["arguments"] == "hey {you}"
    assert line["output"] == "HEY"


def test_a_recorded_call_is_shown_again(folder: Path) -> None:
    line = json.loads(call(folder, "double", "number=21", "--json", "--record", "--recordings", "kept").out)
    again = callscope("replay", line["recording"], "--speed", "max", folder=folder)
    assert again.code == 0, again.err
    assert "42 m" in again.out + again.err
    assert '"output":"42 m"' in (folder / line["recording"]).read_text(encoding="utf-8")


def test_a_secret_that_a_tool_gives_away_is_not_in_the_recording(folder: Path) -> None:
    (folder / "tools.yaml").write_text(
        TOOLS.replace('{mock: "HEY"}', '{python: "leak.py:leak"}') + "secrets: [MY_KEY]\n"
    )
    (folder / "leak.py").write_text("import os\ndef leak(text):\n    return os.environ['MY_KEY']\n")
    env = {"MY_KEY": "correct-horse-battery"}
    ran = callscope("call", "shout", "x", "--record", "--recordings", "kept", folder=folder, env=env)
    (recording,) = (folder / "kept").iterdir()
    assert ran.code == 0, ran.err
    assert "correct-horse" not in recording.read_text(encoding="utf-8")


# ---- completion -----------------------------------------------------------------------------------------------------

ASKING = {
    "_TYPER_COMPLETE_ARGS": "callscope call ",
    "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    "_CALLSCOPE_COMPLETE": "complete_fish",
}
"""How the scripts in shells.py ask."""

SPECS = [
    ToolSpec(
        "double",
        parameters={
            "type": "object",
            "properties": {
                "number": {"type": "integer"},
                "unit": {"enum": ["m", "km"]},
                "round": {"type": "boolean"},
            },
        },
    ),
    ToolSpec("dig"),
]


@pytest.mark.parametrize(
    ("words", "incomplete", "offered"),
    [
        ([], "d", ["double", "dig"]),
        ([], "do", ["double"]),
        (["double"], "", ["number=", "unit=", "round="]),
        (["double", "number=1"], "", ["unit=", "round="]),
        (["double", "number:=1"], "n", []),
        (["double"], "unit=k", ["unit=km"]),
        (["double"], "round=", ["round=true", "round=false"]),
        (["unknown"], "", []),
    ],
)
def test_a_shell_is_offered_tools_then_parameters_then_values(
    words: list[str], incomplete: str, offered: list[str]
) -> None:
    assert completions(words, incomplete, SPECS) == offered


def test_a_shell_that_asks_in_a_folder_with_a_broken_file_gets_nothing_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "tools.yaml").write_text("tools: [", encoding="utf-8")
    ran = callscope(folder=tmp_path, env=ASKING)
    assert (ran.out.strip(), ran.err) == ("", "")


def test_a_shell_is_answered_without_the_import_of_anything_heavy(folder: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "callscope"]
    ran = subprocess.run(command, cwd=folder, env={**os.environ, **ASKING}, capture_output=True, text=True, check=False)
    assert ran.stdout.split() == ["double", "slow", "nobody", "forbidden", "shout"]
    imported = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines()}
    heavy = {"asyncio", "httpx", "jsonschema", "mcp", "openai", "prompt_toolkit", "pydantic", "rich"}
    assert imported & heavy == set()
    assert "mine" not in imported


# ---- dry runs and mocks ---------------------------------------------------------------------------------------------


def test_a_dry_run_shows_the_exact_argument_list_and_runs_nothing(folder: Path) -> None:
    touching = TOOLS + "  - name: touch\n    parameters: {type: object, properties: {file: {type: string}}}\n"
    (folder / "tools.yaml").write_text(touching + '    run: {command: [touch, "{file}"]}\n', encoding="utf-8")
    ran = call(folder, "touch", "file=a b", "--dry-run", "--json")
    assert json.loads(ran.out)["command"] == ["touch", "a b"]
    assert not (folder / "a b").exists()


def test_a_dry_run_still_validates(folder: Path) -> None:
    ran = call(folder, "double", "--dry-run")
    assert ran.code == 2
    assert "missing argument number" in ran.err


def test_a_mock_answers_in_the_tools_place_after_the_arguments_were_checked(folder: Path) -> None:
    assert call(folder, "double", "number=1", "--mock", "double=mocked").out == "mocked\n"
    assert call(folder, "double", "number=x", "--mock", "double=mocked").code == 2


def test_a_mock_lets_ask_run_without_the_tools_own_code(folder: Path) -> None:
    ran = callscope(
        "ask",
        "--demo",
        "--json",
        "--approve",
        "always",
        "--mock",
        "double=mocked",
        'double {"number": 1}',
        folder=folder,
    )
    results = [json.loads(line) for line in ran.out.splitlines() if '"event":"result"' in line]
    assert [(one["status"], one["output"]) for one in results] == [("mocked", "mocked")]
