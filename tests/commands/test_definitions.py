"""`callscope tools list`, `show` and `schema`: definitions as a person and a script see them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command_line import Ran, callscope

TOOLS = """
tools:
  - name: get_weather
    description: Current weather
      for a city.
    parameters: {type: object, properties: {city: {type: string}}, required: [city]}
    approve: always
    run: {mock: sunny}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tools.yaml").write_text(TOOLS)
    return tmp_path


def tools(folder: Path, *words: str) -> Ran:
    return callscope("tools", *words, folder=folder)


def test_a_tool_is_listed_in_a_line(folder: Path) -> None:
    assert tools(folder, "list").out.split(maxsplit=1) == ["get_weather", "Current weather for a city.\n"]


def test_a_tool_is_shown_with_its_policy_and_its_schema(folder: Path) -> None:
    shown = tools(folder, "show", "get_weather").out
    assert shown.startswith("get_weather  (function, approve: always)\n")
    assert json.loads(shown[shown.index("{") :])["required"] == ["city"]


def test_a_definition_is_printed_as_the_dialect_writes_it(folder: Path) -> None:
    assert json.loads(tools(folder, "schema", "--dialect", "responses").out)[0]["name"] == "get_weather"
    assert json.loads(tools(folder, "schema").out)[0]["function"]["name"] == "get_weather"


@pytest.mark.parametrize("command", [["list"], ["show", "get_weather"], ["schema"]])
def test_a_folder_without_tools_is_told_what_to_do(tmp_path: Path, command: list[str]) -> None:
    ran = tools(tmp_path, *command)
    assert ran.code == 2
    assert ran.err == "callscope: There are no tools here: say where they are with --tools FILE.\n"


def test_a_tool_that_is_not_there_is_answered_with_those_that_are(folder: Path) -> None:
    ran = tools(folder, "show", "get_wether")
    assert (ran.code, "there are: get_weather" in ran.err) == (2, True)
