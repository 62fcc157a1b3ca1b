"""The benchmark: Callscope beside what it is compared with, in one run; prints a table of goals and figures.

    run.py [--rounds N] [--only WORD ...]

Knows the goals and the commands. Must not know how a figure is taken (measure.py) nor what a server sends (server.py).
A benchmark is no test: whatever holds or not, it ends with 0. README.md says how to read it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from measure import HERE, Cost, Ratio, cpu, ratio, run, server, taking_turns, wall

BIN = Path(sys.executable).parent
MANY = 20_000
FEW = 200
MEGABYTE = 1024 * 1024 // 4
"""Deltas of 4 characters."""
KINDS = ("tool", "content")
FLAT = 1.25
"""A cost a delta that grows by less than this counts as flat."""

Program = Callable[[], Cost]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `holds` is None where there is no goal."""

    goal: str
    limit: str
    figure: str
    holds: bool | None = None


@dataclass(frozen=True, slots=True)
class Bench:
    """A place to run programs in, away from the person's own files, keys and proxies."""

    directory: Path
    url: str
    rounds: int
    environment: dict[str, str] = field(default_factory=dict)

    def program(self, *argv: str) -> Program:
        """A program ready to run; a plain word is a console script beside this Python."""
        command = [str(BIN / argv[0]) if "/" not in argv[0] else argv[0], *argv[1:]]
        return lambda: run(command, self.directory, self.environment)

    def ask(self, model: str, *options: str) -> Program:
        """`callscope ask --json`, from the command's start to its end."""
        fixed = ("--json", "--no-run", "--no-tools", "--url", self.url, "--model", model)
        return self.program("callscope", "ask", "go", *fixed, *options)

    def recorded(self, model: str) -> Program:
        """Ask, and record the answer in a folder named for it."""
        return self.ask(model, "--recordings", model)

    def unrecorded(self, model: str) -> Program:
        """Ask, and record nothing."""
        return self.ask(model, "--no-record")

    def peer(self, model: str) -> Program:
        """The AsyncOpenAI loop over the same answer."""
        return self.program(sys.executable, str(HERE / "peers.py"), self.url, model)

    def replay(self, model: str, *options: str) -> Program:
        """`callscope replay` of an answer, recorded before the first run."""
        folder = self.directory / model
        if not folder.exists():
            self.recorded(model)()
        return self.program("callscope", "replay", str(next(folder.iterdir())), "--speed", "max", *options)

    def replay_json(self, model: str) -> Program:
        """`callscope replay --json`."""
        return self.replay(model, "--json")


def a_delta(program: Callable[[str], Program], kind: str, many: int = MANY, few: int = FEW) -> Program:
    """The cost of one delta: a long run less a short one, by the deltas between, so that start-up drops out."""
    longer, shorter = program(f"{kind}-{many}"), program(f"{kind}-{few}")
    return lambda: (longer() - shorter()) / (many - few)


# ---- the goals ----------------------------------------------------------------------------------------------------


def start_up(bench: Bench) -> Iterator[Row]:
    """Start-up beside a bare interpreter's, and help beside a peer's."""
    programs = {
        "python": bench.program(sys.executable, "-c", "pass"),
        "version": bench.program("callscope", "--version"),
        "help": bench.program("callscope", "--help"),
        "llm": bench.program("llm", "--help"),
    }
    costs = taking_turns(programs, 2 * bench.rounds + 1)
    yield at_most("--version, by `python -c pass`", 3, ratio(costs["version"], costs["python"], wall), costs["version"])
    yield at_most("--help, by `llm --help`", 0.25, ratio(costs["help"], costs["llm"], wall), costs["help"])


def decoding(bench: Bench) -> Iterator[Row]:
    """Events a second while recording, and what recording costs."""
    for kind in KINDS:
        programs = {
            "peer": a_delta(bench.peer, kind),
            "recorded": a_delta(bench.recorded, kind),
            "unrecorded": a_delta(bench.unrecorded, kind),
        }
        costs = taking_turns(programs, bench.rounds)
        times_faster = ratio(costs["peer"], costs["recorded"], wall)
        yield at_least(f"ask --json, recording, {kind} deltas", 3, times_faster, costs["recorded"], costs["peer"])
        added = ratio(costs["recorded"], costs["unrecorded"], cpu)
        yield at_most(f"processor time, recorded by not, {kind} deltas", 1.25, added, costs["recorded"], a="delta")


def flatness(bench: Bench) -> Iterator[Row]:
    """What a late delta costs, by what an early one does."""

    programs = {
        "early": a_delta(bench.recorded, "content", 11_000, 1_000),
        "late": a_delta(bench.recorded, "content", 50_000, 40_000),
        "early call": a_delta(bench.recorded, "tool", 11_000, 1_000),
        "late call": a_delta(bench.recorded, "tool", MEGABYTE, MEGABYTE - 40_000),
    }
    costs = taking_turns(programs, bench.rounds)
    late = ratio(costs["late"], costs["early"], cpu)
    yield at_most("a delta at 40,000 to 50,000, by one at 1,000 to 11,000", FLAT, late, costs["late"], a="delta")
    late = ratio(costs["late call"], costs["early call"], cpu)
    yield at_most("the last delta of a call of 1 MB, by one at its start", FLAT, late, costs["late call"], a="delta")


def replaying(bench: Bench) -> Iterator[Row]:
    """Events a second from a recording."""
    for kind in KINDS:
        programs = {
            "peer": a_delta(bench.peer, kind),
            "": a_delta(bench.replay, kind),
            " --json": a_delta(bench.replay_json, kind),
        }
        costs = taking_turns(programs, bench.rounds)
        for option in ("", " --json"):
            times_faster = ratio(costs["peer"], costs[option], wall)
            goal = f"replay --speed max{option}, {kind} deltas"
            yield at_least(goal, 10, times_faster, costs[option], costs["peer"])


def tools(bench: Bench) -> Iterator[Row]:
    """Many tools at once, in process."""
    argv = [sys.executable, str(HERE / "tools.py"), str(bench.rounds)]
    printed = subprocess.run(argv, check=True, capture_output=True, env=bench.environment, cwd=bench.directory).stdout
    seconds = [1000 * second for second in json.loads(printed)]
    middle = statistics.median(seconds)
    spread = f"{middle:.0f} ms ({min(seconds):.0f} to {max(seconds):.0f})"
    yield Row("100 tools of 50 ms together", "at most 150 ms", spread, middle <= 150)


GOALS = (start_up, decoding, flatness, replaying, tools)

# ---- the table ----------------------------------------------------------------------------------------------------


def at_most(goal: str, limit: float, measured: Ratio, costs: list[Cost], *, a: str = "run") -> Row:
    """A row for a cost that may be so many times another; `a` what the cost is of."""
    middle = statistics.median(map(cpu if a == "delta" else wall, costs))
    cost = f"{1e6 * middle:.1f} µs a delta" if a == "delta" else f"{1000 * middle:.0f} ms"
    return Row(goal, f"at most {limit:g} ×", f"{_times(measured)}, {cost}", measured.median <= limit)


def at_least(goal: str, limit: float, measured: Ratio, costs: list[Cost], peer: list[Cost]) -> Row:
    """A row for a speed that has to be so many times the AsyncOpenAI loop's."""
    ours, theirs = (1 / statistics.median(map(wall, side)) for side in (costs, peer))
    figure = f"{_times(measured)}, {ours:,.0f} by {theirs:,.0f} events/s"
    return Row(goal, f"at least {limit:g} ×", figure, measured.median >= limit)


def _times(measured: Ratio) -> str:
    return f"{measured.median:.2f} × ({measured.least:.2f} to {measured.greatest:.2f})"


def measured(goal: Callable[[Bench], Iterator[Row]], bench: Bench) -> Iterator[Row]:
    """The rows of a goal; what cannot be measured says why instead of a figure."""
    try:
        yield from goal(bench)
    except (OSError, RuntimeError, StopIteration, subprocess.CalledProcessError) as error:
        yield Row(goal.__name__, "", f"not measured: {error}")


def line(row: Row) -> str:
    """A row of a Markdown table."""
    holds = {True: "yes", False: "no", None: ""}[row.holds]
    return f"| {row.goal:<56} | {row.limit:<14} | {row.figure:<58} | {holds:<5} |"


def machine() -> str:
    """What the figures are of."""
    names = [text for text in _cpuinfo() if text.startswith("model name")]
    processor = names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()
    packages = ", ".join(f"{name} {version(name)}" for name in ("callscope", "openai", "llm"))
    return f"{os.cpu_count()} × {processor}, {platform.system()}, Python {platform.python_version()}, {packages}"


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def main() -> None:
    """Measure everything, and print each row as soon as it is known."""
    parser = argparse.ArgumentParser(description="Measure Callscope beside its peers.")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds of each comparison (default: 5)")
    names = [goal.__name__ for goal in GOALS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="measure only these")
    arguments = parser.parse_args()
    print(f"{machine()}\nload average {os.getloadavg()[0]:.2f} at the start, {arguments.rounds} rounds\n")
    print(line(Row("goal", "limit", "measured: median (least to greatest round)")).replace("|       |", "| holds |"))
    print(f"|{'-' * 58}|{'-' * 16}|{'-' * 60}|{'-' * 7}|")
    with tempfile.TemporaryDirectory() as place, server() as url:
        environment = {"PATH": os.defpath, "HOME": place, "XDG_CONFIG_HOME": place, "LANG": "C.UTF-8"}
        bench = Bench(Path(place), url, arguments.rounds, environment)
        for goal in GOALS:
            if goal.__name__ in arguments.only:
                for row in measured(goal, bench):
                    print(line(row), flush=True)
    print(f"\nload average {os.getloadavg()[0]:.2f} at the end")


if __name__ == "__main__":
    main()
