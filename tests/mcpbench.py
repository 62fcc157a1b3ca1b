"""MCP servers for one test: a tools file that names one, and what is seen of its process."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from callscope.tools.definitions import LoadedTools
from callscope.tools.loading import load_tools
from callscope.tools.running.toolbox import LocalToolbox
from processes_seen import alive

FAKE = Path(__file__).with_name("fake_mcp_server.py")
REAL = Path(__file__).with_name("real_mcp_server.py")
PATIENCE = 40.0


def server(script: Path, *arguments: str | Path, **more: Any) -> dict[str, Any]:
    """The settings of a server that is a script."""
    return {"command": sys.executable, "args": [str(script), *map(str, arguments)], **more}


def file_of(folder: Path, **servers: Any) -> Path:
    """A tools file with these servers; JSON is YAML."""
    path = folder / "tools.yaml"
    path.write_text(json.dumps({"mcp": servers}), encoding="utf-8")
    return path


def loaded(folder: Path, **servers: Any) -> LoadedTools:
    """The tools of these servers."""
    return load_tools([file_of(folder, **servers)])


def toolbox(folder: Path, how: str = "", *arguments: str | Path, **more: Any) -> LocalToolbox:
    """The tools of a fake server, whose names begin with `fake__`."""
    return LocalToolbox(loaded(folder, fake=server(FAKE, how, *arguments, **more)).tools)


def running(mark: Path) -> list[int]:
    """The processes of the fake servers that were given this path."""
    pids = mark.with_suffix(".pids")
    return [pid for pid in map(int, pids.read_text().split()) if alive(pid)] if pids.exists() else []


def soon(what: Callable[[], Any]) -> Any:
    """What this comes to, once it comes to something; fails after a while."""
    until = time.monotonic() + PATIENCE
    while not (found := what()):
        if time.monotonic() > until:
            raise AssertionError("it did not happen")
        time.sleep(0.01)
    return found


def sent(notes: Path) -> list[dict[str, Any]]:
    """The messages that a fake server was sent."""
    return [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()] if notes.exists() else []


def end(process: int) -> None:
    """End a server's process behind our back."""
    os.kill(process, 9)
