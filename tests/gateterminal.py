"""A REPL in a real terminal, in front of a demo agent that keeps every request it got, and editors made for a test."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
import termios
import threading
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect

from callscope.serving.connection import Piece, Request
from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from warm_terminals import spawn

TOOLS = """
tools:
  - name: get_weather
    description: Current weather for a city.
    parameters: {type: object, properties: {city: {type: string}}, required: [city], additionalProperties: false}
    run: {python: "weather.py:get_weather"}
  - name: ask_colour
    description: Ask the user for a colour.
    parameters: {type: object, properties: {}}
"""
WEATHER = 'def get_weather(city: str) -> dict:\n    return {"sun": f"over {city}"}\n'
PARIS = 'get_weather {"city": "Paris"}'
COLOUR = "ask_colour {}"
QUESTION = "[?]"
"""The end of every question that one key answers."""


PROMPT_BEGINS, PROMPT_ENDS = "\x1b[?2004h", "\x1b[?2004l"
"""A prompt switches bracketed paste on, and off again."""


class Listening:
    """The demo agent, and the body of every POST it got, byte for byte. It answers while it `may_answer`."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self._agent = DemoAgent(pace=0.0)

    async def __call__(self, request: Request) -> AsyncGenerator[Piece, None]:
        if request.method == "POST":
            self.bodies.append(request.body)
        while not self.may_answer.is_set():
            await asyncio.sleep(0.005)
        async for piece in self._agent(request):
            yield piece

    def messages(self, place: int = -1) -> list[dict[str, Any]]:
        """The messages of a request."""
        messages: list[dict[str, Any]] = json.loads(self.bodies[place])["messages"]
        return messages

    def arguments(self) -> list[str]:
        """The arguments of the calls in the last request, as text."""
        return [
            call["function"]["arguments"] for message in self.messages() for call in message.get("tool_calls") or ()
        ]

    def results(self) -> list[str]:
        """The results in the last request."""
        return [message["content"] for message in self.messages() if message["role"] == "tool"]


class Terminal:
    """A folder with tools, an agent, and the REPLs that a test opens there."""

    def __init__(self, folder: Path, agent: Listening, url: str) -> None:
        self.folder, self.agent, self.url = folder, agent, url
        self._opened: list[pexpect.spawn[str]] = []

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in ("VISUAL", "EDITOR")}
        own = {"TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1", "TMPDIR": str(self.folder / "tmp")}
        return {**inherited, **own, **more}

    def open(self, *arguments: str, dimensions: tuple[int, int] = (40, 120), **environ: str) -> pexpect.spawn[str]:
        """A REPL that shows its prompt."""
        child = self.spawn(
            sys.executable, "-m", "callscope", "--url", self.url, *arguments, dimensions=dimensions, **environ
        )
        child.expect_exact("/help lists the commands")
        at_prompt(child)
        return child

    def spawn(self, *command: str, dimensions: tuple[int, int] = (40, 120), **environ: str) -> pexpect.spawn[str]:
        child = spawn(
            command[0], command[1:], cwd=str(self.folder), dimensions=dimensions, timeout=8,
            env=self.environment(environ),
        )  # fmt: skip
        child.delaybeforesend = None
        self._opened.append(child)
        return child

    @property
    def recording(self) -> Path:
        """The recording of the one session there was."""
        return next((self.folder / "recordings").glob("*.jsonl"))

    def recorded(self, kind: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.recording.read_text().splitlines()]
        return [line for line in lines if line["kind"] == kind]

    def editor(self, *texts: str) -> str:
        """An editor that writes the first text, then the second…, and keeps what it was given in `given.0`, `given.1`…

        What it can do besides is in `before.sh`. The folder's name has a space, as on many machines.
        """
        home = self.folder / "my editor"
        home.mkdir()
        for number, text in enumerate(texts):
            (home / f"text.{number}").write_text(text)
        script = home / "edit.sh"
        script.write_text(
            '#!/bin/sh\ncd "$(dirname "$0")" || exit 9\nn=$(ls given.* 2>/dev/null | wc -l | tr -d " ")\n'
            'cp "$2" "given.$n"\nstat -c "%a %n" "$2" "$(dirname "$2")" > modes\n'
            'if test -e before.sh; then . ./before.sh; fi\ncat "text.$n" > "$2"\n'
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return f"'{script}' --wait"

    def given(self, number: int = 0) -> str:
        """What the editor was given at its first, second… opening."""
        return (self.folder / "my editor" / f"given.{number}").read_text()

    def close(self) -> None:
        for child in self._opened:
            child.close(force=True)


@contextmanager
def terminal(folder: Path) -> Iterator[Terminal]:
    """A folder ready to open REPLs in; none of them outlives the context."""
    (folder / "tools.yaml").write_text(TOOLS)
    (folder / "weather.py").write_text(WEATHER)
    for name in ("recordings", "tmp"):
        (folder / name).mkdir()
    agent = Listening()
    with run_in_thread(agent) as server:
        opened = Terminal(folder, agent, f"{server.url}/v1")
        try:
            yield opened
        finally:
            opened.close()


def at_prompt(child: pexpect.spawn[str]) -> None:
    """Wait until the terminal is in a prompt's hands."""
    child.expect_exact(PROMPT_BEGINS)


def enter(child: pexpect.spawn[str], line: str) -> None:
    """Type a line and press Enter."""
    child.send(f"{line}\r")


def in_raw_mode(child: pexpect.spawn[str]) -> None:
    """Wait until somebody reads keys; a dumb terminal's prompt is written before that."""
    while termios.tcgetattr(child.child_fd)[3] & termios.ICANON:
        pass


def asks(child: pexpect.spawn[str], question: str) -> None:
    """Wait until this question stands there, whole."""
    child.expect_exact(question)
    child.expect_exact(QUESTION)


def answer(child: pexpect.spawn[str], prompt: str, text: str) -> None:
    """Type a text at a prompt in the middle of a turn, in the place of what it begins with, and see it taken."""
    child.expect_exact(prompt)
    child.send("\x15")  # from the cursor, which stands at the end, to the beginning
    enter(child, text)
    child.expect_exact(PROMPT_ENDS)


def leave(child: pexpect.spawn[str]) -> None:
    at_prompt(child)
    enter(child, "/quit")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
