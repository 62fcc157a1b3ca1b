from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from callscope.core.values import CallKind
from callscope.tools.definitions import PythonFunction
from callscope.tools.python.modules import import_module
from callscope.tools.running import toolbox as running
from callscope.tools.running.calling import callable_of
from callscope.tools.running.threads import ThreadedCall
from callscope.tools.running.toolbox import LocalToolbox
from toolbench import call, error_of, run, toolbox, write, yaml_toolbox

BLOCKING = """
    import threading
    leave = threading.Event()
    def block() -> None:
        print('started')
        leave.wait(10)
        print('late')
    """


def blocking(folder: Path, *, timeout: float) -> tuple[LocalToolbox, dict[str, Any]]:
    """A tool that blocks until its event `leave` is set, and its module."""
    write(folder, "m.py", BLOCKING)
    text = f'tools: [{{name: block, parameters: {{}}, timeout: {timeout}, run: {{python: "m.py:block"}}}}]'
    return yaml_toolbox(folder, text), vars(import_module(folder / "m.py"))


def join(name: str) -> None:
    """Wait for the threads of this name to end."""
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(10)


def release(module: dict[str, Any]) -> None:
    """Let the tool that blocks end, and wait for its thread."""
    module["leave"].set()
    join("tool block")


def test_a_function_past_its_time_is_a_result_that_says_it_runs_on(tmp_path: Path) -> None:
    tools, module = blocking(tmp_path, timeout=2.0)
    result = run(tools, "block")
    release(module)
    assert (result.status, error_of(result)) == (
        "timeout",
        {
            "type": "timeout",
            "message": "block gave no result within 2 s. It runs on, for a Python thread cannot be stopped, "
            "and may have had an effect.",
            "retryable": True,
        },
    )
    assert result.prints == "started\n"


def test_what_a_tool_prints_after_its_time_is_seen_by_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tools, module = blocking(tmp_path, timeout=0.1)
    run(tools, "block")
    release(module)
    assert capsys.readouterr().out == ""


def test_an_async_function_past_its_time_is_cancelled(tmp_path: Path) -> None:
    write(
        tmp_path,
        "m.py",
        """
        import asyncio, threading
        cleaned = threading.Event()
        async def block() -> None:
            try:
                await asyncio.sleep(30)
            finally:
                cleaned.set()
        """,
    )
    tools = yaml_toolbox(tmp_path, 'tools: [{name: block, parameters: {}, timeout: 0.2, run: {python: "m.py:block"}}]')
    result = run(tools, "block")
    assert vars(import_module(tmp_path / "m.py"))["cleaned"].wait(10)
    assert (result.status, "It was cancelled, and may have had an effect" in result.output) == ("timeout", True)


def test_a_cancelled_call_returns_at_once_though_its_thread_runs_on(tmp_path: Path) -> None:
    tools, module = blocking(tmp_path, timeout=30)

    async def cancelled() -> float:
        task = asyncio.ensure_future(tools.run(call("block"), ""))
        while not any(thread.name == "tool block" for thread in threading.enumerate()):
            await asyncio.sleep(0)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - started

    waited = asyncio.run(cancelled())
    release(module)
    assert waited < 5


def test_a_call_given_up_before_it_began_never_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
        import threading
        ran = threading.Event()
        def slow() -> None:
            ran.set()
        """
    write(tmp_path, "m.py", source)
    tools = yaml_toolbox(tmp_path, 'tools: [{name: slow, parameters: {}, timeout: 0.1, run: {python: "m.py:slow"}}]')
    gate = threading.Event()

    def slow_import(target: PythonFunction, kind: CallKind) -> Any:
        gate.wait(10)
        return callable_of(target, kind)

    monkeypatch.setattr(running, "callable_of", slow_import)
    result = run(tools, "slow")
    gate.set()
    join("tool slow")
    assert (result.status, vars(import_module(tmp_path / "m.py"))["ran"].is_set()) == ("timeout", False)


def test_a_machine_without_threads_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    tools = toolbox(tmp_path, "def f() -> None: pass\n")
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    assert error_of(run(tools, "f"))["message"] == "f could not be started: can't start new thread."


def test_a_thread_that_ends_after_its_loop_is_closed_troubles_nobody() -> None:
    leave = threading.Event()

    async def abandon() -> None:
        with pytest.raises(TimeoutError):
            await ThreadedCall(lambda _: leave.wait(10), "late").result(0.01)

    asyncio.run(abandon())
    leave.set()
    join("tool late")
