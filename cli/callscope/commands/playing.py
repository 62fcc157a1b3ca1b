"""A recording before a person at a terminal: what a player needs to know of it, and what it tells afterwards.

Knows when panels can be drawn, and by what the arguments of recorded calls are judged. Must not know keys.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from callscope.core.events import ToolsChanged
from callscope.record.file.reading import Recorded

if TYPE_CHECKING:
    from callscope.panels.judging import Check
    from callscope.record.deriving.rederiving import Difference


def can_draw() -> bool:
    """Whether a person is at a terminal that panels can be drawn in."""
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        return False
    from callscope.ui.lines import chrome_console

    return not chrome_console(sys.stderr).is_dumb_terminal


def play(recording: Recorded, speed: float, *, paused: bool) -> Sequence[Difference] | None:
    """Let a person play a recording; gives where it says other than its bytes, None after Ctrl-C."""
    from callscope.record.deriving.rederiving import derive
    from callscope.record.deriving.reel import Reel
    from callscope.ui.lines import chrome_console

    from .player import Player

    found: list[Difference] = []
    reel = Reel(derive(recording, found=found))
    length = max((entry.at for entry in recording.entries), default=0.0)
    console = chrome_console(sys.stderr)
    player = Player(reel, console, length=length, speed=speed, paused=paused, check=_recorded_check(recording))
    asyncio.run(player.run())
    if player.interrupted:
        return None
    reel.finish()
    return found


def _recorded_check(recording: Recorded) -> Check:
    """What is wrong with arguments by the schemas that are recorded; of two of one name the later one counts."""
    from callscope.tools.definitions import Tool
    from callscope.tools.running.toolbox import LocalToolbox

    changes = [entry.event.tools for entry in recording.entries if isinstance(entry.event, ToolsChanged)]
    specs = {spec.name: spec for tools in changes for spec in tools}
    toolbox = LocalToolbox([Tool(spec) for spec in specs.values()])
    return lambda call, arguments: toolbox.check(call, arguments)
