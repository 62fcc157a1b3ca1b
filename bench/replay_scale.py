"""What recordings of ten thousand to a million events cost: processor time an event, and memory at its peak.

    replay_scale.py [--sizes N ...] [--only WORD ...] [--shapes WORD ...] [--rounds N]

Knows which commands open a recording. Must not know how one is made (scale_maker.py). A benchmark is no test: it ends
with 0. Memory is `ru_maxrss` of each command's own process; this one stays small, since a child begins with its size.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

SHAPES = ("text", "call", "turns")
SIZES = (10_000, 100_000, 1_000_000)
NOTHING = 1_000
"""Events of the recording whose cost is a command's own start."""

BIN = Path(sys.executable).parent
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the processor, and bytes at the peak."""

    seconds: float
    peak: int


Command = Callable[[Path], Sequence[str]]

COMMANDS: dict[str, Command] = {
    "replay": lambda file: ("replay", str(file), "--speed", "max"),
    "replay --json": lambda file: ("replay", str(file), "--speed", "max", "--json"),
    "replay --server recorded": lambda file: ("replay", str(file), "--server", "recorded"),
    "replay --rechunk": lambda file: ("replay", str(file), "--rechunk", "random:1"),
    "verify": lambda file: ("recordings", "verify", str(file)),
    "show --json": lambda file: ("recordings", "show", str(file), "--json"),
    "list": lambda file: ("recordings", "list", "--recordings", str(file.parent)),
    "trim": lambda file: ("recordings", "trim", str(file), "--turns", "1", "--output", str(_new(file))),
    "fork": lambda file: ("recordings", "fork", str(file), "--at", "1", "--output", str(_new(file))),
    "redact": lambda file: ("recordings", "redact", str(file), "--value-env", "VALUE", "--output", str(_new(file))),
    "diff": lambda file: ("recordings", "diff", str(file), str(file)),
    "export html": lambda file: ("recordings", "export", str(file), "--as", "html", "--output", str(_new(file))),
    "serve, until it listens": lambda file: ("serve", str(file), "--port", "0"),
}


def _new(file: Path) -> Path:
    """Where a command writes; in a folder that is not listed."""
    made = file.parent / "made" / file.name
    made.parent.mkdir(exist_ok=True)
    made.unlink(missing_ok=True)
    return made


def cost(arguments: Sequence[str], folder: Path) -> Cost:
    """Run a command to its end, a server until it listens."""
    environment = {"PATH": os.defpath, "HOME": str(folder), "LANG": "C.UTF-8", "VALUE": "correct-horse-battery"}
    with (folder / "stderr").open("w+b") as errors:
        process = subprocess.Popen(
            [BIN / "callscope", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if arguments[0] == "serve" else errors,
        )
        if process.stderr is not None:
            _until_it_listens(process.stderr)
            process.kill()  # one that ends by itself says what nobody asked for, to a pipe that nobody reads any more
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.stderr is not None:
            process.stderr.close()
        errors.seek(0)
        if process.returncode and process.stderr is None:
            words = errors.read().decode(errors="replace").strip().splitlines() or ["no word on stderr"]
            raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}: {words[-1]}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def _until_it_listens(said: IO[bytes]) -> None:
    while line := said.readline():
        if b"http://127.0.0.1:" in line:
            return


def measured(name: str, folder: Path, files: dict[int, Path], rounds: int) -> str:
    """A row: for each size the time an event and the peak."""
    command = COMMANDS[name]
    taken: dict[int, list[Cost]] = {size: [] for size in files}
    try:
        for _ in range(rounds):
            for size, file in files.items():
                taken[size].append(cost(command(file), folder))
    except RuntimeError as error:
        return f"not measured: {error}"
    start = statistics.median(one.seconds for one in taken[NOTHING])
    cells = []
    for size in list(files)[1:]:
        seconds = statistics.median(one.seconds for one in taken[size])
        peak = max(one.peak for one in taken[size])
        cells.append(f"{1e6 * (seconds - start) / (size - NOTHING):5.1f} µs {peak / 1e6:6.0f} MB")
    return " | ".join(cells)


def recording(folder: Path, shape: str, size: int) -> Path:
    """A recording of so many events, in a folder of its own."""
    file = folder / f"{shape}-{size}" / "recording.jsonl"
    if not file.exists():
        file.parent.mkdir()
        subprocess.run([sys.executable, HERE / "scale_maker.py", shape, str(size), file], check=True)
    return file


def main() -> None:
    """Measure everything, and print each row as soon as it is known."""
    parser = argparse.ArgumentParser(description="Measure recordings of many events.")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=SHAPES)
    parser.add_argument("--only", nargs="+", choices=list(COMMANDS), default=list(COMMANDS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep the recordings here, and use those that are here")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = asked.folder or Path(place)
        for shape in asked.shapes:
            files = {size: recording(folder, shape, size) for size in (NOTHING, *asked.sizes)}
            sizes = " | ".join(f"{size:>9,} events   " for size in asked.sizes)
            print(f"\n| {shape:<24} | {sizes} |\n|{'-' * 26}|{(('-' * 20) + '|') * len(asked.sizes)}")
            for name in asked.only:
                print(f"| {name:<24} | {measured(name, folder, files, asked.rounds)} |", flush=True)


if __name__ == "__main__":
    main()
