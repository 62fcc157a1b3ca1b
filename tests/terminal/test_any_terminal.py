"""A turn in terminals of every width, without colours, without UTF-8, without anything, and pulled at while it runs."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

import pytest

from callscope.core.values import Request
from callscope.serving.connection import Head, Piece
from ptyshell import PARIS, PROMPT, SHELL, PausingAgent, Shell, shells

HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\x1b[?1049h\x1b[5;10r\x1b(0\x0e\r\x08\x08\u202e\x1b[?25l"
FRAME = ("╭─", "│", "╰─")

Open = Callable[..., Shell]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[PausingAgent, Open]]:
    with shells(tmp_path) as both:
        yield both


def a_turn(shell: Shell, words: str = PARIS, prompt: str = PROMPT) -> list[str]:
    """Say something, wait for the answer; gives the rows from the person's words on."""
    shell.begin("--approve", "always", prompt=prompt)
    shell.enter(words)
    shell.until("says:", prompt)
    shell.until_raw()  # a dumb terminal is shown the prompt before anybody reads keys
    lines = shell.screen.lines
    return lines[max(number for number, line in enumerate(lines) if line.startswith(f"> {words[:20]}")) :]


@pytest.mark.parametrize("columns", [40, 80, 200, 300])
def test_no_row_of_a_panel_is_broken_in_any_width(opened: tuple[PausingAgent, Open], columns: int) -> None:
    shell = opened[1](columns=columns)
    rows = a_turn(shell)
    begin, end = rows.index("╭─ answer"), max(number for number, row in enumerate(rows) if row.startswith("╰─"))
    assert all(row.startswith(FRAME) for row in rows[begin : end + 1])
    assert [row for row in rows if row.startswith("╭─ get_weather")]
    assert [row for row in rows if row.startswith("╰─ ✓ ")]
    shell.leave()


def test_without_colours_nothing_is_coloured(opened: tuple[PausingAgent, Open]) -> None:
    shell = opened[1](NO_COLOR="1")
    rows = a_turn(shell)
    codes = {code for found in re.findall(rb"\x1b\[([0-9;]*)m", bytes(shell.raw)) for code in found.split(b";")}
    assert not {code for code in codes if re.fullmatch(rb"3[0-8]|4[0-8]|9\d|10\d", code)}
    assert [row for row in rows if row.startswith("╰─ ✓ ")]
    shell.leave()


def test_a_dumb_terminal_is_told_words_alone(opened: tuple[PausingAgent, Open]) -> None:
    shell = opened[1](TERM="dumb")
    rows = a_turn(shell, prompt="> ")
    assert b"\x1b" not in shell.raw
    assert [row for row in rows if "get_weather" in row and "mocked" not in row]
    shell.leave()


def test_a_terminal_without_utf_8_is_told_ascii_alone(opened: tuple[PausingAgent, Open]) -> None:
    shell = opened[1](LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii")
    rows = a_turn(shell)
    assert shell.raw.isascii()
    assert [row for row in rows if row.startswith("+- get_weather")]
    shell.leave()


SIZES = [(60, 20), (40, 40), (200, 50), (100, 10), (300, 40)]


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_resized_in_mid_stream_the_turn_goes_on_and_leaves_no_remains(
    opened: tuple[PausingAgent, Open], columns: int, rows: int
) -> None:
    agent, open_one = opened
    shell = open_one(columns=100, rows=30)
    shell.begin("--approve", "always")
    agent.pause(60)
    shell.enter("count to 120")
    shell.until(" 50 ")
    shell.resize(columns, rows)
    shell.until("58")
    agent.goes_on.set()
    shell.until("120", PROMPT)
    assert "^C stops" not in shell.screen.text
    assert "b holds" not in shell.screen.text
    shown = " ".join(line.removeprefix("│ ") for line in shell.screen.lines)
    assert re.search(r"\b116 117 118 119 120\b", shown)
    shell.leave()


def test_resized_again_and_again_while_deltas_come(opened: tuple[PausingAgent, Open]) -> None:
    shell = opened[1](columns=100, rows=30)
    shell.begin("--approve", "always")
    shell.enter("count to 3000")
    for number in range(20):
        shell.resize(40 + 13 * number % 100, 10 + 7 * number % 40)
        shell.until(" ")
    shell.resize(100, 30)
    shell.until("3000", PROMPT)
    assert "^C stops" not in shell.screen.text
    assert "2998 2999 3000" in shell.screen.text
    shell.leave()


async def hostile_agent(request: Request) -> AsyncGenerator[Piece, None]:
    """Says in every place of an answer what commands a terminal."""
    yield Head(200, (("content-type", "text/event-stream"),))
    call = {"index": 0, "id": HOSTILE, "function": {"name": HOSTILE, "arguments": json.dumps({"x": HOSTILE})[:-5]}}
    for delta in (
        {"reasoning_content": HOSTILE},
        {"content": HOSTILE},
        {"content": f"\n{HOSTILE}"},
        {"tool_calls": [call]},
    ):
        yield b"data: " + json.dumps({"model": HOSTILE, "choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n"
    yield f"data: {HOSTILE}\n\n".encode()
    yield b'data: {"error": {"message": ' + json.dumps(HOSTILE).encode() + b"}}\n\n"


def test_what_a_server_says_commands_no_terminal(tmp_path: Path) -> None:
    with shells(tmp_path, hostile_agent) as (_, open_one):
        shell = open_one(columns=80, rows=60)
        shell.begin("--approve", "always", "--model", "any")
        shell.enter("hello")
        shell.until("findings", PROMPT)
        for command in ("/raw", "/raw hex", "/timeline", "/tokens", "/history", "/history 2", "/export markdown -"):
            shell.enter(command)
            shell.until(PROMPT)
        assert "owned" in shell.screen.text
        assert not re.search(rb"\x1b\[2J|\x1b\]0;owned|\x1b\[\?1049h|\x1b\[5;10r|\x1b\(0|\x0e|\x9b", bytes(shell.raw))
        assert SHELL in shell.screen.text
        assert "> hello" in shell.screen.lines
        shell.leave()
