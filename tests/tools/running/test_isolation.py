from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from callscope.tools.loading import load_tools
from callscope.tools.running.toolbox import LocalToolbox
from processes_seen import gone
from toolbench import call, error_of, run, write


def isolated(folder: Path, source: str, **keys: Any) -> LocalToolbox:
    """The function `t` of a module, each call in a process of its own."""
    write(folder, "m.py", source)
    tool = {"name": "t", "parameters": {}, "run": {"python": "m.py:t"}, "isolate": "process", **keys}
    path = write(folder, "tools.yaml", json.dumps({"tools": [tool]}))
    return LocalToolbox(load_tools([path]).tools)


def test_an_isolated_function_runs_in_another_process_with_its_prints_apart(tmp_path: Path) -> None:
    source = "import os\ndef t(a: int = 1) -> dict:\n    print('hello')\n    return {'pid': os.getpid(), 'ü': a}\n"
    import os

    result = run(isolated(tmp_path, source), "t", {"a": 2})
    output = json.loads(result.output)
    assert (result.status, output["ü"], output["pid"] != os.getpid(), result.prints) == ("ok", 2, True, "hello\n")


def test_an_isolated_async_function_has_an_event_loop(tmp_path: Path) -> None:
    source = "import asyncio\nasync def t():\n    await asyncio.sleep(0)\n    return 'awaited'\n"
    assert run(isolated(tmp_path, source), "t").output == "awaited"


def test_what_subprocesses_and_stderr_print_is_caught_in_order(tmp_path: Path) -> None:
    source = """
        import os, sys
        def t():
            print('one')
            os.system('echo two')
            print('three', file=sys.stderr)
            os.write(1, b'four')
        """
    result = run(isolated(tmp_path, source), "t")
    assert (result.output, result.prints) == ("null", "one\ntwo\nthree\nfour")


def test_an_isolated_function_has_no_stdin(tmp_path: Path) -> None:
    assert run(isolated(tmp_path, "import sys\ndef t():\n    return sys.stdin.read() + '!'\n"), "t").output == "!"


@pytest.mark.parametrize(
    ("line", "ending"),
    [
        ("os._exit(3)", "exit status 3"),
        ("os._exit(0)", "exit status 0"),
        ("os.kill(os.getpid(), 9)", "SIGKILL"),
        ("ctypes.string_at(0)", "SIGSEGV"),
    ],
)
def test_a_crash_is_a_result(tmp_path: Path, line: str, ending: str) -> None:
    result = run(isolated(tmp_path, f"import ctypes, os\ndef t():\n    print('before')\n    {line}\n"), "t")
    assert (result.status, result.prints.startswith("before\n")) == ("error", True)
    assert error_of(result) == {
        "type": "crashed",
        "message": f"t gave no result: its process ended with {ending}, and may have had an effect.",
        "retryable": False,
    }


def test_a_segmentation_fault_says_in_which_line_it_was(tmp_path: Path) -> None:
    source = "import ctypes\ndef t():\n    ctypes.string_at(0)\n"
    assert f'File "{tmp_path}/m.py", line 3 in t' in run(isolated(tmp_path, source), "t").prints


@pytest.mark.parametrize("raised", ["ValueError('no such city')", "SystemExit('no such city')"])
def test_an_exception_is_the_same_result_as_in_a_thread(tmp_path: Path, raised: str) -> None:
    source = f"def t():\n    raise {raised}\n"
    alone = run(isolated(tmp_path, source), "t")
    thread = run(isolated(tmp_path, source, isolate="thread"), "t")
    assert (alone.status, alone.output, alone.prints) == (thread.status, thread.output, thread.prints)


def test_a_module_that_cannot_be_imported_is_a_result_with_its_line(tmp_path: Path) -> None:
    result = run(isolated(tmp_path, "x = 1\nimport no_such_module\n"), "t")
    assert error_of(result)["type"] == "tool_unavailable"
    assert "m.py:2: the module cannot be imported: ModuleNotFoundError" in error_of(result)["message"]


def test_arguments_are_checked_before_any_process_starts(tmp_path: Path) -> None:
    tools = isolated(tmp_path, "raise SystemError\n", parameters={"required": ["a"]})
    assert error_of(run(tools, "t"))["type"] == "invalid_arguments"


def test_what_only_the_function_can_see_in_its_arguments_is_said_by_its_process(tmp_path: Path) -> None:
    source = "import datetime\ndef t(day: datetime.date): pass\n"
    result = run(isolated(tmp_path, source), "t", {"day": "soon"})
    assert (error_of(result)["type"], error_of(result)["path"]) == ("invalid_arguments", "day")


def test_the_output_of_an_isolated_function_is_cut_at_its_limit(tmp_path: Path) -> None:
    result = run(isolated(tmp_path, "def t():\n    return 'x' * 50\n", limit=20), "t")
    assert result.output == "x" * 20 + "\n[output cut here: 30 of 50 characters left out; the limit of this tool is 20]"


def test_an_isolated_custom_tool_gets_its_input_as_text(tmp_path: Path) -> None:
    write(tmp_path, "m.py", "def shout(text):\n    return text.upper()\n")
    tool = {"type": "custom", "name": "shout", "run": {"python": "m.py:shout"}, "isolate": "process"}
    path = write(tmp_path, "tools.yaml", json.dumps({"tools": [tool]}))
    assert run(LocalToolbox(load_tools([path]).tools), "shout", "no {json").output == "NO {JSON"


def test_an_isolated_function_past_its_time_is_stopped(tmp_path: Path) -> None:
    source = """
        import os, pathlib, time
        def t():
            print('begun')
            pathlib.Path(__file__).with_name('pid').write_text(str(os.getpid()))
            while True:
                time.sleep(1)
        """
    result = run(isolated(tmp_path, source, timeout=2), "t")
    assert (result.status, result.prints) == ("timeout", "begun\n")
    assert "Its process was stopped, and may have had an effect." in result.output
    assert gone(int((tmp_path / "pid").read_text()))


def test_an_isolated_function_is_stopped_when_its_turn_is_interrupted(tmp_path: Path) -> None:
    source = """
        import os, pathlib, time
        def t():
            pathlib.Path(__file__).with_name('pid').write_text(str(os.getpid()))
            time.sleep(300)
        """
    tools = isolated(tmp_path, source)

    async def interrupted() -> None:
        running = asyncio.ensure_future(tools.run(call("t"), ""))
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(interrupted())
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_thread_that_the_function_left_behind_does_not_hold_its_answer_up(tmp_path: Path) -> None:
    source = """
        import threading, time
        def t():
            threading.Thread(target=time.sleep, args=[300]).start()
            return 'done'
        """
    began = time.monotonic()
    result = run(isolated(tmp_path, source, timeout=30), "t")
    assert (result.output, time.monotonic() - began < 20) == ("done", True)


def test_nothing_is_imported_from_the_folder_a_person_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = isolated(tmp_path / "tools", "import json\ndef t():\n    return 'safe'\n")
    write(tmp_path / "here", "json.py", "raise SystemError('imported')\n")
    monkeypatch.chdir(tmp_path / "here")
    assert run(tools, "t").output == "safe"


def test_isolation_by_default_holds_for_modules_too(tmp_path: Path) -> None:
    write(tmp_path, "m.py", "import os\ndef t() -> int:\n    return os.getpid()\n")
    path = write(tmp_path, "tools.yaml", "defaults: {isolate: process}\nmodules: [m.py]\n")
    tools = LocalToolbox(load_tools([path]).tools)
    assert run(tools, "t").output != run(tools, "t").output


def test_a_machine_that_cannot_start_a_process_is_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = isolated(tmp_path, "def t(): pass\n")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    assert error_of(run(tools, "t"))["type"] == "not_run"
