"""The REPL's prompt: lines of a person, with history, completion and an editor.

Knows how to read lines from a terminal with prompt_toolkit, which is imported when the prompt is made. Must not know
what a line means, nor what completes it.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callscope.core.visible import visible

from .completion import Complete
from .editor import NoEditor, edit_in_editor, editor_command
from .typed_ahead import with_what_was_typed

if TYPE_CHECKING:
    from prompt_toolkit.buffer import Buffer
    from prompt_toolkit.completion import Completer
    from prompt_toolkit.history import History
    from prompt_toolkit.key_binding import KeyBindings


CALM = {
    "completion-menu": "noreverse bg:default fg:default",
    "completion-menu.completion": "noreverse bg:default fg:default",
    "completion-menu.completion.current": "noreverse bg:default fg:default bold underline",
    "completion-menu.meta.completion": "noreverse bg:default fg:ansibrightblack",
    "completion-menu.meta.completion.current": "noreverse bg:default fg:default",
    "scrollbar.background": "bg:default",
    "scrollbar.button": "reverse",
}
"""The menu in the terminal's own colours: it comes on a key and shall not shout."""


USUAL_EDITORS = ("editor", "nano", "vi")
"""The editors that are looked for where the person names none."""


class MainPrompt:
    """The REPL's prompt, with a history that outlives it, in which `mask` leaves no secret."""

    def __init__(self, history: Path | None, mask: Callable[[str], str]) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.styles import Style

        with _words_alone():
            self.session: PromptSession[str] = PromptSession(
                history=_history(history, mask),
                multiline=True,
                prompt_continuation=_continuation,
                complete_while_typing=False,
                reserve_space_for_menu=6,
                style=Style.from_dict(CALM),
                enable_history_search=True,
                enable_suspend=True,
                key_bindings=_keys(),
            )

    async def ask(self, prompt: str, *, default: str = "", complete: Complete | None = None) -> str | None:
        """The next line, edited from `default`; an empty one after Ctrl-C, None after Ctrl-D."""
        completer = _completer(complete) if complete else None
        try:
            with with_what_was_typed(self.session.input):
                return await self.session.prompt_async(prompt, default=default, completer=completer)
        except KeyboardInterrupt:
            return ""
        except EOFError:
            return None


def history_file(environ: Mapping[str, str], say: Callable[[str], object]) -> Path | None:
    """Where the lines of earlier sessions are; None where nothing can be kept, which is said."""
    state = Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "callscope"
    history = state / "history"
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        history.touch(mode=0o600)
        history.open("r+b").close()
    except OSError as error:
        say(f"{history} cannot be written ({error.strerror}): the history of this session is not kept.")
        return None
    return history


def _continuation(width: int, line: int, is_soft_wrap: int) -> str:
    """What stands before the second line and those after it: nothing that a copy would take along."""
    return " " * width


@contextmanager
def _words_alone() -> Iterator[None]:
    """Prompts made in here tell a dumb terminal nothing but words; usually they begin with an escape."""
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.output.plain_text import PlainTextOutput
    from prompt_toolkit.utils import is_dumb_terminal

    with create_app_session(output=PlainTextOutput(sys.stdout)) if is_dumb_terminal() else nullcontext():
        yield


def _history(path: Path | None, mask: Callable[[str], str]) -> History:
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    class MaskedHistory(FileHistory):
        """The file may break in mid-session, as when the disk is full: it is not worth the session."""

        def load_history_strings(self) -> Iterable[str]:
            try:
                yield from super().load_history_strings()
            except OSError:
                return

        def store_string(self, string: str) -> None:
            with suppress(OSError):
                super().store_string(mask(string))

    return MaskedHistory(str(path)) if path else InMemoryHistory()


def _completer(complete: Complete) -> Completer:
    from prompt_toolkit.completion import Completer, Completion

    class Candidates(Completer):
        def get_completions(self, document: Any, complete_event: Any) -> Iterable[Completion]:
            return ()  # the prompt asks the other way, which can wait for a server without blocking a key

        async def get_completions_async(self, document: Any, complete_event: Any) -> AsyncGenerator[Completion, None]:
            for found in await complete(document.text_before_cursor):
                yield Completion(found.text, -found.replaces, display_meta=found.note)

    return Candidates()


def _keys() -> KeyBindings:
    """Enter sends; Alt-Enter, Ctrl-J and a backslash before Enter begin a new line; Ctrl-X Ctrl-E opens the editor."""
    from prompt_toolkit.enums import DEFAULT_BUFFER
    from prompt_toolkit.filters import has_focus
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()
    at_line = has_focus(DEFAULT_BUFFER)

    @keys.add("enter", filter=at_line)
    def _(event: Any) -> None:
        buffer = event.current_buffer
        if buffer.complete_state and buffer.complete_state.current_completion:
            buffer.complete_state = None  # Enter takes what the menu put into the line; the next one sends it
        elif _goes_on(buffer.document.current_line_before_cursor) and buffer.document.is_cursor_at_the_end:
            buffer.delete_before_cursor()
            buffer.newline(copy_margin=False)
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter", filter=at_line)
    @keys.add("c-j", filter=at_line)
    def _(event: Any) -> None:
        event.current_buffer.newline(copy_margin=False)

    @keys.add("c-x", "c-e", filter=at_line)
    def _(event: Any) -> None:
        event.app.create_background_task(_in_editor(event.current_buffer))

    return keys


async def _in_editor(buffer: Buffer) -> None:
    """Go on with the line in an editor; readline would send what comes back, here it can be looked at first."""
    from prompt_toolkit.application import in_terminal
    from prompt_toolkit.document import Document

    async with in_terminal():
        try:
            usual = next(filter(None, map(shutil.which, USUAL_EDITORS)), USUAL_EDITORS[-1])
            command = editor_command(os.environ) or [usual]
            text = await edit_in_editor(command, buffer.text, "callscope.md")
        except NoEditor as trouble:
            sys.stderr.write(f"! {visible(str(trouble))}\n")
            return
    buffer.document = Document(text)


def _goes_on(line: str) -> bool:
    r"""Whether a line ends in a backslash that asks for another line; two of them are a backslash at the end."""
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1
