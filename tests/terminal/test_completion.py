"""Tab behind `callscope call`, in the shells themselves."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from seenscreen import SeenScreen

TOOLS = """\
tools:
  - name: get_weather
    parameters:
      type: object
      properties:
        city: {type: string, enum: [Rome, "New York"]}
        unit: {type: string, enum: ["m:s", "km:h"]}
        days: {type: integer}
    run: {mock: sunny}
  - name: get_time
    parameters: {type: object, properties: {zone: {type: string}}}
    run: {mock: noon}
  - {name: roll, parameters: {type: object, properties: {}}, run: {mock: 4}}
"""
START = {
    "bash": ["--norc", "--noprofile", "-i"],
    "zsh": ["-f", "-i"],
    "fish": ["--no-config", "-i"],
}
LOAD = {
    "bash": 'PS1="% "; bind "set enable-bracketed-paste off"; eval "$(callscope --show-completion)"; echo rea""dy',
    "zsh": 'PS1="%% "; autoload -Uz compinit; compinit -u -D; eval "$(callscope --show-completion)"; echo rea""dy',
    "fish": 'function fish_prompt; echo -n "% "; end; callscope --show-completion | source; echo rea""dy',
}
PATIENCE = 20.0


class Typing:
    """A shell in which a person types."""

    def __init__(self, shell: str, folder: Path) -> None:
        # the shell finds us as a person's would, by the name
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        own = {"PATH": path, "HOME": str(folder), "TERM": "xterm", "XDG_DATA_HOME": str(folder / "data")}
        self._screen = SeenScreen(100, 30)
        self._child: pexpect.spawn[bytes] = pexpect.spawn(
            shell, START[shell], cwd=str(folder), env={**os.environ, **own}, dimensions=(30, 100)
        )
        self._child.delaybeforesend = None
        self._child.sendline(LOAD[shell])
        self.until(r"^ready\n%")

    def until(self, pattern: str) -> str:
        """Read until a line of the screen fits; gives it."""
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self._screen.text, re.MULTILINE)):
            if time.monotonic() > deadline:
                raise AssertionError(f"{pattern} is not on the screen:\n{self._screen.text}")
            try:
                self._screen.feed(self._child.read_nonblocking(65536, timeout=0.05))
            except pexpect.TIMEOUT:
                continue
        return found.group()

    def type(self, text: str) -> None:
        """Begin the line anew, and type."""
        self._child.send(b"\x15" + text.encode())

    def close(self) -> None:
        self._child.close(force=True)


@pytest.fixture(scope="module", params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typing]:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "tools.yaml").write_text(TOOLS, encoding="utf-8")
    typing = Typing(request.param, folder)
    yield typing
    typing.close()


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("ca", "call X"),
        ("call get_w", "call get_weather X"),
        ("call get_weather ci", "call get_weather city=X"),
        ("call get_weather city=R", "call get_weather city=Rome X"),
        ("call get_weather city=N", r"call get_weather city=New\ York X"),
        ("call get_weather unit=k", "call get_weather unit=km:h X"),
        ("call get_weather unit=km:", "call get_weather unit=km:h X"),
        ("call get_weather city=Rome un", "call get_weather city=Rome unit=X"),
        ("call --dry", "call --dry-run X"),
        ("call get_weather --tools tools.y", "call get_weather --tools tools.yaml X"),
    ],
)
def test_a_tab_completes_a_word_as_a_person_would_write_it(shell: Typing, typed: str, line: str) -> None:
    shell.type(f"callscope {typed}\tX")
    shell.until(rf"% ?callscope {re.escape(line)}")


def test_two_tabs_list_the_tools(shell: Typing) -> None:
    shell.type("callscope call \t\t")
    shell.until(r"^get_time +get_weather +roll")
