"""Measuring whole programs: what one run costs, rounds that take turns, ratios round by round.

Knows processes and medians. Must not know what is measured. A program that fails gives no figure: it raises.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Self, TypeVar

T = TypeVar("T")

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one run: by the clock on the wall, and of the processor (user and system)."""

    wall: float
    cpu: float

    def __sub__(self, other: Self) -> Cost:
        return Cost(self.wall - other.wall, self.cpu - other.cpu)

    def __truediv__(self, count: int) -> Cost:
        return Cost(self.wall / count, self.cpu / count)


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of the rounds' ratios, and the least and the greatest of them."""

    median: float
    least: float
    greatest: float


def run(argv: Sequence[str], directory: Path, environment: Mapping[str, str]) -> Cost:
    """Run a program to its end, its output going nowhere."""
    with (directory / "stderr").open("w+b") as errors:
        start = perf_counter()
        process = subprocess.Popen(
            argv, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            words = errors.read().decode(errors="replace").strip().splitlines() or ["no word on stderr"]
            raise RuntimeError(f"{' '.join(argv)} ended with {process.returncode}: {words[-1]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime)


def taking_turns(programs: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Run all programs once a round (A B C, A B C, …), so that a slow moment of the machine hits all of them.

    The first round fills caches and is not counted.
    """
    results: dict[str, list[T]] = {name: [] for name in programs}
    for count in range(rounds + 1):
        for name, program in programs.items():
            result = program()
            if count:
                results[name].append(result)
    return results


def ratio(above: Sequence[Cost], below: Sequence[Cost], of: Callable[[Cost], float]) -> Ratio:
    """How many times one costs the other, round by round."""
    ratios = [of(a) / of(b) for a, b in zip(above, below, strict=True)]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def wall(cost: Cost) -> float:
    """Time by the clock."""
    return cost.wall


def cpu(cost: Cost) -> float:
    """Time of the processor."""
    return cost.cpu


@contextmanager
def server() -> Iterator[str]:
    """The base URL of a fresh server in a process of its own."""
    argv = [sys.executable, str(HERE / "server.py")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        process.stdin.close()
