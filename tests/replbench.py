"""A REPL in a real terminal, for tests: opened, typed into, waited for, and looked at afterwards."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, TypeAlias

import pexpect

from warm_terminals import spawn

Child: TypeAlias = "pexpect.spawn[str]"

TOOLS = """
tools:
  - name: get_weather
    description: Current weather for a city.
    parameters:
      type: object
      properties:
        city: {type: string, description: City name}
        unit: {enum: [celsius, fahrenheit]}
        days: {type: integer}
      required: [city]
      additionalProperties: false
    run: {mock: {temperature: 21}}
  - name: nap
    description: Sleeps.
    parameters: {type: object, properties: {}}
    run: {python: "nap.py:nap"}
  - name: ask_me
    description: A person answers.
    parameters: {type: object, properties: {question: {type: string}}}
"""

NAP = """
import pathlib
import time

def nap():
    with open("/dev/tty", "w") as terminal:
        terminal.write("fast asleep")
    for _ in range(3000):
        if pathlib.Path("alarm").exists():
            return "rested"
        time.sleep(0.01)
"""
"""A tool that says so in the terminal when it runs, and comes back when there is a file `alarm`."""

PASTED = "\x1b[200~{}\x1b[201~"
"""How a terminal hands over what is pasted."""


def furnish(folder: Path) -> None:
    """Put tools and a folder for recordings where a REPL begins."""
    (folder / "tools.yaml").write_text(TOOLS)
    (folder / "nap.py").write_text(NAP)
    (folder / "recordings").mkdir()


def environment(folder: Path) -> dict[str, str]:
    """The environment of a person at a terminal that answers no questions."""
    return {
        **os.environ,
        "TERM": "xterm-256color",
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "XDG_STATE_HOME": str(folder / "state"),
    }


def open_repl(url: str, folder: Path, *arguments: str, **variables: str) -> Child:
    """A REPL at its first prompt."""
    child: Child = spawn(
        sys.executable, ["-m", "callscope", "--url", url, *arguments], cwd=str(folder), dimensions=(40, 120), timeout=8,
        env={**environment(folder), **variables},
    )  # fmt: skip
    child.expect_exact("/help lists the commands")
    at_prompt(child)
    return child


def at_prompt(child: Child) -> None:
    """Wait until the terminal is in the prompt's hands: it switches bracketed paste on."""
    child.expect_exact("\x1b[?2004h")


def enter(child: Child, line: str) -> None:
    """Type a line and press Enter, which sends a carriage return; a line feed is Ctrl-J, and begins a new line."""
    child.send(f"{line}\r")


def turn(child: Child, line: str) -> None:
    """Say a line and wait until its turn is over and the next prompt is there."""
    enter(child, line)
    child.expect_exact("\x1b[?2004l")
    at_prompt(child)


def leave(child: Child) -> None:
    """Leave, and hold that all is well."""
    enter(child, "/quit")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def recorded(folder: Path, kind: str) -> list[dict[str, Any]]:
    """The lines of this kind in the one recording."""
    text = next((folder / "recordings").glob("*.jsonl")).read_text()
    whole = text[: text.rfind("\n") + 1]  # the last line may still be being written
    lines = (json.loads(line) for line in whole.splitlines())
    return [line for line in lines if line["kind"] == kind]


def last_messages(folder: Path) -> list[dict[str, Any]]:
    """The messages of the last request."""
    messages: list[dict[str, Any]] = json.loads(recorded(folder, "request")[-1]["body"])["messages"]
    return messages
