"""What the program costs before it does anything, and what a wheel of it holds."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pexpect
import pytest

from callscope.__main__ import main
from callscope.version import VERSION
from command_line import callscope

ROOT = Path(__file__).parent.parent
HEAVY = ("openai", "httpx", "pydantic", "jsonschema", "prompt_toolkit", "yaml", "rich.console", "asyncio")


class Interrupting(ModuleType):
    """A module in the middle of whose import Ctrl-C comes."""

    def __getattr__(self, name: str) -> object:
        raise KeyboardInterrupt


def loaded_by(*arguments: str, folder: Path) -> set[str]:
    program = (
        "import sys, atexit\n"
        "atexit.register(lambda: sys.stderr.write('LOADED ' + ' '.join(sys.modules)))\n"
        "from callscope.__main__ import main\n"
        f"sys.argv = ['callscope', *{arguments!r}]\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    return set(done.stderr.rpartition("LOADED ")[2].split())


AT_THE_PROMPT = """
import os, sys
from prompt_toolkit.renderer import Renderer
from callscope.__main__ import main

drawn = Renderer.render

def render(*arguments, **options):
    drawn(*arguments, **options)
    sys.__stdout__.write("LOADED " + " ".join(sys.modules) + " END")
    sys.__stdout__.flush()
    os._exit(0)

Renderer.render = render
sys.argv[0] = "callscope"
main()
"""


def loaded_at_the_prompt(*arguments: str, folder: Path) -> set[str]:
    """The modules that are loaded when the first prompt has been drawn in a terminal."""
    environment = {**os.environ, "TERM": "xterm-256color", "XDG_STATE_HOME": str(folder / "state")}
    command = ["-c", AT_THE_PROMPT, *arguments]
    child = pexpect.spawn(sys.executable, command, cwd=str(folder), env=environment, encoding="utf-8", timeout=20)
    try:
        child.expect("LOADED (.*) END")
        assert child.match is not None
        return set(str(child.match[1]).split())
    finally:
        child.close(force=True)


def test_the_version_is_told_without_the_command_line(tmp_path: Path) -> None:
    assert callscope("--version", folder=tmp_path).out == f"callscope {VERSION}\n"
    assert "typer" not in loaded_by("--version", folder=tmp_path)


def test_an_interruption_while_the_program_is_still_being_imported_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "callscope.app.app", Interrupting("callscope.app.app"))
    monkeypatch.setattr(sys, "argv", ["callscope", "ask", "hello"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    assert loaded_by("--help", folder=tmp_path).isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "command", [["replay", str(ROOT / "recordings/samples/weather.jsonl"), "--json"], ["tools", "list"]]
)
def test_replay_and_tools_import_no_network_client(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "tools.yaml").write_text("tools: [{name: f, parameters: {type: object}, run: {mock: 1}}]")
    assert loaded_by(*command, folder=tmp_path).isdisjoint({"openai", "httpx", "jsonschema", "prompt_toolkit"})


@pytest.mark.parametrize("command", [["--url", "http://127.0.0.1:9/v1", "-m", "m", "--no-record"], ["demo"]])
def test_the_first_prompt_waits_for_nothing_that_only_a_turn_needs(tmp_path: Path, command: list[str]) -> None:
    for name in ("tools.yaml", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    loaded = loaded_at_the_prompt(*command, folder=tmp_path)
    assert "callscope.tools.reading.definitions" in loaded
    turns = {
        "httpx",
        "httpcore",
        "h11",
        "pydantic",
        "jsonschema",
        "openai",
        "rich.live",
        "callscope.dialects.chat.decoder",
        "callscope.slash.table",
    }
    assert loaded.isdisjoint(turns)


def test_what_a_command_is_told_is_converted_without_pydantic(tmp_path: Path) -> None:
    options = ("--url", "http://127.0.0.1:9/v1", "--model", "m", "--header", "a: b", "--timeout", "5", "--no-record")
    loaded = loaded_by("ask", "hello", *options, folder=tmp_path)
    assert "httpx" in loaded
    assert "pydantic" not in loaded


def test_asking_never_imports_the_sdk(tmp_path: Path) -> None:
    loaded = loaded_by("ask", "--demo", "--json", "--no-record", "hello", folder=tmp_path)
    assert "httpx" in loaded
    assert loaded.isdisjoint({"openai", "rich.console", "prompt_toolkit"})


@pytest.mark.parametrize("word", ["chat", "ask", "demo", "serve", "replay", "tools", "recordings"])
def test_every_command_explains_itself(tmp_path: Path, word: str) -> None:
    ran = callscope(word, "--help", folder=tmp_path)
    assert ran.code == 0
    assert "Usage: callscope" in ran.out


def test_a_shell_that_completes_hears_of_every_command(tmp_path: Path) -> None:
    asked = {"_CALLSCOPE_COMPLETE": "complete_bash", "COMP_WORDS": "callscope ", "COMP_CWORD": "1"}
    assert {"chat", "ask", "demo", "tools", "recordings"} <= set(callscope(folder=tmp_path, env=asked).out.split())


def test_a_mistyped_command_is_told_its_neighbour(tmp_path: Path) -> None:
    ran = callscope("replai", folder=tmp_path)
    assert ran.code == 2
    assert "Did you mean 'replay'?" in ran.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is always full")
def test_a_version_that_cannot_be_told_is_one_clear_error() -> None:
    command = [sys.executable, "-m", "callscope", "--version"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=30, check=False, text=True)
    assert done.stderr == "callscope: The output cannot be written: no space left on device.\n"
    assert done.returncode == 3


def test_the_changelog_begins_with_this_version() -> None:
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]
    assert headings[0].split()[1] == VERSION


def test_the_version_is_written_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["dynamic"] == ["version"]


def test_the_version_can_be_found_in_the_help(tmp_path: Path) -> None:
    assert "--version" in callscope("--help", folder=tmp_path).out
    assert callscope("--version", "chat", folder=tmp_path).out == f"callscope {VERSION}\n"


@pytest.mark.parametrize("group", [[], ["recordings"], ["tools"]], ids=["all", "recordings", "tools"])
def test_a_list_of_commands_says_each_in_a_row_of_80_columns(group: list[str], tmp_path: Path) -> None:
    told = callscope(*group, "--help", folder=tmp_path, env={"COLUMNS": "80"}).out
    _, commands = told.split("Commands:")
    assert "..." not in commands


@pytest.mark.parametrize("words", ["--version", "--help", "recordings --help", "replay --help"])
def test_what_nobody_reads_any_more_ends_as_a_shell_expects(words: str) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "callscope", *words.split()]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, timeout=30, check=False, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")
