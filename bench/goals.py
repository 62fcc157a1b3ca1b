"""The goals of whole programs: start-up, decoding, replaying, many tools.

Knows the limits. Must not know how a figure is taken (measure.py) nor what a server sends (server.py).
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator

from measure import HERE, cpu, ratio, taking_turns, wall
from programs import Bench, a_delta
from table import Row, at_least, at_most

MEGABYTE = 1024 * 1024 // 4
"""Deltas of 4 characters."""
KINDS = ("tool", "content")
FLAT = 1.25
"""A cost a delta that grows by less than this counts as flat."""


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
