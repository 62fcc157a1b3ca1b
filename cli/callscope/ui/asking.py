"""A person at a terminal is asked: a key, a few words, or a text to edit.

Knows how a question looks and how an answer is had, in the person's own editor where there is one. Must not know what
is asked about. Whoever asks owns the terminal; Ctrl-C at any question is a cancellation.
"""

from __future__ import annotations

import asyncio
import os
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from callscope.core.visible import one_line

from .editor import NoEditor, edit_in_editor, editor_command
from .hanging import hanging
from .inline import ToEditor, type_text
from .one_key import read_key

NARROW = 60
"""Columns below which the keys stand on rows of their own, all of them with their words."""

LEAST_ROOM = 10
"""Columns that a row is wrapped to at least, also where a terminal tells that it has none."""

INDENT = "  "
IN_A_TURN = "Ctrl-C stops the turn."
BACK = "Esc: back"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a key means: one word for the question, one sentence for the help.

    Where there is little room the words of the highest `rank` give way first.
    """

    word: str
    does: str
    rank: int = 0


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

    async def key(self, question: str, choices: Choices, leaving: str = IN_A_TURN) -> str:
        """One of the keys; `leaving` says what Ctrl-C does."""
        ...

    async def words(self, prompt: str, hint: str = BACK) -> str:
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
        self._left = 0  # columns to the right of the question

    async def key(self, question: str, choices: Choices, leaving: str = IN_A_TURN) -> str:
        """One of the keys, without Enter; `?` tells what each of them does."""
        while True:
            try:
                key = await read_key(lambda: self._ask(question, choices))
            except asyncio.CancelledError:
                self.console.print(Text("interrupted", style="bold yellow"))
                raise
            word = choices[key].word if key in choices else ""
            self.console.print(Text(word if cell_len(word) <= self._left else key, style="bold"))
            if key in choices:
                return key
            if key == "?":
                self._help(choices, leaving)
            elif key:
                self._say(f"{key if len(key) == 1 else 'that'} is none of these keys; ? tells what each of them does")

    async def words(self, prompt: str, hint: str = BACK) -> str:
        """A text from a prompt; Ctrl-X Ctrl-E goes on in the editor, Esc is a change of mind."""
        return await self._typed(prompt, "", "txt", hint) or ""

    async def edit(self, draft: Draft) -> str | None:
        """Another text, from the editor or else from a prompt; with a problem it is asked for again, and kept."""
        text, editing = draft.text, True
        while True:
            edited = await self._opened(text, draft.suffix) if editing else None
            editing = edited is not None
            typed = await self._typed(draft.prompt, text, draft.suffix) if edited is None else edited
            if typed is None:
                return None
            text = typed
            if text == draft.text or not text.strip():
                self._say("unchanged" if text.strip() else "empty: nothing is changed")
                return None
            if (problem := draft.problem(text)) is None:
                return text
            self._complain(problem)
            if editing and await self.key("edit it again?", AGAIN) == "b":
                return None

    # ---- one text -------------------------------------------------------------------------------------------------

    async def _typed(self, prompt: str, text: str, suffix: str, hint: str = BACK) -> str | None:
        """What was typed; None after Esc."""
        while True:
            try:
                return await type_text(f"  {prompt} {self._mark} ", text, hint)
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

    def _ask(self, question: str, choices: Choices) -> None:
        *above, last = self._question(question, choices)
        for row in above:
            self.console.print(row)
        self._left = self.console.width - last.cell_len
        self.console.print(last, end="")

    def _question(self, question: str, choices: Choices) -> list[Text]:
        """The question and its keys on one row where they fit, else the keys on rows of their own."""
        room = max(self.console.width - 2 * len(INDENT) - len(self._mark), LEAST_ROOM)
        keys = " ".join(_labels(choices, room))
        if cell_len(f"{question} {keys}") <= room:
            rows = [f"{INDENT}{question} {keys}"]
        else:
            rows = [INDENT + line for line in textwrap.wrap(question, room)]
            rows += [INDENT + line for line in textwrap.wrap(keys, room)]
        asked = [Text(row) for row in rows]
        left = len(question)
        for row in asked:
            row.stylize("bold yellow", len(INDENT), len(INDENT) + max(0, left))
            row.highlight_regex(r"\[.\](?=\S* |\S*$)", "not yellow bold cyan")
            left -= len(row.plain) - len(INDENT) + 1
        asked[-1].append(f" {self._mark} ")
        return asked

    def _help(self, choices: Choices, leaving: str) -> None:
        for key, choice in choices.items():
            line = Text(f"    {key}  ", style="bold cyan")
            for row in hanging(self.console, f"    {key}  {choice.does}", more=3):
                self.console.print(line.append(row.plain[7:], style="not bold default"))
                line = Text("       ")
        self._say(f"  {leaving}")

    def _say(self, text: str) -> None:
        for line in hanging(self.console, f"  {text}", "dim"):
            self.console.print(line)

    def _complain(self, problem: str) -> None:
        for line in hanging(self.console, f"  ! {one_line(problem, 2000)}", "yellow"):
            self.console.print(line)


def _labels(choices: Choices, room: int) -> list[str]:
    """The keys in their words, some of them alone where there is no room for all words in one row."""
    labels = {key: _label(key, choice.word) for key, choice in choices.items()}
    for key in sorted(choices, key=lambda key: -choices[key].rank):
        if len(" ".join(labels.values())) + len(" [?]") <= room or room < NARROW or not choices[key].rank:
            break
        labels[key] = f"[{key}]"
    return [*labels.values(), "[?]"]


def _label(key: str, word: str) -> str:
    """The key in its word where it begins it: [y]es, [Y]always."""
    return f"[{key}]{word[1:] if word.startswith(key) else word}"
