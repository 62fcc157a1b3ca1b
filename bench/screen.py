"""The goals of the screen: the first prompt, what the live view costs, how soon a key is answered, and memory.

Knows the limits, and what a person would see of each. Must not know pseudo-terminals (terminal.py).
"""

from __future__ import annotations

import random
import re
import statistics
import string
import sys
from collections.abc import Iterator
from pathlib import Path

from measure import HERE, Cost, ratio, taking_turns, wall
from programs import BIN, Bench, Program
from table import Row, at_most

from terminal import PROMPT, Terminal

ROOT = HERE.parent
RATE = 2_000
"""Deltas a second."""
DELTAS = 20_000
"""Of 4 characters: 80,000 characters."""
QUARTER = DELTAS // 4

TURNS = 720
"""Two hours with a turn every ten seconds, of 600 deltas each: 60 deltas a second without a pause."""
BETWEEN_CLEARS = 72
"""Turns before the person begins a new conversation: one that grows for two hours would not be flat in any program."""


def first_prompt(bench: Bench) -> Iterator[Row]:
    """From the command's start to its prompt on the screen, beside a peer's help."""
    folder = bench.directory / "chat"
    folder.mkdir()
    for name in ("tools.yaml", "examples"):
        (folder / name).symlink_to(ROOT / name)

    def to_prompt(*words: str) -> Program:
        def program() -> Cost:
            with Terminal([str(BIN / "callscope"), *words], folder, bench.environment) as terminal:
                return Cost(terminal.until(PROMPT) - terminal.start, 0.0)

        return program

    programs = {
        "llm": bench.program("llm", "--help"),
        "chat": to_prompt("--url", bench.url, "--model", "content-1"),
        "demo": to_prompt("demo"),
    }
    costs = taking_turns(programs, 2 * bench.rounds + 1)
    for name, goal in (("chat", "first prompt with seven tools"), ("demo", "first prompt of the demo")):
        yield at_most(f"{goal}, by `llm --help`", 0.5, ratio(costs[name], costs["llm"], wall), costs[name])


def live_view(bench: Bench) -> Iterator[Row]:
    """What a delta costs on the screen at 2,000 a second, beside printing it; and late by early."""
    for kind in ("text", "reasoning", "arguments"):
        printed, live = [], []
        for _ in range(min(bench.rounds, 3)):
            printed.append(_shown(bench, "print", kind, QUARTER)[-1] / QUARTER)
            live.append([seconds / QUARTER for seconds in _shown(bench, "live", kind, DELTAS)])
        cost = 1e6 * statistics.median(quarters[-1] / 4 for quarters in live)
        beside = [quarters[-1] / 4 / each for quarters, each in zip(live, printed, strict=True)]
        grown = [(quarters[3] - quarters[2]) / quarters[0] for quarters in live]
        yield _row(f"{kind} on the screen, by printing it", 2, beside, f"{cost:.1f} µs a delta")
        yield _row(f"{kind} at 80,000 characters, by at 20,000", 1.25, grown)


def _shown(bench: Bench, view: str, kind: str, count: int) -> list[float]:
    """The processor time after each quarter of so many deltas."""
    figures = bench.directory / "figures"
    argv = [sys.executable, str(HERE / "view.py"), view, kind, str(count), str(RATE), str(figures)]
    with Terminal(argv, bench.directory, bench.environment) as terminal:
        terminal.end()
    return [float(word) for word in figures.read_text().split()]


def _row(goal: str, limit: float, ratios: list[float], cost: str = "") -> Row:
    middle = statistics.median(ratios)
    figure = f"{middle:.2f} × ({min(ratios):.2f} to {max(ratios):.2f}){cost and ', '}{cost}"
    return Row(goal, f"at most {limit:g} ×", figure, middle <= limit)


def keys(bench: Bench) -> Iterator[Row]:
    """From pressing a key to what it changes on the screen, while deltas come at 2,000 a second."""
    taken = sorted(moment for _ in range(2) for moment in _answered(bench))
    middle, late = statistics.median(taken), taken[-1 - len(taken) // 100]
    figure = f"median {1000 * middle:.0f} ms, 99 % within {1000 * late:.0f} ms, all within {1000 * taken[-1]:.0f} ms"
    yield Row("a key is answered while deltas come", "within 50 ms", figure, late <= 0.05)


def _answered(bench: Bench) -> Iterator[float]:
    """The seconds until a letter that is typed ahead stands in the footer, for one letter after the other."""
    argv = [str(BIN / "callscope"), "--url", bench.url, "--model", f"content-{DELTAS}@{RATE}", "--no-tools"]
    chance = random.Random(0)
    with Terminal(argv, bench.directory, bench.environment) as terminal:
        terminal.until(PROMPT)
        terminal.pass_time(1.0)  # as long as it takes to read the prompt
        terminal.type("go\r")
        terminal.until(re.compile(rb"deltas/s"))
        typed = ""
        for _ in range(DELTAS // RATE * 10 - 10):
            terminal.pass_time(chance.uniform(0.05, 0.12))
            typed += chance.choice(string.ascii_lowercase)
            pressed = terminal.type(typed[-1])
            yield terminal.until(re.compile(rb"typed: " + typed[-20:].encode() + rb"(?![a-z])"), 5.0) - pressed


def memory(bench: Bench) -> Iterator[Row]:
    """What the REPL holds after a tenth, a half and all of two hours of turns at full speed."""
    folder = bench.directory / "memory"
    folder.mkdir()
    (folder / "tools.yaml").write_text("tools: [{name: apply_edits, parameters: {type: object}, run: {mock: done}}]")
    argv = [str(BIN / "callscope"), "--url", bench.url, "--model", "turn-400", "--approve", "always"]
    sizes: dict[int, float] = {}
    with Terminal(argv, folder, bench.environment) as terminal:
        terminal.until(PROMPT)
        for turn in range(1, TURNS + 1):
            _say(terminal, "go")
            if turn % BETWEEN_CLEARS == 0:
                _say(terminal, "/clear")
                sizes[100 * turn // TURNS] = _resident(terminal.pid)
    first, half, last = sizes[10], sizes[50], sizes[100]
    figure = f"{last / first:.2f} ×: {first:.0f}, {half:.0f} and {last:.0f} MB"
    yield Row("memory after two hours of turns, by twelve minutes", "at most 1.1 ×", figure, last <= 1.1 * first)


def _say(terminal: Terminal, line: str) -> None:
    terminal.type(f"{line}\r")
    terminal.until(PROMPT)


def _resident(pid: int) -> float:
    """Megabytes of a process that are in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s*(\d+) kB", status)[0]) / 1024
