"""Runs a command's coroutine to its end.

Knows the signals that end a program. Must not know what any command does.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end; SIGTERM winds up as Ctrl-C does, so that the conversation is valid and the recording whole.

    So does SIGHUP, which says that the terminal has gone: a tool in a session of its own would run on for ever. Who
    began us with nohup(1) wants us to go on.
    """

    async def wound_up() -> Result:
        task = asyncio.current_task()
        assert task is not None
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        return await main

    try:
        return asyncio.run(wound_up())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
