"""The prompt in the middle of a turn: prompt_toolkit, imported only when a person is really asked.

Knows how to read a line from a terminal. Ctrl-C here means "stop the turn" and arrives as a cancellation.
"""

from __future__ import annotations

import asyncio
import sys


class _Interrupted(Exception):
    """Ctrl-C came as a key: the terminal is in raw mode, there is no signal."""


async def ask_person(prompt: str, default: str = "") -> str:
    """Ask in the middle of a turn; Ctrl-C or Ctrl-D cancels the turn."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.output import create_output

    # stdout may be a pipe that carries data; the person is at stderr
    output = None if sys.stdout.isatty() else create_output(stdout=sys.stderr)
    session: PromptSession[str] = PromptSession(
        output=output, interrupt_exception=_Interrupted, eof_exception=_Interrupted, enable_suspend=True
    )
    try:
        # SIGINT is the turn's: prompt_toolkit would take its handler away, and Ctrl-C would do nothing afterwards
        return await session.prompt_async(prompt, default=default, handle_sigint=False)
    except _Interrupted:
        raise asyncio.CancelledError from None
