"""A REPL without a terminal: lines are typed, a scripted person answers, and what was said is text."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from callscope.core.events import SettingsChanged, ToolsChanged
from callscope.core.state import Conversation
from callscope.core.values import Settings
from callscope.looking.witness import Witness
from callscope.record.recorder import Recorder
from callscope.record.secrets.masking import Secrets
from callscope.repl import Repl
from callscope.slash.table import COMMANDS
from callscope.tools.definitions import LoadedTools
from callscope.tools.loading import load_tools
from callscope.tools.running.toolbox import LocalToolbox
from callscope.ui.asking import Choices, Draft
from callscope.ui.completion import Candidate, Complete
from callscope.ui.lines import chrome_console
from callscope.ui.view import PlainView
from playbook import Answer, Playbook
from toolbench import write


class TypedLines:
    """Hands out lines in their order, and then leaves; remembers from what text each was to be edited."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = list(lines)
        self.defaults: list[str] = []

    async def ask(self, prompt: str, *, default: str = "", complete: Complete | None = None) -> str | None:
        self.defaults.append(default)
        return self.lines.pop(0) if self.lines else None


class Answering:
    """Answers each question with the next of these words."""

    def __init__(self, answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.questions: list[str] = []

    async def key(self, question: str, choices: Choices, leaving: str = "") -> str:
        self.questions.append(question)
        return self.answers.pop(0)

    async def words(self, prompt: str, hint: str = "") -> str:
        self.questions.append(prompt)
        return self.answers.pop(0)

    async def edit(self, draft: Draft) -> str | None:
        raise AssertionError("nothing here opens an editor")


class ScriptedRepl:
    """A REPL on scripted ports, whose tools are those of a file."""

    def __init__(
        self,
        folder: Path,
        tools: str = "",
        *,
        answers: Sequence[Answer] = (),
        keys: Sequence[str] = (),
        **settings: Any,
    ) -> None:
        self.folder = folder
        self.file = write(folder, "tools.yaml", tools) if tools else None
        self.play = Playbook(*answers, settings=Settings(dialect="scripted", **settings), tools=())
        self.session = self.play.session
        self.person = Answering(keys)
        self.out = io.StringIO()
        loaded = self._load()
        toolbox = LocalToolbox(loaded.tools)
        self.session.toolbox = toolbox
        self.session.emit(ToolsChanged(loaded.specs))
        console = chrome_console(self.out)
        view = PlainView(self.out, console)
        self.session.sinks.append(view)
        self.repl = Repl(
            session=self.session,
            prompt=TypedLines(()),
            person=self.person,
            view=view,
            console=console,
            witness=Witness(),
            secrets=Secrets(),
            commands=lambda: COMMANDS,
            tools=loaded,
            toolbox=toolbox,
            reload=self._load,
            record=self._record,
            curl=str,
            recorder=None,
        )

    def _load(self) -> LoadedTools:
        return load_tools([self.file]) if self.file else LoadedTools()

    def _record(self) -> Recorder:
        return Recorder.create(self.folder, secrets=Secrets(), clock=self.play.clock, program="test")

    @property
    def conversation(self) -> Conversation:
        """The conversation as it is."""
        return self.session.conversation

    def typed(self, *lines: str) -> str:
        """Type these lines; gives what was said meanwhile."""
        begin = len(self.out.getvalue())
        self.prompt = TypedLines(lines)
        self.repl.prompt = self.prompt
        asyncio.run(self.repl.run())
        return self.out.getvalue()[begin:]

    def completed(self, before: str) -> list[str]:
        """The lines that Tab could make of this one."""
        found: Sequence[Candidate] = asyncio.run(self.repl.complete(before))
        return [before[: len(before) - candidate.replaces] + candidate.text for candidate in found]

    def settings_said(self) -> list[Settings]:
        """The settings that were made, but for the first."""
        events = self.play.listener.events
        return [event.settings for event in events if isinstance(event, SettingsChanged)][1:]
