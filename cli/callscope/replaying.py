"""What `replay` and `recordings` do.

Knows how a recording is shown, checked and run again. Must not know Typer, nor how a recording is read.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from callscope.core.errors import UsageError
from callscope.core.events import BytesRead, Stamped
from callscope.core.state import Conversation, apply
from callscope.record.reading import Recording, open_recording

DIVERGED = 1


def show(file: Path, speed: str, *, step: bool, as_json: bool) -> int:
    """Show a recording as it went, then say whether everything derives from its bytes as it did then."""
    from callscope.record.rederiving import derive, verify

    recording = _opened(file)
    pause = _stepping() if step else _pacing(speed)
    view = _view(as_json=as_json)
    conversation = Conversation()
    for stamped in derive(recording):
        pause(stamped)
        conversation = apply(conversation, stamped.event)
        view.handle(stamped, conversation)
    view.close()
    difference = verify(recording)
    if difference is None:
        return 0
    _say(f"callscope: {file} derives otherwise today: {difference}")
    return DIVERGED


def run_again(file: Path, server: str, calls: str, tools: Sequence[Path], *, as_json: bool) -> int:
    """Drive the recorded session again offline, and name the first divergence."""
    from callscope.record.rerunning import rerun
    from callscope.tools.loading import load_tools
    from callscope.tools.running import LocalToolbox

    if server != "recorded":
        raise UsageError(f"--server {server}: only recorded answers can be had.")
    if calls not in ("recorded", "run"):
        raise UsageError(f"--calls {calls}: write recorded or run.")
    if calls == "run" and not tools:
        raise UsageError("--calls run runs tools again: say which with --tools FILE.")
    toolbox = LocalToolbox(load_tools(list(tools)).tools) if calls == "run" else None
    view = _view(as_json=as_json)
    report = asyncio.run(rerun(_opened(file), toolbox=toolbox, sinks=[view]))
    view.close()
    _say(f"callscope: {report}")
    return DIVERGED if report.divergence else 0


def accept_file(file: Path) -> None:
    """Rewrite what is derived in a recording."""
    from callscope.record.rederiving import accept

    changed = accept(file)
    _say(f"callscope: {changed} derived line{'' if changed == 1 else 's'} of {file} rewritten")


def list_recordings(folder: Path | None, *, as_json: bool) -> None:
    """Print a line a recording, newest first."""
    from callscope.record.directories import recordings_directory
    from callscope.record.listing import list_recordings as summaries

    for summary in summaries(recordings_directory(folder, os.environ)):
        _print(json.dumps(summary.as_json(), ensure_ascii=False) if as_json else str(summary))


def show_recording(file: Path, *, as_json: bool) -> None:
    """Print what a recording holds, then show all of it at once."""
    from callscope.record.listing import summarize

    if as_json:
        _print(json.dumps(summarize(file).as_json(), ensure_ascii=False))
        return
    recording = _opened(file)
    _say(str(summarize(file)))
    _show_all(recording)


def _show_all(recording: Recording) -> None:
    from callscope.record.rederiving import derive

    view, conversation = _view(as_json=False), Conversation()
    for stamped in derive(recording):
        conversation = apply(conversation, stamped.event)
        view.handle(stamped, conversation)
    view.close()


def _opened(file: Path) -> Recording:
    recording = open_recording(file)
    for warning in recording.warnings:
        _say(f"callscope: {warning}")
    return recording


def _view(*, as_json: bool) -> Any:
    if as_json:
        from callscope.ui.jsonl import JsonLines

        return JsonLines(sys.stdout)
    from callscope.ui.lines import LinesView, chrome_console

    return LinesView(sys.stdout, chrome_console(sys.stderr), echo_user=True)


def _pacing(speed: str) -> Callable[[Stamped], None]:
    """Wait as long between two events as then, divided by `speed`; `max` never waits."""
    if speed == "max":
        return lambda stamped: None
    try:
        factor = float(speed)
    except ValueError:
        factor = 0.0
    if not 0 < factor < math.inf:
        raise UsageError(f"--speed {speed}: write a number above 0, such as 1 or 10, or max.")
    start = time.monotonic()

    def wait(stamped: Stamped) -> None:
        due = start + stamped.at / factor
        time.sleep(max(0.0, due - time.monotonic()))

    return wait


def _stepping() -> Callable[[Stamped], None]:
    """Wait for Enter before each event that is shown."""
    if not sys.stdin.isatty():
        raise UsageError("--step needs a terminal to wait at.")

    def wait(stamped: Stamped) -> None:
        if not isinstance(stamped.event, BytesRead):
            sys.stdin.readline()

    return wait


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
