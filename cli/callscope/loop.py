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
    """Run to the end; SIGTERM winds up as Ctrl-C does, so that the conversation is valid and the recording whole."""

    async def wound_up() -> Result:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await main

    try:
        return asyncio.run(wound_up())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
