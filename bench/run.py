"""The benchmark: Callscope beside what it is compared with, in one run; prints a table of goals and figures.

    run.py [--rounds N] [--only WORD ...]

Knows which goals there are. A benchmark is no test: whatever holds or not, it ends with 0. README.md says how to read
it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from goals import decoding, flatness, replaying, start_up, tools
from measure import server
from programs import Bench
from screen import first_prompt, keys, live_view, memory
from table import Row, line, machine

GOALS = (start_up, first_prompt, decoding, flatness, replaying, tools, live_view, keys, memory)


def measured(goal: Callable[[Bench], Iterator[Row]], bench: Bench) -> Iterator[Row]:
    """The rows of a goal; what cannot be measured says why instead of a figure."""
    try:
        yield from goal(bench)
    except (OSError, RuntimeError, StopIteration, subprocess.CalledProcessError) as error:
        yield Row(goal.__name__, "", f"not measured: {error}")


def main() -> None:
    """Measure everything, and print each row as soon as it is known."""
    parser = argparse.ArgumentParser(description="Measure Callscope beside its peers.")
    parser.add_argument("--rounds", type=int, default=3, help="counted rounds of each comparison (default: 3)")
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
