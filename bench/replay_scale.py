"""What recordings of ten thousand to a million events cost: processor time an event, and memory at its peak.

    replay_scale.py [--sizes N ...] [--only NAME ...] [--shapes WORD ...] [--rounds N] [--folder FOLDER]

Knows what a row is. Must not know how a recording is made (scale_maker.py), nor the commands (scale_commands.py). A
benchmark is no test: it ends with 0. Memory is `ru_maxrss` of each command's own process; this one stays small, since a
child begins with its size.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from scale_commands import CASES, Cost, Refused

SHAPES = ("text", "call", "turns")
SIZES = (10_000, 100_000, 1_000_000)
NOTHING = 1_000
"""Events of the recording whose cost is a command's own start."""

HERE = Path(__file__).resolve().parent


def measured(name: str, folder: Path, files: dict[int, Path], rounds: int) -> str:
    """A row: for each size the time an event, the time of all of it, and the peak; or why there is none."""
    taken: dict[int, list[Cost]] = {size: [] for size in files}
    refused: dict[int, str] = {}
    for _ in range(rounds):
        for size, file in files.items():
            try:
                taken[size].append(CASES[name].run(CASES[name].words(file), folder))
            except Refused as error:
                refused[size] = str(error)
    if NOTHING in refused:
        return f"not measured: {refused[NOTHING]}"
    start = statistics.median(one.seconds for one in taken[NOTHING])
    return " | ".join(refused.get(size) or _cell(taken[size], start, size) for size in list(files)[1:])


def _cell(taken: list[Cost], start: float, size: int) -> str:
    seconds, peak = statistics.median(one.seconds for one in taken), max(one.peak for one in taken)
    return f"{1e6 * (seconds - start) / (size - NOTHING):6.1f} µs {seconds:6.1f} s {peak / 1e6:6.0f} MB"


def recording(folder: Path, shape: str, size: int) -> Path:
    """A recording of so many events, in a folder of its own."""
    file = folder / f"{shape}-{size}" / "recording.jsonl"
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        subprocess.run([sys.executable, HERE / "scale_maker.py", shape, str(size), file], check=True)
    return file


def main() -> None:
    """Measure everything, and print each row as soon as it is known."""
    parser = argparse.ArgumentParser(description="Measure recordings of many events.")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=SHAPES)
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=list(CASES), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep the recordings here, and use those that are here")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = asked.folder or Path(place)
        for shape in asked.shapes:
            files = {size: recording(folder, shape, size) for size in (NOTHING, *asked.sizes)}
            sizes = " | ".join(f"{size:>12,} events       " for size in asked.sizes)
            print(f"\n| {shape:<31} | {sizes} |\n|{'-' * 33}|{(('-' * 30) + '|') * len(asked.sizes)}")
            for name in asked.only:
                print(f"| {name:<31} | {measured(name, folder, files, asked.rounds)} |", flush=True)


if __name__ == "__main__":
    main()
