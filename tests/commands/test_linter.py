"""`callscope tools lint` as a shell sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command_line import callscope

GOOD = """\
tools:
  - name: get_weather
    description: Current weather for a city.
    parameters:
      type: object
      properties: {city: {type: string, description: Name of the city}}
      required: [city]
      additionalProperties: false
    run: {mock: sunny}
"""
BROKEN = GOOD.replace("required: [city]", "required: [town]")


def lint(folder: Path, text: str, *arguments: str) -> tuple[int, str, str]:
    (folder / "tools.yaml").write_text(text, encoding="utf-8")
    done = callscope("tools", "lint", *arguments, folder=folder)
    return done.code, done.out, done.err


def test_good_definitions_exit_with_0_and_tell_their_cost(tmp_path: Path) -> None:
    code, out, _ = lint(tmp_path, GOOD)
    assert code == 0
    assert "0 errors, 0 warnings in 1 tool\n" in out
    assert "in every request" in out


def test_an_error_exits_with_1_and_names_file_line_tool_path_and_reason(tmp_path: Path) -> None:
    code, out, _ = lint(tmp_path, BROKEN)
    assert code == 1
    assert "get_weather  (tools.yaml:2)" in out
    assert "$.parameters.required[0]: there is no property town" in out
    assert "required-unknown: A required property" in out


def test_json_lines_end_with_the_counts(tmp_path: Path) -> None:
    code, out, _ = lint(tmp_path, BROKEN, "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert lines[0] == {
        "event": "finding", "severity": "error", "rule": "required-unknown", "tool": "get_weather",
        "path": "$.parameters.required[0]", "message": "there is no property town", "source": "tools.yaml:2",
    }  # fmt: skip
    assert lines[-1]["event"] == "ended"
    assert lines[-1]["error"] == 1


def test_fix_mends_the_file_and_then_it_is_good(tmp_path: Path) -> None:
    code, _, said = lint(tmp_path, BROKEN, "--fix")
    assert code == 0
    assert "mended tools.yaml: get_weather" in said
    assert "town" not in (tmp_path / "tools.yaml").read_text(encoding="utf-8")


def test_lint_of_yaml_tools_imports_nothing_of_theirs(tmp_path: Path) -> None:
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    code, _, said = lint(tmp_path, GOOD.replace("{mock: sunny}", '{python: "trap.py:get_weather"}'))
    assert code == 0, said


@pytest.mark.parametrize("arguments", [["--provider", "acme"]])
def test_a_provider_that_nobody_knows_is_a_usage_error(tmp_path: Path, arguments: list[str]) -> None:
    code, _, said = lint(tmp_path, GOOD, *arguments)
    assert code == 2
    assert "openai, anthropic, gemini, mcp" in said


CUSTOM = """\
  - type: custom
    name: calc
    description: Computes what one writes.
    format: {type: grammar, syntax: lark, definition: "start: NUMBER"}
    run: {mock: 1}
"""


def schema(folder: Path, *arguments: str) -> tuple[int, str, str]:
    (folder / "tools.yaml").write_text(GOOD + CUSTOM, encoding="utf-8")
    done = callscope("tools", "schema", *arguments, folder=folder)
    return done.code, done.out, done.err


def test_definitions_are_printed_as_each_dialect_writes_them(tmp_path: Path) -> None:
    grammar = {"syntax": "lark", "definition": "start: NUMBER"}
    _, nested, _ = schema(tmp_path, "calc")
    assert json.loads(nested)["custom"]["format"] == {"type": "grammar", "grammar": grammar}
    _, flat, _ = schema(tmp_path, "calc", "--dialect", "responses")
    assert json.loads(flat)["format"] == {"type": "grammar", **grammar}
    _, strict, _ = schema(tmp_path, "get_weather", "--dialect", "responses", "--strict")
    assert json.loads(strict)["strict"] is True
    assert "function" not in json.loads(strict)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dialect", "acf"], "The Agent Connect Framework has no custom tools: calc is not offered."),
        (["--tool-form", "functions"], "The legacy `functions` has no custom tools: calc is not offered."),
    ],
)
def test_a_definition_that_a_dialect_has_no_place_for_is_left_out_and_told(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    code, out, err = schema(tmp_path, *arguments)
    assert (code, err) == (0, said + "\n")
    [left] = json.loads(out)
    assert (left if "name" in left else left["function"])["name"] == "get_weather"


def test_an_unknown_dialect_is_one_error_with_those_there_are(tmp_path: Path) -> None:
    code, _, err = schema(tmp_path, "--dialect", "soap")
    assert code == 2
    assert "write one of auto, chat, acf, responses" in err
    assert callscope("tools", "lint", "--dialect", "soap", folder=tmp_path).code == 2


def test_the_lint_of_a_dialect_fails_where_it_has_no_place_for_a_tool(tmp_path: Path) -> None:
    assert lint(tmp_path, GOOD + CUSTOM)[0] == 0
    code, out, _ = lint(tmp_path, GOOD + CUSTOM, "--dialect", "acf")
    assert code == 1
    assert "custom-refused" in out
