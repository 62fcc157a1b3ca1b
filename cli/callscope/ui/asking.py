"""A person at a terminal is asked: a key, a few words, or a text to edit.

Knows how a question looks and how an answer is had, in the person's own editor where there is one. Must not know what
is asked about. Whoever asks owns the terminal; Ctrl-C at any question is a cancellation.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console
from rich.text import Text

from .editor import NoEditor, edit_in_editor, editor_command
from .inline import ToEditor, type_text
from .one_key import read_key
from .visible import one_line

NARROW = 60
"""Columns below which keys stand without their words."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a key means: one word for the question, one sentence for the help."""

    word: str
    does: str


Choices = Mapping[str, Choice]
"""By the key, a single character."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A text to change: `problem` says what is wrong with a new one, None where nothing is; `suffix` as of a file."""

    text: str
    prompt: str
    suffix: str
    problem: Callable[[str], str | None]


class Person(Protocol):
    """Whoever is asked."""

    async def key(self, question: str, choices: Choices) -> str:
        """One of the keys."""
        ...

    async def words(self, prompt: str) -> str:
        """A text, perhaps of several lines; an empty one is a change of mind."""
        ...

    async def edit(self, draft: Draft) -> str | None:
        """Another text that has no problem; None where it stays as it was."""
        ...


AGAIN: Choices = {
    "e": Choice("edit", "go on with your text in the editor"),
    "b": Choice("back", "forget your text and go back to the question"),
}


class PersonAtTerminal:
    """The person at stdin and stderr; the questions go to `console`, `environ` names the editor."""

    def __init__(self, console: Console, environ: Mapping[str, str] = os.environ) -> None:
        self.console = console
        self.environ = environ
        fancy = (console.encoding or "").lower().startswith("utf")
        self._mark = "›" if fancy else ">"

    async def key(self, question: str, choices: Choices) -> str:
        """One of the keys, without Enter; any other key shows what there is to choose from."""
        while True:
            key = await read_key(lambda: self.console.print(self._question(question, choices), end=""))
            self.console.print(Text(choices[key].word if key in choices else "", style="bold"))
            if key in choices:
                return key
            if key:
                self._help(choices)

    async def words(self, prompt: str) -> str:
        """A text from a prompt; Ctrl-X Ctrl-E goes on in the editor."""
        return await self._typed(prompt, "", "txt")

    async def edit(self, draft: Draft) -> str | None:
        """Another text, from the editor or else from a prompt; with a problem it is asked for again, and kept."""
        text, editing = draft.text, True
        while True:
            edited = await self._opened(text, draft.suffix) if editing else None
            editing = edited is not None
            text = await self._typed(draft.prompt, text, draft.suffix) if edited is None else edited
            if text == draft.text or not text.strip():
                self._say("unchanged" if text.strip() else "empty: nothing is changed")
                return None
            if (problem := draft.problem(text)) is None:
                return text
            self._complain(problem)
            if editing and await self.key("edit it again?", AGAIN) == "b":
                return None

    # ---- one text -------------------------------------------------------------------------------------------------

    async def _typed(self, prompt: str, text: str, suffix: str) -> str:
        while True:
            try:
                return await type_text(f"  {prompt} {self._mark} ", text)
            except ToEditor as wish:
                edited = await self._opened(wish.text, suffix, wanted=True)
                text = wish.text if edited is None else edited

    async def _opened(self, text: str, suffix: str, *, wanted: bool = False) -> str | None:
        """The text as the editor left it; None where there is none, which is said unless none was `wanted`."""
        try:
            command = editor_command(self.environ)
            if command is None and wanted:
                self._complain("no editor: neither $VISUAL nor $EDITOR is set")
            return None if command is None else await edit_in_editor(command, text, f"callscope.{suffix}")
        except NoEditor as trouble:
            self._complain(str(trouble))
            return None

    # ---- what is shown --------------------------------------------------------------------------------------------

    def _question(self, question: str, choices: Choices) -> Text:
        width = self.console.width
        labels = [_label(key, choice.word) for key, choice in {**choices, "?": Choice("", "")}.items()]
        if width < NARROW:
            labels = [*choices, "?"]
        lines = textwrap.wrap(f"{question} {' '.join(labels)} {self._mark}", max(20, width - 4))
        shown = Text("".join(f"\n    {line}" if number else f"  {line}" for number, line in enumerate(lines)) + " ")
        shown.highlight_regex(r"\[.\]", "bold cyan")
        shown.stylize("bold yellow", 0, 2 + len(question))
        return shown

    def _help(self, choices: Choices) -> None:
        for key, choice in choices.items():
            line = Text(f"    {key}  ", style="bold cyan")
            self.console.print(line.append(choice.does, style="not bold default"))
        self._say("  Ctrl-C stops the turn.")

    def _say(self, text: str) -> None:
        self.console.print(Text(f"  {text}", style="dim"))

    def _complain(self, problem: str) -> None:
        self.console.print(Text(f"  ! {one_line(problem, 2000)}", style="yellow"))


def _label(key: str, word: str) -> str:
    """The key in its word where it begins it: [y]es, [Y]always."""
    return f"[{key}]{word[1:] if word.startswith(key) else word}"
