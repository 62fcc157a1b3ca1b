"""Fuzzes every reader of hostile bytes for a while: `fuzz_decoders.py FAMILY --minutes 10`.

With atheris (`pip install atheris` in an environment of its own) it is guided by coverage, without it the bodies of the
corpus are mutated at random. What must hold is in tests/fuzz_targets.py. Exits with 1 where something did not; each
input is kept in `--found`, a file an exception, and told by its last line.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "cli"), str(ROOT / "tests")]

try:
    import atheris
except ImportError:
    atheris = None

FAMILIES = ("sse", "chat", "responses", "acf", "recording", "json_progress", "overhearing")

LONGEST = 16_384
"""Bytes of an input: longer ones find nothing that shorter ones do not, and cost more."""

SLOW = 2.0
"""Seconds of an input of that size: more is a hang in the making."""


def main() -> None:
    options = arguments()
    if atheris is None:
        import fuzz_targets
    else:
        with atheris.instrument_imports(include=["callscope"]):
            import fuzz_targets
    run = Run(fuzz_targets, options.family, options.found, 60 * options.minutes)
    for seed in fuzz_targets.seeds(options.family):
        run.one(seed)
    if atheris is None:
        by_chance(run, options.seed)
    else:
        guided(run, options)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("family", choices=FAMILIES)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--found", type=Path, default=Path("found"), help="where inputs go that broke something")
    return parser.parse_args()


class Run:
    """Inputs so far, and what they broke; an exception of the same place is told once."""

    def __init__(self, targets, family, found, seconds):
        self.targets, self.family, self.found = targets, family, found
        self.target = targets.TARGETS[family]
        self.seconds, self.begun = seconds, time.monotonic()
        self.inputs = self.bytes = 0
        self.slowest = 0.0
        self.broken: dict[str, bytes] = {}

    def one(self, data: bytes) -> None:
        began = time.process_time()
        try:
            self.target(data)
        except Exception as error:
            self.keep(place_of(error), data)
        spent = time.process_time() - began
        self.slowest = max(self.slowest, spent)
        if spent > SLOW:
            self.keep(f"slow: more than {SLOW:g} s", data)
        self.inputs += 1
        self.bytes += len(data)
        if self.over:
            self.end()

    @property
    def over(self) -> bool:
        return time.monotonic() - self.begun > self.seconds

    def keep(self, why: str, data: bytes) -> None:
        if why in self.broken and len(self.broken[why]) <= len(data):
            return
        if why not in self.broken:
            print(f"{self.family}: {why}", flush=True)
        self.broken[why] = data
        self.found.mkdir(parents=True, exist_ok=True)
        (self.found / f"{self.family}-{list(self.broken).index(why)}").write_bytes(data)

    def end(self) -> None:
        spent = time.monotonic() - self.begun
        how = "by coverage" if atheris else "by chance"
        print(
            f"{self.family}: {self.inputs:,} inputs {how} in {spent / 60:.1f} minutes, {self.bytes / 1e6:.1f} MB, "
            f"slowest {self.slowest:.2f} s, broken {len(self.broken)}",
            flush=True,
        )
        sys.stdout.flush()
        os._exit(1 if self.broken else 0)  # libFuzzer has no other way out


def place_of(error: Exception) -> str:
    """Where it happened and what, without the words that differ from input to input."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    words = str(error).partition("\n")[0] if isinstance(error, AssertionError) else ""
    return f"{type(error).__name__} in {Path(last.filename).name}:{last.name}:{last.lineno} {words}".rstrip()


def by_chance(run: Run, seed: int) -> None:
    chosen = random.Random(seed)
    seeds = run.targets.seeds(run.family)
    while True:
        run.one(run.targets.mutated(chosen.choice(seeds), run.family, chosen)[:LONGEST])


def guided(run: Run, options: argparse.Namespace) -> None:
    def mutator(data: bytes, limit: int, seed: int) -> bytes:
        chosen = random.Random(seed)
        if chosen.random() < 0.3:
            return atheris.Mutate(data, limit)
        return run.targets.mutated(data, run.family, chosen)[:limit]

    corpus = options.found / f"corpus-{options.family}"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(run.targets.seeds(options.family)):
        if len(seed) <= LONGEST:
            (corpus / f"seed-{number}").write_bytes(seed)
    flags = [
        f"-max_len={LONGEST}",
        "-timeout=60",
        "-rss_limit_mb=2048",
        f"-seed={options.seed}",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *flags, str(corpus)], run.one, custom_mutator=mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
