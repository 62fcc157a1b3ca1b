"""A text at a prompt of its own, in the middle of a turn: prompt_toolkit, imported when a person is really asked.

Knows how a text is read from a terminal. Ctrl-C and Ctrl-D here mean "stop the turn" and arrive as a cancellation.
"""

from __future__ import annotations

import asyncio
import sys
from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from callscope.core.visible import visible

if TYPE_CHECKING:
    from prompt_toolkit.key_binding import KeyBindings
    from prompt_toolkit.layout.processors import Processor


class ToEditor(Exception):
    """The person wants to go on with this text in an editor."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class _Back(Exception):
    """Esc: the person thought better of it."""


class _Interrupted(Exception):
    """Ctrl-C came as a key: the terminal is in raw mode, there is no signal."""


ESCAPE_ALONE = 0.2
"""Seconds after which an Escape is a key of its own, and not the beginning of Alt-Enter."""


async def type_text(prompt: str, text: str = "", hint: str = "") -> str | None:
    """Have a person type a text, beginning with this one; None after Esc. Raises ToEditor after Ctrl-X Ctrl-E."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.output import create_output
    from prompt_toolkit.utils import is_dumb_terminal

    # stdout may be a pipe that carries data; the person is at stderr
    output = None if sys.stdout.isatty() else create_output(stdout=sys.stderr)
    session: PromptSession[str] = PromptSession(
        output=output,
        multiline=True,
        prompt_continuation=lambda width, number, wrapped: " " * width,
        key_bindings=_keys(),
        input_processors=[_hostile_characters_shown()],
        rprompt=lambda: "" if session.app.is_done else [("fg:ansibrightblack", hint)],
        interrupt_exception=_Interrupted,
        eof_exception=_Interrupted,
        enable_suspend=True,
    )
    session.app.timeoutlen = session.app.ttimeoutlen = ESCAPE_ALONE
    if is_dumb_terminal() and text:  # there the prompt shows what is typed, not what it began with
        sys.stderr.write(f"{visible(text)}\n")
        text = ""
    try:
        # SIGINT is the turn's: prompt_toolkit would take its handler away, and Ctrl-C would do nothing afterwards
        return await session.prompt_async(prompt, default=text, handle_sigint=False)
    except _Back:
        return None
    except _Interrupted:
        raise asyncio.CancelledError from None


def _keys() -> KeyBindings:
    """Enter sends, Alt-Enter and Ctrl-J begin a new line, Ctrl-X Ctrl-E goes to the editor, Esc leaves."""
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()

    @keys.add("enter")
    def _(event: Any) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter")
    @keys.add("c-j")
    def _(event: Any) -> None:
        event.current_buffer.newline(copy_margin=False)

    @keys.add("escape")
    def _(event: Any) -> None:
        event.app.exit(exception=_Back())

    @keys.add("c-x", "c-e")
    def _(event: Any) -> None:
        event.app.erase_when_done = True  # the prompt comes back with what was written
        event.app.exit(exception=ToEditor(event.current_buffer.text))

    return keys


def _hostile_characters_shown() -> Processor:
    """Shows the characters that turn the direction of writing around as escapes, each still one place to edit."""
    from prompt_toolkit.formatted_text import StyleAndTextTuples, fragment_list_to_text
    from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
    from prompt_toolkit.layout.utils import explode_text_fragments

    class Shown(Processor):
        def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
            fragments = transformation_input.fragments
            if fragment_list_to_text(fragments).isascii():  # prompt_toolkit shows control characters by itself
                return Transformation(fragments)
            shown: StyleAndTextTuples = []
            starts = [0]
            for style, char, *_ in explode_text_fragments(fragments):
                shown.append((style, char if char.isascii() else visible(char)))
                starts.append(starts[-1] + len(shown[-1][1]))
            return Transformation(
                shown,
                source_to_display=lambda at: starts[min(at, len(shown))],
                display_to_source=lambda at: bisect_right(starts, at) - 1,
            )

    return Shown()
