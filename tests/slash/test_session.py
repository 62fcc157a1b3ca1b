"""Help: every command, wherever there is room for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from callscope.slash.table import COMMANDS
from scriptedrepl import ScriptedRepl


@pytest.mark.parametrize("width", [40, 80, 120])
def test_help_names_every_command_and_no_line_is_wider_than_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = ScriptedRepl(tmp_path).typed("/help").splitlines()
    assert max(map(len, lines)) < width
    shown = [line.split()[0] for line in lines if line.startswith("  /")]
    assert sorted(shown) == sorted(COMMANDS)


def test_help_of_a_command_says_more_of_it_with_its_slash_or_without(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path)
    assert "key=@file" in repl.typed("/help call")
    assert repl.typed("/help call") == repl.typed("/help /call")


def test_help_of_what_is_no_command_names_the_nearest_one(tmp_path: Path) -> None:
    assert "There is no /retyr. Did you mean /retry?" in ScriptedRepl(tmp_path).typed("/help retyr")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_tells_what_it_takes_and_does_in_a_line(name: str) -> None:
    command = COMMANDS[name]
    assert command.usage.split()[0] == name
    assert command.does
    assert not command.does.endswith(".")
    assert "\n" not in command.usage + command.does
    assert len(command.does) < 80


def test_leaving_ends_the_session_at_once(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path)
    repl.typed("/quit", "/system never")
    assert repl.conversation.settings.system is None


def test_the_page_about_the_prompt_names_every_command() -> None:
    page = (Path(__file__).parents[2] / "docs" / "repl.md").read_text().replace("\\|", "|")
    for command in COMMANDS.values():
        if command.name != "/record":  # its words have lines of their own
            assert f"| `{command.usage}` |" in page
