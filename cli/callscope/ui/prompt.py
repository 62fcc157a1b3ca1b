"""The prompts of a turn and of the REPL: prompt_toolkit, imported only when a person is really asked.

Knows how to read a line from a terminal. Ctrl-C at a nested prompt means "stop the turn" and arrives as a
cancellation; at the main prompt it clears the line.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


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


class MainPrompt:
    """The REPL's prompt, with a history that outlives it, in which `mask` leaves no secret."""

    def __init__(self, history: Path | None, commands: Sequence[str], mask: Callable[[str], str]) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.completion import WordCompleter
        from prompt_toolkit.history import FileHistory, InMemoryHistory

        class CommandCompleter(WordCompleter):
            def get_completions(self, document: Any, complete_event: Any) -> Any:
                if document.text_before_cursor.startswith("/"):
                    yield from super().get_completions(document, complete_event)

        class MaskedHistory(FileHistory):
            def store_string(self, string: str) -> None:
                super().store_string(mask(string))

        self.session: PromptSession[str] = PromptSession(
            history=MaskedHistory(str(history)) if history else InMemoryHistory(),
            completer=CommandCompleter(list(commands), sentence=True),
            complete_while_typing=False,
            enable_history_search=True,
            enable_suspend=True,
        )

    async def ask(self, prompt: str) -> str | None:
        """The next line; an empty one after Ctrl-C, None after Ctrl-D."""
        try:
            return await self.session.prompt_async(prompt)
        except KeyboardInterrupt:
            return ""
        except EOFError:
            return None
