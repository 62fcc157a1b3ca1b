"""Modules read again: what is new, what lies beside, and what is broken."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from callscope.core.errors import UnusableFile
from callscope.tools.definitions import LoadedTools
from callscope.tools.loading import load_tools
from callscope.tools.python.reloading import changes, load_again
from callscope.tools.running.toolbox import LocalToolbox
from toolbench import run, write


def output(loaded: LoadedTools, name: str) -> str:
    return run(LocalToolbox(loaded.tools), name).output


def test_a_module_is_imported_anew(tmp_path: Path) -> None:
    path = write(tmp_path, "mine.py", "def f() -> str:\n    return 'old'")
    before = load_tools([path])
    write(tmp_path, "mine.py", "def f() -> str:\n    return 'newer'\ndef g() -> str:\n    return 'g'")
    after = load_again(lambda: load_tools([path]), before)
    assert output(after, "f") == "newer"
    assert str(changes(before.tools, after.tools)) == "added g"


def test_what_a_module_imports_from_beside_it_is_read_again_too(tmp_path: Path) -> None:
    path = write(
        tmp_path, "outer_reloaded.py", "import inner_reloaded\ndef f() -> str:\n    return inner_reloaded.WORD"
    )
    write(tmp_path, "inner_reloaded.py", "WORD = 'old'")
    before = load_tools([path])
    write(tmp_path, "inner_reloaded.py", "WORD = 'newer'")
    assert output(load_again(lambda: load_tools([path]), before), "f") == "newer"


def test_a_module_that_only_a_call_imports_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path, "tools.yaml", 'tools: [{name: f, parameters: {type: object}, run: {python: "lazily.py:f"}}]')
    write(tmp_path, "lazily.py", "def f() -> str:\n    return 'old'")
    before = load_tools([path])
    assert output(before, "f") == "old"
    write(tmp_path, "lazily.py", "def f() -> str:\n    return 'newer'")
    after = load_again(lambda: load_tools([path]), before)
    assert output(after, "f") == "newer"
    assert str(changes(before.tools, after.tools)) == ""


def test_a_broken_module_that_was_in_use_leaves_everything_as_it_was(tmp_path: Path) -> None:
    path = write(tmp_path, "tools.yaml", 'tools: [{name: f, parameters: {type: object}, run: {python: "breaks.py:f"}}]')
    write(tmp_path, "breaks.py", "def f() -> str:\n    return 'old'")
    before = load_tools([path])
    assert output(before, "f") == "old"
    modules = {name for name in sys.modules if "breaks" in name}
    write(tmp_path, "breaks.py", "def f(:")
    with pytest.raises(UnusableFile, match=r"breaks\.py:1"):
        load_again(lambda: load_tools([path]), before)
    assert {name for name in sys.modules if "breaks" in name} == modules
    assert output(before, "f") == "old"


def test_our_own_modules_and_those_elsewhere_are_never_forgotten(tmp_path: Path) -> None:
    path = write(tmp_path, "mine.py", "import json\ndef f() -> str:\n    return json.dumps('x')")
    before = load_tools([path])
    kept = {name: module for name, module in sys.modules.items() if not name.startswith("callscope_tool_")}
    load_again(lambda: load_tools([path]), before)
    assert all(sys.modules[name] is module for name, module in kept.items())


def test_a_secret_that_nobody_masked_so_far_is_refused(tmp_path: Path) -> None:
    before = load_tools([write(tmp_path, "tools.yaml", "tools: [{name: f}]")])
    with pytest.raises(UnusableFile, match="NEW_KEY: a secret must be known"):
        load_again(lambda: replace(before, secrets=("NEW_KEY",)), before)


def test_another_line_in_the_file_is_no_change(tmp_path: Path) -> None:
    before = load_tools([write(tmp_path, "tools.yaml", "tools:\n  - name: f")])
    after = load_tools([write(tmp_path, "tools.yaml", "# moved\ntools:\n  - name: f")])
    assert before.tools != after.tools
    assert str(changes(before.tools, after.tools)) == ""


def test_a_change_of_schema_policy_or_answer_is_a_change(tmp_path: Path) -> None:
    def tools(definition: str) -> LoadedTools:
        return load_tools([write(tmp_path, "tools.yaml", f"tools: [{{name: f, {definition}}}]")])

    plain = tools("run: {mock: a}")
    for other in ("run: {mock: b}", "run: {mock: a}, approve: never", "run: {mock: a}, description: x"):
        assert str(changes(plain.tools, tools(other).tools)) == "changed f"
