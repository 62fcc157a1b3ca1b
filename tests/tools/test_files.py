"""What holds for a file as a whole: what it includes, its defaults, its variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from callscope.core.errors import UnusableFile
from callscope.tools.definitions import PythonFunction
from callscope.tools.loading import load_tools
from toolbench import refusal, write


def names(path: Path) -> list[str]:
    return [spec.name for spec in load_tools([path]).specs]


def test_included_files_come_first_in_their_order_relative_to_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "parts/a.yaml", "include: [b.json]\ntools: [{name: a}]\n")
    write(tmp_path, "parts/b.json", '[{"type": "function", "name": "b"}]')
    write(tmp_path, "c.yaml", "tools: [{name: c}]\n")
    path = write(tmp_path, "tools.yaml", "tools: [{name: own}]\ninclude: [parts/a.yaml, c.yaml]\n")
    monkeypatch.chdir("/")
    assert names(path) == ["b", "a", "c", "own"]


def test_the_secrets_of_included_files_are_secrets_of_all(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "secrets: [ONE]\n")
    path = write(tmp_path, "tools.yaml", "secrets: [TWO]\ninclude: [a.yaml]\n")
    assert set(load_tools([path]).secrets) == {"ONE", "TWO"}


TOOL = "tools: [{{name: t, parameters: {{type: object, properties: {{}}}}, run: %s}}]\n"


@pytest.mark.parametrize("hopeless", ["~no-such-user/x", "x" * 300, "a\\0b"], ids=["nobody", "too long", "NUL"])
@pytest.mark.parametrize(
    "text",
    [
        'include: ["{}"]',
        'modules: ["{}.py"]',
        'openapi: [{{spec: "{}"}}]',
        TOOL % '{{python: "{}.py:f"}}',
        TOOL % '{{mock: {{file: "{}"}}}}',
        TOOL % '{{command: {{args: [ls], cwd: "{}"}}}}',
        'tools: [{{name: t, parameters: {{type: object, properties: {{a: {{$ref: "{}"}}}}}}}}]',
    ],
    ids=["include", "module", "openapi", "python", "mock", "cwd", "$ref"],
)
def test_a_path_that_leads_nowhere_is_refused_with_its_line(tmp_path: Path, text: str, hopeless: str) -> None:
    path = write(tmp_path, "tools.yaml", text.format(hopeless))
    assert refusal(path).startswith("tools.yaml:1: ")


def test_files_that_include_one_another_are_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, "b.yaml", "tools: []\ninclude: [a.yaml]\n")
    path = write(tmp_path, "a.yaml", "include:\n  - b.yaml\n")
    assert refusal(path) == "b.yaml:2: the files include one another: a.yaml → b.yaml → a.yaml."


def test_a_file_that_includes_itself_by_another_name_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a.yaml", "include: [link.yaml]\n")
    (tmp_path / "link.yaml").symlink_to(path)
    assert "the files include one another: a.yaml → link.yaml." in refusal(path)


def test_a_tool_that_comes_in_by_two_ways_is_refused_like_any_double(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "tools: [{name: a}]\n")
    write(tmp_path, "b.yaml", "include: [a.yaml]\n")
    path = write(tmp_path, "tools.yaml", "include: [a.yaml, b.yaml]\n")
    assert "a.yaml:1: there is a tool a already, at a.yaml:1; rename one of them" in refusal(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("include: a.yaml\n", "tools.yaml:1: `include` must be a list"),
        ("include: [none.yaml]\n", "tools.yaml:1: there is no file none.yaml; paths are relative to tools.yaml."),
        ("include: [m.py]\n", "tools.yaml:1: m.py is a module; write it under `modules`."),
        ("include: [3]\n", "tools.yaml:1: an included file must be the path of a file, not 3."),
        ("include: [bad.yaml]\n", "bad.yaml:1: unknown key `tool`"),
        ("defaults: 5\n", "tools.yaml:1: `defaults` must be a mapping"),
        ("defaults:\n  time: 5\n", "tools.yaml:2: unknown key `time` (did you mean timeout?); known here: timeout,"),
        ("defaults: {timeout: -1}\n", "tools.yaml:1: `timeout` must be seconds"),
        ("defaults: {limit: none}\n", "tools.yaml:1: `limit` must be a number of characters"),
        ("defaults: {run: {mock: 1}}\n", "unknown key `run`"),
        ("variables: [A]\n", "tools.yaml:1: `variables` must be a mapping"),
        ("variables:\n  a b: x\n", "tools.yaml:2: a variable is the name of an environment variable"),
        ("variables: {A: 5}\n", "the default of A must be text, or null for none."),
        ("secrets: [A]\nvariables: {A: x}\n", "tools.yaml:2: A stands under `secrets` already"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_the_line_and_what_to_do(
    tmp_path: Path, text: str, words: str
) -> None:
    write(tmp_path, "m.py", "")
    write(tmp_path, "bad.yaml", "tool: []\n")
    assert words in refusal(write(tmp_path, "tools.yaml", text))


def test_defaults_hold_for_the_tools_of_their_file_that_say_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, "m.py", "def d() -> None: pass\n")
    write(tmp_path, "other.yaml", "tools: [{name: c}]\n")
    text = """
        include: [other.yaml]
        defaults: {timeout: 5, limit: 100, approve: never, isolate: process}
        modules: [m.py]
        tools:
          - {name: a, parameters: {}, run: {python: "m.py:d"}}
          - {name: b, parameters: {}, run: {python: "m.py:d"}, timeout: 7, limit: 9, approve: always, isolate: thread}
          - {name: e, run: {mock: 1}}
        """
    found = {}
    for tool in load_tools([write(tmp_path, "tools.yaml", text)]).tools:
        isolated = isinstance(tool.implementation, PythonFunction) and tool.implementation.isolated
        found[tool.spec.name] = (tool.timeout, tool.limit, tool.spec.approve, isolated)
    assert found == {
        "a": (5.0, 100, "never", True),
        "b": (7.0, 9, "always", False),
        "c": (60.0, 100_000, None, False),
        "d": (5.0, 100, "never", True),
        "e": (5.0, 100, "never", False),
    }


def test_a_result_may_wait_for_the_person(tmp_path: Path) -> None:
    path = write(tmp_path, "tools.yaml", "tools: [{name: a, approve: result}]\n")
    assert load_tools([path]).specs[0].approve == "result"


def test_a_file_of_commands_requests_and_mocks_loads_without_what_they_need_to_run(tmp_path: Path) -> None:
    import subprocess
    import sys

    text = """
        tools:
          - {name: a, parameters: {properties: {x: {}}}, run: {command: [echo, "{x}"]}}
          - {name: b, parameters: {properties: {x: {}}}, run: {http: {url: "http://127.0.0.1/", query: "{*}"}}}
          - {name: c, run: {mock: {sequence: [1, {error: x}]}}}
        """
    path = write(tmp_path, "tools.yaml", text)
    program = f"""
import sys
from callscope.tools.loading import load_tools
load_tools([{str(path)!r}])
print([name for name in ("httpx", "jsonschema", "pydantic", "asyncio", "docstring_parser") if name in sys.modules])
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert said.stdout == "[]\n"


def test_nothing_of_a_broken_file_is_loaded(tmp_path: Path) -> None:
    path = write(tmp_path, "tools.yaml", "tools: [{name: good}, {name: bad, run: {command: ls}}]\n")
    with pytest.raises(UnusableFile):
        load_tools([path])
