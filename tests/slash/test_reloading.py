"""Reading the tool files again: what is new is in use, what is broken changes nothing."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from callscope.core.events import ToolsChanged
from callscope.tools.definitions import LoadedTools
from scriptedrepl import ScriptedRepl
from toolbench import write

ONE = "tools: [{name: one, parameters: {type: object}, run: {mock: first}}]"


def tools_said(repl: ScriptedRepl) -> int:
    return sum(isinstance(event, ToolsChanged) for event in repl.play.listener.events)


def test_what_was_added_removed_and_changed_is_said_and_in_use(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, ONE, keys=["n"])
    write(tmp_path, "tools.yaml", ONE.replace("first", "second").replace("]", ", {name: two}]"))
    assert "2 tools; added two; changed one" in repl.typed("/reload")
    assert "second" in repl.typed("/call one")
    assert [tool.name for tool in repl.conversation.tools] == ["one", "two"]
    write(tmp_path, "tools.yaml", "# nothing but\ntools: [{name: two}]")
    assert "1 tool; removed one" in repl.typed("/reload")


def test_a_broken_file_keeps_the_tools_and_says_why(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, ONE, keys=["n"])
    said = tools_said(repl)
    write(tmp_path, "tools.yaml", "tools: [{nom: one}]")
    shown = repl.typed("/reload")
    assert "tools.yaml:1" in shown
    assert "the tools stay as they were" in shown
    assert tools_said(repl) == said
    assert "first" in repl.typed("/call one")


def test_where_nothing_changed_it_says_so(tmp_path: Path) -> None:
    assert "1 tool; the definitions are the same" in ScriptedRepl(tmp_path, ONE).typed("/reload")


def test_a_choice_that_names_a_removed_tool_is_pointed_out(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, ONE)
    repl.typed("/tool-choice one")
    write(tmp_path, "tools.yaml", "tools: [{name: two}]")
    assert "tool_choice still names one" in repl.typed("/reload")


def test_a_module_that_hangs_can_be_interrupted(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, ONE)
    hanging = threading.Event()

    def hang() -> LoadedTools:
        os.kill(os.getpid(), signal.SIGINT)
        hanging.wait(30)
        raise AssertionError("nobody waits for this")

    repl.repl.reload = hang
    assert "interrupted; the tools stay as they were" in repl.typed("/reload")
    hanging.set()
