"""The table of goals and figures, and the machine that the figures are of.

Knows how a figure reads. Must not know what was measured.
"""

from __future__ import annotations

import os
import platform
import statistics
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from measure import Cost, Ratio, cpu, wall


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `holds` is None where there is no goal."""

    goal: str
    limit: str
    figure: str
    holds: bool | None = None


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
