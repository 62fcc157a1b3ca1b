"""A person's shell in a pseudo-terminal, with job control, and the screen behind it; programs are begun by typing."""

from __future__ import annotations

import os
import re
import shlex
import sys
import termios
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pexpect

from callscope.serving.connection import Handler, Piece, Request
from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from seenscreen import SeenScreen

SHELL = "shell% "
PROMPT = "\ue000"
"""Stands in what was told for the moment in which the program's prompt takes the terminal."""
TAKES_PASTES = b"\x1b[?2004h"
_ESCAPE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[ -/]*)?\Z")
PATIENCE = 10.0

TOOLS = """
tools:
  - name: get_weather
    description: Current weather for a city.
    parameters: {type: object, properties: {city: {type: string}}, required: [city], additionalProperties: false}
    run: {mock: {temperature: 21}}
  - name: nap
    description: Sleeps.
    parameters: {type: object, properties: {}}
    run: {python: "nap.py:nap"}
"""
NAP = "import time\n\ndef nap():\n    time.sleep(60)\n"
PARIS = 'get_weather {"city": "Paris"}'


class PausingAgent:
    """The demo agent, or another, which stops in the middle of an answer where it is told to."""

    def __init__(self, agent: Handler | None = None) -> None:
        self.pause_at: int | None = None
        self.paused = Event()
        self.goes_on = Event()
        self._agent: Handler = agent or DemoAgent(pace=0.0)

    async def __call__(self, request: Request) -> AsyncGenerator[Piece, None]:
        import asyncio

        number = 0
        async for piece in self._agent(request):
            if request.method == "POST" and number == self.pause_at:
                self.pause_at = None
                self.paused.set()
                while not self.goes_on.is_set():
                    await asyncio.sleep(0.005)
            yield piece
            number += 1

    def pause(self, at: int) -> None:
        """Stop the next answer before its piece of this number; 0 is the head."""
        self.paused.clear()
        self.goes_on.clear()
        self.pause_at = at


class Shell:
    """A shell, what its terminal was told, and what the terminal shows."""

    def __init__(self, folder: Path, url: str, columns: int, rows: int, environ: dict[str, str]) -> None:
        self.folder, self.url = folder, url
        self.screen = SeenScreen(columns, rows)
        self.raw = bytearray()
        self._rest = b""
        self._told = ""
        own = {"PS1": SHELL, "ENV": "", "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"}
        state = {"XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "config")}
        self._child: pexpect.spawn[bytes] = pexpect.spawn(
            "/bin/sh",
            ["-i"],
            cwd=str(folder),
            dimensions=(rows, columns),
            env={**os.environ, **own, **state, **environ},
        )
        self._child.delaybeforesend = None
        self.until(SHELL)
        self._settings = self.settings

    @property
    def settings(self) -> list[Any]:
        """How the terminal treats what is typed and what is written (man 3 termios)."""
        return termios.tcgetattr(self._child.child_fd)

    @property
    def is_raw(self) -> bool:
        """Whether somebody reads single keys."""
        return not self.settings[3] & termios.ICANON

    def assert_sane(self, *, but: int = 0) -> None:
        """The terminal is as the shell left it, `but` for these input flags."""
        settings, before = self.settings, self._settings
        assert settings[0] | but == before[0] | but, f"input flags {settings[0]:o} are not {before[0]:o}"
        assert settings[1:] == before[1:], f"{settings} is not {before}"
        assert self.screen.unusual == [], self.screen.unusual

    def send(self, keys: str) -> None:
        """Type."""
        self._child.send(keys.encode())

    def enter(self, line: str) -> None:
        """Type a line and press Enter."""
        self.send(f"{line}\r")

    def resize(self, columns: int, rows: int) -> None:
        """Pull at the corner of the window."""
        self._read_all()
        self.screen.resize(columns, rows)
        self._child.setwinsize(rows, columns)

    def until(self, *texts: str) -> str:
        """Wait until the terminal is told one text after the other; gives what it was told up to there."""
        passed = ""
        deadline = time.monotonic() + PATIENCE
        for text in texts:
            while text not in self._told:
                self._read(deadline, text)
            before, _, self._told = self._told.partition(text)
            passed += before + text
        return passed

    def until_raw(self) -> None:
        """Wait until somebody reads single keys."""
        deadline = time.monotonic() + PATIENCE
        while not self.is_raw:
            self._read(min(deadline, time.monotonic() + 0.02), "")
            assert time.monotonic() < deadline, f"nobody reads keys:\n{self.screen.text}"

    def begin(self, *arguments: str, program: str = "-m callscope", prompt: str = PROMPT) -> None:
        """Begin a chat, up to its first prompt."""
        words = shlex.join(["--url", self.url, "--dialect", "chat", *arguments])
        self.enter(f"{shlex.quote(sys.executable)} {program} {words}")
        self.until("/help lists the commands", prompt)
        self.until_raw()

    def leave(self) -> None:
        """Leave the chat from its prompt, and hold that all is well."""
        self.enter("/quit")
        self.until(SHELL)
        assert self.exit_code() == 0
        self.assert_sane()

    def exit_code(self) -> int:
        """The exit code of what ran last, asked at the shell's prompt."""
        self.enter("echo code $?")
        return int(re.findall(r"code (\d+)\s", self.until("\n", "\n"))[-1])

    def process(self) -> int:
        """The number of the process in the foreground."""
        return os.tcgetpgrp(self._child.child_fd)

    def close(self) -> None:
        self._child.close(force=True)

    # ---- what comes -----------------------------------------------------------------------------------------------

    def _read(self, deadline: float, wanted: str) -> None:
        try:
            data = self._child.read_nonblocking(65536, timeout=max(0.0, deadline - time.monotonic()))
        except pexpect.TIMEOUT:
            assert not wanted, f"{wanted!r} never came:\n{self.screen.text}"
            return
        except pexpect.EOF:
            raise AssertionError(f"the shell has gone:\n{self.screen.text}") from None
        self._take(data)

    def _read_all(self) -> None:
        """Take what has come already."""
        while True:
            try:
                data = self._child.read_nonblocking(65536, timeout=0)
            except pexpect.TIMEOUT:
                return
            self._take(data)

    def _take(self, data: bytes) -> None:
        self.screen.feed(data)
        self.raw += data
        data = self._rest + data
        cut = _UNFINISHED.search(data)
        data, self._rest = (data[: cut.start()], data[cut.start() :]) if cut else (data, b"")
        plain = _ESCAPE.sub(b"", data.replace(TAKES_PASTES, PROMPT.encode()))
        try:
            self._told += plain.decode()
        except UnicodeDecodeError as error:
            # a character that two reads share
            self._told += plain[: error.start].decode()
            self._rest = plain[error.start :] + self._rest


@contextmanager
def shells(folder: Path, agent: Handler | None = None) -> Iterator[tuple[PausingAgent, Any]]:
    """An agent, and a way to open shells in a folder with tools: open(columns, rows, **environ)."""
    (folder / "tools.yaml").write_text(TOOLS)
    (folder / "nap.py").write_text(NAP)
    (folder / "recordings").mkdir()
    pausing, opened = PausingAgent(agent), list[Shell]()
    with run_in_thread(pausing) as server:

        def open_one(columns: int = 100, rows: int = 40, **environ: str) -> Shell:
            opened.append(Shell(folder, f"{server.url}/v1", columns, rows, environ))
            return opened[-1]

        try:
            yield pausing, open_one
        finally:
            pausing.goes_on.set()
            for shell in opened:
                shell.close()
